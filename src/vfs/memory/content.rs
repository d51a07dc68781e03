//! The bytes of a file.

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

/// The most bytes that a file may have: 16 TiB, as on ext4.
pub(super) const MAX_SIZE: Filesize = 1 << 44;

/// What a chunk that is not the first has at least, so that what it costs to keep it is little beside.
const MIN_CHUNK: usize = 4 << 10;

/// Bytes in chunks of [`CHUNK`]. A chunk that was never written does not exist: in its place are the bytes
/// below. One that was may be shorter: what is missing is zeros. So are the bytes of a chunk that are behind
/// the end of the file.
#[derive(Debug, Default)]
pub(super) struct Content {
    len: Filesize,
    /// All that most files have. It has a length of its own, so that a small file takes no more than its
    /// bytes; of none, it does not exist.
    first: Chunk,
    /// The others, by their number.
    #[allow(
        clippy::box_collection,
        reason = "an empty map takes three words, of each of many small files"
    )]
    rest: Option<Box<BTreeMap<u32, Chunk>>>,
    /// What the file was made over, and how much of it counts: what was cut off does not come back.
    below: Option<Box<(Blob, Filesize)>>,
}

/// A chunk, which takes what it has of the limits.
#[derive(Debug)]
enum Chunk {
    Own(Box<[u8]>),
    /// One that an image has as well, and is copied before it is changed.
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

/// How many bytes a chunk has at least.
fn least(index: u32) -> usize {
    if index == 0 { 0 } else { MIN_CHUNK }
}

impl Content {
    /// That of a file of an image, none of which is copied.
    pub fn over(below: Blob) -> Self {
        let len = below.len();
        Self {
            len,
            below: Some(Box::new((below, len))),
            ..Self::default()
        }
    }

    /// Sees to it that what lies below can be read: [`Blob::prepare`].
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

    /// The bytes of memory that the chunks take.
    pub fn allocated(&self) -> usize {
        let rest = self.rest.iter().flat_map(|rest| rest.values());
        self.first.len() + rest.map(|chunk| chunk.len()).sum::<usize>()
    }

    /// The chunk of this number, if it exists.
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

    /// Passes up to `count` bytes from `offset` on to `put`, piece by piece, and tells how many there are.
    ///
    /// # Errors
    ///
    /// What lies below cannot be read.
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

    /// Has up to `count` bytes from `offset` on filled by `fill`, piece by piece, and tells how many.
    ///
    /// # Errors
    ///
    /// [`Errno::Fbig`]: from [`MAX_SIZE`] on. [`Errno::Nospc`]: there is no room for any. What lies below
    /// cannot be read.
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

    /// Makes the file end at `len`, which is [`MAX_SIZE`] at most.
    pub fn set_len(&mut self, volume: &Volume, len: Filesize) {
        if len < self.len {
            volume.give(Usage::of_bytes(self.cut(len)));
        }
        self.len = len;
    }

    /// Frees what is behind `len`, and tells how much memory that was.
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

    /// The chunk of this number, to be changed, with `end` bytes or more. If it does not exist, it comes to
    /// be with what lies below.
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

    /// A chunk of what lies below, which will be written up to `end`.
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

    /// These bytes as they are now, to be had by others as well. None is copied.
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
            // What is frozen already is taken apart, so that nothing lies deeper and deeper.
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

/// Makes a chunk `end` bytes long, if it is shorter. One that has grown before doubles, so that many small
/// writes do not copy it as often; where there is no room for that, it gets what it must.
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

/// Makes bytes longer, with zeros.
fn grow(chunk: &mut Box<[u8]>, len: usize) -> Result<()> {
    let mut bytes = mem::take(chunk).into_vec();
    let reserved = bytes.try_reserve_exact(len - bytes.len());
    if reserved.is_ok() {
        bytes.resize(len, 0);
    }
    *chunk = bytes.into_boxed_slice();
    reserved.map_err(|_| Errno::Nospc)
}

/// Copies bytes, and zeros behind them.
fn copy(from: &[u8], len: usize) -> Result<Box<[u8]>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(len).map_err(|_| Errno::Nospc)?;
    bytes.extend_from_slice(from);
    bytes.resize(len, 0);
    Ok(bytes.into_boxed_slice())
}

/// The bytes of a chunk, to be had by others as well.
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

/// Leaves the first `end` bytes of a chunk, and tells how many that frees.
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
