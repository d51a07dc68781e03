//! What a guest is made of, and why there is none of it.

use std::path::PathBuf;
use std::sync::Arc;

#[cfg(doc)]
use super::WasiCtx;
use super::{Grant, Limits, Stdio, StringArray, View};
use crate::abi::{Errno, Rights};
use crate::vfs::{Directory, NameBuf};

/// What a [`WasiCtx`] is made of.
#[derive(Clone, Debug)]
pub struct Options {
    /// The guest's arguments, its own name first.
    pub args: StringArray,
    /// The guest's environment, each `NAME=value`.
    pub env: StringArray,
    /// The directories that the guest has from the start, in the order of their descriptors from 3.
    pub preopens: Vec<Preopen>,
    /// What the guest has as 0, 1 and 2.
    pub stdio: [Stdio; 3],
    /// How much the guest may ask for.
    pub limits: Limits,
    /// What the guest may do.
    pub grant: Grant,
}

/// A directory that a guest has from the start.
#[derive(Clone, Debug)]
pub struct Preopen {
    /// Its name for the guest.
    pub mapped_path: String,
    /// Which directory it is.
    pub source: PreopenSource,
    /// What may be done in it, and to all that is opened through it.
    pub rights: Rights,
}

/// Where the directory of a [`Preopen`] is from.
#[derive(Clone, Debug)]
pub enum PreopenSource {
    /// The host, which opens this path; a relative one begins at the working directory.
    Path(PathBuf),
    /// Another file system, as this open directory. Paths that lead to its name from preopens above it lead
    /// there.
    ///
    /// It is told from all others by the device and inode number that [`Directory::stat`] gives, so no two
    /// file systems of a guest, the host's among them, may use the same device number. It is held for as
    /// long as the guest has it, be its command over or not.
    Directory(Arc<dyn Directory>),
    /// The same, but of what is at a path in that directory, which may be a file: `.` and `..` and symbolic
    /// links are resolved below it, as if it were `/`.
    Within(Arc<View>, String),
    /// In [`Options`] alone, the devices that programs count on: `null`, `zero`, `random`, `urandom`, and the guest's own `stdin`,
    /// `stdout` and `stderr`. Nothing in it can be created, removed or renamed.
    Devices,
    /// One file in an open directory of another file system. It has no descriptor, as only directories are
    /// preopens: paths lead there from the preopen above it, which is made where there is none.
    File(Arc<dyn Directory>, NameBuf),
}

impl From<PathBuf> for PreopenSource {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

/// Why there is no [`WasiCtx`] of its [`Options`].
#[derive(Debug)]
pub struct InitError {
    /// What the host said.
    pub errno: Errno,
    /// What it said that of.
    pub given: Given,
}

/// One thing that a guest has from the start, as it was given.
#[derive(Debug)]
pub enum Given {
    /// One of [`Options::stdio`].
    Stdio(Stdio),
    /// One of [`Options::preopens`].
    Preopen(Preopen),
}
