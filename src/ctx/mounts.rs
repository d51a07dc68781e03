use super::FileId;
use crate::abi::Rights;

/// The preopens below others with more rights, as mount points of a read-only file system are below a
/// root that can be written.
///
/// They are known by what they are and not by where they are, so no other name and no move of a
/// directory above them leads around them.
#[derive(Clone, Debug, Default)]
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
