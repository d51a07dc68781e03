use std::fmt::Debug;

use super::Result;
use crate::abi::{Advice, Errno, Filesize, Filestat, Filetype};
use crate::host::{self, SeekFrom, SetTime, Wait};
use crate::memory::Iovecs;

/// An open file with offsets. It keeps no offset of its own: each call says where.
///
/// Several threads may call at once. A call that moves the offset of an open file description holds a lock on
/// it ([`OpenFile`](super::OpenFile)); so no call may call the guest, except those of a file that says so
/// ([`File::calls_back`]). A file that was opened only for reading never gets a call that writes, nor the other
/// way round: the rights of the descriptor are checked before. Offsets and sizes are in bytes.
pub trait File: Debug + Send + Sync + 'static {
    /// `fstat(2)`. The type is that of a regular file, and stays so.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`].
    fn stat(&self) -> Result<Filestat>;

    /// Whether its operations may call the guest that uses it, as a file system in JavaScript can: then no lock
    /// is held while they run, and a call within a call finds the offset as it was.
    fn calls_back(&self) -> bool {
        false
    }

    /// `preadv(2)`: the number of bytes read; 0 at the end of the file and beyond. Fewer than there is room for
    /// means that the end was reached.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]. [`Errno::Intr`]: the thread is interrupted.
    fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize>;

    /// `pwritev(2)`: the number of bytes written. A gap between the end and an offset beyond it is filled with
    /// zeros.
    ///
    /// # Errors
    ///
    /// [`Errno::Fbig`]: beyond the size that a file may have. [`Errno::Nospc`], [`Errno::Dquot`]: no
    /// room. [`Errno::Io`]. [`Errno::Intr`]: the thread is interrupted.
    fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize>;

    /// `writev(2)` with `O_APPEND`: the number of bytes written, and the offset behind them. That is `None` if
    /// it costs something to find out; [`File::end_of_append`] then tells it.
    ///
    /// # Errors
    ///
    /// As [`File::write_at`].
    fn append(&self, ciovs: &Iovecs<'_>) -> Result<(usize, Option<Filesize>)>;

    /// The offset behind the last [`File::append`].
    ///
    /// # Errors
    ///
    /// [`Errno::Io`].
    fn end_of_append(&self) -> Result<Filesize>;

    /// `ftruncate(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: a size from 2^63. [`Errno::Fbig`], [`Errno::Nospc`], [`Errno::Io`].
    fn set_size(&self, size: Filesize) -> Result<()>;

    /// `futimens(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Rofs`]: nothing can be changed. [`Errno::Perm`], [`Errno::Io`].
    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()>;

    /// `lseek(2)`: whether the file accepts an offset, which may be beyond its end.
    ///
    /// By default, any below 2^63.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: it does not.
    fn check_offset(&self, offset: Filesize) -> Result<()> {
        i64::try_from(offset).map(drop).map_err(|_| Errno::Inval)
    }

    /// `posix_fallocate(3)`: reserves `len` bytes at `offset`; the file grows to hold them.
    ///
    /// By default, the file grows, and nothing is reserved.
    ///
    /// # Errors
    ///
    /// [`Errno::Fbig`]: the end is from 2^63, or beyond the size that a file may have.
    /// [`Errno::Nospc`], [`Errno::Io`].
    fn allocate(&self, offset: Filesize, len: Filesize) -> Result<()> {
        let end = (offset.checked_add(len))
            .filter(|end| i64::try_from(*end).is_ok())
            .ok_or(Errno::Fbig)?;
        if self.stat()?.size < end {
            self.set_size(end)?;
        }
        Ok(())
    }

    /// `posix_fadvise(2)`: how `len` bytes at `offset` will be used; with 0, all up to the end.
    ///
    /// By default, advice is ignored.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: an offset or a length from 2^63.
    fn advise(&self, offset: Filesize, len: Filesize, advice: Advice) -> Result<()> {
        let _ = advice;
        check_range(offset, len)
    }

    /// `fsync(2)`, or `fdatasync(2)` with `data_only`.
    ///
    /// By default, nothing is done.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`], [`Errno::Nospc`].
    fn sync(&self, data_only: bool) -> Result<()> {
        let _ = data_only;
        Ok(())
    }
}

/// Refuses the ranges that `posix_fadvise(2)` refuses: see [`File::advise`].
pub(crate) fn check_range(offset: Filesize, len: Filesize) -> Result<()> {
    for number in [offset, len] {
        i64::try_from(number).map_err(|_| Errno::Inval)?;
    }
    Ok(())
}

/// An open file, of the host or of another file system.
#[derive(Debug)]
pub enum FileHandle {
    /// The host's. The host does not tell the type when it opens a path: it may also be a device, a FIFO or a
    /// directory.
    Host(host::File),
    /// A regular file of another file system.
    Other(Box<dyn File>),
}

#[allow(clippy::missing_errors_doc, reason = "the trait lists them")]
impl FileHandle {
    /// The type, if it is known since the file was opened.
    pub fn filetype(&self) -> Option<Filetype> {
        match self {
            FileHandle::Host(file) => file.filetype(),
            FileHandle::Other(_) => Some(Filetype::RegularFile),
        }
    }

