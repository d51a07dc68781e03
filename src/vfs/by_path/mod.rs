//! A file system that is reached by paths, as `node:fs` and all that look like it are.
//!
//! What implements [`PathFs`] knows paths and open files, and need not be careful: some rename over
//! directories that are not empty, some follow links where they were told not to, some run for ever on a
//! loop of links. So what POSIX refuses is looked for here, before the call, and no path that is handed over
//! has a link, a `.` or a `..` in it: those are the walk's, above.
//!
//! A directory that is open here is a dentry: the names that lead to it from the root (`dcache.rs`). It goes
//! along when the guest renames a directory above it, and is gone when the guest removes it. What others do
//! to the names meanwhile is met when a path is next used, as a path is all that there is.

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

/// The number of an open file, as the file system has it: a whole number from 0 to [`MAX_SAFE`].
pub type Handle = u64;

/// The greatest whole number up to which a double holds each: no offset, no size and no number of an open
/// file is beyond.
pub const MAX_SAFE: u64 = (1 << 53) - 1;

/// The attributes of a file, as far as such a file system tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// The type. What is neither a file, a directory nor a link is listed and cannot be opened.
    pub filetype: Filetype,
    /// The inode number, where the file system has such numbers.
    pub ino: Option<Inode>,
    /// How many names it has.
    pub nlink: u64,
    /// In bytes.
    pub size: Filesize,
    /// When it was last read, in nanoseconds since 1970.
    pub atim: Timestamp,
    /// When it was last written.
    pub mtim: Timestamp,
    /// When its attributes last changed.
    pub ctim: Timestamp,
}

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// To be read.
    pub read: bool,
    /// To be written.
    pub write: bool,
    /// To come to be, there being none.
    pub create: bool,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A name, neither `.` nor `..`: see [`Name`](super::Name).
    pub name: Vec<u8>,
    /// The type, or [`Filetype::Unknown`].
    pub filetype: Filetype,
    /// The inode number, where it is known.
    pub ino: Option<Inode>,
}

/// A file system that is reached by paths.
///
/// Paths are absolute, and no component is empty, `.` or `..`. No operation need follow a link, nor
/// look whether it is right to be asked for: that a file which is to be created is not there yet, say.
///
/// Each may call back to where it was called from if the file system says so, and fails with [`Errno::Notsup`] where the file system
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
    /// `lstat(2)`; none where nothing is there.
    fn lstat(&self, path: &str) -> Result<Option<Attributes>>;
    /// `open(2)` of a regular file.
    fn open(&self, path: &str, access: Access) -> Result<Handle>;
    /// `close(2)`.
    fn close(&self, handle: Handle);
    /// `fstat(2)`.
    fn fstat(&self, handle: Handle) -> Result<Attributes>;
    /// The most bytes that one [`read`](Self::read) or [`write`](Self::write) moves.
    fn max_transfer(&self) -> usize;
    /// `preadv(2)`: some bytes, or 0 at the end. The offset is at most [`MAX_SAFE`].
    fn read(&self, handle: Handle, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize>;
    /// `pwritev(2)`: some bytes, not 0. The offset is at most [`MAX_SAFE`].
    fn write(&self, handle: Handle, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize>;
    /// `ftruncate(2)`, to at most [`MAX_SAFE`].
    fn set_size(&self, handle: Handle, size: Filesize) -> Result<()>;
    /// `futimens(2)`: both times.
    fn set_times(&self, handle: Handle, times: [Timestamp; 2]) -> Result<()>;
    /// `fsync(2)`; `fdatasync(2)` where `data_only`.
    fn sync(&self, handle: Handle, data_only: bool) -> Result<()>;
    /// `utimensat(2)` with `AT_SYMLINK_NOFOLLOW`: both times of what is of this type.
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

/// A file system that is reached by paths, with what is known of its directories.
#[derive(Debug)]
pub struct ByPath {
    fs: Box<dyn PathFs>,
    device: Device,
    dcache: Dcache,
    /// What is known of the inode numbers of files: one of the `Inos`.
    inos: AtomicU8,
}

/// What is known of the inode numbers of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Inos {
    /// Nothing yet.
    Unknown,
    /// That a file has the same by its name and when it is open.
    Same,
    /// That there are none, or that they change: each name has one from here.
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

    /// The attributes of a directory in the guest's words.
    fn dir_stat(&self, dentry: &Dentry, found: Attributes) -> Filestat {
        self.filestat(found, dentry.ino)
    }

    /// The attributes of what has a name in a directory.
    fn stat_of(&self, dir: &Arc<Dentry>, name: &str, found: Attributes) -> Filestat {
        if found.filetype == Filetype::Directory {
            return self.dir_stat(&self.dcache.child(dir, name), found);
        }
        let ino = self.ino_of(found.ino, || self.dcache.ino_of(dir, name));
        self.filestat(found, ino)
    }

    /// The inode number of a file: its own, or the one that is `given`.
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

    /// Finds out whether inode numbers are to be relied on: of a directory that is asked for them twice.
    fn check_inos(&self, path: &str, found: Attributes) {
        if self.inos.load(Relaxed) == Inos::Unknown as u8
            && let Ok(Some(again)) = self.fs.lstat(path)
            && again.ino != found.ino
        {
            self.note(Inos::Given);
        }
    }

    /// Finds out the same of a file that has been opened.
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
