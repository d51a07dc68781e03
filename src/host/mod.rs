//! The host: files, directories, streams, sockets, clocks, randomness and waiting, in POSIX words.
//!
//! Everything that differs between operating systems is below `sys/`, one folder a family, with the
//! same names on every side; `cfg` on an operating system appears nowhere else in the crate.
//!
//! Operations on names in a directory take a [`Name`], which cannot leave that directory, and never
//! follow a symbolic link. Those that take a path, [`Dir::open_beneath`], [`Dir::open_parent`] and
//! [`Dir::stat_beneath`], keep it below the directory, and say so where the system cannot do that in one
//! call: [`Step::Walk`]. One leads
//! up, [`Dir::open_dotdot`]; a caller compares what it gets with what it came through. No path is
//! resolved against the host's root or the working directory, save by [`Dir::open_ambient`] and
//! [`stat_ambient`], for what the embedder names.
//!
//! Errors are [`std::io::Error`]; [`errno`] turns them into the guest's. An operation fails as the
//! system call that it names does; only what it adds to that is listed with it.

#![allow(
    clippy::missing_errors_doc,
    reason = "the manual page of the call that an operation names lists them"
)]

pub mod errno;
mod interrupt;
mod interruptible_mutex;
mod name;
pub mod random;
mod readdir;
mod suspension;

#[cfg(unix)]
#[path = "sys/unix/mod.rs"]
mod sys;
#[cfg(windows)]
#[path = "sys/windows/mod.rs"]
mod sys;

pub use interrupt::{Bell, Interrupt, Wait};
pub use interruptible_mutex::{InterruptibleGuard, InterruptibleMutex};
pub use name::{Name, NameBuf};
pub use readdir::{Block, DirEntry, Listing, Position, ReadDir, Room};
pub use std::io::SeekFrom;
pub use suspension::{Awaited, Suspension};
pub use sys::{
    Dir, File, OtherEnd, clock_res, clock_time, is_first_thread, listen_at_path, listen_tcp,
    max_descriptors, may_be_same, pipe, sched_yield, stat_ambient,
};
pub use sys::{ThreadClock, ignore_file_size_signal, take_mappings};

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::abi::{Fdflags, Oflags, Timestamp};

/// The flags that ask for writes to reach the disk before a call returns. The host takes them when it
/// opens, and keeps them.
pub const SYNCHRONOUS: Fdflags = Fdflags::DSYNC.union(Fdflags::RSYNC).union(Fdflags::SYNC);

/// Who may read, write and execute a file or search a directory: the bits 0777 of its mode. Those by which
/// a program runs as another (`S_ISUID`, `S_ISGID`) are none of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// All for the owner, and nothing for others.
    pub const OWNER: Self = Self(0o700);

    /// Those of a mode.
    pub fn of_mode(mode: u32) -> Self {
        Self(mode & 0o777)
    }

    /// The bits.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// These, and all for the owner.
    pub fn with_owner(self) -> Self {
        Self(self.0 | Self::OWNER.0)
    }
}

/// How a file is open: [`File::flags`].
#[derive(Clone, Copy, Debug)]
pub struct StreamFlags {
    /// What the host does of itself.
    pub fdflags: Fdflags,
    /// Whether it can be read.
    pub read: bool,
    /// Whether it can be written.
    pub write: bool,
}

/// The address of a socket of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAddress {
    /// Of the Internet.
    Ip(SocketAddr),
    /// Of this machine: its path, if it has one.
    Path(Option<PathBuf>),
}

/// What comes of a path that the host is to resolve in one call, beneath a directory.
#[derive(Debug)]
pub enum Step<T> {
    /// It stays beneath the directory.
    Done(T),
    /// It leads out, or does so for all that the host can tell in one call: it is for the caller to walk.
    Walk,
}

impl<T> Step<T> {
    /// The same of another value.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Step::Done(value) => Step::Done(map(value)),
            Step::Walk => Step::Walk,
        }
    }
}

/// What is done where a path that the host is to resolve goes through a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// The host follows it.
    Follow,
    /// [`Step::Walk`]: it is for the caller to follow it.
    Walk,
}

/// How [`Dir::open_beneath`] opens.
#[derive(Clone, Copy, Debug)]
pub struct OpenHow {
    /// For reading. What is opened neither for reading nor for writing is opened for reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// Creation, truncation, directories only.
    pub oflags: Oflags,
    /// Appending, synchronous and non-blocking I/O.
    pub fdflags: Fdflags,
    /// Whether a symbolic link as the last component is followed; otherwise it is an error.
    pub follow: bool,
}

/// What to do with one of a file's timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetTime {
    /// Leave it.
    Omit,
    /// Set it to the present.
    Now,
    /// Set it to this many nanoseconds after 1970.
    At(Timestamp),
}

/// A direction of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Something to read, or the end.
    Read,
    /// Room to write.
    Write,
}

/// A `struct pollfd`: what [`Interrupt::poll`] waits for, and what came of it.
#[derive(Debug)]
pub struct PollEntry<'a> {
    /// The open file.
    pub file: &'a File,
    /// The `events` to wait for.
    pub direction: Direction,
    /// How ready it is, or `EBADF`; `None` as long as it is not ready.
    pub revents: Option<io::Result<Readiness>>,
}

/// How ready something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Bytes that can be read at once, where the host tells; else 0.
    pub nbytes: u64,
    /// The other end is gone.
    pub hangup: bool,
}
