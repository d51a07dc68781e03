use std::fmt;
use std::sync::OnceLock;

use super::Blob;
use super::blob::Slice;
use crate::abi::{Errno, Filesize};
use crate::vfs::Result;

/// A member of a zip archive, which is inflated when somebody first opens it, and stays so.
pub(in crate::vfs) struct Deflated {
    packed: Slice,
    len: usize,
    crc: u32,
    /// None within: it is not what the archive says of it.
    inflated: OnceLock<Option<Vec<u8>>>,
}

impl fmt::Debug for Deflated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f.debug_struct("Deflated"))
            .field("packed", &self.packed)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Deflated {
    /// What a part of an archive holds deflated: so many bytes, with this checksum.
    pub fn new(packed: Slice, len: usize, crc: u32) -> Self {
        Self {
            packed,
            len,
            crc,
            inflated: OnceLock::new(),
        }
    }

    pub fn len(&self) -> Filesize {
        self.len as Filesize
    }

    /// The bytes.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: they are others than the archive says, or more, or fewer.
    pub fn bytes(&self) -> Result<&[u8]> {
        let inflated = self.inflated.get_or_init(|| {
            let packed = self.packed.as_bytes();
            // It grows as bytes come, so that what is only said to be there takes nothing.
            let bytes =
                miniz_oxide::inflate::decompress_to_vec_with_limit(packed, self.len).ok()?;
            let is_right = bytes.len() == self.len && rawzip::crc32(&bytes) == self.crc;
            is_right.then_some(bytes)
        });
        inflated.as_deref().ok_or(Errno::Io)
    }
}

impl From<Deflated> for Blob {
    fn from(deflated: Deflated) -> Self {
        Blob::Deflated(deflated.into())
    }
}
