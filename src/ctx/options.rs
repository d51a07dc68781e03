//! The options of a guest, and why one cannot be made of them.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(doc)]
use super::WasiCtx;
use super::{Grant, Limits, Stdio, StringArray, View};
use crate::abi::{Errno, Rights};
use crate::vfs::{Directory, NameBuf};

/// The options of a [`WasiCtx`].
#[derive(Clone, Debug)]
pub struct Options {
    /// The guest's arguments, the name of the program first.
    pub args: StringArray,
    /// The guest's environment, each `NAME=value`.
    pub env: StringArray,
    /// The preopens, in the order of their descriptors from 3.
    pub preopens: Vec<Preopen>,
    /// The standard streams 0, 1 and 2.
    pub stdio: [Stdio; 3],
    /// Its limits.
    pub limits: Limits,
    /// Its capabilities.
    pub grant: Grant,
}

/// A preopen.
#[derive(Clone, Debug)]
pub struct Preopen {
    /// Its name for the guest.
    pub mapped_path: String,
    /// The directory.
    pub source: PreopenSource,
    /// The rights of it, and of all that is opened through it.
    pub rights: Rights,
}

/// Where the directory of a [`Preopen`] comes from.
#[derive(Clone, Debug)]
pub enum PreopenSource {
    /// A path of the host. A relative one is resolved in the working directory.
    Path(PathBuf),
    /// An open directory of another file system. It is also mounted at its name in preopens above it.
    ///
    /// It is identified by the device and inode number that [`Directory::stat`] returns, so no two file systems
    /// of a guest, the host's among them, may have the same device number. It is kept open for as long as the
    /// guest exists, also after its command has exited.
    Directory(Arc<dyn Directory>),
    /// What is at a path in the view's directory; it may be a file. `.`, `..` and symbolic links are resolved
    /// below that directory, as if it were `/`.
    Within(Arc<View>, String),
    /// The devices that programs expect: `null`, `zero`, `random`, `urandom`, and the guest's own `stdin`,
    /// `stdout` and `stderr`. Nothing in it can be created, removed or renamed. Only in [`Options`].
    Devices,
    /// A file in an open directory of another file system. It has no descriptor, as only directories are
    /// preopens: it is mounted in the preopen above it, which is created if there is none.
    File(Arc<dyn Directory>, NameBuf),
}

impl From<PathBuf> for PreopenSource {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

/// Why a [`WasiCtx`] cannot be made of its [`Options`].
#[derive(Debug)]
pub struct InitError {
    /// The error of the host.
    pub errno: Errno,
    /// What it is about.
    pub given: Given,
}

/// One of the options that can fail.
#[derive(Debug)]
pub enum Given {
    /// One of [`Options::stdio`].
    Stdio(Stdio),
    /// One of [`Options::preopens`].
    Preopen(Preopen),
}
