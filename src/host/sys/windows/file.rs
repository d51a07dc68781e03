//! Open files.
//!
//! On Windows a handle's own position moves with every call, those included that say where they
//! read or write, and the kernel makes the calls on one handle one after the other in any case. So the
//! position that a guest knows is kept here, behind a lock, and each call on a guest's file says
//! where: `fd_pread` leaves the position of `fd_read` alone, as it must. A standard stream is another
//! matter: the position of what it is open on is shared with the embedder and its other children. There
//! the handle's own position is used, and set back after a call at an offset, so that only one who
//! reads at that very moment could tell.

use std::fs;
use std::io::{self, Seek, SeekFrom};
use std::os::windows::io::AsHandle;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock};

use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_FILE_TOO_LARGE, ERROR_INVALID_PARAMETER, ERROR_NEGATIVE_SEEK,
    ERROR_NOT_SUPPORTED,
};

use super::errno::{error, is};
use super::io::{self as kernel, At};
use super::{Dir, Socket, SocketRef, Stdio, stat};
use crate::abi::{Advice, Fdflags, Filesize, Filestat, Filetype, Riflags};
use crate::host::{SYNCHRONOUS, SetTime, stop};
use crate::memory::Iovecs;

/// An open file, or a directory that was not asked for as one.
#[derive(Debug)]
pub struct File {
    file: fs::File,
    /// The directory that it turned out to be.
    directory: OnceLock<Dir>,
    position: Mutex<Filesize>,
    append: AtomicBool,
    /// Those of [`SYNCHRONOUS`] with which it was opened.
    synchronous: Fdflags,
}

impl From<File> for fs::File {
    fn from(file: File) -> Self {
        file.file
    }
}

impl File {
    pub(super) fn new(file: fs::File, fdflags: Fdflags) -> Self {
        Self {
            file,
            directory: OnceLock::new(),
            position: Mutex::new(0),
            append: AtomicBool::new(fdflags.contains(Fdflags::APPEND)),
            synchronous: fdflags & SYNCHRONOUS,
        }
    }

    /// The flags that the host keeps of those with which it was opened, whatever is set later.
    pub fn synchronous(&self) -> Fdflags {
        self.synchronous
    }

    /// What it is, if opening has told, as it does not here.
    pub fn filetype(&self) -> Option<Filetype> {
        None
    }

    /// The file, for as long as it is held.
    pub fn as_ref(&self) -> FileRef<'_> {
        FileRef(Which::File(self))
    }

    /// The directory that was opened as a file.
    pub fn as_dir(&self) -> io::Result<&Dir> {
        if let Some(dir) = self.directory.get() {
            return Ok(dir);
        }
        let dir = self.file.try_clone()?.into();
        Ok(self.directory.get_or_init(|| dir))
    }

    fn lock(&self) -> io::Result<MutexGuard<'_, Filesize>> {
        stop::lock(&self.position)
    }

    /// The bytes from the position to the end.
    pub(super) fn bytes_left(&self) -> io::Result<Filesize> {
        Ok(self.file.metadata()?.len().saturating_sub(*self.lock()?))
    }

    fn read(&self, iovs: &Iovecs<'_>) -> io::Result<usize> {
        let mut position = self.lock()?;
        let nread = kernel::read(self.file.as_handle(), iovs, At::Offset(*position))?;
        *position += nread as Filesize;
        Ok(nread)
    }

    fn write(&self, ciovs: &Iovecs<'_>) -> io::Result<usize> {
        let mut position = self.lock()?;
        if self.append.load(Relaxed) {
            let nwritten = kernel::write(self.file.as_handle(), ciovs, At::End)?;
            *position = (&self.file).stream_position()?;
            return Ok(nwritten);
        }
        let nwritten = kernel::write(self.file.as_handle(), ciovs, At::Offset(*position))?;
        *position += nwritten as Filesize;
        Ok(nwritten)
    }

    fn read_at(&self, iovs: &Iovecs<'_>, at: Filesize) -> io::Result<usize> {
        // Between an appending write and its question where that was, the handle must stay.
        let _position = self.lock()?;
        kernel::read(self.file.as_handle(), iovs, At::Offset(at))
    }

    fn write_at(&self, ciovs: &Iovecs<'_>, at: Filesize) -> io::Result<usize> {
        let _position = self.lock()?;
        kernel::write(self.file.as_handle(), ciovs, At::Offset(at))
    }

    fn seek(&self, to: SeekFrom) -> io::Result<Filesize> {
        let mut position = self.lock()?;
        let sought = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::Current(delta) => position.checked_add_signed(delta),
            SeekFrom::End(delta) => self.file.metadata()?.len().checked_add_signed(delta),
        };
        *position = offset(sought.ok_or_else(|| error(ERROR_NEGATIVE_SEEK))?)?;
        Ok(*position)
    }
}

/// An open file or stream, whoever owns it, and what can be done with it.
#[derive(Clone, Copy, Debug)]
pub struct FileRef<'a>(pub(super) Which<'a>);

