//! The one place where guest memory is accessed: its address, checked slices of it, and copies in and out.
//!
//! A slice is an offset and a length, not an address: linear memory moves when it grows, and it may grow
//! whenever JavaScript runs. [`LinearMemory`] has the address for each access; whoever runs JavaScript updates
//! it afterwards ([`LinearMemory::set`]). Linear memory never shrinks, so a checked slice stays inside. If the
//! buffer was detached all the same, reads return zeros, and writes are dropped.
//!
//! Memory that threads share is accessed as 32-bit words, with relaxed atomics: a guest thread that writes at
//! the same moment may garble what is copied, which is its own affair, but it is no data race. Atomic bytes
//! would take four times as long; overlapping accesses of different sizes would be a race by the rules of Rust.
//! Memory that is not shared is used by this thread alone during a syscall, and copied with `memcpy`.

#![allow(unsafe_code, reason = "guest memory is reached by address")]

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::{ptr, slice};

use super::OutOfBounds;

/// The size of a word in bytes.
const WORD: usize = size_of::<u32>();

/// The linear memory of a guest: its present address and length.
#[derive(Debug)]
pub struct LinearMemory<'m> {
    base: Cell<*mut u8>,
    len: Cell<usize>,
    /// How many of its bytes no other thread accesses at the same time: all or none.
    exclusive_len: Cell<usize>,
    words: PhantomData<&'m [AtomicU32]>,
}

/// The linear memory of a guest, for the time of one syscall.
#[derive(Clone, Copy, Debug)]
pub struct GuestMemory<'m>(&'m LinearMemory<'m>);

/// Bytes of guest memory that have been checked to be inside it.
#[derive(Clone, Copy, Debug)]
pub struct GuestSlice<'m> {
    memory: GuestMemory<'m>,
    offset: u32,
    len: u32,
}

/// A piece of guest memory as a C `struct iovec`, for `readv(2)` and others.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct HostIovec {
    /// Its address in the host's address space.
    pub base: *mut u8,
    /// Its length in bytes.
    pub len: usize,
}

impl<'m> LinearMemory<'m> {
    /// A memory of no bytes.
    pub fn empty() -> Self {
        Self::new(&[])
    }

    /// The memory that consists of these words, each of which has its bytes in the host's order. Threads
    /// may share it.
    pub fn new(words: &'m [AtomicU32]) -> Self {
        Self {
            base: Cell::new(words.as_ptr().cast_mut().cast()),
            len: Cell::new(size_of_val(words)),
            exclusive_len: Cell::new(0),
            words: PhantomData,
        }
    }

    /// A memory of these bytes, at any address, which nobody else accesses meanwhile: for the host's own
    /// buffers, to read and write them with the functions for guest memory.
    pub fn exclusive(bytes: &'m mut [u8]) -> Self {
        Self {
            base: Cell::new(bytes.as_mut_ptr()),
            len: Cell::new(bytes.len()),
            exclusive_len: Cell::new(bytes.len()),
            words: PhantomData,
        }
    }

    /// Says where the memory is from now on: `len` bytes at `base`, less what of its end fills no word.
    ///
    /// # Safety
    ///
    /// `base` is a multiple of 4. Whenever this memory is accessed from now until the next `set`, `len`
    /// bytes at `base` are valid for reads and writes, and whatever else in Rust accesses them does so
    /// before or after, or, if they are `shared`, as such words, atomically.
    pub unsafe fn set(&self, base: *mut u8, len: usize, shared: bool) {
        let len = len / WORD * WORD;
        self.base.set(base);
        self.len.set(len);
        self.exclusive_len.set(if shared { 0 } else { len });
    }

    /// Its length in bytes.
    pub fn len(&self) -> usize {
        self.len.get()
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory, for a syscall.
    pub fn guest(&self) -> GuestMemory<'_> {
        GuestMemory(self)
    }
}

impl<'m> GuestMemory<'m> {
    /// The `len` bytes at `offset`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`]. As in node:wasi, an offset at the very end of memory is outside, even for 0 bytes.
    #[inline]
    pub(super) fn bytes(self, offset: u32, len: u64) -> Result<GuestSlice<'m>, OutOfBounds> {
        if u64::from(offset) + len.max(1) > self.0.len.get() as u64 {
            return Err(OutOfBounds);
        }
        // Only a whole memory of 4 GiB has a length that does not fit 32 bits, and no guest can pass that.
        let len = u32::try_from(len).map_err(|_| OutOfBounds)?;
        Ok(GuestSlice {
            memory: self,
            offset,
            len,
        })
    }
}

