//! The one place where guest memory is touched: a checked span of it, and the copies in and out.
//!
//! Bytes are moved with relaxed atomics, one at a time: a guest thread that writes at the same moment can
//! garble what is copied, which is its own affair, but it is no data race. (Words would be faster, and
//! where two of different sizes overlap, a race by the rules of Rust. What is large is read and written by
//! the kernel, and does not come this way.)

#![allow(unsafe_code, reason = "guest memory is reached by address")]

use std::marker::PhantomData;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use crate::abi::Errno;

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
        for (at, to) in to.iter_mut().enumerate() {
            // SAFETY: `at` is less than the length of this span.
            *to = unsafe { AtomicU8::from_ptr(self.at.wrapping_add(at)) }.load(Relaxed);
        }
    }

    /// Copies `from` to the start.
    ///
    /// # Panics
    ///
    /// The span is shorter.
    pub(super) fn write(self, from: &[u8]) {
        assert!(from.len() <= self.len);
        for (at, from) in from.iter().enumerate() {
            // SAFETY: `at` is less than the length of this span.
            unsafe { AtomicU8::from_ptr(self.at.wrapping_add(at)) }.store(*from, Relaxed);
        }
    }
}
