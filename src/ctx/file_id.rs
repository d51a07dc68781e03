use crate::abi::{Device, Errno, Filestat, Inode};
use crate::vfs::DirRef;

/// The identity of a file for as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileId {
    /// The device number of its file system.
    pub dev: Device,
    /// The inode number.
    pub ino: Inode,
}

impl FileId {
    /// The identity of a directory.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn of(dir: DirRef<'_>) -> Result<Self, Errno> {
        Ok(Self::from(&dir.stat()?))
    }
}

impl From<&Filestat> for FileId {
    fn from(stat: &Filestat) -> Self {
        Self {
            dev: stat.dev,
            ino: stat.ino,
        }
    }
}
