//! A file system in memory, which behaves as Linux's tmpfs does.
//!
//! - `tree`: the operations on names, under one lock for the whole tree. A name stands for a directory or a
//!   node.
//! - `dirs`: the directories, in one table.
//! - `names`: the entries of one directory; `runs`: which entries of the lower layer have been removed.
//! - `node`: a regular file or a symbolic link, which lives for as long as it has a name or is open.
//! - `content`: the bytes of a file, in chunks of which only those exist that were written.
//! - `volume`: what all of these share: the device number, the limits and the usage.
//! - `directory`, `file`, `list`: the contracts of `vfs` over them.
//!
//! # The lower layer
//!
//! Each file system is made over a lower layer, as with overlayfs: an image, which may be empty, or a directory
//! of the host (`below`). Only what differs from it is stored here: for a directory, the entries that were
//! added and removed; for a file, a node once it is opened (`opened`), and in that the chunks that were
//! written. Directories and files of the lower layer are identified by their numbers there, also after a
//! rename; their inode numbers are made of them. The limits count only chunks and names that are stored here.
//!
//! `changes`, `layer` and `snapshot` report the result; each goes through all names (`walk`). They lock the
//! tree for that time, which the limits bound, and operations on names wait.
//!
//! # Locks
//!
//! There is one lock for the tree, and one for the content and times of each file. A thread that has the tree
//! locked never waits for a file, so that operations on names are not held up by the copying of bytes; and one
//! that has a file locked never waits for the tree. Under both there is only work in memory, and over a
//! directory of the host also system calls: to list a directory when a call first reads it, and to read what is
//! copied.
//!
//! # Differences from tmpfs
//!
//! There are no permission bits, devices or FIFOs. `atim` changes only when it is set, as with `noatime`.
//! `fd_allocate` grows a file and reserves nothing.

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

/// A file system in memory. A clone is the same file system; it exists for as long as a clone does or something
/// in it is open.
#[derive(Clone, Debug)]
pub struct MemoryFs(Arc<Fs>);

impl MemoryFs {
    /// An empty file system, with a device number that is unique in this process.
    pub fn new(limits: MemoryFsLimits) -> Self {
        Self::make(Below::Image(Arc::new(Image::empty(now()))), limits)
    }

    /// A file system that begins with the files of an image. Nothing is copied before it is changed, and the
    /// limits count only what was added.
    pub fn over(image: Arc<Image>, limits: MemoryFsLimits) -> Self {
        Self::make(Below::Image(image), limits)
    }

    /// A file system that begins with the files of a directory of the host, likewise. Each directory in it is
    /// listed once, when a call first reads it; later changes by others are not seen, except in the contents of
    /// files. Devices, FIFOs and sockets are left out.
    ///
    /// # Errors
    ///
    /// Those of `fstat(2)`.
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

    /// Its root directory, whose `..` is itself.
    pub fn root(&self) -> Arc<dyn Directory> {
        Arc::new(self.root_dir())
    }

    fn root_dir(&self) -> MemoryDir {
        MemoryDir::open(&self.0, &self.0.read(), Dirs::ROOT)
    }

    /// How much of its limits is used. A removed file counts until it is closed.
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

/// The present time, for the times of files.
fn now() -> Timestamp {
    host::clock_time(Clockid::Realtime)
}
