//! The one place where guest memory is touched: a checked span of it, and the copies in and out.
//!
//! All of it is accessed as words of 32 bits, with relaxed atomics: a guest thread that writes at the same
//! moment can garble what is copied, which is its own affair, but it is no data race. Bytes would do, and
//! take four times as long; accesses of different sizes that overlap would be a race by the rules of Rust.
//! (What is large is read and written by the kernel, and does not come this way.)

#![allow(unsafe_code, reason = "guest memory is reached by address")]

use std::marker::PhantomData;
use std::slice;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::abi::Errno;

/// Bytes in a word.
const WORD: usize = size_of::<u32>();

/// The linear memory of a guest, for the time of one syscall.
///
/// Growing or detaching the memory ends that time: whoever makes a `GuestMemory` sees to it that
/// neither happens while one exists.
#[derive(Clone, Copy)]
pub struct GuestMemory<'m> {
    base: *mut u8,
    len: usize,
    memory: PhantomData<&'m [AtomicU32]>,
}

/// Bytes of guest memory that have been checked to lie inside it.
#[derive(Clone, Copy)]
pub(super) struct Span<'m> {
    at: *mut u8,
    len: usize,
    memory: PhantomData<&'m [AtomicU32]>,
}

impl<'m> GuestMemory<'m> {
    /// The memory that consists of these words, each of which has its bytes in the host's order.
    pub fn new(words: &'m [AtomicU32]) -> Self {
        Self {
            base: words.as_ptr().cast_mut().cast(),
            len: size_of_val(words),
            memory: PhantomData,
        }
    }

    /// The memory of `len` bytes at `base`, less what of its end fills no word.
    ///
    /// # Safety
    ///
    /// `base` is a multiple of 4. For as long as `'m` lasts, it is valid for reads and writes of `len`
    /// bytes, and whatever else in Rust accesses them does so as such words, atomically.
    pub unsafe fn from_raw(base: *mut u8, len: usize) -> Self {
        Self {
            base,
            len: len / WORD * WORD,
            memory: PhantomData,
        }
    }

    /// Where it begins in the host's address space.
    pub(super) fn base(self) -> *mut u8 {
        self.base
    }

    /// The `size` bytes at `offset`.
    ///
    /// An offset at the very end of memory is outside, even for no bytes at all: that is where
    /// node:wasi draws the line.
    pub(super) fn span(self, offset: u32, size: u64) -> Result<Span<'m>, Errno> {
        let offset = offset as usize;
        if offset >= self.len || size > (self.len - offset) as u64 {
            return Err(Errno::Overflow);
        }
        Ok(Span {
            at: self.base.wrapping_add(offset),
            len: size as usize,
            memory: PhantomData,
        })
    }
}

impl<'m> Span<'m> {
    pub(super) fn len(self) -> usize {
        self.len
    }

    /// Where the span begins in the host's address space.
    pub(super) fn as_ptr(self) -> *mut u8 {
        self.at
    }

    /// The `len` bytes that begin `start` bytes into this span.
    ///
    /// # Panics
    ///
    /// They are not all in it.
    pub(super) fn slice(self, start: usize, len: usize) -> Self {
        assert!(start <= self.len && len <= self.len - start);
        Self {
            at: self.at.wrapping_add(start),
            len,
            memory: PhantomData,
        }
    }

    /// Copies the first `to.len()` bytes out.
    ///
    /// # Panics
    ///
    /// The span is shorter.
    #[inline]
    pub(super) fn read(self, to: &mut [u8]) {
        let (mut words, start) = self.words(to.len());
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

    /// Copies `from` to the start.
    ///
    /// # Panics
    ///
    /// The span is shorter.
    #[inline]
    pub(super) fn write(self, from: &[u8]) {
        let (mut words, start) = self.words(from.len());
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

    /// The words that hold the first `len` bytes, and how far into the first word those begin.
    #[inline]
    fn words(self, len: usize) -> (slice::Iter<'m, AtomicU32>, usize) {
        assert!(len <= self.len);
        let start = self.at.addr() % WORD;
        let first = self.at.wrapping_sub(start).cast::<AtomicU32>();
        let count = (start + len).div_ceil(WORD);
        // SAFETY: memory begins at a word and has no part of one, so that a word that holds a byte of it
        // is wholly in it.
        (unsafe { slice::from_raw_parts(first, count) }.iter(), start)
    }
}

/// How many of `len` bytes that begin `start` bytes into a word are in that, if it is not all theirs.
#[inline]
fn before_next_word(start: usize, len: usize) -> usize {
    match start {
        0 => 0,
        start => len.min(WORD - start),
    }
}

/// Puts some of the bytes of a word; the others may be written by somebody else meanwhile.
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

    #[test]
    fn what_fills_no_word_at_the_end_is_outside() {
        let words = [const { AtomicU32::new(0) }; 4];
        let base = words.as_ptr().cast_mut().cast();
        // SAFETY: these are the bytes of those words.
        let memory = unsafe { GuestMemory::from_raw(base, 15) };
        assert!(memory.span(11, 1).is_ok());
        assert_eq!(memory.span(11, 2).err(), Some(Errno::Overflow));
        assert_eq!(memory.span(12, 0).err(), Some(Errno::Overflow));
    }
}
