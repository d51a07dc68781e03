use std::io;
use std::os::fd::RawFd;

use super::{FileRef, io as kernel, wait};
use crate::host::Direction;
use crate::memory::Iovecs;

/// The room that a pipe reported as writable has at least.
pub(super) const PIPE_BUF: usize = libc::PIPE_BUF;

/// A descriptor of the embedder's, lent to the guest: one of its three standard streams.
///
/// Closing the guest's descriptor leaves the embedder's open. Its flags, which it may share with
/// other processes, are never changed: whether the guest waits is decided here, call by call.
#[derive(Debug)]
pub struct Stdio(RawFd);

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
        Ok(Self(fd))
    }

    /// The stream, for what it has in common with every file.
    pub fn as_ref(&self) -> FileRef<'_> {
        FileRef::from(kernel::borrow(self.0))
    }

    /// `readv(2)` that waits unless `nonblock`, whatever the descriptor's own flag says.
    pub fn read(&self, iovs: &Iovecs<'_>, nonblock: bool) -> io::Result<usize> {
        let fd = self.as_ref().0;
        if nonblock && !wait::is_ready(fd, Direction::Read)? {
            return Err(rustix::io::Errno::AGAIN.into());
        }
        wait::retry(fd, Direction::Read, nonblock, || kernel::read(fd, iovs))
    }

    /// `writev(2)` that waits unless `nonblock`, whatever the descriptor's own flag says.
    pub fn write(&self, mut ciovs: Iovecs<'_>, nonblock: bool) -> io::Result<usize> {
        let fd = self.as_ref().0;
        if nonblock {
            if !wait::is_ready(fd, Direction::Write)? {
                return Err(rustix::io::Errno::AGAIN.into());
            }
            // More than a pipe has room for would wait after all.
            ciovs.truncate(PIPE_BUF);
        }
        wait::retry(fd, Direction::Write, nonblock, || kernel::write(fd, &ciovs))
    }
}
