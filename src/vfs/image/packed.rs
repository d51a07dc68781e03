use std::fmt;
use std::sync::OnceLock;

use super::Blob;
use super::blob::Slice;
use crate::abi::{Errno, Filesize};
use crate::vfs::Result;

/// A member of a zip archive. It is decompressed when it is first opened, and then kept.
pub(in crate::vfs) struct Packed {
    packed: Slice,
    method: Method,
    len: usize,
    crc: u32,
    /// `Some(None)` if it does not match what the archive says of it.
    unpacked: OnceLock<Option<Unpacked>>,
}

/// How a member is compressed.
#[derive(Clone, Copy, Debug)]
pub(in crate::vfs) enum Method {
    Stored,
    Deflated,
}

enum Unpacked {
    /// Not compressed: it is read from the archive.
    InPlace,
    Inflated(Vec<u8>),
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f.debug_struct("Packed"))
            .field("packed", &self.packed)
            .field("method", &self.method)
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Packed {
    /// A part of an archive that holds `len` bytes with this checksum, compressed by `method`.
    pub fn new(packed: Slice, method: Method, len: usize, crc: u32) -> Self {
        Self {
            packed,
            method,
            len,
            crc,
            unpacked: OnceLock::new(),
        }
    }

    pub fn len(&self) -> Filesize {
        self.len as Filesize
    }

    /// The content.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: its length or its checksum is not what the archive says.
    pub fn bytes(&self) -> Result<&[u8]> {
        let packed = self.packed.as_bytes();
        let unpacked = self.unpacked.get_or_init(|| {
            let unpacked = match self.method {
                Method::Stored => Unpacked::InPlace,
                // It grows as bytes are decompressed, so that a length which the archive only claims takes no
                // memory.
                Method::Deflated => Unpacked::Inflated(
                    miniz_oxide::inflate::decompress_to_vec_with_limit(packed, self.len).ok()?,
                ),
            };
            let bytes = unpacked.bytes(packed);
            let is_right = bytes.len() == self.len && rawzip::crc32(bytes) == self.crc;
            is_right.then_some(unpacked)
        });
        let unpacked = unpacked.as_ref().ok_or(Errno::Io)?;
        Ok(unpacked.bytes(packed))
    }
}

impl Unpacked {
    fn bytes<'b>(&'b self, packed: &'b [u8]) -> &'b [u8] {
        match self {
            Unpacked::InPlace => packed,
            Unpacked::Inflated(bytes) => bytes,
        }
    }
}

impl From<Packed> for Blob {
    fn from(packed: Packed) -> Self {
        Blob::Packed(packed.into())
    }
}
