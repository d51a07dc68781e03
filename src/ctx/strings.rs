use crate::abi::{Errno, Size};
use crate::memory::{GuestMemory, GuestPtr, OutOfBounds};

/// A list of C strings, which `args_get` and `environ_get` write.
#[derive(Clone, Debug, Default)]
pub struct StringArray {
    /// The strings, each with its NUL.
    buf: Vec<u8>,
    /// The offset of each in `buf`.
    starts: Vec<Size>,
}

impl StringArray {
    /// The strings, each cut off at its first NUL, as in Node: C would not see the rest.
    ///
    /// # Errors
    ///
    /// [`Errno::TooBig`]: 4 GiB or more, which fit no guest.
    pub fn new<S: AsRef<[u8]>>(strings: impl IntoIterator<Item = S>) -> Result<Self, Errno> {
        let mut array = Self::default();
        for string in strings {
            let string = string.as_ref();
            let end = string.iter().position(|byte| *byte == 0);
            array.starts.push(array.buf_len()?);
            array
                .buf
                .extend_from_slice(&string[..end.unwrap_or(string.len())]);
            array.buf.push(0);
        }
        array.buf_len()?;
        Ok(array)
    }

    /// The strings in `buf`, each of which ends with a NUL.
    ///
    /// # Errors
    ///
    /// As [`StringArray::new`].
    pub fn from_terminated(buf: Vec<u8>) -> Result<Self, Errno> {
        let mut array = Self {
            buf,
            starts: Vec::new(),
        };
        array.buf_len()?;
        let mut start = 0;
        for string in array.buf.split_inclusive(|byte| *byte == 0) {
            array.starts.push(start);
            start += string.len() as Size;
        }
        Ok(array)
    }

    /// The number of strings.
    pub fn len(&self) -> Size {
        self.starts.len() as Size
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Their size in bytes together, NULs included.
    pub fn buf_size(&self) -> Size {
        self.buf.len() as Size
    }

    fn buf_len(&self) -> Result<Size, Errno> {
        Size::try_from(self.buf.len()).map_err(|_| Errno::TooBig)
    }

    /// Writes the number of strings to `len`, and their size in bytes to `buf_size`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`]: either is not inside the memory. Nothing has been written then.
    #[inline]
    pub fn sizes_to(
        &self,
        memory: GuestMemory<'_>,
        len: GuestPtr<Size>,
        buf_size: GuestPtr<Size>,
    ) -> Result<(), OutOfBounds> {
        let (len, buf_size) = (memory.place(len)?, memory.place(buf_size)?);
        len.write(self.len());
        buf_size.write(self.buf_size());
        Ok(())
    }

    /// Writes the strings to `buf`, and the address of each to `pointers`.
    ///
    /// ```text
    ///   pointers               buf
    ///   | buf | buf + 2 | …    | 'a' 0 | 'b' 'c' 0 | …
    /// ```
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`]: either is not wholly inside the memory. Nothing has been written then.
    pub fn copy_to(
        &self,
        memory: GuestMemory<'_>,
        pointers: GuestPtr<u32>,
        buf: GuestPtr<u8>,
    ) -> Result<(), OutOfBounds> {
        if self.is_empty() {
            return Ok(());
        }
        let region = memory.region(buf, self.buf_size())?;
        let array = memory.array(pointers, self.len())?;
        region.write(&self.buf);
        for (place, start) in array.places().zip(&self.starts) {
            place.write(buf.offset() + start);
        }
        Ok(())
    }
}
