//! Guest memory: bounds, byte order, and the fact that another thread may be writing it.
//!
//! A guest passes numbers. [`GuestPtr`] is such a number with the type of what should be there; it can be used
//! only after [`GuestMemory`] has checked it, as a [`GuestRef`] (one value), a [`GuestArray`] (several) or a
//! [`GuestSlice`] (bytes). All of them hold offsets, which stay valid when the memory grows, and all of them
//! copy: there is never a reference into guest memory, because the memory may be shared with threads that write
//! it at any moment. What is read is read once, and the copy is checked and used.
//!
//! This module does not know what a syscall is, allocates nothing in proportion to a number that the guest
//! chose, and does not call the host.

mod iovec;
mod linear;
#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::marker::PhantomData;

pub use iovec::{InvalidIovecs, Iovecs, MAX_IOVECS, MAX_TRANSFER};
pub use linear::{GuestMemory, GuestSlice, HostIovec, LinearMemory};

use crate::abi::{Record, Size};

/// What a pointer of the guest leads to is not wholly inside its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfBounds;

/// A guest address of a `T`: an offset into linear memory, not checked yet.
pub struct GuestPtr<T> {
    offset: u32,
    pointee: PhantomData<fn() -> T>,
}

impl<T> GuestPtr<T> {
    /// The pointer with this value, which may be any.
    pub fn new(offset: u32) -> Self {
        Self {
            offset,
            pointee: PhantomData,
        }
    }

    /// The same number as a pointer to something else.
    pub fn cast<U>(self) -> GuestPtr<U> {
        GuestPtr::new(self.offset)
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
    /// Checks the place of one `T`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`]: not wholly inside the memory.
    pub fn place<T: Record>(self, ptr: GuestPtr<T>) -> Result<GuestRef<'m, T>, OutOfBounds> {
        Ok(GuestRef {
            bytes: self.bytes(ptr.offset, T::SIZE as u64)?,
            pointee: PhantomData,
        })
    }

    /// Checks the places of `len` consecutive `T`s.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`]: not wholly inside the memory.
    pub fn array<T: Record>(
        self,
        ptr: GuestPtr<T>,
        len: Size,
    ) -> Result<GuestArray<'m, T>, OutOfBounds> {
        Ok(GuestArray {
            bytes: self.bytes(ptr.offset, u64::from(len) * T::SIZE as u64)?,
            pointee: PhantomData,
        })
    }

    /// Checks `len` bytes.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`]: not wholly inside the memory.
    pub fn region(self, ptr: GuestPtr<u8>, len: Size) -> Result<GuestSlice<'m>, OutOfBounds> {
        self.bytes(ptr.offset, u64::from(len))
    }
}

/// A checked place of one `T` in guest memory.
pub struct GuestRef<'m, T> {
    bytes: GuestSlice<'m>,
    pointee: PhantomData<fn() -> T>,
}

impl<T: Record> GuestRef<'_, T> {
    /// The present value.
    #[inline]
    pub fn read(&self) -> T
    where
        T: Record<Error = Infallible>,
    {
        let mut bytes = T::ZEROED;
        self.bytes.read(bytes.as_mut());
        let Ok(value) = T::decode(&bytes);
        value
    }

    /// Writes a value, with zeros as padding.
    #[inline]
    pub fn write(&self, value: T) {
        self.bytes.write_all(value.encode().as_ref());
    }
}

/// Checked places of several consecutive `T`s in guest memory.
pub struct GuestArray<'m, T> {
    bytes: GuestSlice<'m>,
    pointee: PhantomData<fn() -> T>,
}

impl<'m, T: Record> GuestArray<'m, T> {
    /// Their number.
    pub fn len(&self) -> usize {
        self.bytes.len() / T::SIZE
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The place of each, in order.
    pub fn places(&self) -> impl Iterator<Item = GuestRef<'m, T>> {
        let all = self.bytes;
        (0..self.len()).map(move |index| GuestRef {
            bytes: all.slice(index * T::SIZE, T::SIZE),
            pointee: PhantomData,
        })
    }
}
