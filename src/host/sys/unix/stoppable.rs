//! Reading and writing what may wait, in a thread that may be asked to stop: by calls that never wait in
//! the kernel, and slices of waiting between them.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::stdio::PIPE_BUF;
use super::{FileRef, file, io as kernel, wait};
use crate::abi::Fdflags;
use crate::host::{Direction, stop};
use crate::memory::Iovecs;

impl FileRef<'_> {
    /// `readv(2)`, waiting unless `nonblock`, whatever the descriptor's own flag says.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is asked to stop.
    pub fn read_unless_stopped(self, iovs: &Iovecs<'_>, nonblock: bool) -> io::Result<usize> {
        wait::retry(self.0, Direction::Read, nonblock, || read_now(self.0, iovs))
    }

    /// `writev(2)`, waiting unless `nonblock`, whatever the descriptor's own flag says.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is asked to stop, and nothing has been written.
    pub fn write_unless_stopped(self, mut ciovs: Iovecs<'_>, nonblock: bool) -> io::Result<usize> {
        let mut written = 0;
        loop {
            match wait::retry(self.0, Direction::Write, nonblock, || {
                write_now(self.0, &ciovs)
            }) {
                Ok(nwritten) => {
                    written += nwritten;
                    ciovs.advance(nwritten);
                    // A guest that waits has all of it written, as by a call that waits.
                    if nonblock || nwritten == 0 || ciovs.is_empty() {
                        return Ok(written);
                    }
                }
                Err(_) if written > 0 => return Ok(written),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Reads what is there; `EAGAIN` where that is nothing.
fn read_now(fd: BorrowedFd<'_>, iovs: &Iovecs<'_>) -> io::Result<usize> {
    match kernel::nowait(fd, Direction::Read, iovs) {
        Err(error) if is_not_supported(&error) => {}
        result => return result,
    }
    if iovs.is_empty() || never_waits(fd)? {
        return kernel::read(fd, iovs);
    }
    let ready = || wait::is_ready(fd, Direction::Read);
    stop::if_ready(ready, || kernel::read(fd, iovs))
}

/// Writes what there is room for; `EAGAIN` where that is nothing.
fn write_now(fd: BorrowedFd<'_>, ciovs: &Iovecs<'_>) -> io::Result<usize> {
    match kernel::nowait(fd, Direction::Write, ciovs) {
        Err(error) if is_not_supported(&error) => {}
        result => return result,
    }
    if ciovs.is_empty() || never_waits(fd)? {
        return kernel::write(fd, ciovs);
    }
    match kernel::send(fd, ciovs, libc::MSG_DONTWAIT) {
        Err(error) if error.raw_os_error() == Some(libc::ENOTSOCK) => {}
        result => return result,
    }
    let ready = || wait::is_ready(fd, Direction::Write);
    stop::if_ready(ready, || {
        let mut ciovs = ciovs.clone();
        ciovs.truncate(PIPE_BUF);
        kernel::write(fd, &ciovs)
    })
}

/// Whether the descriptor is set not to wait.
fn never_waits(fd: BorrowedFd<'_>) -> io::Result<bool> {
    Ok(file::fdflags(fd)?.contains(Fdflags::NONBLOCK))
}

/// Whether a call was refused for being one that must not wait: by the file, by a kernel without it, or
/// by a filter that does not know it.
fn is_not_supported(error: &io::Error) -> bool {
    [Errno::OPNOTSUPP, Errno::NOSYS, Errno::PERM, Errno::INVAL]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
