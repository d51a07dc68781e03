//! Archives: images are made of them, and file systems are written to them.
//!
//! An archive may come from anybody. If something is wrong with it, the error names the member, and there is no
//! image at all. A size that an archive claims is never enough to allocate memory: the archive has as many
//! bytes, or the caller's limits allow them.
//!
//! - `members`: puts members into an image, and refuses paths that are not safe.
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

/// The maximum that an archive may unpack to.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveLimits {
    /// The size of all files together in bytes, from 0. The default is 1 GiB.
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

/// Why an archive is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveError {
    /// The member that is the reason, if it is one. What is not Unicode in its name is replaced.
    pub member: Option<String>,
    /// The reason, as the predicate of a sentence.
    pub problem: Cow<'static, str>,
}

impl ArchiveError {
    fn new(problem: impl Into<Cow<'static, str>>) -> Self {
        Self {
            member: None,
            problem: problem.into(),
        }
    }

    /// The same error with its member, unless it has one. A name that is too long is cut.
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

/// The result of an operation on an archive.
type Result<T> = std::result::Result<T, ArchiveError>;

/// An error about the archive, or about a member that the caller adds to it.
fn wrong<T>(problem: impl Into<Cow<'static, str>>) -> Result<T> {
    Err(ArchiveError::new(problem))
}
