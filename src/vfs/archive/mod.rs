//! Archives, as images are made of them and file systems are written to them.
//!
//! An archive comes from anywhere. What is wrong with it is an error that names the member; then there is no
//! image at all. Nothing is allocated in proportion to a number that an archive states, save what the bytes
//! of it account for, or the caller's limits allow.
//!
//! - `members`: where members lie, whatever the archive says.
//! - `header`: the fields of a tar header.
//! - `pax`: the records of an extended header.
//! - `tar_reader`, `tar_writer`, `zip_reader`.

mod header;
mod members;
mod pax;
mod tar_reader;
mod tar_writer;
#[cfg(test)]
mod tests;
mod zip_reader;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use crate::vfs::MAX_PATH;

pub use tar_reader::read_tar;
pub use tar_writer::TarArchive;
pub use zip_reader::read_zip;

/// How much an archive may unpack to.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    /// Bytes in all files together, from 0. The default is 1 GiB.
    pub bytes: u64,
    /// Files, directories and links, from 0. The default is 2^20.
    pub files: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            bytes: 1 << 30,
            files: 1 << 20,
        }
    }
}

/// What is wrong with an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveError {
    /// The member that it is wrong with, if it is one. What of its name is not Unicode is replaced.
    pub member: Option<String>,
    /// What is wrong.
    pub problem: Cow<'static, str>,
}

impl ArchiveError {
    fn new(problem: impl Into<Cow<'static, str>>) -> Self {
        Self {
            member: None,
            problem: problem.into(),
        }
    }

    /// The same of a member, if it is of none yet. Of a name that is longer than any may be, the start will do.
    fn of(mut self, member: &[u8]) -> Self {
        let member = &member[..member.len().min(MAX_PATH)];
        self.member
            .get_or_insert_with(|| String::from_utf8_lossy(member).into_owned());
        self
    }
}

impl fmt::Display for ArchiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.member {
            Some(member) => write!(f, "{member:?} {}", self.problem),
            None => f.write_str(&self.problem),
        }
    }
}

impl Error for ArchiveError {}

/// What comes of an archive.
type Result<T> = std::result::Result<T, ArchiveError>;

/// What is wrong with an archive, or with a member that is known to the caller.
fn wrong<T>(problem: impl Into<Cow<'static, str>>) -> Result<T> {
    Err(ArchiveError::new(problem))
}
