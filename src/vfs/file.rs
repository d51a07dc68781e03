use std::fmt::Debug;

use super::Result;
use crate::abi::{Advice, Errno, Filesize, Filestat, Filetype};
use crate::host::{self, SeekFrom, SetTime, Wait};
use crate::memory::Iovecs;

/// An open file that has offsets, but none of its own: each call says where.
///
/// Several threads may call at once. While one is in a call that moves the offset of an open file
/// description, the others wait for it ([`OpenFile`](super::OpenFile)); so no call may come back to the
/// guest, save those of a file that says so ([`File::calls_back`]). Who opened it for reading alone never gets a call that writes, and
/// the other way round: the rights above see to that. Offsets and sizes are in bytes.
pub trait File: Debug + Send + Sync + 'static {
    /// `fstat(2)`. The type is that of a regular file, and stays so.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`].
    fn stat(&self) -> Result<Filestat>;

    /// Whether its calls may come back to the guest that they were made for, as those of a file system in
    /// JavaScript may: then nothing is locked for them, and what comes back finds the offset as it was.
    fn calls_back(&self) -> bool {
        false
    }

    /// `preadv(2)`: the number of bytes read; 0 at the end of the file and beyond. Less than there is
    /// room for says that the end was met.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]. [`Errno::Intr`]: the thread is interrupted.
    fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize>;

    /// `pwritev(2)`: the number of bytes written. Between the end and an offset beyond it, zeros come to
    /// be.
    ///
    /// # Errors
    ///
    /// [`Errno::Fbig`]: beyond the size that a file may have. [`Errno::Nospc`], [`Errno::Dquot`]: no
    /// room. [`Errno::Io`]. [`Errno::Intr`]: the thread is interrupted.
    fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize>;

    /// `writev(2)` with `O_APPEND`: writes at the end, wherever that is when it happens. The number of
    /// bytes written, and where they end; none where that costs something, and is to be asked of
    /// [`File::end_of_append`] if anybody wants to know.
    ///
    /// # Errors
    ///
    /// As [`File::write_at`].
    fn append(&self, ciovs: &Iovecs<'_>) -> Result<(usize, Option<Filesize>)>;

    /// Where the last [`File::append`] ended.
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

    /// `lseek(2)`: whether an offset is one that the file may be read or written at, be it beyond the end.
    ///
    /// Of itself, any below 2^63 is.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: it is not.
    fn check_offset(&self, offset: Filesize) -> Result<()> {
        i64::try_from(offset).map(drop).map_err(|_| Errno::Inval)
    }

    /// `posix_fallocate(3)`: room for `len` bytes at `offset`, the size grown to hold them.
    ///
    /// Of itself, a file grows as far as it must, and reserves nothing.
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

    /// `posix_fadvise(2)`: how `len` bytes at `offset` will be used; of 0 bytes, all up to the end.
    ///
    /// Of itself, advice is ignored.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: an offset or a length from 2^63.
    fn advise(&self, offset: Filesize, len: Filesize, advice: Advice) -> Result<()> {
        let _ = advice;
        check_range(offset, len)
    }

    /// `fsync(2)`; `fdatasync(2)` where `data_only`.
    ///
    /// Of itself, there is nothing to do: what was written has nowhere to go.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`], [`Errno::Nospc`].
    fn sync(&self, data_only: bool) -> Result<()> {
        let _ = data_only;
        Ok(())
    }
}

/// Refuses what `posix_fadvise(2)` takes for no range: see [`File::advise`].
pub(crate) fn check_range(offset: Filesize, len: Filesize) -> Result<()> {
    for number in [offset, len] {
        i64::try_from(number).map_err(|_| Errno::Inval)?;
    }
    Ok(())
}

/// An open file, of the host or of another file system.
#[derive(Debug)]
pub enum FileHandle {
    /// The host's. Opening by a path does not tell what is opened: it may also be a device, a FIFO or a
    /// directory.
    Host(host::File),
    /// Another file system's: a regular file.
    Other(Box<dyn File>),
}

#[allow(clippy::missing_errors_doc, reason = "the trait lists them")]
impl FileHandle {
    /// The type, if opening has told it.
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

    /// The directory of the host that was opened as a file.
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

    /// [`FileHandle::read_at`], waiting unless `nonblock`, and interruptible.
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

    /// [`FileHandle::write_at`], waiting unless `nonblock`, and interruptible.
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

    /// [`FileHandle::append`], waiting unless `nonblock`, and interruptible.
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

    /// `lseek(2)`, where the offset is the host's: after an append without an end.
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
