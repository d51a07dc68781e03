//! Guest memory: bounds, byte order, and the fact that another thread may be writing it.
//!
//! A guest passes numbers. [`GuestPtr`] is such a number with the type of what the guest says lies
//! there; it becomes usable only when [`GuestMemory`] has checked it, as a [`Place`] (one value), an
//! [`Array`] (several) or a [`Region`] (bytes). All of them copy: no reference into guest memory is
//! ever made, because the memory may be shared with threads that write it at any moment. What is
//! read is read once, and the copy is what gets checked and used.
//!
//! Things this module does not do: know what a syscall is, allocate in proportion to a number that
//! the guest chose, or call the host.

mod iovec;
mod span;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;

pub use iovec::{HostBuf, Iovecs, MAX_IOVECS, MAX_TRANSFER};
pub use span::GuestMemory;
use span::Span;

use crate::abi::{Errno, Record, Size};

/// A guest address of a `T`: an offset into linear memory that nobody has checked yet.
pub struct GuestPtr<T> {
    offset: u32,
    pointee: PhantomData<fn() -> T>,
}

impl<T> GuestPtr<T> {
    /// The pointer with this value; any value is one.
    pub fn new(offset: u32) -> Self {
        Self {
            offset,
            pointee: PhantomData,
        }
    }

    /// The guest's number, in bytes from the start of its memory.
    pub fn offset(self) -> u32 {
        self.offset
    }
}

impl<T> Clone for GuestPtr<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for GuestPtr<T> {}

impl<'m> GuestMemory<'m> {
    /// The place of one `T`.
    ///
    /// # Errors
    ///
    /// [`Errno::Overflow`]: not wholly inside the memory.
    pub fn place<T: Record>(self, ptr: GuestPtr<T>) -> Result<Place<'m, T>, Errno> {
        Ok(Place {
            span: self.span(ptr.offset, T::SIZE as u64)?,
            pointee: PhantomData,
        })
    }

    /// The places of `len` consecutive `T`s.
    ///
    /// # Errors
    ///
    /// [`Errno::Overflow`]: not wholly inside the memory.
    pub fn array<T: Record>(self, ptr: GuestPtr<T>, len: Size) -> Result<Array<'m, T>, Errno> {
        Ok(Array {
            span: self.span(ptr.offset, u64::from(len) * T::SIZE as u64)?,
            pointee: PhantomData,
        })
    }

    /// `len` bytes.
    ///
    /// # Errors
    ///
    /// [`Errno::Overflow`]: not wholly inside the memory.
    pub fn region(self, ptr: GuestPtr<u8>, len: Size) -> Result<Region<'m>, Errno> {
        self.span(ptr.offset, u64::from(len)).map(Region)
    }
}

/// A checked place of one `T` in guest memory.
pub struct Place<'m, T> {
    span: Span<'m>,
    pointee: PhantomData<fn() -> T>,
}

impl<T: Record> Place<'_, T> {
    /// The value that lies there now.
    pub fn read(&self) -> T {
        let mut bytes = T::ZEROED;
        self.span.read(bytes.as_mut());
        T::decode(&bytes)
    }

    /// Puts a value there, padding as zeros.
    pub fn write(&self, value: T) {
        self.span.write(value.encode().as_ref());
    }
}

/// Checked places of several consecutive `T`s in guest memory.
pub struct Array<'m, T> {
    span: Span<'m>,
    pointee: PhantomData<fn() -> T>,
}

impl<'m, T: Record> Array<'m, T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.span.len() / T::SIZE
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place of each, in order.
    pub fn places(&self) -> impl Iterator<Item = Place<'m, T>> {
        let span = self.span;
        (0..self.len()).map(move |index| Place {
            span: span.slice(index * T::SIZE, T::SIZE),
            pointee: PhantomData,
        })
    }
}

/// Checked bytes in guest memory.
#[derive(Clone, Copy)]
pub struct Region<'m>(Span<'m>);

impl Region<'_> {
    /// How many bytes.
    pub fn len(self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Copies the first `buf.len()` bytes out.
    ///
    /// # Panics
    ///
    /// There are fewer.
    pub fn read(self, buf: &mut [u8]) {
        self.0.read(buf);
    }

    /// Copies as much of `bytes` as fits to the start of the region, and tells how much that is.
    pub fn write(self, bytes: &[u8]) -> usize {
        let len = bytes.len().min(self.len());
        self.0.write(&bytes[..len]);
        len
    }

    /// The region without its first `count` bytes; empty where it has no more.
    #[must_use]
    pub fn skip(self, count: usize) -> Self {
        let count = count.min(self.len());
        Self(self.0.slice(count, self.len() - count))
    }
}
