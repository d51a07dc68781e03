use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::abi::{Device, Errno, Inode};
use crate::vfs::image::NodeId;
use crate::vfs::{self, Result};

/// How much a file system in memory may hold. An operation that needs more fails with [`Errno::Nospc`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryFsLimits {
    /// Bytes of memory, from 0: the contents as far as they were written, the names, and a fixed amount for
    /// each name, file and directory. The default is 256 MiB.
    pub bytes: u64,
    /// Files, directories and symbolic links, from 0; the root is not counted. The default is 65,536.
    pub files: u64,
}

impl Default for MemoryFsLimits {
    fn default() -> Self {
        Self {
            bytes: 256 << 20,
            files: 65_536,
        }
    }
}

/// How much a file system in memory holds, in the units of [`MemoryFsLimits`]. Both are 0 when it is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes of memory.
    pub bytes: u64,
    /// Files, directories and symbolic links.
    pub files: u64,
}

/// What all files of one file system share. Usage is taken before memory is allocated, and given back after it
/// is freed.
#[derive(Debug)]
pub(super) struct Volume {
    /// The device number.
    pub dev: Device,
    limits: MemoryFsLimits,
    bytes: AtomicU64,
    files: AtomicU64,
    /// The greatest inode number of the lower layer.
    below: Inode,
    last_ino: AtomicU64,
}

impl Volume {
    /// A volume whose new files have inode numbers above `below`, the greatest of the lower layer.
    pub fn new(limits: MemoryFsLimits, below: Inode) -> Self {
        Self {
            dev: vfs::new_device(),
            limits,
            bytes: AtomicU64::new(0),
            files: AtomicU64::new(0),
            below,
            last_ino: AtomicU64::new(below),
        }
    }

    /// The inode number of a file of the lower layer.
    pub fn ino_below(id: NodeId) -> Inode {
        Inode::from(id) + 1
    }

    /// The file of the lower layer with this inode number; `None` if it was created here.
    pub fn id_below(&self, ino: Inode) -> Option<NodeId> {
        (ino <= self.below).then(|| (ino - 1) as NodeId)
    }

    /// An inode number that has never been used in this file system.
    pub fn new_ino(&self) -> Inode {
        self.last_ino.fetch_add(1, Relaxed) + 1
    }

    pub fn usage(&self) -> Usage {
        Usage {
            bytes: self.bytes.load(Relaxed),
            files: self.files.load(Relaxed),
        }
    }

    /// Takes usage, all of it or nothing.
    ///
    /// # Errors
    ///
    /// [`Errno::Nospc`]: it is more than is left.
    pub fn take(&self, more: Usage) -> Result<()> {
        let add = |used: &AtomicU64, more: u64, limit: u64| {
            let sum = |used: u64| used.checked_add(more).filter(|sum| *sum <= limit);
            used.fetch_update(Relaxed, Relaxed, sum)
                .map_err(|_| Errno::Nospc)
        };
        add(&self.bytes, more.bytes, self.limits.bytes)?;
        add(&self.files, more.files, self.limits.files).inspect_err(|_| {
            self.bytes.fetch_sub(more.bytes, Relaxed);
        })?;
        Ok(())
    }

    /// Gives back usage.
    pub fn give(&self, less: Usage) {
        self.bytes.fetch_sub(less.bytes, Relaxed);
        self.files.fetch_sub(less.files, Relaxed);
    }
}

impl Usage {
    /// The usage of so many bytes.
    pub(super) fn of_bytes(bytes: usize) -> Self {
        Self {
            bytes: bytes as u64,
            files: 0,
        }
    }

    /// The usage of one file or directory with a fixed cost in bytes.
    pub(super) fn of_file(bytes: usize) -> Self {
        Self {
            bytes: bytes as u64,
            files: 1,
        }
    }
}
