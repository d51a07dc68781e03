//! The one place where guest memory is touched: a checked span of it, and the copies in and out.
//!
//! Bytes are moved with relaxed atomics, a word at a time where the address allows. A guest thread
//! that writes at the same moment can garble what is copied, which is its own affair, but it is no
//! data race.

#![allow(unsafe_code, reason = "guest memory is reached by address")]

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering::Relaxed};

use crate::abi::Errno;

const WORD: usize = size_of::<u64>();

/// The linear memory of a guest, for the time of one syscall.
///
/// Growing or detaching the memory ends that time: whoever makes a `GuestMemory` sees to it that
/// neither happens while one exists.
#[derive(Clone, Copy)]
pub struct GuestMemory<'m> {
    base: *mut u8,
    len: usize,
    memory: PhantomData<&'m [AtomicU8]>,
}

/// Bytes of guest memory that have been checked to lie inside it.
#[derive(Clone, Copy)]
pub(super) struct Span<'m> {
    at: *mut u8,
    len: usize,
    memory: PhantomData<&'m [AtomicU8]>,
}

impl<'m> GuestMemory<'m> {
    /// The memory that consists of these bytes.
    pub fn new(bytes: &'m [AtomicU8]) -> Self {
        Self {
            base: bytes.as_ptr().cast_mut().cast(),
            len: bytes.len(),
            memory: PhantomData,
        }
    }

    /// The memory of `len` bytes at `base`.
    ///
    /// # Safety
    ///
    /// For as long as `'m` lasts, `base` is valid for reads and writes of `len` bytes, and whatever
    /// else in Rust accesses them does so atomically.
    pub unsafe fn from_raw(base: *mut u8, len: usize) -> Self {
        Self {
            base,
            len,
            memory: PhantomData,
        }
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

impl Span<'_> {
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
    pub(super) fn read(self, to: &mut [u8]) {
        assert!(to.len() <= self.len);
        let (head, rest) = to.split_at_mut(self.at.align_offset(WORD).min(to.len()));
        let (words, tail) = rest.as_chunks_mut::<WORD>();
        let mut at = self.at;
        let byte = |at: &mut *mut u8, to: &mut u8| {
            // SAFETY: `at` walks over this span, one byte for each of `to`, which is no longer.
            *to = unsafe { AtomicU8::from_ptr(*at) }.load(Relaxed);
            *at = at.wrapping_add(1);
        };
        head.iter_mut().for_each(|to| byte(&mut at, to));
        for to in words {
            // SAFETY: as above, for eight bytes; behind the head, `at` is aligned for them.
            *to = unsafe { AtomicU64::from_ptr(at.cast()) }
                .load(Relaxed)
                .to_ne_bytes();
            at = at.wrapping_add(WORD);
        }
        tail.iter_mut().for_each(|to| byte(&mut at, to));
    }

    /// Copies `from` to the start.
    ///
    /// # Panics
    ///
    /// The span is shorter.
    pub(super) fn write(self, from: &[u8]) {
        assert!(from.len() <= self.len);
        if let Ok(bytes) = from.try_into()
            && self.at.cast::<u32>().is_aligned()
        {
            // Nearly every call writes a count. Byte by byte, the guest would wait to load it whole.
            // SAFETY: the span is not shorter than these four bytes, and begins aligned for them.
            unsafe { AtomicU32::from_ptr(self.at.cast()) }
                .store(u32::from_ne_bytes(bytes), Relaxed);
            return;
        }
        let (head, rest) = from.split_at(self.at.align_offset(WORD).min(from.len()));
        let (words, tail) = rest.as_chunks::<WORD>();
        let mut at = self.at;
        let byte = |at: &mut *mut u8, from: u8| {
            // SAFETY: `at` walks over this span, one byte for each of `from`, which is no longer.
            unsafe { AtomicU8::from_ptr(*at) }.store(from, Relaxed);
            *at = at.wrapping_add(1);
        };
        head.iter().for_each(|from| byte(&mut at, *from));
        for from in words {
            // SAFETY: as above, for eight bytes; behind the head, `at` is aligned for them.
            unsafe { AtomicU64::from_ptr(at.cast()) }.store(u64::from_ne_bytes(*from), Relaxed);
            at = at.wrapping_add(WORD);
        }
        tail.iter().for_each(|from| byte(&mut at, *from));
    }
}
