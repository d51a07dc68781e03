//! Contents of files that are not changed here: of archives, images and the host.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::{HostFile, Packed};
use crate::abi::Filesize;
use crate::host;
use crate::vfs::Result;

/// The size of a chunk in bytes: files are copied and shared by chunks.
pub(in crate::vfs) const CHUNK: usize = 64 << 10;

/// The content of a file, read-only. A clone shares it.
#[derive(Clone, Debug)]
pub(in crate::vfs) enum Blob {
    /// A part of an archive.
    Slice(Slice),
    /// A member of a zip archive.
    Packed(Arc<Packed>),
    /// The content of a file in memory at one time.
    Frozen(Arc<Frozen>),
    /// A file of the host, which others may change.
    Host(HostFile),
}

/// Keeps a file of the host open while its content is read; `None` for other contents.
pub(in crate::vfs) type KeepOpen = Option<Arc<host::File>>;

/// A part of an archive.
#[derive(Clone)]
pub(in crate::vfs) struct Slice {
    archive: Arc<Vec<u8>>,
    range: Range<usize>,
}

/// The content of a file in memory at one time, by chunks.
#[derive(Debug)]
pub(in crate::vfs) struct Frozen {
    pub len: Filesize,
    /// Sorted by index. Chunks that are not here are read from `below`.
    pub pieces: Box<[Piece]>,
    /// The content that the file was made over, and how many of its bytes still count. It is never
    /// [`Blob::Frozen`] itself.
    pub below: Option<(Blob, Filesize)>,
}

/// A chunk of a file.
#[derive(Clone, Debug)]
pub(in crate::vfs) struct Piece {
    /// Its number.
    pub index: u32,
    pub bytes: Arc<Box<[u8]>>,
    /// How many of its bytes count; the rest of the chunk is zeros.
    pub len: usize,
}

impl Piece {
    fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len.min(self.bytes.len())]
    }
}

impl Frozen {
    /// The chunk with this index, if there is one.
    pub fn piece(&self, index: u32) -> Option<&Piece> {
        let place = self
            .pieces
            .binary_search_by_key(&index, |piece| piece.index);
        place.ok().map(|place| &self.pieces[place])
    }
}

impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Slice").field(&self.range).finish()
    }
}

impl Slice {
    /// A part of an archive; `None` if the archive is shorter.
    pub fn new(archive: &Arc<Vec<u8>>, range: Range<usize>) -> Option<Self> {
        archive.get(range.clone())?;
        Some(Self {
            archive: Arc::clone(archive),
            range,
        })
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.archive[self.range.clone()]
    }
}

impl From<Slice> for Blob {
    fn from(slice: Slice) -> Self {
        Self::Slice(slice)
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        let range = 0..bytes.len();
        let archive = Arc::new(bytes);
        Self::Slice(Slice { archive, range })
    }
}

impl Blob {
    /// The length in bytes.
    pub fn len(&self) -> Filesize {
        match self {
            Blob::Slice(slice) => slice.range.len() as Filesize,
            Blob::Packed(packed) => packed.len(),
            Blob::Frozen(frozen) => frozen.len,
            Blob::Host(file) => file.len(),
        }
    }

    /// Makes the content readable, for as long as the result is held: unpacks it, or opens the file.
    ///
    /// # Errors
    ///
    /// It cannot be unpacked or opened.
    pub fn prepare(&self) -> Result<KeepOpen> {
        match self {
            Blob::Slice(_) => Ok(None),
            Blob::Packed(packed) => packed.bytes().map(|_| None),
            Blob::Host(file) => file.open().map(Some),
            Blob::Frozen(frozen) => match &frozen.below {
                Some((below, _)) => below.prepare(),
                None => Ok(None),
            },
        }
    }

    /// The same content, which nobody can change: that of a file of the host is copied.
    ///
    /// # Errors
    ///
    /// It cannot be read. [`Errno::Nospc`](crate::abi::Errno::Nospc): there is not enough memory.
    pub fn freeze(self) -> Result<Self> {
        match self {
            Blob::Host(file) => file.copy().map(Blob::from),
            Blob::Frozen(frozen) => match &frozen.below {
                Some((Blob::Host(file), end)) => Ok(Blob::Frozen(Arc::new(Frozen {
                    len: frozen.len,
                    pieces: frozen.pieces.clone(),
                    below: Some((file.copy()?.into(), *end)),
                }))),
                _ => Ok(Blob::Frozen(frozen)),
            },
            fixed @ (Blob::Slice(_) | Blob::Packed(_)) => Ok(fixed),
        }
    }

