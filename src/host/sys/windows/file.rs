//! Open files.
//!
//! On Windows, reads and writes at an offset move the position of the handle as well, and the kernel serializes
//! the calls on one handle. For a file that was opened for a guest, the offset is kept elsewhere and passed
//! with each call. For a standard stream, the position is shared with the embedder and its other children:
//! there the position of the handle is used, and restored after a call at an offset; only one who reads at that
//! very moment could see the difference.

use std::fs;
use std::io::{self, Seek, SeekFrom};
use std::os::windows::io::AsHandle;

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_DIRECTORY, ERROR_FILE_TOO_LARGE, ERROR_INVALID_PARAMETER,
    ERROR_NOT_SUPPORTED, ERROR_SEEK_ON_DEVICE,
};

use super::disk::Disk;
use super::errno::{error, is};
use super::io::{self as kernel, At};
use super::lent::Lent;
use super::pipe::Pipe;
use super::socket::Socket;
use super::{Dir, stat};
use crate::abi::{Advice, Fdflags, Filesize, Filestat, Filetype, Riflags};
use crate::host::{Direction, Interrupt, Permissions, SetTime, StreamFlags};
use crate::memory::Iovecs;

/// An open file description: a file on a disk, a directory that was opened as a file, a console, a pipe, a
/// socket or another device.
#[derive(Debug)]
pub struct File(pub(super) HandleKind);

/// The kind of an open file.
#[derive(Debug)]
pub(super) enum HandleKind {
    /// The guest opened it.
    Disk(Disk),
    /// The guest accepted it, or was started with it.
    Socket(Socket),
    /// An end of a pipe that is the guest's alone.
    Pipe(Pipe),
    /// The embedder lent it. It may be open on anything.
    Lent(Lent),
}

impl TryFrom<File> for fs::File {
    type Error = io::Error;

    /// # Errors
    ///
    /// `ERROR_DIRECTORY`: it is no file on a disk that the guest opened.
    fn try_from(file: File) -> io::Result<Self> {
        match file.0 {
            HandleKind::Disk(disk) => Ok(disk.into()),
            HandleKind::Socket(_) | HandleKind::Pipe(_) | HandleKind::Lent(_) => {
                Err(error(ERROR_DIRECTORY))
            }
        }
    }
}

/// An offset, if the kernel takes it; otherwise `EINVAL`.
fn offset(offset: Filesize) -> io::Result<Filesize> {
    match i64::try_from(offset) {
        Ok(_) => Ok(offset),
        Err(_) => Err(error(ERROR_INVALID_PARAMETER)),
    }
}

impl File {
    /// A file that was just opened with these flags.
    pub(super) fn new(file: fs::File, fdflags: Fdflags) -> Self {
        Self(HandleKind::Disk(Disk::new(file, fdflags)))
    }

    /// The embedder's descriptor with this number, lent to the guest as a standard stream.
    ///
    /// # Errors
    ///
    /// `ERROR_INVALID_HANDLE`: it is not open.
    pub fn lent(fd: i32) -> io::Result<Self> {
        Lent::new(fd).map(|lent| Self(HandleKind::Lent(lent)))
    }

    /// Whether it is lent: its offset is shared with the embedder.
    #[inline]
    pub fn is_lent(&self) -> bool {
        matches!(self.0, HandleKind::Lent(_))
    }

    /// The synchronous flags that it was opened with, which do not change.
    pub fn synchronous(&self) -> Fdflags {
        match &self.0 {
            HandleKind::Disk(disk) => disk.synchronous(),
            HandleKind::Socket(_) | HandleKind::Pipe(_) | HandleKind::Lent(_) => Fdflags::empty(),
        }
    }

    /// `None`: opening does not tell the type.
    pub fn filetype(&self) -> Option<Filetype> {
        None
    }

    /// The directory that was opened as a file.
    pub fn as_dir(&self) -> io::Result<&Dir> {
        match &self.0 {
            HandleKind::Disk(disk) => disk.as_dir(),
            HandleKind::Socket(_) | HandleKind::Pipe(_) | HandleKind::Lent(_) => {
                Err(error(ERROR_DIRECTORY))
            }
        }
    }

