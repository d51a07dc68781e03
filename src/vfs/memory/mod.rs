//! A file system in memory, which behaves as Linux's tmpfs does.
//!
//! - `tree`: what is done to names, under one lock for all of them. What a name stands for is a directory or
//!   a node.
//! - `dirs`: the directories, in one table.
//! - `names`: the entries of one directory; `runs`: which of those below are not there any more.
//! - `node`: a regular file or a symbolic link, which lives for as long as it has a name or is open.
//! - `content`: bytes, in chunks of which only those that were written exist.
//! - `volume`: what all of these share: the device number, the limits and what is used of them.
//! - `directory`, `file`, `list`: the contracts of `vfs` over them.
//!
//! # What lies below
//!
//! Each file system is made over an image, be it one with nothing in it (`below`). A directory, a file or a
//! link of that has here what differs: a directory the entries that it has besides and which it has not any
//! more, a file its node, when it is first opened (`opened`), and in that the chunks that were written.
//! All that is known by its number in the image, which its inode number tells; so what is moved stays what
//! it was. The limits count none of that but chunks and names.
//!
//! `changes`, `layer` and `snapshot` tell what has come of it, each going through all names (`walk`). They hold
//! the names for as long as that takes, which the limits bound: who changes one meanwhile waits.
//!
//! # Locks
//!
//! There is one lock for all names, and one for the bytes and times of each file. No thread waits for a
//! file while it holds the names, so that names are never held up by the copying of bytes; and none waits
//! for the names while it holds a file. Under both there is nothing but work in memory; and, over a directory
//! of the host, what it takes to list one below when a call first reads it, and to read what is copied.
//!
//! # What differs from tmpfs
//!
//! There are no permission bits, devices or FIFOs. `atim` is only ever set, as with `noatime`. `fd_allocate`
//! makes a file longer and reserves nothing.

mod below;
mod build;
mod changes;
mod content;
mod directory;
mod dirs;
mod file;
mod layer;
mod list;
mod names;
mod node;
mod opened;
mod runs;
mod snapshot;
#[cfg(test)]
mod tests;
mod tree;
mod volume;
mod walk;

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use build::BuildError;
pub use changes::{Change, What};
pub use layer::Layer;
pub(in crate::vfs) use layer::{Item, ItemContent};
pub use volume::{MemoryFsLimits, Usage};

use self::below::Below;
use self::directory::MemoryDir;
use self::dirs::Dirs;
use self::tree::Tree;
use self::volume::Volume;
use super::image::{HostTree, Image};
use super::{self as vfs, Directory};
use crate::abi::{Clockid, Timestamp};
use crate::host;

/// A file system in memory. Clones are the same one; it lives for as long as one of them or something in it
/// is open.
#[derive(Clone, Debug)]
pub struct MemoryFs(Arc<Fs>);

impl MemoryFs {
    /// An empty file system, with a device number that no other one of this process has.
    pub fn new(limits: MemoryFsLimits) -> Self {
        Self::make(Below::Image(Arc::new(Image::empty(now()))), limits)
    }

    /// One that begins with all that is in an image, of which nothing is copied before it is changed. The
    /// limits count what is not the image's.
    pub fn over(image: Arc<Image>, limits: MemoryFsLimits) -> Self {
        Self::make(Below::Image(image), limits)
    }

    /// One that begins with all that is in a directory of the host, likewise. What is in a directory of that is
    /// listed once, when a call first reads it; what others change there later is not seen, save in the bytes of
    /// files. Devices, FIFOs and sockets are left out.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn over_host(dir: host::Dir, limits: MemoryFsLimits) -> vfs::Result<Self> {
        let tree = HostTree::new(dir)?;
        Ok(Self::make(Below::Host(Arc::new(tree)), limits))
    }

    fn make(below: Below, limits: MemoryFsLimits) -> Self {
        let volume = Arc::new(Volume::new(limits, below.last_ino()));
        let tree = Tree::new(Arc::clone(&volume), below);
        Self(Arc::new(Fs {
            tree: RwLock::new(tree),
            volume,
        }))
    }

    /// Its root, whose `..` is itself.
    pub fn root(&self) -> Arc<dyn Directory> {
        Arc::new(self.root_dir())
    }

    fn root_dir(&self) -> MemoryDir {
        MemoryDir::open(&self.0, &self.0.read(), Dirs::ROOT)
    }

    /// How much of its limits is used. What was removed counts until it is closed.
    pub fn usage(&self) -> Usage {
        self.0.volume.usage()
    }
}

/// What the open directories of a file system share.
struct Fs {
    volume: Arc<Volume>,
    tree: RwLock<Tree>,
}

impl fmt::Debug for Fs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f.debug_struct("Fs").field("volume", &self.volume)).finish_non_exhaustive()
    }
}

impl Fs {
    fn read(&self) -> RwLockReadGuard<'_, Tree> {
        self.tree.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tree> {
        self.tree.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The present, as files keep it.
fn now() -> Timestamp {
    host::clock_time(Clockid::Realtime)
}
