//! What a guest's directories and files are made of, whichever file system they are in.
//!
//! A file system is an implementation of [`Directory`], and of what is opened in it. It sees handles and
//! single names: paths, symbolic links, `..` and absolute targets are resolved above it, in
//! [`ctx`](crate::ctx), rights and limits are checked there, and no file system knows of them. The host's is
//! called directly, without a table of functions, as it is what most guests have ([`Dir::Host`]).
//!
//! All operations fail with a WASI errno. Each names the system call that it does as; where its list of
//! errnos ends with "what … says", the manual page of that call goes on.

mod dir;
mod read_dir;

pub use dir::{Dir, DirRef, Directory, Opened};
pub use read_dir::{DirStream, ReadDir};

pub use crate::host::{DirEntry, Name, NameBuf, OpenHow, SetTime, Step};

use crate::abi::Errno;

/// What an operation of a file system comes to.
pub type Result<T> = std::result::Result<T, Errno>;
