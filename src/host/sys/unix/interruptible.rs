//! Reads and writes that never block in the kernel, with slices of waiting between them: for interruptible
//! threads, and for descriptors that the guest has made non-blocking.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Stat, fstat};
use rustix::io::Errno;

use super::abandon::abandonable;
use super::file::{File, reachable};
use super::{io as kernel, wait};
use crate::abi::Filesize;
use crate::host::interrupt::PollLock;
use crate::host::{Direction, Interrupt, Wait};
use crate::memory::Iovecs;

/// The minimum room in a pipe that `poll(2)` reports as writable.
const PIPE_BUF: usize = libc::PIPE_BUF;

/// The maximum number of bytes that one read in an abandonable thread returns.
const READ_AT_ONCE: usize = 64 << 10;

impl File {
    /// `readv(2)`. Waits unless `nonblock`, whether or not the descriptor has `O_NONBLOCK`.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is interrupted.
    pub fn read_interruptible(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> io::Result<usize> {
        wait::retry(self.as_fd(), Direction::Read, wait, || {
            self.read_now(iovs, None, wait.interrupt)
        })
    }

    /// `preadv(2)`, likewise.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is interrupted.
    pub fn read_at_interruptible(
        &self,
        iovs: &Iovecs<'_>,
        at: Filesize,
        wait: Wait<'_>,
    ) -> io::Result<usize> {
        let at = reachable(at)?;
        wait::retry(self.as_fd(), Direction::Read, wait, || {
            self.read_now(iovs, Some(at), wait.interrupt)
        })
    }

    /// `writev(2)`. Waits unless `nonblock`, whether or not the descriptor has `O_NONBLOCK`.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is interrupted, and nothing has been written.
    pub fn write_interruptible(&self, ciovs: Iovecs<'_>, wait: Wait<'_>) -> io::Result<usize> {
        self.write_all(ciovs, None, wait)
    }

    /// `pwritev(2)`, likewise.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is interrupted, and nothing has been written.
    pub fn write_at_interruptible(
        &self,
        ciovs: Iovecs<'_>,
        at: Filesize,
        wait: Wait<'_>,
    ) -> io::Result<usize> {
        let at = reachable(at)?;
        self.write_all(ciovs, Some(at), wait)
    }

    /// `writev(2)` with `O_APPEND`, likewise. Where it ended must be asked by [`File::seek`].
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is interrupted, and nothing has been written.
    pub fn append_interruptible(
        &self,
        ciovs: Iovecs<'_>,
        wait: Wait<'_>,
    ) -> io::Result<(usize, Option<Filesize>)> {
        Ok((self.write_all(ciovs, None, wait)?, None))
    }

    fn write_all(&self, ciovs: Iovecs<'_>, at: Option<i64>, wait: Wait<'_>) -> io::Result<usize> {
        wait.write_all(ciovs, |ciovs, written| {
            let at = at.map(|at| at.saturating_add(written as i64));
            wait::retry(self.as_fd(), Direction::Write, wait, || {
                self.write_now(ciovs, at, wait.interrupt)
            })
        })
    }

    /// Reads what is there; `EAGAIN` if there is nothing.
    fn read_now(
        &self,
        iovs: &Iovecs<'_>,
        at: Option<i64>,
        interrupt: &Interrupt,
    ) -> io::Result<usize> {
        let read = |fd: BorrowedFd<'_>| match at {
            None => kernel::read(fd, iovs),
            Some(at) => kernel::read_at(fd, iovs, at),
        };
        if let Some(fd) = self.nonblocking_fd() {
            return read(fd);
        }
        match kernel::nowait(self.as_fd(), Direction::Read, iovs, at) {
            Err(error) if is_not_supported(&error) => {}
            result => return result,
        }
        if iovs.is_empty() {
            return read(self.as_fd());
        }
        if at.is_none() {
            match kernel::recv(self.as_fd(), iovs, libc::MSG_DONTWAIT) {
                Err(error) if is_no_socket(&error) => {}
                result => return result.map(|(received, _)| received),
            }
        }
        if let Some(fd) = self.reopen() {
            return read(fd);
        }
        match self.look(Direction::Read, interrupt)? {
            Seen::Certain(_lock) => read(self.as_fd()),
            Seen::Device(lock, fd) => {
                let len = iovs.len().min(READ_AT_ONCE);
                let bytes = abandonable(interrupt, move || {
                    let _lock = lock;
                    let mut bytes = vec![0; len];
                    let nread = match at {
                        None => rustix::io::read(&fd, &mut *bytes)?,
                        Some(at) => rustix::io::pread(&fd, &mut *bytes, at.cast_unsigned())?,
                    };
                    bytes.truncate(nread);
                    Ok(bytes)
                })?;
                iovs.scatter(&bytes);
                Ok(bytes.len())
            }
        }
    }

