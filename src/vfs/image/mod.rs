//! Read-only trees, which threads and file systems share without copying.
//!
//! - `blob`: the bytes of a file of an image, wherever they are.
//! - `packed`: those of a member of a zip archive.
//! - `host_tree`: a directory of the host, which is no image, in the same words.
//! - `build`: how an image comes to be, name by name; only a whole one is ever seen.
//! - `registry`: images by their handles, for other threads.

mod blob;
mod build;
mod host_tree;
mod packed;
mod registry;

use std::fmt;
use std::sync::{Arc, OnceLock};

pub(in crate::vfs) use blob::{
    Blob, CHUNK, Frozen, KeepOpen, Piece, Slice, pieces, place, put_from, read_up_to, start_of,
};
pub(in crate::vfs) use build::{Builder, NAME_MAX};
pub(in crate::vfs) use host_tree::{HostFile, HostNode, HostTree};
pub(in crate::vfs) use packed::{Method, Packed};

use crate::abi::{Errno, Filesize, Filetype, Timestamp};

/// The number of a file in an image. The root is [`Image::ROOT`].
pub(in crate::vfs) type NodeId = u32;

/// A read-only tree of files.
pub struct Image {
    /// By their numbers.
    nodes: Box<[Node]>,
    bytes: Filesize,
    handle: OnceLock<u64>,
}

/// A file of an image.
#[derive(Debug)]
pub(in crate::vfs) struct Node {
    /// The directory that it lies in, or one of them; of the root, itself.
    pub parent: NodeId,
    /// How many names it has.
    pub links: u32,
    pub mtim: Timestamp,
    pub kind: Kind,
}

#[derive(Debug)]
pub(in crate::vfs) enum Kind {
    File(Blob),
    Dir(Entries),
    /// A symbolic link, with its target.
    Link(Box<[u8]>),
}

/// The names in a directory of an image, without `.` and `..`, in the order of their bytes.
#[derive(Debug)]
pub(in crate::vfs) struct Entries {
    list: Vec<(Box<[u8]>, NodeId)>,
    subdirs: u32,
}

/// What is told of a file below.
#[derive(Clone, Copy, Debug)]
pub(in crate::vfs) struct Attributes {
    pub filetype: Filetype,
    pub links: u64,
    pub size: Filesize,
    pub mtim: Timestamp,
}

impl Image {
    /// The number of the root.
    pub(in crate::vfs) const ROOT: NodeId = 0;

    /// The image that has nothing in it.
    pub(in crate::vfs) fn empty(mtim: Timestamp) -> Self {
        Builder::new(mtim).finish()
    }

    pub(in crate::vfs) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// How many files, directories and symbolic links there are, the root not counted.
    pub fn files(&self) -> u64 {
        self.nodes.len() as u64 - 1
    }

    /// How many bytes the files have together; one with several names counts once.
    pub fn bytes(&self) -> Filesize {
        self.bytes
    }

    /// The number by which [`Image::open`] finds this image, in any thread. It cannot be guessed.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: the operating system has no random bytes.
    pub fn handle(self: &Arc<Self>) -> Result<u64, Errno> {
        registry::handle(self)
    }

    /// The image with this handle, while it is held.
    pub fn open(handle: u64) -> Option<Arc<Self>> {
        registry::open(handle)
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f.debug_struct("Image"))
            .field("files", &self.files())
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Node {
    pub fn filetype(&self) -> Filetype {
        match &self.kind {
            Kind::File(_) => Filetype::RegularFile,
            Kind::Dir(_) => Filetype::Directory,
            Kind::Link(_) => Filetype::SymbolicLink,
        }
    }

    pub fn attributes(&self) -> Attributes {
        let (links, size) = match &self.kind {
            Kind::File(blob) => (self.links.into(), blob.len()),
            Kind::Link(target) => (self.links.into(), target.len() as Filesize),
            Kind::Dir(entries) => (entries.links(), entries.size()),
        };
        Attributes {
            filetype: self.filetype(),
            links,
            size,
            mtim: self.mtim,
        }
    }
}

impl Entries {
    /// What tmpfs counts in a directory's size for each of its names, and for `.` and `..`.
    pub const SIZE_OF_NAME: Filesize = 20;

    /// Those of a directory with nothing in it.
    pub const EMPTY: &'static Self = &Self {
        list: Vec::new(),
        subdirs: 0,
    };

    /// These, which are in the order of their names.
    pub fn new(list: Vec<(Box<[u8]>, NodeId)>, subdirs: u32) -> Self {
        debug_assert!(list.is_sorted_by(|(one, _), (next, _)| one < next));
        Self { list, subdirs }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The place of a name in the order, and the file.
    pub fn find(&self, name: &[u8]) -> Option<(usize, NodeId)> {
        let place = (self.list).binary_search_by(|(other, _)| (**other).cmp(name));
        place.ok().map(|index| (index, self.list[index].1))
    }

    /// The name at a place.
    pub fn get(&self, index: usize) -> Option<(&[u8], NodeId)> {
        (self.list.get(index)).map(|(name, node)| (&**name, *node))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&[u8], NodeId)> {
        self.list.iter().map(|(name, node)| (&**name, *node))
    }

    /// `st_nlink` of the directory.
    pub fn links(&self) -> u64 {
        2 + u64::from(self.subdirs)
    }

    /// `st_size` of the directory.
    pub fn size(&self) -> Filesize {
        (2 + self.len() as Filesize) * Self::SIZE_OF_NAME
    }
}