    /// `lseek(2)` with `SEEK_DATA`: the first offset, from `offset` on, that is not in a hole.
    pub fn next_data(&self, offset: Filesize) -> Option<Filesize> {
        let Blob::Frozen(frozen) = self else {
            return Some(offset).filter(|offset| *offset < self.len());
        };
        let below = (frozen.below.as_ref()).filter(|(_, end)| offset < *end);
        let (index, _) = place(offset);
        let next = frozen.pieces.partition_point(|piece| piece.index < index);
        let piece = frozen
            .pieces
            .get(next)
            .map(|piece| start_of(piece.index).max(offset));
        let next = below.map(|_| offset).or(piece);
        next.filter(|next| *next < frozen.len)
    }

    /// Passes `count` bytes from `offset` on to `put`, piece by piece; beyond the end, zeros.
    pub fn read(&self, offset: Filesize, count: usize, put: &mut dyn FnMut(&[u8])) -> Result<()> {
        let left = self.len().saturating_sub(offset);
        let there = left.min(count as Filesize) as usize;
        match self {
            Blob::Slice(slice) => put_part(slice.as_bytes(), offset, there, put),
            Blob::Packed(packed) => put_part(packed.bytes()?, offset, there, put),
            Blob::Frozen(frozen) => frozen.read(offset, there, put)?,
            Blob::Host(file) => file.read(offset, there, put)?,
        }
        put_zeros(count - there, put);
        Ok(())
    }
}

impl Frozen {
    fn read(&self, offset: Filesize, count: usize, put: &mut dyn FnMut(&[u8])) -> Result<()> {
        for (index, range) in pieces(offset, count) {
            if let Some(piece) = self.piece(index) {
                put_from(piece.as_bytes(), range, put);
            } else {
                let start = start_of(index) + range.start as Filesize;
                read_up_to(self.below.as_ref(), start, range.len(), put)?;
            }
        }
        Ok(())
    }
}

/// Passes `count` bytes from `offset` on of the content below to `put`; beyond what counts of it, zeros.
pub(in crate::vfs) fn read_up_to(
    below: Option<&(Blob, Filesize)>,
    offset: Filesize,
    count: usize,
    put: &mut dyn FnMut(&[u8]),
) -> Result<()> {
    let end = below.map_or(0, |(_, end)| *end);
    let there = end.saturating_sub(offset).min(count as Filesize) as usize;
    if let Some((blob, _)) = below
        && there > 0
    {
        blob.read(offset, there, put)?;
    }
    put_zeros(count - there, put);
    Ok(())
}

/// Passes a range of a chunk to `put`; beyond its end, zeros.
pub(in crate::vfs) fn put_from(chunk: &[u8], range: Range<usize>, put: &mut dyn FnMut(&[u8])) {
    let split = chunk.len().clamp(range.start, range.end);
    put(chunk.get(range.start..split).unwrap_or_default());
    put_zeros(range.end - split, put);
}

/// Passes `count` bytes from `offset` on to `put`. The caller has checked that they exist.
fn put_part(bytes: &[u8], offset: Filesize, count: usize, put: &mut dyn FnMut(&[u8])) {
    if count > 0 {
        // As `count` bytes exist at the offset, it fits a `usize`.
        let start = offset as usize;
        put(&bytes[start..start + count]);
    }
}

fn put_zeros(mut count: usize, put: &mut dyn FnMut(&[u8])) {
    static ZEROS: [u8; 4 << 10] = [0; 4 << 10];
    while count > 0 {
        let len = count.min(ZEROS.len());
        put(&ZEROS[..len]);
        count -= len;
    }
}

/// The offset at which a chunk starts.
pub(in crate::vfs) fn start_of(index: u32) -> Filesize {
    Filesize::from(index) * CHUNK as Filesize
}

/// The index of the chunk that a byte is in, and its offset in the chunk.
pub(in crate::vfs) fn place(offset: Filesize) -> (u32, usize) {
    let chunk = CHUNK as Filesize;
    ((offset / chunk) as u32, (offset % chunk) as usize)
}

/// The ranges of chunks that hold `count` bytes from `offset` on.
pub(in crate::vfs) fn pieces(
    offset: Filesize,
    count: usize,
) -> impl Iterator<Item = (u32, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let (index, start) = place(offset + done as Filesize);
        let len = (count - done).min(CHUNK - start);
        done += len;
        (len > 0).then_some((index, start..start + len))
    })
}
