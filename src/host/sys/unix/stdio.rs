use std::io;
use std::os::fd::{BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use rustix::fs::OFlags;

use super::file::{self, Whose};
use super::{FileRef, io as kernel, reopen, wait};
use crate::host::{Direction, StreamFlags};
use crate::memory::Iovecs;

/// A descriptor of the embedder's, lent to the guest: one of its three standard streams.
///
/// Closing the guest's descriptor leaves the embedder's open. Its flags, which it may share with
/// other processes, are never changed: whether the guest waits is decided here, call by call.
#[derive(Debug)]
pub struct Stdio {
    fd: RawFd,
    /// The same once more, for calls that do not wait; none where that cannot be had.
    nonblocking: OnceLock<Option<OwnedFd>>,
}

impl Stdio {
    /// The open descriptor with this number.
    ///
    /// # Errors
    ///
    /// `EBADF`: there is none.
    pub fn new(fd: i32) -> io::Result<Self> {
        if fd < 0 {
            return Err(rustix::io::Errno::BADF.into());
        }
        rustix::io::fcntl_getfd(kernel::borrow(fd))?;
        Ok(Self {
            fd,
            nonblocking: OnceLock::new(),
        })
    }

    /// The stream, for what it has in common with every file.
    pub fn as_ref(&self) -> FileRef<'_> {
        FileRef(kernel::borrow(self.fd), Whose::Lent(self))
    }

    /// `fcntl(F_GETFL)`: what the host does of itself, and for what it is open.
    pub fn flags(&self) -> io::Result<StreamFlags> {
        let oflags = rustix::fs::fcntl_getfl(kernel::borrow(self.fd))?;
        let mode = oflags & OFlags::RWMODE;
        Ok(StreamFlags {
            fdflags: file::from_oflags(oflags),
            read: mode == OFlags::RDONLY || mode == OFlags::RDWR,
            write: mode == OFlags::WRONLY || mode == OFlags::RDWR,
        })
    }

    /// `readv(2)` that waits, whatever the descriptor's own flag says.
    pub fn read(&self, iovs: &Iovecs<'_>) -> io::Result<usize> {
        let fd = kernel::borrow(self.fd);
        wait::retry(fd, Direction::Read, false, || kernel::read(fd, iovs))
    }

    /// `writev(2)` that waits, whatever the descriptor's own flag says.
    pub fn write(&self, ciovs: &Iovecs<'_>) -> io::Result<usize> {
        let fd = kernel::borrow(self.fd);
        wait::retry(fd, Direction::Write, false, || kernel::write(fd, ciovs))
    }

    /// What [`reopen::nonblocking`] gives, if it has been asked.
    pub(super) fn reopened(&self) -> Option<BorrowedFd<'_>> {
        use std::os::fd::AsFd;
        self.nonblocking.get()?.as_ref().map(AsFd::as_fd)
    }

    /// What [`reopen::nonblocking`] gives, which is asked once.
    pub(super) fn reopen(&self) -> Option<BorrowedFd<'_>> {
        if self.nonblocking.get().is_none() {
            // It comes to nothing if another thread was faster.
            let _ = (self.nonblocking).set(reopen::nonblocking(kernel::borrow(self.fd)));
        }
        self.reopened()
    }
}