#[derive(Clone, Copy, Debug)]
pub(super) enum Which<'a> {
    File(&'a File),
    Stdio(&'a Stdio),
    Socket(&'a Socket),
}

/// An offset as the kernel takes it; beyond its reach is an invalid argument.
fn offset(offset: Filesize) -> io::Result<Filesize> {
    match i64::try_from(offset) {
        Ok(_) => Ok(offset),
        Err(_) => Err(error(ERROR_INVALID_PARAMETER)),
    }
}

impl FileRef<'_> {
    /// `readv(2)`.
    pub fn read(self, iovs: &Iovecs<'_>) -> io::Result<usize> {
        match self.0 {
            Which::File(file) => file.read(iovs),
            Which::Stdio(stdio) => stdio.read(iovs),
            Which::Socket(socket) => {
                let nonblock = socket.is_nonblock();
                let received = SocketRef::from(self).recv(iovs, Riflags::empty(), nonblock);
                received.map(|(received, _)| received)
            }
        }
    }

    /// `writev(2)`.
    pub fn write(self, ciovs: &Iovecs<'_>) -> io::Result<usize> {
        match self.0 {
            Which::File(file) => file.write(ciovs),
            Which::Stdio(stdio) => stdio.write(ciovs),
            Which::Socket(socket) => SocketRef::from(self).send(ciovs, socket.is_nonblock()),
        }
    }

    /// `preadv(2)`.
    pub fn read_at(self, iovs: &Iovecs<'_>, at: Filesize) -> io::Result<usize> {
        let at = offset(at)?;
        match self.0 {
            Which::File(file) => file.read_at(iovs, at),
            _ => self.at_an_offset(|file| kernel::read(file.as_handle(), iovs, At::Offset(at))),
        }
    }

    /// `pwritev(2)`.
    pub fn write_at(self, ciovs: &Iovecs<'_>, at: Filesize) -> io::Result<usize> {
        let at = offset(at)?;
        match self.0 {
            Which::File(file) => file.write_at(ciovs, at),
            _ => self.at_an_offset(|file| kernel::write(file.as_handle(), ciovs, At::Offset(at))),
        }
    }

    /// `lseek(2)`.
    pub fn seek(self, to: SeekFrom) -> io::Result<Filesize> {
        match self.0 {
            Which::File(file) => file.seek(to),
            _ => self.on_disk(|mut file| file.seek(to)),
        }
    }

    /// `fstat(2)`.
    pub fn stat(self) -> io::Result<Filestat> {
        match self.0 {
            Which::File(file) => stat::fstat(&file.file),
            Which::Stdio(stdio) => stdio.stat(),
            Which::Socket(socket) => Ok(stat::of_stream(socket.filetype())),
        }
    }

    /// Whether it is a terminal.
    pub fn is_terminal(self) -> bool {
        match self.0 {
            Which::Stdio(stdio) => stdio.is_terminal(),
            Which::File(_) | Which::Socket(_) => false,
        }
    }

    /// `ftruncate(2)`.
    pub fn set_size(self, size: Filesize) -> io::Result<()> {
        let size = offset(size)?;
        self.on_disk(|file| file.set_len(size))
    }

    /// `futimens(2)`.
    pub fn set_times(self, atim: SetTime, mtim: SetTime) -> io::Result<()> {
        self.on_disk(|file| stat::set_times(file, atim, mtim))
    }

    /// `fsync(2)`.
    pub fn sync(self) -> io::Result<()> {
        self.on_disk(sync)
    }

    /// `fdatasync(2)`, which on Windows is no less than `fsync(2)`.
    pub fn datasync(self) -> io::Result<()> {
        self.sync()
    }

    /// `posix_fallocate(3)`: room for `len` bytes at `at`, the size grown to hold them. Windows
    /// reserves room for a file up to its size.
    pub fn allocate(self, at: Filesize, len: Filesize) -> io::Result<()> {
        let end = (at
            .checked_add(len)
            .filter(|end| i64::try_from(*end).is_ok()))
        .ok_or_else(|| error(ERROR_FILE_TOO_LARGE))?;
        self.on_disk(|file| match file.metadata()?.len() {
            len if len < end => file.set_len(end),
            _ => Ok(()),
        })
    }

    /// `posix_fadvise(2)`, which Windows has only for a file that is being opened: advice may be
    /// ignored.
    pub fn advise(self, at: Filesize, len: Filesize, _: Advice) -> io::Result<()> {
        offset(at)?;
        offset(len)?;
        Ok(())
    }

    /// `fcntl(F_SETFL)`: what can change of an open file, appending and non-blocking.
    pub fn set_fdflags(self, fdflags: Fdflags) -> io::Result<()> {
        match self.0 {
            Which::File(file) => {
                (file.append).store(fdflags.contains(Fdflags::APPEND), Relaxed);
                Ok(())
            }
            Which::Socket(socket) => {
                socket.set_nonblock(fdflags.contains(Fdflags::NONBLOCK));
                Ok(())
            }
            Which::Stdio(_) => Err(error(ERROR_NOT_SUPPORTED)),
        }
    }

    /// Does what only files can have done.
    fn on_disk<T>(self, call: impl FnOnce(&fs::File) -> io::Result<T>) -> io::Result<T> {
        match self.0 {
            Which::File(file) => call(&file.file),
            Which::Stdio(stdio) => call(&stdio.to_file()?),
            Which::Socket(_) => Err(error(ERROR_INVALID_PARAMETER)),
        }
    }

    /// Reads or writes a file of the embedder's at an offset, and sets the position back.
    fn at_an_offset(self, call: impl FnOnce(&fs::File) -> io::Result<usize>) -> io::Result<usize> {
        self.on_disk(|mut file| {
            let position = file.stream_position()?;
            let result = call(file);
            file.seek(SeekFrom::Start(position))?;
            result
        })
    }
}

/// `fsync(2)`. Through a handle that is open for reading alone, Windows refuses to, and nothing was
/// written.
pub(super) fn sync(file: &fs::File) -> io::Result<()> {
    match file.sync_all() {
        Err(error) if is(&error, ERROR_ACCESS_DENIED) => Ok(()),
        result => result,
    }
}
