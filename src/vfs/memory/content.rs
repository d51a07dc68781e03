//! The content of a file.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Deref;
use std::sync::Arc;

use super::volume::{Usage, Volume};
use crate::abi::{Errno, Filesize};
use crate::vfs::Result;
use crate::vfs::image::{
    Blob, CHUNK, Frozen, KeepOpen, Piece, pieces, place, put_from, read_up_to, start_of,
};

/// The maximum size of a file: 16 TiB, as on ext4.
pub(super) const MAX_SIZE: Filesize = 1 << 44;

/// The minimum length of a chunk other than the first, so that the bookkeeping is small beside it.
const MIN_CHUNK: usize = 4 << 10;

/// Bytes in chunks of [`CHUNK`]. A chunk that was never written does not exist: it is read from the content
/// below. One that was written may be short: the rest of it is zeros. Bytes of a chunk beyond the end of the
/// file are zeros.
#[derive(Debug, Default)]
pub(super) struct Content {
    len: Filesize,
    /// Most files have only this one. It is allocated by its length, so that a small file takes no more than
    /// its bytes. Of length 0, it does not exist.
    first: Chunk,
    /// The others, by their index.
    #[allow(
        clippy::box_collection,
        reason = "an empty map takes three words, of each of many small files"
    )]
    rest: Option<Box<BTreeMap<u32, Chunk>>>,
    /// The content below, and how many of its bytes still count: after a truncation, the rest must not come
    /// back.
    below: Option<Box<(Blob, Filesize)>>,
}

/// A chunk. Its length is counted against the limits.
#[derive(Debug)]
enum Chunk {
    Own(Box<[u8]>),
    /// Also part of an image: copied on write.
    Shared(Arc<Box<[u8]>>),
}

impl Default for Chunk {
    fn default() -> Self {
        Self::Own(Box::default())
    }
}

impl Deref for Chunk {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Chunk::Own(bytes) => bytes,
            Chunk::Shared(bytes) => bytes,
        }
    }
}

impl Chunk {
    fn make_mut(&mut self) -> &mut [u8] {
        match self {
            Chunk::Own(bytes) => bytes,
            Chunk::Shared(bytes) => &mut *Arc::make_mut(bytes),
        }
    }
}

/// The minimum length of a chunk.
fn least(index: u32) -> usize {
    if index == 0 { 0 } else { MIN_CHUNK }
}

impl Content {
    /// The content of a file of the lower layer. Nothing is copied.
    pub fn over(below: Blob) -> Self {
        let len = below.len();
        Self {
            len,
            below: Some(Box::new((below, len))),
            ..Self::default()
        }
    }

    /// Makes the content below readable: [`Blob::prepare`].
    pub fn prepare(&self) -> Result<KeepOpen> {
        match &self.below {
            Some(below) if below.1 > 0 => below.0.prepare(),
            _ => Ok(None),
        }
    }

    /// The length in bytes.
    pub fn len(&self) -> Filesize {
        self.len
    }

    /// The total length of the chunks in bytes.
    pub fn allocated(&self) -> usize {
        let rest = self.rest.iter().flat_map(|rest| rest.values());
        self.first.len() + rest.map(|chunk| chunk.len()).sum::<usize>()
    }

    /// The chunk with this index, if it exists.
    fn get(&self, index: u32) -> Option<&Chunk> {
        match index {
            0 => Some(&self.first).filter(|first| !first.is_empty()),
            _ => self.rest.as_ref()?.get(&index),
        }
    }

    fn get_mut(&mut self, index: u32) -> Option<&mut Chunk> {
        match index {
            0 => Some(&mut self.first),
            _ => self.rest.as_mut()?.get_mut(&index),
        }
    }

    /// Passes up to `count` bytes from `offset` on to `put`, piece by piece. Returns their number.
    ///
    /// # Errors
    ///
    /// The content below cannot be read.
    pub fn read(
        &self,
        offset: Filesize,
        count: usize,
        mut put: impl FnMut(&[u8]),
    ) -> Result<usize> {
        let left = self.len.saturating_sub(offset);
        let count = left.min(count as Filesize) as usize;
        for (index, range) in pieces(offset, count) {
            if let Some(chunk) = self.get(index) {
                put_from(chunk, range, &mut put);
            } else {
                let start = start_of(index) + range.start as Filesize;
                read_up_to(self.below.as_deref(), start, range.len(), &mut put)?;
            }
        }
        Ok(count)
    }

