//! The path calls, in terms that a guest's calls and Linux's have in common.

use wasi_rs::abi::{Errno, Filetype, Oflags};

/// How a file is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Read,
    Write,
    ReadWrite,
}

/// A call, with the paths that it takes.
#[derive(Clone, Debug)]
pub enum Call {
    CreateDirectory(String),
    RemoveDirectory(String),
    UnlinkFile(String),
    Readlink(String),
    /// With whether a symbolic link is followed. So in the other calls with that flag.
    FilestatGet(String, bool),
    FilestatSetTimes(String, bool),
    Open(String, bool, Oflags, Mode),
    Link(String, bool, String),
    Rename(String, String),
    /// The target, and the path of the link.
    Symlink(String, String),
}

impl Call {
    /// Whether it changes files if it succeeds.
    pub fn changes(&self) -> bool {
        match self {
            Call::Readlink(_) | Call::FilestatGet(..) => false,
            Call::Open(_, _, oflags, _) => oflags.intersects(Oflags::CREAT | Oflags::TRUNC),
            _ => true,
        }
    }

    /// The paths that are resolved, so not the target of a link.
    pub fn paths(&self) -> Vec<&str> {
        match self {
            Call::CreateDirectory(path)
            | Call::RemoveDirectory(path)
            | Call::UnlinkFile(path)
            | Call::Readlink(path)
            | Call::FilestatGet(path, _)
            | Call::FilestatSetTimes(path, _)
            | Call::Open(path, ..)
            | Call::Symlink(_, path) => vec![path],
            Call::Link(old, _, new) | Call::Rename(old, new) => vec![old, new],
        }
    }
}

/// The result of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Target(Vec<u8>),
    Node {
        filetype: Filetype,
        /// The number of links and the size. Not of a directory, as they differ between file systems.
        size: Option<(u64, u64)>,
        /// The text, if it was opened for reading.
        text: Option<Vec<u8>>,
    },
}

/// The answer to a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub result: Result<Found, Errno>,
    /// The fingerprint of all files after it, if it has changed some.
    pub tree: Option<u64>,
}