impl<'m> GuestSlice<'m> {
    /// Its length in bytes.
    pub fn len(self) -> usize {
        self.len as usize
    }

    /// Whether it has no bytes.
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Its offset in bytes from the start of memory.
    pub fn offset(self) -> u32 {
        self.offset
    }

    /// The `len` bytes at `start` in this slice.
    ///
    /// # Panics
    ///
    /// They are not all in it.
    #[must_use]
    pub fn slice(self, start: usize, len: usize) -> Self {
        assert!(start <= self.len() && len <= self.len() - start);
        Self {
            offset: self.offset.wrapping_add(start as u32),
            len: len as u32,
            ..self
        }
    }

    /// The slice without its first `count` bytes; empty if it has no more.
    #[must_use]
    pub fn skip(self, count: usize) -> Self {
        let count = count.min(self.len());
        self.slice(count, self.len() - count)
    }

    /// Calls `call` with the address of the slice in the host's address space.
    ///
    /// The kernel may read and write there until `call` returns. The address is valid for that time because
    /// nothing else runs in this thread: `call` must not run JavaScript.
    pub fn with_host<R>(self, call: impl FnOnce(HostIovec) -> R) -> R {
        call(self.host())
    }

    /// The present address and length; no bytes if the memory is gone.
    #[inline]
    pub(super) fn host(self) -> HostIovec {
        let len = self.len();
        let is_inside = self.offset as usize + len <= self.memory.0.len.get();
        HostIovec {
            base: self.base(),
            len: if is_inside { len } else { 0 },
        }
    }

    #[inline]
    fn base(self) -> *mut u8 {
        let base = self.memory.0.base.get();
        base.wrapping_add(self.offset as usize)
    }

    /// Copies the first `to.len()` bytes out.
    ///
    /// # Panics
    ///
    /// There are fewer.
    #[inline]
    pub fn read(self, to: &mut [u8]) {
        assert!(to.len() <= self.len());
        let end = self.offset as usize + to.len();
        if end <= self.memory.0.exclusive_len.get() {
            // SAFETY: `set` was told that the bytes are valid, and that nothing else accesses them now; they
            // are as many as `to` has.
            unsafe { ptr::copy_nonoverlapping(self.base(), to.as_mut_ptr(), to.len()) };
        } else {
            self.read_shared(to);
        }
    }

    /// [`read`](Self::read) of memory that is shared, or gone.
    #[inline(never)]
    fn read_shared(self, to: &mut [u8]) {
        let (base, len) = (self.base(), to.len());
        if self.offset as usize + len <= self.memory.0.len.get() {
            load(HostIovec { base, len }, to);
        } else {
            to.fill(0);
        }
    }

    /// Copies as much of `from` as fits to the start of the slice. Returns how much.
    #[inline]
    pub fn write(self, from: &[u8]) -> usize {
        let len = from.len().min(self.len());
        self.write_all(&from[..len]);
        len
    }

    /// Copies `from` to the start of the slice.
    ///
    /// # Panics
    ///
    /// There is less room.
    #[inline]
    pub(super) fn write_all(self, from: &[u8]) {
        assert!(from.len() <= self.len());
        let end = self.offset as usize + from.len();
        if end <= self.memory.0.exclusive_len.get() {
            // SAFETY: as in `read`.
            unsafe { ptr::copy_nonoverlapping(from.as_ptr(), self.base(), from.len()) };
        } else {
            self.write_shared(from);
        }
    }

    /// [`write_all`](Self::write_all) to memory that is shared, or gone.
    #[inline(never)]
    fn write_shared(self, from: &[u8]) {
        let (base, len) = (self.base(), from.len());
        if self.offset as usize + len <= self.memory.0.len.get() {
            store(HostIovec { base, len }, from);
        }
    }
}

/// Copies from shared memory, as many bytes as `to` has.
fn load(from: HostIovec, to: &mut [u8]) {
    let (mut words, start) = words(from);
    let (head, to) = to.split_at_mut(before_next_word(start, to.len()));
    if start != 0
        && let Some(word) = words.next()
    {
        head.copy_from_slice(&word.load(Relaxed).to_ne_bytes()[start..][..head.len()]);
    }
    let (whole, tail) = to.as_chunks_mut();
    for (to, word) in whole.iter_mut().zip(&mut words) {
        *to = word.load(Relaxed).to_ne_bytes();
    }
    if let Some(word) = words.next() {
        tail.copy_from_slice(&word.load(Relaxed).to_ne_bytes()[..tail.len()]);
    }
}

