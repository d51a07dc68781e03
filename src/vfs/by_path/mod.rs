//! File systems that are used by paths, as `node:fs` and its likes are.
//!
//! A [`PathFs`] knows paths and open files, and need not be strict: some rename over directories that are not
//! empty, some follow symbolic links where they should not, some loop for ever on links that form a loop. So
//! what POSIX refuses is checked here before the call; and the paths that a [`PathFs`] gets have no symbolic
//! link, `.` or `..` in them, as [`ctx`](crate::ctx) has resolved these before.
//!
//! An open directory is a dentry: the names that lead to it from the root (`dcache.rs`). When the guest renames
//! a directory above it, its path changes; when the guest removes it, it is gone. What others rename or remove
//! is not tracked: the next call uses the old path.

mod dcache;
mod directory;
mod file;
mod list;

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use self::dcache::{Dcache, Dentry};
use self::directory::PathDir;
use super::{Directory, Result, new_device};
#[allow(unused_imports, reason = "the docs name it")]
use crate::abi::Errno;
use crate::abi::{Device, Filesize, Filestat, Filetype, Inode, Timestamp};
use crate::memory::Iovecs;

/// The number of an open file in its file system: an integer from 0 to [`MAX_SAFE`].
pub type Handle = u64;

/// `Number.MAX_SAFE_INTEGER`: offsets, sizes and the numbers of open files are at most this.
pub const MAX_SAFE: u64 = (1 << 53) - 1;

/// The attributes of a file, as far as such a file system has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The type. What is neither a file, a directory nor a symbolic link is listed, and cannot be opened.
    pub filetype: Filetype,
    /// The inode number, if the file system has any.
    pub ino: Option<Inode>,
    /// The number of hard links.
    pub nlink: u64,
    /// The size in bytes.
    pub size: Filesize,
    /// The time of the last access, in nanoseconds since 1970.
    pub atim: Timestamp,
    /// The time of the last modification, likewise.
    pub mtim: Timestamp,
    /// The time of the last change of the attributes, likewise.
    pub ctim: Timestamp,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// For reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// Whether to create it, as it does not exist.
    pub create: bool,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A name, neither `.` nor `..`: see [`Name`](super::Name).
    pub name: Vec<u8>,
    /// The type, or [`Filetype::Unknown`].
    pub filetype: Filetype,
    /// The inode number, if it is known.
    pub ino: Option<Inode>,
}

/// A file system that is used by paths.
///
/// Paths are absolute, and no component is empty, `.` or `..`. The caller has made the checks of POSIX: that a
/// file to be created does not exist, for example.
///
/// An operation that the file system lacks fails with [`Errno::Notsup`], and so does every operation in a
/// thread that it does not belong to. An operation may call the guest that uses the file system, if
/// [`calls_back`](Self::calls_back) says so.
/// has no such operation, and in a thread that it cannot be used in.
#[allow(
    clippy::missing_errors_doc,
    reason = "what the calls of their names say"
)]
pub trait PathFs: Debug + Send + Sync + 'static {
    /// As [`File::calls_back`](super::File::calls_back).
    fn calls_back(&self) -> bool {
        false
    }
    /// `lstat(2)`; `None` if nothing is there.
    fn lstat(&self, path: &str) -> Result<Option<Attributes>>;
    /// `open(2)` of a regular file.
    fn open(&self, path: &str, access: Access) -> Result<Handle>;
    /// `close(2)`.
    fn close(&self, handle: Handle);
    /// `fstat(2)`.
    fn fstat(&self, handle: Handle) -> Result<Attributes>;
    /// The maximum number of bytes that one [`read`](Self::read) or [`write`](Self::write) transfers.
    fn max_transfer(&self) -> usize;
    /// `preadv(2)`: at least one byte, or 0 at the end. The offset is at most [`MAX_SAFE`].
    fn read(&self, handle: Handle, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize>;
    /// `pwritev(2)`: at least one byte. The offset is at most [`MAX_SAFE`].
    fn write(&self, handle: Handle, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize>;
    /// `ftruncate(2)`, to at most [`MAX_SAFE`].
    fn set_size(&self, handle: Handle, size: Filesize) -> Result<()>;
    /// `futimens(2)`: both times.
    fn set_times(&self, handle: Handle, times: [Timestamp; 2]) -> Result<()>;
    /// `fsync(2)`; `fdatasync(2)` where `data_only`.
    fn sync(&self, handle: Handle, data_only: bool) -> Result<()>;
    /// `utimensat(2)` with `AT_SYMLINK_NOFOLLOW`: both times of a file of this type.
    fn set_times_at(&self, path: &str, filetype: Filetype, times: [Timestamp; 2]) -> Result<()>;
    /// `mkdir(2)`.
    fn create_dir(&self, path: &str) -> Result<()>;
    /// `rmdir(2)` of an empty directory.
    fn remove_dir(&self, path: &str) -> Result<()>;
    /// `unlink(2)`.
    fn unlink(&self, path: &str) -> Result<()>;
    /// `rename(2)`.
    fn rename(&self, old: &str, new: &str) -> Result<()>;
    /// `link(2)`.
    fn link(&self, old: &str, new: &str) -> Result<()>;
    /// `symlink(2)`.
    fn symlink(&self, target: &str, path: &str) -> Result<()>;
    /// `readlink(2)`.
    fn read_link(&self, path: &str) -> Result<Vec<u8>>;
    /// `readdir(3)`, without `.` and `..`.
    fn list(&self, path: &str) -> Result<Vec<Entry>>;
}

/// A [`PathFs`] with its known directories.
#[derive(Debug)]
pub struct ByPath {
    fs: Box<dyn PathFs>,
    device: Device,
    dcache: Dcache,
    /// An [`Inos`].
    inos: AtomicU8,
}

/// Whether the file system has inode numbers for files that can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Inos {
    /// Not known yet.
    Unknown,
    /// It has: a file has the same number by its name and when it is open.
    Same,
    /// It has none, or they change: each name is given one.
    Given,
}

