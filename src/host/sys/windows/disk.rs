use std::fs;
use std::io::{self, Seek, SeekFrom};
use std::os::windows::io::AsHandle;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::Dir;
use super::io::{self as kernel, At};
use super::query;
use crate::abi::{Fdflags, Filesize};
use crate::host::{Interrupt, SYNCHRONOUS, StreamFlags};
use crate::memory::Iovecs;

/// A file on a disk that the guest opened, or a directory that was opened as a file.
#[derive(Debug)]
pub(super) struct Disk {
    file: fs::File,
    /// Locked for reading and writing. After an append, the position of the handle must not change before it is
    /// asked where the append ended.
    turn: Mutex<()>,
    /// The directory, if it is one.
    directory: OnceLock<Dir>,
    /// The synchronous flags that it was opened with.
    synchronous: Fdflags,
}

impl From<Disk> for fs::File {
    fn from(disk: Disk) -> Self {
        disk.file
    }
}

impl Disk {
    pub fn new(file: fs::File, fdflags: Fdflags) -> Self {
        Self {
            file,
            turn: Mutex::new(()),
            directory: OnceLock::new(),
            synchronous: fdflags & SYNCHRONOUS,
        }
    }

    pub fn as_file(&self) -> &fs::File {
        &self.file
    }

    pub fn synchronous(&self) -> Fdflags {
        self.synchronous
    }

    /// The directory that was opened as a file.
    pub fn as_dir(&self) -> io::Result<&Dir> {
        if let Some(dir) = self.directory.get() {
            return Ok(dir);
        }
        let dir = self.file.try_clone()?.into();
        Ok(self.directory.get_or_init(|| dir))
    }

    pub fn flags(&self) -> io::Result<StreamFlags> {
        query::flags(self.file.as_handle())
    }

    /// Locks it for reading or writing. Waiting for a disk need not be interruptible.
    fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn read(&self, iovs: &Iovecs<'_>, at: At) -> io::Result<usize> {
        let _turn = self.turn();
        kernel::read(self.file.as_handle(), iovs, at)
    }

    pub fn write(&self, ciovs: &Iovecs<'_>, at: At) -> io::Result<usize> {
        let _turn = self.turn();
        kernel::write(self.file.as_handle(), ciovs, at, &Interrupt::NEVER)
    }

    /// Writes at the end. Returns the number of bytes, and the offset behind them.
    pub fn append(&self, ciovs: &Iovecs<'_>) -> io::Result<(usize, Filesize)> {
        let _turn = self.turn();
        let nwritten = kernel::write(self.file.as_handle(), ciovs, At::End, &Interrupt::NEVER)?;
        Ok((nwritten, (&self.file).stream_position()?))
    }

    pub fn seek(&self, to: SeekFrom) -> io::Result<Filesize> {
        let _turn = self.turn();
        (&self.file).seek(to)
    }
}
