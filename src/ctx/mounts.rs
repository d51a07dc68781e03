use crate::abi::{Device, Errno, Filestat, Inode, Rights};
use crate::host::Dir;

/// By what the host tells one file from another, for as long as it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    dev: Device,
    ino: Inode,
}

impl FileId {
    /// That of a directory.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn of(dir: &Dir) -> Result<Self, Errno> {
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

/// The preopens below others with more rights, as mount points of a read-only file system are below a
/// root that can be written.
///
/// They are known by what they are and not by where they are, so no other name and no move of a
/// directory above them leads around them.
#[derive(Debug, Default)]
pub struct Mounts(Vec<(FileId, Rights)>);

impl Mounts {
    /// Adds a preopen with fewer rights than one that it lies below.
    pub fn add(&mut self, id: FileId, rights: Rights) {
        self.0.push((id, rights));
    }

    /// Whether there are none, so that nothing need be compared with them.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The most that may be done in a directory, and to what lies below; none where it is no mount point.
    pub fn rights(&self, id: FileId) -> Option<Rights> {
        (self.0.iter())
            .filter(|(mount, _)| *mount == id)
            .map(|(_, rights)| *rights)
            .reduce(Rights::intersection)
    }
}
