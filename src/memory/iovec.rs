//! Scatter and gather lists: the guest's `iovec`s, each read once and checked, as the host takes them.

use smallvec::SmallVec;

use super::{GuestMemory, GuestPtr, Region};
use crate::abi::{Errno, Iovec, Size};

/// The most `iovec`s that one call may pass: `IOV_MAX` of the systems below, and of wasi-libc.
pub const MAX_IOVECS: usize = 1024;

/// The most bytes that one call reads or writes, on every host and in every thread: what Linux moves by
/// one call at most. A C program takes a count of 2 GiB and more for an error.
pub const MAX_TRANSFER: usize = 0x7fff_f000;

/// A piece of guest memory as `readv(2)` and its relatives take it: a C `struct iovec`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct HostBuf {
    /// Where it begins in the host's address space.
    pub base: *mut u8,
    /// Its length in bytes.
    pub len: usize,
}

/// The checked pieces of guest memory that one call reads or writes.
#[derive(Clone)]
pub struct Iovecs<'m> {
    /// The two that most calls pass at most need no allocation; more than [`MAX_IOVECS`] there never are.
    bufs: SmallVec<[HostBuf; 2]>,
    memory: GuestMemory<'m>,
}

impl Iovecs<'_> {
    /// The pieces, in order; all of them lie in guest memory for as long as this value lives.
    pub fn bufs(&self) -> &[HostBuf] {
        &self.bufs
    }

    /// How many bytes they have together.
    pub fn len(&self) -> usize {
        self.bufs.iter().map(|buf| buf.len).sum()
    }

    /// Whether there is no byte in them.
    pub fn is_empty(&self) -> bool {
        self.bufs.iter().all(|buf| buf.len == 0)
    }

    /// Cuts the first `count` bytes off, or all that there are.
    pub fn advance(&mut self, mut count: usize) {
        for buf in &mut self.bufs {
            let cut = count.min(buf.len);
            buf.base = buf.base.wrapping_add(cut);
            buf.len -= cut;
            count -= cut;
        }
    }

    /// Cuts the pieces so that together they have at most `total` bytes.
    pub fn truncate(&mut self, mut total: usize) {
        for buf in &mut self.bufs {
            buf.len = buf.len.min(total);
            total -= buf.len;
        }
    }

    /// Copies the pieces out, one behind the other, as far as there is room.
    pub fn gather(&self, to: &mut [u8]) {
        let mut rest = to;
        for piece in self.pieces() {
            let (now, later) = rest.split_at_mut(rest.len().min(piece.len()));
            piece.read(now);
            rest = later;
        }
    }

    /// Copies bytes to the pieces, which are filled in order, as far as there is room.
    pub fn scatter(&self, mut from: &[u8]) {
        for piece in self.pieces() {
            from = &from[piece.write(from)..];
        }
    }

    fn pieces(&self) -> impl Iterator<Item = Region<'_>> {
        let base = self.memory.base().addr();
        self.bufs.iter().filter_map(move |buf| {
            // They were checked when the list was read, so that each is found again; but for one without
            // a byte at the end of memory.
            let offset = (buf.base.addr() - base) as u32;
            (self.memory)
                .region(GuestPtr::new(offset), buf.len as Size)
                .ok()
        })
    }
}

impl<'m> GuestMemory<'m> {
    /// The list of `iovs_len` records at `iovs`, which a guest passes as
    ///
    /// ```text
    ///   iovs                       iovs + 8
    ///   | buf: u32 | buf_len: u32  | buf: u32 | buf_len: u32 | …
    /// ```
    ///
    /// Of buffers that have more than [`MAX_TRANSFER`] bytes together, what is beyond them is left out.
    ///
    /// # Errors
    ///
    /// [`Errno::Overflow`]: the list, or a buffer that it names, is not wholly inside the memory.
    /// [`Errno::Inval`]: more than `limit` records, or than [`MAX_IOVECS`].
    pub fn iovecs(
        self,
        iovs: GuestPtr<Iovec>,
        iovs_len: Size,
        limit: usize,
    ) -> Result<Iovecs<'m>, Errno> {
        let list = self.array(iovs, iovs_len)?;
        if list.len() > limit.min(MAX_IOVECS) {
            return Err(Errno::Inval);
        }
        let mut bufs = SmallVec::new();
        let mut room = MAX_TRANSFER;
        for place in list.places() {
            let Iovec { buf, buf_len } = place.read();
            let span = self.span(buf, u64::from(buf_len))?;
            let len = span.len().min(room);
            room -= len;
            bufs.push(HostBuf {
                base: span.as_ptr(),
                len,
            });
        }
        Ok(Iovecs { bufs, memory: self })
    }
}
