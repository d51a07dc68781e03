//! The bytes of a file.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::mem;
use std::ops::Range;

use super::volume::{Usage, Volume};
use crate::abi::{Errno, Filesize};
use crate::vfs::Result;

/// The most bytes that a file may have: 16 TiB, as on ext4.
pub(super) const MAX_SIZE: Filesize = 1 << 44;

/// The bytes of a whole chunk.
pub(super) const CHUNK: usize = 64 << 10;

/// What a chunk that is not the first has at least, so that what it costs to keep it is little beside.
const MIN_CHUNK: usize = 4 << 10;

/// Bytes in chunks of [`CHUNK`]. A chunk that was never written does not exist, and one that was may be
/// shorter: what is missing is zeros. So are the bytes of a chunk that are behind the end of the file.
#[derive(Debug, Default)]
pub(super) struct Content {
    len: Filesize,
    /// All that most files have. It has a length of its own, so that a small file takes no more than its
    /// bytes.
    first: Box<[u8]>,
    /// The others, by their number.
    #[allow(
        clippy::box_collection,
        reason = "an empty map takes three words, of each of many small files"
    )]
    rest: Option<Box<BTreeMap<u32, Box<[u8]>>>>,
}

impl Content {
    /// The length in bytes.
    pub fn len(&self) -> Filesize {
        self.len
    }

    /// The bytes of memory that the chunks take.
    pub fn allocated(&self) -> usize {
        let rest = self.rest.iter().flat_map(|rest| rest.values());
        self.first.len() + rest.map(|chunk| chunk.len()).sum::<usize>()
    }

    /// Passes up to `count` bytes from `offset` on to `put`, piece by piece, and tells how many there are.
    pub fn read(&self, offset: Filesize, count: usize, mut put: impl FnMut(&[u8])) -> usize {
        let left = self.len.saturating_sub(offset);
        let count = left.min(count as Filesize) as usize;
        for (index, range) in pieces(offset, count) {
            let chunk = match index {
                0 => Some(&self.first),
                _ => self.rest.as_ref().and_then(|rest| rest.get(&index)),
            };
            let there = chunk.map_or(0, |chunk| chunk.len());
            let split = there.clamp(range.start, range.end);
            put((chunk.and_then(|chunk| chunk.get(range.start..split))).unwrap_or_default());
            put_zeros(range.end - split, &mut put);
        }
        count
    }

    /// Has up to `count` bytes from `offset` on filled by `fill`, piece by piece, and tells how many.
    ///
    /// # Errors
    ///
    /// [`Errno::Fbig`]: from [`MAX_SIZE`] on. [`Errno::Nospc`]: there is no room for any.
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
        let last = match index {
            0 => Some(&mut self.first),
            _ => self.rest.as_mut().and_then(|rest| rest.get_mut(&index)),
        };
        freed + last.map_or(0, |chunk| shorten(chunk, end))
    }

    /// The chunk of this number, with `end` bytes or more.
    fn chunk(&mut self, volume: &Volume, index: u32, end: usize) -> Result<&mut [u8]> {
        if index == 0 {
            lengthen(volume, &mut self.first, end, 0)?;
            return Ok(&mut self.first);
        }
        match self.rest.get_or_insert_default().entry(index) {
            Entry::Occupied(entry) => {
                let chunk = entry.into_mut();
                lengthen(volume, chunk, end, MIN_CHUNK)?;
                Ok(chunk)
            }
            Entry::Vacant(entry) => {
                let mut chunk = Box::default();
                lengthen(volume, &mut chunk, end, MIN_CHUNK)?;
                Ok(entry.insert(chunk))
            }
        }
    }
}

/// In which chunk a byte is, and where in it.
fn place(offset: Filesize) -> (u32, usize) {
    let chunk = CHUNK as Filesize;
    ((offset / chunk) as u32, (offset % chunk) as usize)
}

/// The parts of chunks that `count` bytes from `offset` on are in.
fn pieces(offset: Filesize, count: usize) -> impl Iterator<Item = (u32, Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let (index, start) = place(offset + done as Filesize);
        let len = (count - done).min(CHUNK - start);
        done += len;
        (len > 0).then_some((index, start..start + len))
    })
}

fn put_zeros(mut count: usize, put: &mut impl FnMut(&[u8])) {
    static ZEROS: [u8; 4 << 10] = [0; 4 << 10];
    while count > 0 {
        let len = count.min(ZEROS.len());
        put(&ZEROS[..len]);
        count -= len;
    }
}

/// Makes a chunk `end` bytes long, if it is shorter. One that has grown before doubles, so that many small
/// writes do not copy it as often; where there is no room for that, it gets what it must.
fn lengthen(volume: &Volume, chunk: &mut Box<[u8]>, end: usize, least: usize) -> Result<()> {
    let old = chunk.len();
    if end <= old {
        return Ok(());
    }
    let ample = end.max(2 * old).max(least).min(CHUNK);
    let len = [ample, end]
        .into_iter()
        .find(|len| volume.take(Usage::of_bytes(len - old)).is_ok())
        .ok_or(Errno::Nospc)?;
    let mut bytes = mem::take(chunk).into_vec();
    let reserved = bytes.try_reserve_exact(len - old);
    if reserved.is_ok() {
        bytes.resize(len, 0);
    } else {
        volume.give(Usage::of_bytes(len - old));
    }
    *chunk = bytes.into_boxed_slice();
    reserved.map_err(|_| Errno::Nospc)
}

/// Leaves the first `end` bytes of a chunk, and tells how many that frees.
fn shorten(chunk: &mut Box<[u8]>, end: usize) -> usize {
    let freed = chunk.len().saturating_sub(end);
    if freed > 0 {
        let mut bytes = mem::take(chunk).into_vec();
        bytes.truncate(end);
        *chunk = bytes.into_boxed_slice();
    }
    freed
}
