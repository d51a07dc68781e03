//! Images: read-only trees of files, which threads and file systems share without copying.
//!
//! - `blob`: the content of a file.
//! - `packed`: that of a member of a zip archive.
//! - `host_tree`: a directory of the host, with the interface of an image.
//! - `build`: how an image is made; only a complete one is ever visible.
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
    /// Its parent directory, or one of them if it has several names; for the root, the root.
    pub parent: NodeId,
    /// The number of hard links.
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

/// The entries of a directory, without `.` and `..`, in the order of the bytes of their names.
#[derive(Debug)]
pub(in crate::vfs) struct Entries {
    list: Vec<(Box<[u8]>, NodeId)>,
    subdirs: u32,
}

/// The attributes of a file in an image or in a directory of the host.
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

    /// An image with an empty root.
    pub(in crate::vfs) fn empty(mtim: Timestamp) -> Self {
        Builder::new(mtim).finish()
    }

    pub(in crate::vfs) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// The number of files, directories and symbolic links, without the root.
    pub fn files(&self) -> u64 {
        self.nodes.len() as u64 - 1
    }

    /// The size of all files together in bytes; one with several names counts once.
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

    /// The image with this handle, if it still exists.
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

    /// No entries.
    pub const EMPTY: &'static Self = &Self {
        list: Vec::new(),
        subdirs: 0,
    };

    /// These entries, which are sorted by name; `subdirs` of them are directories.
    pub fn new(list: Vec<(Box<[u8]>, NodeId)>, subdirs: u32) -> Self {
        debug_assert!(list.is_sorted_by(|(one, _), (next, _)| one < next));
        Self { list, subdirs }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// The index of a name, and its file.
    pub fn find(&self, name: &[u8]) -> Option<(usize, NodeId)> {
        let place = (self.list).binary_search_by(|(other, _)| (**other).cmp(name));
        place.ok().map(|index| (index, self.list[index].1))
    }

    /// The name at an index, and its file.
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