    /// Writes what there is room for; `EAGAIN` if there is none.
    fn write_now(
        &self,
        ciovs: &Iovecs<'_>,
        at: Option<i64>,
        interrupt: &Interrupt,
    ) -> io::Result<usize> {
        let write = |fd: BorrowedFd<'_>, ciovs: &Iovecs<'_>| match at {
            None => kernel::write(fd, ciovs),
            Some(at) => kernel::write_at(fd, ciovs, at),
        };
        if let Some(fd) = self.nonblocking_fd() {
            return write(fd, ciovs);
        }
        match kernel::nowait(self.as_fd(), Direction::Write, ciovs, at) {
            Err(error) if is_not_supported(&error) => {}
            result => return result,
        }
        if ciovs.is_empty() {
            return write(self.as_fd(), ciovs);
        }
        if at.is_none() {
            match kernel::send(self.as_fd(), ciovs, libc::MSG_DONTWAIT) {
                Err(error) if is_no_socket(&error) => {}
                result => return result,
            }
        }
        if let Some(fd) = self.reopen() {
            return write(fd, ciovs);
        }
        let mut few = ciovs.clone();
        few.truncate(PIPE_BUF);
        match self.look(Direction::Write, interrupt)? {
            Seen::Certain(_lock) => write(self.as_fd(), &few),
            Seen::Device(lock, fd) => {
                let mut bytes = vec![0; few.len()];
                few.gather(&mut bytes);
                abandonable(interrupt, move || {
                    let _lock = lock;
                    Ok(match at {
                        None => rustix::io::write(&fd, &bytes)?,
                        Some(at) => rustix::io::pwrite(&fd, &bytes, at.cast_unsigned())?,
                    })
                })
            }
        }
    }

    /// Polls it, and locks it for the call that may then be made.
    ///
    /// # Errors
    ///
    /// `EAGAIN`: it is not ready. `EINTR`: the thread is interrupted.
    pub(super) fn look(&self, direction: Direction, interrupt: &Interrupt) -> io::Result<Seen> {
        let stat = fstat(self.as_fd())?;
        let lock = PollLock::lock((identity(self.as_fd(), &stat), direction), interrupt)?;
        if !wait::is_ready(self.as_fd(), direction)? {
            return Err(Errno::AGAIN.into());
        }
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Fifo => Ok(Seen::Certain(lock)),
            _ if !interrupt.is_possible() => Ok(Seen::Certain(lock)),
            _ => Ok(Seen::Device(
                lock,
                rustix::io::fcntl_dupfd_cloexec(self.as_fd(), 3)?,
            )),
        }
    }
}

/// The identity of a file, the same for all descriptors of it.
#[allow(
    clippy::unnecessary_cast,
    reason = "the widths and signs of these fields differ from system to system"
)]
fn identity(fd: BorrowedFd<'_>, stat: &Stat) -> [u64; 3] {
    let [dev, ino, rdev] = [stat.st_dev as u64, stat.st_ino as u64, stat.st_rdev as u64];
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::CharacterDevice => match kernel::terminal_device(fd) {
            Some(terminal) => [dev, ino, terminal],
            None if rustix::termios::isatty(fd) => [dev, ino, rdev],
            // Such a device can be another one each time it is opened, so each descriptor counts as a file.
            None => [u64::MAX, fd.as_raw_fd() as u64, 0],
        },
        _ => [dev, ino, rdev],
    }
}

/// A file that is ready, locked.
pub(super) enum Seen {
    /// The call will not block: a FIFO that is writable has room for `PIPE_BUF` bytes. Or the thread cannot be
    /// interrupted anyway.
    Certain(PollLock),
    /// The call may block all the same: a device without room for all of a write, or a listener whose
    /// connection another process has accepted. So it is made in an abandonable thread, with this duplicate of
    /// the descriptor.
    Device(PollLock, OwnedFd),
}

/// Whether a non-blocking call is not supported: by the file, by the kernel, or by a seccomp filter.
fn is_not_supported(error: &io::Error) -> bool {
    [Errno::OPNOTSUPP, Errno::NOSYS, Errno::PERM, Errno::INVAL]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

fn is_no_socket(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOTSOCK)
}
