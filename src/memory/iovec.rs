//! Scatter/gather lists: the guest's `iovec`s, each read once and checked, as the host's system calls take
//! them.

use smallvec::SmallVec;

use super::{GuestMemory, GuestPtr, GuestSlice, HostIovec, LinearMemory, OutOfBounds};
use crate::abi::{Iovec, Size};

/// The maximum number of `iovec`s in one call: `IOV_MAX` of the hosts, and of wasi-libc.
pub const MAX_IOVECS: usize = 1024;

/// The maximum number of bytes that one call transfers, on every host and in every thread: Linux's limit. A C
/// program takes a count of 2 GiB and more for an error.
pub const MAX_TRANSFER: usize = 0x7fff_f000;

/// Why a scatter/gather list is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidIovecs {
    /// The list, or a buffer in it, is not wholly inside the memory.
    OutOfBounds,
    /// There are more than the limit.
    TooMany,
}

impl From<OutOfBounds> for InvalidIovecs {
    fn from(_: OutOfBounds) -> Self {
        Self::OutOfBounds
    }
}

/// The checked pieces of guest memory that one call reads or writes.
#[derive(Clone, Debug)]
pub struct Iovecs<'m> {
    /// Most calls have at most two, which need no allocation. Never more than [`MAX_IOVECS`].
    bufs: SmallVec<[GuestSlice<'m>; 2]>,
}

impl<'m> Iovecs<'m> {
    /// All of a memory as one piece, up to [`MAX_TRANSFER`].
    pub fn all_of(memory: &'m LinearMemory<'m>) -> Self {
        let len = memory.len().min(MAX_TRANSFER) as u64;
        // Without any byte, there is no slice.
        let bufs = memory.guest().bytes(0, len).into_iter().collect();
        Self { bufs }
    }

    /// The pieces, in order.
    pub fn bufs(&self) -> &[GuestSlice<'m>] {
        &self.bufs
    }

    /// Their number of bytes together.
    pub fn len(&self) -> usize {
        self.bufs.iter().map(|buf| buf.len()).sum()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.bufs.iter().all(|buf| buf.is_empty())
    }

    /// Removes the first `count` bytes, or all.
    pub fn advance(&mut self, mut count: usize) {
        for buf in &mut self.bufs {
            let cut = count.min(buf.len());
            *buf = buf.skip(cut);
            count -= cut;
        }
    }

    /// Cuts them off after `total` bytes.
    pub fn truncate(&mut self, mut total: usize) {
        for buf in &mut self.bufs {
            *buf = buf.slice(0, buf.len().min(total));
            total -= buf.len();
        }
    }

    /// Copies the pieces to `to`, one after the other, as far as there is room.
    pub fn gather(&self, to: &mut [u8]) {
        let mut rest = to;
        for buf in &self.bufs {
            let (now, later) = rest.split_at_mut(rest.len().min(buf.len()));
            buf.read(now);
            rest = later;
        }
    }

    /// Copies `from` to the pieces, one after the other, as far as there is room.
    pub fn scatter(&self, mut from: &[u8]) {
        for buf in &self.bufs {
            from = &from[buf.write(from)..];
        }
    }

    /// Calls `call` with the addresses of the pieces in the host's address space: see
    /// [`GuestSlice::with_host`].
    #[inline]
    pub fn with_host<R>(&self, call: impl FnOnce(&[HostIovec]) -> R) -> R {
        match self.bufs.as_slice() {
            [buf] => call(&[buf.host()]),
            bufs => {
                let bufs: SmallVec<[_; 2]> = bufs.iter().map(|buf| buf.host()).collect();
                call(&bufs)
            }
        }
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
    /// If the buffers have more than [`MAX_TRANSFER`] bytes together, the rest is left out.
    ///
    /// # Errors
    ///
    /// [`InvalidIovecs::TooMany`]: more than `limit` records, or than [`MAX_IOVECS`].
    /// [`InvalidIovecs::OutOfBounds`].
    pub fn iovecs(
        self,
        iovs: GuestPtr<Iovec>,
        iovs_len: Size,
        limit: usize,
    ) -> Result<Iovecs<'m>, InvalidIovecs> {
        let list = self.array(iovs, iovs_len)?;
        if list.len() > limit.min(MAX_IOVECS) {
            return Err(InvalidIovecs::TooMany);
        }
        let mut bufs = SmallVec::new();
        let mut room = MAX_TRANSFER;
        for place in list.places() {
            let Iovec { buf, buf_len } = place.read();
            let buf = self.bytes(buf, u64::from(buf_len))?;
            let buf = buf.slice(0, buf.len().min(room));
            room -= buf.len();
            bufs.push(buf);
        }
        Ok(Iovecs { bufs })
    }
}