    /// `readv(2)`. On a lent descriptor it blocks, whatever the mode of that.
    pub fn read(&self, iovs: &Iovecs<'_>, interrupt: &Interrupt) -> io::Result<usize> {
        match &self.0 {
            HandleKind::Disk(disk) => disk.read(iovs, At::Position),
            HandleKind::Lent(lent) => self.read_lent(lent, iovs, interrupt.waiting()),
            HandleKind::Pipe(pipe) => self.read_pipe(pipe, iovs, interrupt.waiting()),
            HandleKind::Socket(socket) => {
                let received = self.recv(iovs, Riflags::empty(), socket.wait(interrupt));
                received.map(|(received, _)| received)
            }
        }
    }

    /// `writev(2)`. On a lent descriptor it blocks, whatever the mode of that.
    pub fn write(&self, ciovs: &Iovecs<'_>, interrupt: &Interrupt) -> io::Result<usize> {
        match &self.0 {
            HandleKind::Disk(disk) => disk.write(ciovs, At::Position),
            HandleKind::Lent(lent) => self.write_lent(lent, ciovs, interrupt.waiting()),
            HandleKind::Pipe(pipe) => self.write_pipe(pipe, ciovs.clone(), interrupt.waiting()),
            HandleKind::Socket(socket) => self.send(ciovs, socket.wait(interrupt)),
        }
    }

    /// Does nothing, as Windows has other permissions.
    pub fn set_permissions(&self, _: Permissions) -> io::Result<()> {
        Ok(())
    }

    /// `preadv(2)`.
    pub fn read_at(&self, iovs: &Iovecs<'_>, at: Filesize) -> io::Result<usize> {
        let at = At::Offset(offset(at)?);
        match &self.0 {
            HandleKind::Disk(disk) => disk.read(iovs, at),
            _ => self.at_an_offset(|handle| kernel::read(handle.as_handle(), iovs, at)),
        }
    }

    /// `pwritev(2)`.
    pub fn write_at(&self, ciovs: &Iovecs<'_>, at: Filesize) -> io::Result<usize> {
        let at = At::Offset(offset(at)?);
        match &self.0 {
            HandleKind::Disk(disk) => disk.write(ciovs, at),
            _ => self.at_an_offset(|handle| {
                kernel::write(handle.as_handle(), ciovs, at, &Interrupt::NEVER)
            }),
        }
    }

    /// `writev(2)` with `O_APPEND`. Returns the number of bytes, and the offset behind them.
    pub fn append(&self, ciovs: &Iovecs<'_>) -> io::Result<(usize, Option<Filesize>)> {
        match &self.0 {
            HandleKind::Disk(disk) => {
                let (nwritten, end) = disk.append(ciovs)?;
                Ok((nwritten, Some(end)))
            }
            HandleKind::Socket(_) | HandleKind::Pipe(_) | HandleKind::Lent(_) => {
                Ok((self.write(ciovs, &Interrupt::NEVER)?, None))
            }
        }
    }

    /// `lseek(2)` of the position of the handle.
    pub fn seek(&self, to: SeekFrom) -> io::Result<Filesize> {
        match &self.0 {
            HandleKind::Disk(disk) => disk.seek(to),
            _ => self.on_disk(ERROR_SEEK_ON_DEVICE, |mut file| file.seek(to)),
        }
    }

    /// `fstat(2)`.
    pub fn stat(&self) -> io::Result<Filestat> {
        match &self.0 {
            HandleKind::Disk(disk) => stat::fstat(disk.as_file()),
            HandleKind::Lent(lent) => lent.stat(),
            HandleKind::Socket(socket) => Ok(stat::of_stream(socket.filetype())),
            // The witx has no type for pipes: a stream socket, as in node:wasi.
            HandleKind::Pipe(_) => Ok(stat::of_stream(Filetype::SocketStream)),
        }
    }

    /// `isatty(3)`.
    pub fn is_terminal(&self) -> bool {
        match &self.0 {
            HandleKind::Lent(lent) => lent.is_terminal(),
            HandleKind::Disk(_) | HandleKind::Socket(_) | HandleKind::Pipe(_) => false,
        }
    }

