//! The contracts of directories, files and streams, for every file system that a guest can have.
//!
//! A file system implements [`Directory`], and [`File`] for what is opened in it. Pipes, terminals and the like
//! have no offsets: they are a [`Stream`]. The offset of an open file description is kept once for all file
//! systems ([`OpenFile`]).
//!
//! A file system sees handles and single names. Paths, symbolic links, `..` and absolute targets are resolved
//! above it, in [`ctx`](crate::ctx), which also checks rights and limits. Calls to the host's file system are
//! dispatched statically, as most guests have no other ([`Dir::Host`], [`FileHandle::Host`],
//! [`StreamHandle::Host`]); any other costs a virtual call.
//!
//! All operations fail with a WASI errno, and name the system call whose semantics they have. Where a list of
//! errnos ends with "what … says", the manual page of that call has the others.
//! errnos ends with "what … says", the manual page of that call goes on.

mod apply;
pub mod archive;
mod buffer;
pub mod by_path;
mod dir;
mod file;
pub mod image;
pub mod memory;
mod open_file;
mod pipe;
mod read_dir;
mod stream;
#[cfg(test)]
mod tests;

pub use apply::ApplyError;
pub use buffer::{Input, Null, Output, pipe_stat};
pub use dir::{Dir, DirRef, Directory, Opened};
pub(crate) use file::check_range;
pub use file::{File, FileHandle};
pub use open_file::OpenFile;
pub use pipe::PipeEnd;
use read_dir::names_in;
pub use read_dir::{DirStream, ReadDir};
pub use stream::{Poll, Stream, StreamHandle};

pub use crate::host::{DirEntry, Interrupt, Links, Name, NameBuf, OpenHow, SetTime, Step, Wait};

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::abi::{Device, Errno};

/// The result of an operation of a file system.
pub type Result<T> = std::result::Result<T, Errno>;

/// The maximum length of a path or of the target of a symbolic link, in bytes: Linux's `PATH_MAX` without the
/// NUL.
pub const MAX_PATH: usize = 4095;

/// Refuses a target that no symbolic link can have.
///
/// # Errors
///
/// [`Errno::Noent`]: it is empty. [`Errno::Nametoolong`]: it has more than [`MAX_PATH`] bytes.
pub fn check_target(target: &[u8]) -> Result<()> {
    match target.len() {
        0 => Err(Errno::Noent),
        1..=MAX_PATH => Ok(()),
        _ => Err(Errno::Nametoolong),
    }
}

/// A device number for a new file system, unique in this process. Those of the host are smaller.
pub fn new_device() -> Device {
    static NEXT: AtomicU64 = AtomicU64::new(1 << 40);
    NEXT.fetch_add(1, Relaxed)
}