    /// Writes up to `count` bytes at `offset`: `fill` fills one piece after the other. Returns their number.
    ///
    /// # Errors
    ///
    /// [`Errno::Fbig`]: the offset is [`MAX_SIZE`] or more. [`Errno::Nospc`]: there is no room for any. The
    /// content below cannot be read.
    pub fn write(
        &mut self,
        volume: &Volume,
        offset: Filesize,
        count: usize,
        mut fill: impl FnMut(&mut [u8]),
    ) -> Result<usize> {
        if count == 0 {
            return Ok(0);
        }
        let room = (MAX_SIZE.checked_sub(offset))
            .filter(|room| *room > 0)
            .ok_or(Errno::Fbig)?;
        let count = room.min(count as Filesize) as usize;
        let mut written = 0;
        for (index, range) in pieces(offset, count) {
            match self.chunk(volume, index, range.end) {
                Ok(chunk) => fill(&mut chunk[range.clone()]),
                Err(errno) if written == 0 => return Err(errno),
                Err(_) => break,
            }
            written += range.len();
        }
        self.len = self.len.max(offset + written as Filesize);
        Ok(written)
    }

    /// `ftruncate(2)`. `len` is at most [`MAX_SIZE`].
    pub fn set_len(&mut self, volume: &Volume, len: Filesize) {
        if len < self.len {
            volume.give(Usage::of_bytes(self.cut(len)));
        }
        self.len = len;
    }

    /// Frees what is beyond `len`. Returns how many bytes of memory that was.
    fn cut(&mut self, len: Filesize) -> usize {
        if let Some(below) = &mut self.below {
            below.1 = below.1.min(len);
        }
        let mut freed = 0;
        let kept = len.div_ceil(CHUNK as Filesize);
        if let Some(rest) = &mut self.rest {
            while let Some(last) = rest.last_entry()
                && Filesize::from(*last.key()) >= kept
            {
                freed += last.remove().len();
            }
        }
        let (index, end) = place(len);
        freed + (self.get_mut(index)).map_or(0, |chunk| shorten(chunk, end))
    }

    /// The chunk with this index for writing, with a length of at least `end`. If it does not exist, it is
    /// copied from the content below.
    fn chunk(&mut self, volume: &Volume, index: u32, end: usize) -> Result<&mut [u8]> {
        if self.get(index).is_none() {
            let chunk = self.copy_up(volume, index, end)?;
            match index {
                0 => self.first = chunk,
                _ => drop(self.rest.get_or_insert_default().insert(index, chunk)),
            }
        }
        let chunk = self.get_mut(index).ok_or(Errno::Io)?;
        lengthen(volume, chunk, end, least(index))?;
        Ok(chunk.make_mut())
    }

    /// A copy of a chunk of the content below, which will be written up to `end`.
    fn copy_up(&self, volume: &Volume, index: u32, end: usize) -> Result<Chunk> {
        let mut chunk = Chunk::default();
        let start = start_of(index);
        let visible = self.below.as_ref().map_or(0, |below| below.1);
        let there = visible.saturating_sub(start).min(CHUNK as Filesize) as usize;
        lengthen(volume, &mut chunk, end.max(there), least(index))?;
        let mut to = &mut chunk.make_mut()[..there];
        let copied = read_up_to(self.below.as_deref(), start, there, &mut |piece| {
            let (now, rest) = mem::take(&mut to).split_at_mut(piece.len());
            now.copy_from_slice(piece);
            to = rest;
        });
        copied.inspect_err(|_| volume.give(Usage::of_bytes(chunk.len())))?;
        Ok(chunk)
    }