    /// `ftruncate(2)`.
    pub fn set_size(&self, size: Filesize) -> io::Result<()> {
        let size = offset(size)?;
        self.on_disk(ERROR_INVALID_PARAMETER, |file| file.set_len(size))
    }

    /// `futimens(2)`.
    pub fn set_times(&self, atim: SetTime, mtim: SetTime) -> io::Result<()> {
        self.on_disk(ERROR_NOT_SUPPORTED, |file| {
            stat::set_times(file, atim, mtim)
        })
    }

    /// `fsync(2)`.
    pub fn sync(&self) -> io::Result<()> {
        self.on_disk(ERROR_INVALID_PARAMETER, sync)
    }

    /// `fdatasync(2)`, which on Windows is the same as `fsync(2)`.
    pub fn datasync(&self) -> io::Result<()> {
        self.sync()
    }

    /// `posix_fallocate(3)`: reserves `len` bytes at `at`; the file grows to contain them. Windows reserves
    /// room for a file up to its size.
    pub fn allocate(&self, at: Filesize, len: Filesize) -> io::Result<()> {
        let end = (at
            .checked_add(len)
            .filter(|end| i64::try_from(*end).is_ok()))
        .ok_or_else(|| error(ERROR_FILE_TOO_LARGE))?;
        self.on_disk(ERROR_SEEK_ON_DEVICE, |file| match file.metadata()?.len() {
            len if len < end => file.set_len(end),
            _ => Ok(()),
        })
    }

    /// `posix_fadvise(2)`. Ignored: Windows takes advice only when a file is opened.
    pub fn advise(&self, at: Filesize, len: Filesize, _: Advice) -> io::Result<()> {
        offset(at)?;
        offset(len)?;
        Ok(())
    }

    /// `fcntl(F_SETFL)`: sets what can change, `O_NONBLOCK`. Appending is chosen for each write:
    /// [`File::append`].
    pub fn set_fdflags(&self, fdflags: Fdflags) -> io::Result<()> {
        if let HandleKind::Socket(socket) = &self.0 {
            socket.set_nonblock(fdflags.contains(Fdflags::NONBLOCK));
        }
        Ok(())
    }

    /// `fcntl(F_GETFL)`: the flags that the host keeps, and the access mode.
    pub fn flags(&self) -> io::Result<StreamFlags> {
        match &self.0 {
            HandleKind::Disk(disk) => disk.flags(),
            HandleKind::Lent(lent) => lent.flags(),
            HandleKind::Socket(socket) => Ok(socket.flags()),
            HandleKind::Pipe(pipe) => Ok(StreamFlags {
                fdflags: Fdflags::empty(),
                read: pipe.direction() == Direction::Read,
                write: pipe.direction() == Direction::Write,
            }),
        }
    }

    /// An operation that only files on a disk have. For others it fails with `otherwise`, the error of that
    /// call on Linux.
    fn on_disk<T>(
        &self,
        otherwise: u32,
        call: impl FnOnce(&fs::File) -> io::Result<T>,
    ) -> io::Result<T> {
        let lent = match &self.0 {
            HandleKind::Disk(disk) => return call(disk.as_file()),
            HandleKind::Lent(lent) => lent.to_file()?,
            HandleKind::Socket(_) | HandleKind::Pipe(_) => None,
        };
        call(&lent.ok_or_else(|| error(otherwise))?)
    }

    /// Reads or writes a lent file at an offset, and restores the position.
    fn at_an_offset(&self, call: impl FnOnce(&fs::File) -> io::Result<usize>) -> io::Result<usize> {
        self.on_disk(ERROR_SEEK_ON_DEVICE, |mut file| {
            let position = file.stream_position()?;
            let result = call(file);
            file.seek(SeekFrom::Start(position))?;
            result
        })
    }
}

/// `fsync(2)`. Windows refuses it for a handle without write access, through which nothing has been written.
pub(super) fn sync(file: &fs::File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if is(&error, ERROR_ACCESS_DENIED) => Ok(()),
        result => result,
    }
}