    /// [`File::calls_back`].
    #[inline]
    pub fn calls_back(&self) -> bool {
        match self {
            FileHandle::Host(_) => false,
            FileHandle::Other(file) => file.calls_back(),
        }
    }

    /// The host's open file, if it is one.
    pub fn host(&self) -> Option<&host::File> {
        match self {
            FileHandle::Host(file) => Some(file),
            FileHandle::Other(_) => None,
        }
    }

    /// This file of the host as the directory that it turns out to be.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is none.
    pub fn as_dir(&self) -> Result<&host::Dir> {
        Ok(self.host().ok_or(Errno::Notdir)?.as_dir()?)
    }

    /// [`File::stat`].
    #[inline(always)]
    pub fn stat(&self) -> Result<Filestat> {
        match self {
            FileHandle::Host(file) => Ok(file.stat()?),
            FileHandle::Other(file) => file.stat(),
        }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(&self) -> bool {
        self.host().is_some_and(host::File::is_terminal)
    }

    /// [`File::read_at`].
    #[inline(always)]
    pub fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        match self {
            FileHandle::Host(file) => Ok(file.read_at(iovs, offset)?),
            FileHandle::Other(file) => file.read_at(iovs, offset),
        }
    }

    /// [`File::write_at`].
    #[inline(always)]
    pub fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        match self {
            FileHandle::Host(file) => Ok(file.write_at(ciovs, offset)?),
            FileHandle::Other(file) => file.write_at(ciovs, offset),
        }
    }

    /// [`File::append`].
    pub fn append(&self, ciovs: &Iovecs<'_>) -> Result<(usize, Option<Filesize>)> {
        match self {
            FileHandle::Host(file) => Ok(file.append(ciovs)?),
            FileHandle::Other(file) => file.append(ciovs),
        }
    }

    /// [`FileHandle::read_at`], interruptible. Waits for data unless `nonblock`.
    pub fn read_at_interruptible(
        &self,
        iovs: &Iovecs<'_>,
        offset: Filesize,
        wait: Wait<'_>,
    ) -> Result<usize> {
        match self {
            FileHandle::Host(file) => Ok(file.read_at_interruptible(iovs, offset, wait)?),
            FileHandle::Other(file) => file.read_at(iovs, offset),
        }
    }

    /// [`FileHandle::write_at`], interruptible. Waits for room unless `nonblock`.
    pub fn write_at_interruptible(
        &self,
        ciovs: &Iovecs<'_>,
        offset: Filesize,
        wait: Wait<'_>,
    ) -> Result<usize> {
        match self {
            FileHandle::Host(file) => {
                Ok(file.write_at_interruptible(ciovs.clone(), offset, wait)?)
            }
            FileHandle::Other(file) => file.write_at(ciovs, offset),
        }
    }

    /// [`FileHandle::append`], interruptible. Waits for room unless `nonblock`.
    pub fn append_interruptible(
        &self,
        ciovs: &Iovecs<'_>,
        wait: Wait<'_>,
    ) -> Result<(usize, Option<Filesize>)> {
        match self {
            FileHandle::Host(file) => Ok(file.append_interruptible(ciovs.clone(), wait)?),
            FileHandle::Other(file) => file.append(ciovs),
        }
    }

    /// `lseek(2)` of the host's offset, for the end of an append that did not tell it.
    pub(crate) fn seek(&self, to: SeekFrom) -> Result<Filesize> {
        let file = match self {
            FileHandle::Host(file) => return Ok(file.seek(to)?),
            FileHandle::Other(file) => file,
        };
        let offset = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(by) => file.end_of_append()?.checked_add_signed(by),
            SeekFrom::End(by) => file.stat()?.size.checked_add_signed(by),
        };
        let offset = offset.ok_or(Errno::Inval)?;
        file.check_offset(offset)?;
        Ok(offset)
    }

    /// [`File::set_size`].
    pub fn set_size(&self, size: Filesize) -> Result<()> {
        match self {
            FileHandle::Host(file) => Ok(file.set_size(size)?),
            FileHandle::Other(file) => file.set_size(size),
        }
    }

    /// [`File::set_times`].
    pub fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()> {
        match self {
            FileHandle::Host(file) => Ok(file.set_times(atim, mtim)?),
            FileHandle::Other(file) => file.set_times(atim, mtim),
        }
    }

    /// [`File::allocate`].
    pub fn allocate(&self, offset: Filesize, len: Filesize) -> Result<()> {
        match self {
            FileHandle::Host(file) => Ok(file.allocate(offset, len)?),
            FileHandle::Other(file) => file.allocate(offset, len),
        }
    }

    /// [`File::advise`].
    pub fn advise(&self, offset: Filesize, len: Filesize, advice: Advice) -> Result<()> {
        match self {
            FileHandle::Host(file) => Ok(file.advise(offset, len, advice)?),
            FileHandle::Other(file) => file.advise(offset, len, advice),
        }
    }

    /// [`File::sync`].
    pub fn sync(&self, data_only: bool) -> Result<()> {
        match self {
            FileHandle::Host(file) if data_only => Ok(file.datasync()?),
            FileHandle::Host(file) => Ok(file.sync()?),
            FileHandle::Other(file) => file.sync(data_only),
        }
    }
}
