use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::node::Node;
use crate::abi::{Errno, Filesize, Filestat};
use crate::memory::Iovecs;
use crate::vfs::image::KeepOpen;
use crate::vfs::memory::content::MAX_SIZE;
use crate::vfs::{File, Result, SetTime};

/// An open file.
#[derive(Debug)]
pub(super) struct MemoryFile {
    node: Arc<Node>,
    /// Keeps the file below open.
    _held: KeepOpen,
    end_of_append: AtomicU64,
}

impl MemoryFile {
    /// # Errors
    ///
    /// The content below cannot be read.
    pub fn open(node: Arc<Node>) -> Result<Self> {
        Ok(Self {
            _held: node.prepare()?,
            node,
            end_of_append: AtomicU64::new(0),
        })
    }
}

/// A size or an offset as `off_t`, which is signed.
///
/// # Errors
///
/// [`Errno::Inval`]: from 2^63.
fn check_signed(number: Filesize) -> Result<()> {
    i64::try_from(number).map(drop).map_err(|_| Errno::Inval)
}

impl File for MemoryFile {
    fn stat(&self) -> Result<Filestat> {
        Ok(self.node.stat())
    }

    fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        check_signed(offset)?;
        self.node.read_at(iovs, offset)
    }

    fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        check_signed(offset)?;
        Ok(self.node.write_at(ciovs, Some(offset))?.0)
    }

    fn append(&self, ciovs: &Iovecs<'_>) -> Result<(usize, Option<Filesize>)> {
        let (written, end) = self.node.write_at(ciovs, None)?;
        self.end_of_append.store(end, Relaxed);
        Ok((written, Some(end)))
    }

    fn end_of_append(&self) -> Result<Filesize> {
        Ok(self.end_of_append.load(Relaxed))
    }

    fn set_size(&self, size: Filesize) -> Result<()> {
        check_signed(size)?;
        self.node.set_size(size)
    }

    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()> {
        self.node.set_times(atim, mtim);
        Ok(())
    }

    fn check_offset(&self, offset: Filesize) -> Result<()> {
        if offset > MAX_SIZE {
            return Err(Errno::Inval);
        }
        Ok(())
    }

    fn allocate(&self, offset: Filesize, len: Filesize) -> Result<()> {
        let end = offset.checked_add(len).ok_or(Errno::Fbig)?;
        self.node.grow(end)
    }
}
