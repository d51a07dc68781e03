//! The path calls, in words that a guest's calls and Linux's have in common.

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
    /// With whether a link is followed, as where else a call has a flag.
    FilestatGet(String, bool),
    FilestatSetTimes(String, bool),
    Open(String, bool, Oflags, Mode),
    Link(String, bool, String),
    Rename(String, String),
    /// The target, and the path of the link.
    Symlink(String, String),
}

impl Call {
    /// Whether it changes something where it succeeds.
    pub fn changes(&self) -> bool {
        match self {
            Call::Readlink(_) | Call::FilestatGet(..) => false,
            Call::Open(_, _, oflags, _) => oflags.intersects(Oflags::CREAT | Oflags::TRUNC),
            _ => true,
        }
    }

    /// The paths that lead somewhere, and not the target of a link.
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

/// What a call found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    Target(Vec<u8>),
    Node {
        filetype: Filetype,
        /// Names and bytes, which a directory has in no number that two file systems agree on.
        size: Option<(u64, u64)>,
        /// What it was opened to read.
        text: Option<Vec<u8>>,
    },
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub result: Result<Found, Errno>,
    /// What all files were after it, if it changed some.
    pub tree: Option<u64>,
}
