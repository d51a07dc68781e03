//! The host: files, directories, streams, sockets, clocks, random bytes and waiting, in the terms of POSIX.
//!
//! Everything that differs between operating systems is in `sys/`, one folder for each family, with the same
//! names in all; no other file of the crate has a `cfg` on an operating system.
//!
//! Operations on names in a directory take a [`Name`], which cannot leave that directory, and never follow a
//! symbolic link. Those that take a path, [`Dir::open_beneath`], [`Dir::open_parent`] and
//! [`Dir::stat_beneath`], keep it below the directory, or return [`Step::Walk`] if the system cannot do that in
//! one call. [`Dir::open_dotdot`] leads up; its caller compares the result with the directory that it came
//! through. No path is resolved against the host's root or the working directory, except by
//! [`Dir::open_ambient`] and [`stat_ambient`], for paths of the embedder.
//!
//! Errors are [`std::io::Error`]; [`errno`] converts them to those of the guest. An operation fails as the
//! system call that it names; only errors beyond that are listed.

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
mod stop_event;
mod suspension;

#[cfg(unix)]
#[path = "sys/unix/mod.rs"]
mod sys;
#[cfg(windows)]
#[path = "sys/windows/mod.rs"]
mod sys;

pub use interrupt::{Interrupt, Wait};
pub use interruptible_mutex::{InterruptibleGuard, InterruptibleMutex};
pub use name::{Name, NameBuf};
pub use readdir::{Block, DirEntry, Listing, Position, ReadDir, Room};
pub use std::io::SeekFrom;
pub use stop_event::StopEvent;
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

/// The flags for synchronized writes and reads. The host takes them only when it opens a file.
pub const SYNCHRONOUS: Fdflags = Fdflags::DSYNC.union(Fdflags::RSYNC).union(Fdflags::SYNC);

/// Permissions of a file or directory: the bits 0777 of its mode, without `S_ISUID` and `S_ISGID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// Everything for the owner, nothing for others.
    pub const OWNER: Self = Self(0o700);

    /// Those of a mode.
    pub fn of_mode(mode: u32) -> Self {
        Self(mode & 0o777)
    }

    /// The bits.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// The same, with everything for the owner.
    pub fn with_owner(self) -> Self {
        Self(self.0 | Self::OWNER.0)
    }
}

/// The flags and the access mode of an open file: [`File::flags`].
#[derive(Clone, Copy, Debug)]
pub struct StreamFlags {
    /// The flags that the host keeps.
    pub fdflags: Fdflags,
    /// Whether it is open for reading.
    pub read: bool,
    /// Whether it is open for writing.
    pub write: bool,
}

/// The address of a socket of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SocketAddress {
    /// An Internet address.
    Ip(SocketAddr),
    /// A path on this machine, if it has one.
    Path(Option<PathBuf>),
}

/// The result of resolving a path beneath a directory in one call.
#[derive(Debug)]
pub enum Step<T> {
    /// It stays beneath the directory.
    Done(T),
    /// It leads out, or the host cannot tell in one call: the caller must walk it.
    Walk,
}

impl<T> Step<T> {
    /// Applies `f` to the result.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Step::Done(value) => Step::Done(map(value)),
            Step::Walk => Step::Walk,
        }
    }
}

/// What the host does with symbolic links in a path that it resolves in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// It follows them.
    Follow,
    /// It returns [`Step::Walk`]: the caller must follow them.
    Walk,
}

/// How [`Dir::open_beneath`] opens.
#[derive(Clone, Copy, Debug)]
pub struct OpenHow {
    /// For reading. What is opened neither for reading nor for writing is opened for reading.
    pub read: bool,
    /// For writing.
    pub write: bool,
    /// `O_CREAT`, `O_DIRECTORY`, `O_EXCL`, `O_TRUNC`.
    pub oflags: Oflags,
    /// `O_APPEND`, `O_NONBLOCK`, and the flags for synchronized I/O.
    pub fdflags: Fdflags,
    /// Whether a symbolic link as the last component is followed; otherwise it is an error.
    pub follow: bool,
}

/// What to do with one of a file's timestamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetTime {
    /// Leave it.
    Omit,
    /// Set it to the present time.
    Now,
    /// Set it to this number of nanoseconds since 1970.
    At(Timestamp),
}

/// A direction of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Reading: there is data, or the end.
    Read,
    /// Writing: there is room.
    Write,
}

/// A `struct pollfd`: an open file for [`Interrupt::poll`], and the result.
#[derive(Debug)]
pub struct PollEntry<'a> {
    /// The open file.
    pub file: &'a File,
    /// The `events` to wait for.
    pub direction: Direction,
    /// The state of the file, or `EBADF`; `None` if it is not ready.
    pub revents: Option<io::Result<Readiness>>,
}

/// The state of a file that is ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// The number of bytes that can be read at once, if the host tells it, otherwise 0.
    pub nbytes: u64,
    /// The other end is closed.
    pub hangup: bool,
}