/// Copies to shared memory, as many bytes as `from` has.
fn store(to: HostIovec, from: &[u8]) {
    let (mut words, start) = words(to);
    let (head, from) = from.split_at(before_next_word(start, from.len()));
    if start != 0
        && let Some(word) = words.next()
    {
        put_bytes(word, start, head);
    }
    let (whole, tail) = from.as_chunks();
    for (from, word) in whole.iter().zip(&mut words) {
        word.store(u32::from_ne_bytes(*from), Relaxed);
    }
    if let Some(word) = words.next() {
        put_bytes(word, 0, tail);
    }
}

/// The words that contain these bytes, and the offset of the bytes in the first word. The bytes are those of a
/// slice that is inside the memory, for the time of one copy.
#[inline]
fn words<'w>(bytes: HostIovec) -> (slice::Iter<'w, AtomicU32>, usize) {
    let start = bytes.base.addr() % WORD;
    let first = bytes.base.wrapping_sub(start).cast::<AtomicU32>();
    let count = (start + bytes.len).div_ceil(WORD);
    // SAFETY: memory begins at a word and has no part of one, so that a word that holds a byte of it is
    // wholly in it.
    (unsafe { slice::from_raw_parts(first, count) }.iter(), start)
}

/// How many of `len` bytes, which begin `start` bytes into a word, are in that word, if they do not fill it.
#[inline]
fn before_next_word(start: usize, len: usize) -> usize {
    match start {
        0 => 0,
        start => len.min(WORD - start),
    }
}

/// Writes some of the bytes of a word; another thread may write the others at the same time.
#[inline]
fn put_bytes(word: &AtomicU32, start: usize, from: &[u8]) {
    let put = |old: u32| {
        let mut bytes = old.to_ne_bytes();
        bytes[start..][..from.len()].copy_from_slice(from);
        Some(u32::from_ne_bytes(bytes))
    };
    // It never refuses.
    let _ = word.fetch_update(Relaxed, Relaxed, put);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(words: &[AtomicU32]) -> *mut u8 {
        words.as_ptr().cast_mut().cast()
    }

    #[test]
    fn a_partial_word_at_the_end_is_outside() {
        let words = [const { AtomicU32::new(0) }; 4];
        let linear = LinearMemory::empty();
        // SAFETY: these are the bytes of those words.
        unsafe { linear.set(base(&words), 15, true) };
        let memory = linear.guest();
        assert!(memory.bytes(11, 1).is_ok());
        assert_eq!(memory.bytes(11, 2).err(), Some(OutOfBounds));
        assert_eq!(memory.bytes(12, 0).err(), Some(OutOfBounds));
    }

    #[test]
    fn a_slice_is_where_memory_is_now() {
        let [small, large] = [1, 2].map(|len| {
            let words = (0..len).map(|_| AtomicU32::new(len));
            words.collect::<Vec<_>>()
        });
        for shared in [true, false] {
            let linear = LinearMemory::new(&small);
            let slice = linear.guest().bytes(1, 3).unwrap();
            // SAFETY: these are the bytes of those words, which nothing else accesses.
            unsafe { linear.set(base(&large), 8, shared) };
            assert_eq!(slice.write(b"abcd"), 3);
            let mut back = [0; 3];
            slice.read(&mut back);
            assert_eq!(&back, b"abc");
            assert_eq!(&large[0].load(Relaxed).to_ne_bytes()[1..], b"abc");
            assert_eq!(small[0].load(Relaxed), 1);
            slice.with_host(|buf| assert_eq!(buf.base, base(&large).wrapping_add(1)));
        }
    }

    #[test]
    fn memory_that_is_gone_is_not_read_or_written() {
        let words = [const { AtomicU32::new(u32::MAX) }; 2];
        let linear = LinearMemory::new(&words);
        let slice = linear.guest().bytes(2, 4).unwrap();
        // SAFETY: the first of those words.
        unsafe { linear.set(base(&words), 4, false) };
        let mut back = [1; 4];
        slice.read(&mut back);
        assert_eq!(back, [0; 4]);
        slice.write(&[0; 4]);
        slice.with_host(|buf| assert_eq!(buf.len, 0));
        assert!(words.iter().all(|word| word.load(Relaxed) == u32::MAX));
    }
}
