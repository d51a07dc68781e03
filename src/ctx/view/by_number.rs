//! Operations on open files, by their numbers.

use std::sync::Arc;

use super::{View, refusal};
use crate::abi::{Errno, Fd, Filesize, Filestat, Filetype, Rights};
use crate::ctx::{Descriptor, FdEntry};
use crate::memory::{Iovecs, LinearMemory};
use crate::vfs::SetTime;

impl View {
    /// The entry `fd`, which must have the right `right`. The error is `without` if its access mode excludes
    /// the right.
    fn entry(&self, fd: Fd, right: Rights, without: Errno) -> Result<Arc<FdEntry>, Errno> {
        let entry = self.ctx.entry(fd)?;
        if entry.mapped_path().is_some() {
            return Err(Errno::Badf);
        }
        match entry.require(right) {
            Ok(()) => Ok(entry),
            Err(Errno::Notcapable) if entry.granted().contains(right) => Err(without),
            Err(Errno::Notcapable) => Err(refusal(right)),
            Err(error) => Err(error),
        }
    }

    /// `close(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open.
    pub fn close(&self, fd: Fd) -> Result<(), Errno> {
        self.entry(fd, Rights::empty(), Errno::Badf)?;
        self.ctx.close(fd)
    }

    /// Whether reading or writing it may call functions of the embedder.
    pub fn calls_back(&self, fd: Fd) -> bool {
        (self.ctx.entry(fd)).is_ok_and(|entry| match entry.descriptor() {
            Descriptor::File(file) => file.handle().calls_back(),
            _ => false,
        })
    }

    /// `read(2)`, or `pread(2)` with an offset. Returns the number of bytes.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open for reading. [`Errno::Isdir`]. [`Errno::Spipe`]: it has no offsets. What
    /// `pread(2)` says.
    pub fn read(&self, fd: Fd, to: &mut [u8], at: Option<Filesize>) -> Result<usize, Errno> {
        let entry = self.entry(fd, Rights::empty(), Errno::Badf)?;
        if entry.filetype()? == Filetype::Directory {
            return Err(Errno::Isdir);
        }
        self.entry(fd, Rights::FD_READ, Errno::Badf)?;
        let memory = LinearMemory::exclusive(to);
        let iovs = Iovecs::all_of(&memory);
        match at {
            None => entry.read(&iovs, self.ctx.interrupt()),
            Some(_) if entry.is_stream()? => Err(Errno::Spipe),
            Some(offset) => entry.read_at(&iovs, offset, self.ctx.interrupt()),
        }
    }

    /// `write(2)`, or `pwrite(2)` with an offset. Returns the number of bytes. `from` is mutable for the type
    /// of buffers alone: it is not written to.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open for writing. [`Errno::Spipe`]: it has no offsets. What `pwrite(2)` says.
    pub fn write(&self, fd: Fd, from: &mut [u8], at: Option<Filesize>) -> Result<usize, Errno> {
        let entry = self.entry(fd, Rights::FD_WRITE, Errno::Badf)?;
        let memory = LinearMemory::exclusive(from);
        let ciovs = Iovecs::all_of(&memory);
        match at {
            None => entry.write(ciovs, self.ctx.interrupt()),
            Some(_) if entry.is_stream()? => Err(Errno::Spipe),
            Some(offset) => entry.write_at(&ciovs, offset, self.ctx.interrupt()),
        }
    }

    /// `fstat(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open. What `fstat(2)` says.
    pub fn fstat(&self, fd: Fd) -> Result<Filestat, Errno> {
        let entry = self.entry(fd, Rights::empty(), Errno::Badf)?;
        entry.descriptor().stat()
    }

    /// `ftruncate(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open. [`Errno::Inval`]: not for writing. What `ftruncate(2)` says.
    pub fn set_size(&self, fd: Fd, size: Filesize) -> Result<(), Errno> {
        let entry = self.entry(fd, Rights::FD_FILESTAT_SET_SIZE, Errno::Inval)?;
        entry.descriptor().set_size(size)
    }

    /// `futimens(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open. What `futimens(2)` says.
    pub fn set_times(&self, fd: Fd, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        let entry = self.entry(fd, Rights::FD_FILESTAT_SET_TIMES, Errno::Badf)?;
        entry.descriptor().set_times(atim, mtim)
    }

    /// `fsync(2)`; `fdatasync(2)` where `data_only`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: not open. What `fsync(2)` says.
    pub fn sync(&self, fd: Fd, data_only: bool) -> Result<(), Errno> {
        let entry = self.entry(fd, Rights::empty(), Errno::Badf)?;
        if data_only && entry.filetype()? != Filetype::Directory {
            entry.descriptor().datasync()
        } else {
            entry.descriptor().sync()
        }
    }
}