    /// The present content, shared copy-on-write. Nothing is copied now.
    pub fn share(&mut self) -> Blob {
        let rest = self.rest.iter_mut().flat_map(|rest| rest.iter_mut());
        let chunks = Some((0, &mut self.first))
            .filter(|(_, first)| !first.is_empty())
            .into_iter()
            .chain(rest.map(|(index, chunk)| (*index, chunk)));
        let mut pieces: BTreeMap<u32, Piece> = (chunks.map(|(index, chunk)| {
            let bytes = share(chunk);
            let len = bytes.len();
            (index, Piece { index, bytes, len })
        }))
        .collect();
        let below = match self.below.as_deref() {
            None => None,
            Some((blob, end)) if pieces.is_empty() && [self.len, *end] == [blob.len(); 2] => {
                return blob.clone();
            }
            // Frozen content below is merged in, so that contents never stack up.
            Some((Blob::Frozen(frozen), end)) => {
                for piece in &frozen.pieces {
                    let visible = end.saturating_sub(start_of(piece.index));
                    let len = visible.min(piece.len as Filesize) as usize;
                    let cut = || Piece {
                        len,
                        ..piece.clone()
                    };
                    pieces.entry(piece.index).or_insert_with(cut);
                }
                (frozen.below.as_ref()).map(|(blob, shown)| (blob.clone(), *shown.min(end)))
            }
            Some((blob, end)) => Some((blob.clone(), *end)),
        };
        Blob::Frozen(Arc::new(Frozen {
            len: self.len,
            pieces: pieces.into_values().collect(),
            below,
        }))
    }
}

/// Makes a chunk at least `end` bytes long. Its length is at least doubled, so that many small writes do not
/// copy it each time; if there is no room for that, it gets only what it needs.
fn lengthen(volume: &Volume, chunk: &mut Chunk, end: usize, least: usize) -> Result<()> {
    let old = chunk.len();
    if end <= old {
        return Ok(());
    }
    let ample = end.max(2 * old).max(least).min(CHUNK);
    let len = [ample, end]
        .into_iter()
        .find(|len| volume.take(Usage::of_bytes(len - old)).is_ok())
        .ok_or(Errno::Nospc)?;
    let grown = match chunk {
        Chunk::Own(bytes) => grow(bytes, len),
        Chunk::Shared(bytes) => copy(bytes, len).map(|bytes| *chunk = Chunk::Own(bytes)),
    };
    grown.inspect_err(|_| volume.give(Usage::of_bytes(len - old)))
}

/// Grows a chunk with zeros.
fn grow(chunk: &mut Box<[u8]>, len: usize) -> Result<()> {
    let mut bytes = mem::take(chunk).into_vec();
    let reserved = bytes.try_reserve_exact(len - bytes.len());
    if reserved.is_ok() {
        bytes.resize(len, 0);
    }
    *chunk = bytes.into_boxed_slice();
    reserved.map_err(|_| Errno::Nospc)
}

/// A copy, with zeros behind it up to `len`.
fn copy(from: &[u8], len: usize) -> Result<Box<[u8]>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Errno::Nospc)?;
    bytes.extend_from_slice(from);
    bytes.resize(len, 0);
    Ok(bytes.into_boxed_slice())
}

/// The bytes of a chunk, shared copy-on-write.
fn share(chunk: &mut Chunk) -> Arc<Box<[u8]>> {
    match chunk {
        Chunk::Shared(bytes) => Arc::clone(bytes),
        Chunk::Own(bytes) => {
            let bytes = Arc::new(mem::take(bytes));
            *chunk = Chunk::Shared(Arc::clone(&bytes));
            bytes
        }
    }
}

/// Cuts a chunk to `end` bytes. Returns how many that frees.
fn shorten(chunk: &mut Chunk, end: usize) -> usize {
    let freed = chunk.len().saturating_sub(end);
    if freed > 0 {
        let mut bytes = match chunk {
            Chunk::Own(bytes) => mem::take(bytes).into_vec(),
            Chunk::Shared(bytes) => bytes[..end].to_vec(),
        };
        bytes.truncate(end);
        *chunk = Chunk::Own(bytes.into_boxed_slice());
    }
    freed
}
