//! Preopens of a command that is over.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::FileId;
use crate::abi::Errno;
use crate::host;
use crate::vfs::{Dir, DirRef};

/// A directory that is not open: where it was, and which it was.
///
/// A command is over when its `_start` is. Most hosts drop it then, and its descriptors are not to wait
/// until it is collected; but some call another export, which finds the same directory.
#[derive(Debug)]
pub struct Parked {
    path: PathBuf,
    id: FileId,
    again: OnceLock<Dir>,
}

impl Parked {
    /// The directory with this identity, which `path` leads to.
    pub fn new(path: &Path, id: FileId) -> Self {
        Self {
            path: path.to_owned(),
            id,
            again: OnceLock::new(),
        }
    }

    /// The same directory, not open whether or not this one is.
    #[must_use]
    pub fn once_more(&self) -> Self {
        Self::new(&self.path, self.id)
    }

    /// The directory, opened if it is not.
    ///
    /// # Errors
    ///
    /// [`Errno::Stale`]: the path leads to another directory. What `open(2)` says.
    pub fn dir(&self) -> Result<DirRef<'_>, Errno> {
        if let Some(dir) = self.again.get() {
            return Ok(dir.as_ref());
        }
        let dir = Dir::Host(host::Dir::open_ambient(&self.path)?);
        if FileId::of(dir.as_ref())? != self.id {
            return Err(Errno::Stale);
        }
        Ok(self.again.get_or_init(|| dir).as_ref())
    }
}
