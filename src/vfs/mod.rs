//! What a guest's directories, files and streams are made of, whichever file system they are in.
//!
//! A file system is an implementation of [`Directory`] and of what is opened in it, [`File`]. What has no
//! offsets is a [`Stream`]. The offset of an open file description is kept once for all of them
//! ([`OpenFile`]).
//!
//! A file system sees handles and single names. Paths, symbolic links, `..` and absolute targets are resolved
//! above it, in [`ctx`](crate::ctx); rights and limits are checked there. The host's file system is called
//! directly, without a table of functions, as it is what most guests have ([`Dir::Host`],
//! [`FileHandle::Host`], [`StreamHandle::Host`]); any other costs a virtual call.
//!
//! All operations fail with a WASI errno. Each names the system call that it does as; where its list of
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

/// What an operation of a file system comes to.
pub type Result<T> = std::result::Result<T, Errno>;

/// The most bytes that a path may have, be it the target of a symbolic link: Linux's `PATH_MAX` without the NUL.
pub const MAX_PATH: usize = 4095;

/// Refuses what no symbolic link has as its target.
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

/// A device number for a new file system, that no other of the process has. Those of hosts are smaller.
pub fn new_device() -> Device {
    static NEXT: AtomicU64 = AtomicU64::new(1 << 40);
    NEXT.fetch_add(1, Relaxed)
}