impl ByPath {
    /// A file system.
    pub fn new(fs: impl PathFs) -> Arc<Self> {
        Arc::new(Self {
            fs: Box::new(fs),
            device: new_device(),
            dcache: Dcache::default(),
            inos: AtomicU8::new(Inos::Unknown as u8),
        })
    }

    /// The root.
    pub fn root(self: &Arc<Self>) -> Arc<dyn Directory> {
        Arc::new(PathDir::new(Arc::clone(self), self.dcache.root()))
    }

    /// The attributes of a directory, for the guest.
    fn dir_stat(&self, dentry: &Dentry, found: Attributes) -> Filestat {
        self.filestat(found, dentry.ino)
    }

    /// The attributes of what has this name in a directory, for the guest.
    fn stat_of(&self, dir: &Arc<Dentry>, name: &str, found: Attributes) -> Filestat {
        if found.filetype == Filetype::Directory {
            return self.dir_stat(&self.dcache.child(dir, name), found);
        }
        let ino = self.ino_of(found.ino, || self.dcache.ino_of(dir, name));
        self.filestat(found, ino)
    }

    /// The inode number of a file: that of the file system, or if it cannot be relied on the one that is
    /// `given`.
    fn ino_of(&self, own: Option<Inode>, given: impl FnOnce() -> Inode) -> Inode {
        match own {
            Some(own) if !self.gives_inos() => own,
            Some(_) => given(),
            None => {
                self.note(Inos::Given);
                given()
            }
        }
    }

    fn gives_inos(&self) -> bool {
        self.inos.load(Relaxed) == Inos::Given as u8
    }

    fn note(&self, inos: Inos) {
        self.inos.store(inos as u8, Relaxed);
    }

    /// Finds out whether inode numbers can be relied on, by asking for those of a path twice.
    fn check_inos(&self, path: &str, found: Attributes) {
        if self.inos.load(Relaxed) == Inos::Unknown as u8
            && let Ok(Some(again)) = self.fs.lstat(path)
            && again.ino != found.ino
        {
            self.note(Inos::Given);
        }
    }

    /// Finds out the same with a file that has just been opened.
    fn check_inos_of_open(&self, path: &str, handle: Handle) {
        if self.inos.load(Relaxed) == Inos::Unknown as u8
            && let (Ok(Some(by_name)), Ok(open)) = (self.fs.lstat(path), self.fs.fstat(handle))
        {
            let same = by_name.ino.is_some() && by_name.ino == open.ino;
            self.note(if same { Inos::Same } else { Inos::Given });
        }
    }

    fn filestat(&self, found: Attributes, ino: Inode) -> Filestat {
        Filestat {
            dev: self.device,
            ino,
            filetype: found.filetype,
            nlink: found.nlink,
            size: found.size,
            atim: found.atim,
            mtim: found.mtim,
            ctim: found.ctim,
        }
    }
}
