use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{Shutdown, SocketType, sockopt};

use super::abandon::abandonable;
use super::file::File;
use super::interruptible::Seen;
use super::{io as kernel, wait};
use crate::abi::{Fdflags, Filetype, Riflags, Roflags, Sdflags};
use crate::host::{Direction, Interrupt, Wait};
use crate::memory::Iovecs;

impl File {
    /// `accept4(2)`, which waits for a connection unless `nonblock` (`EAGAIN`).
    pub fn accept(&self, wait: Wait<'_>) -> io::Result<File> {
        // The embedder's listener may be in blocking mode, which all its users share: ask first.
        if wait.nonblock && !wait::is_ready(self.as_fd(), Direction::Read)? {
            return Err(Errno::AGAIN.into());
        }
        wait::retry(self.as_fd(), Direction::Read, wait, || {
            if wait.interrupt.is_possible() {
                self.accept_interruptible(wait.interrupt)
            } else {
                accept(self.as_fd())
            }
        })
    }

    /// `accept4(2)` in a thread that can be left behind if this one is interrupted.
    #[cold]
    fn accept_interruptible(&self, interrupt: &Interrupt) -> io::Result<File> {
        // `ENOTSOCK` needs no thread.
        sockopt::socket_type(self.as_fd())?;
        let socket = match self.look(Direction::Read, interrupt)? {
            Seen::Certain(_lock) => accept(self.as_fd()),
            Seen::Device(lock, listener) => abandonable(interrupt, move || {
                let _lock = lock;
                accept(listener.as_fd())
            }),
        }?;
        // `SO_LINGER`, which the socket may inherit, would make `close(2)` wait.
        let _ = sockopt::set_socket_linger(&socket, None);
        Ok(socket)
    }

    /// `recvmsg(2)`, which waits for data unless `nonblock` (`EAGAIN`). Returns the bytes received and
    /// whether the message was truncated.
    pub fn recv(
        &self,
        iovs: &Iovecs<'_>,
        riflags: Riflags,
        wait: Wait<'_>,
    ) -> io::Result<(usize, Roflags)> {
        let mut flags = libc::MSG_DONTWAIT;
        if riflags.contains(Riflags::RECV_PEEK) {
            flags |= libc::MSG_PEEK;
        }
        if riflags.contains(Riflags::RECV_WAITALL) && !wait.nonblock {
            if wait.interrupt.is_possible() {
                return self.recv_all(iovs, flags, wait);
            }
            flags = flags & !libc::MSG_DONTWAIT | libc::MSG_WAITALL;
        }
        self.recv_once(iovs, flags, wait)
    }

    fn recv_once(
        &self,
        iovs: &Iovecs<'_>,
        flags: libc::c_int,
        wait: Wait<'_>,
    ) -> io::Result<(usize, Roflags)> {
        let (received, flags) = wait::retry(self.as_fd(), Direction::Read, wait, || {
            kernel::recv(self.as_fd(), iovs, flags)
        })?;
        let mut roflags = Roflags::empty();
        roflags.set(Roflags::RECV_DATA_TRUNCATED, flags & libc::MSG_TRUNC != 0);
        Ok((received, roflags))
    }

    /// `MSG_WAITALL` by several calls of `recvmsg(2)`, between which the thread can be interrupted. With
    /// `MSG_PEEK` there is one call: data that stays in the queue cannot be added up.
    fn recv_all(
        &self,
        iovs: &Iovecs<'_>,
        flags: libc::c_int,
        wait: Wait<'_>,
    ) -> io::Result<(usize, Roflags)> {
        let (mut received, roflags) = self.recv_once(iovs, flags, wait)?;
        if flags & libc::MSG_PEEK != 0 || filetype(self.as_fd()) != Filetype::SocketStream {
            return Ok((received, roflags));
        }
        let mut rest = iovs.clone();
        rest.advance(received);
        while received > 0 && !rest.is_empty() && wait.interrupt.check().is_ok() {
            match self.recv_once(&rest, flags, wait) {
                Ok((0, _)) | Err(_) => break,
                Ok((more, _)) => {
                    received += more;
                    rest.advance(more);
                }
            }
        }
        Ok((received, roflags))
    }

    /// `sendmsg(2)`, which waits for room unless `nonblock` (`EAGAIN`). A closed connection is `EPIPE`
    /// without `SIGPIPE`.
    pub fn send(&self, ciovs: &Iovecs<'_>, wait: Wait<'_>) -> io::Result<usize> {
        wait::retry(self.as_fd(), Direction::Write, wait, || {
            kernel::send(self.as_fd(), ciovs, libc::MSG_DONTWAIT | NOSIGNAL)
        })
    }

    /// `shutdown(2)`.
    pub fn shutdown(&self, how: Sdflags) -> io::Result<()> {
        Ok(rustix::net::shutdown(self.as_fd(), ways(how)?)?)
    }

    /// Fails as `shutdown(2)` would, but shuts nothing down: for a socket that is shared with the embedder.
    pub fn check_shutdown(&self, how: Sdflags) -> io::Result<()> {
        ways(how)?;
        sockopt::socket_type(self.as_fd())?;
        rustix::net::getpeername(self.as_fd())?;
        Ok(())
    }
}

/// `how` as `shutdown(2)` takes it; `EINVAL` if it is empty.
fn ways(how: Sdflags) -> io::Result<Shutdown> {
    match (how.contains(Sdflags::RD), how.contains(Sdflags::WR)) {
        (true, true) => Ok(Shutdown::Both),
        (true, false) => Ok(Shutdown::Read),
        (false, true) => Ok(Shutdown::Write),
        (false, false) => Err(Errno::INVAL.into()),
    }
}

#[cfg(not(target_vendor = "apple"))]
fn accept(listener: BorrowedFd<'_>) -> io::Result<File> {
    let flags = rustix::net::SocketFlags::CLOEXEC;
    Ok(accepted(rustix::net::accept_with(listener, flags)?))
}

#[cfg(target_vendor = "apple")]
fn accept(listener: BorrowedFd<'_>) -> io::Result<File> {
    let socket = rustix::net::accept(listener)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok(accepted(socket))
}

/// A socket that the guest has accepted, and that is closed when it is dropped.
fn accepted(socket: OwnedFd) -> File {
    File::new(socket, Fdflags::empty())
}

// Elsewhere it suffices that Node.js ignores SIGPIPE.
#[cfg(any(target_os = "linux", target_os = "android"))]
const NOSIGNAL: libc::c_int = libc::MSG_NOSIGNAL;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const NOSIGNAL: libc::c_int = 0;

/// The [`Filetype`] of a socket by `SO_TYPE`; a stream if that cannot be had.
pub(super) fn filetype(fd: BorrowedFd<'_>) -> Filetype {
    match sockopt::socket_type(fd) {
        Ok(SocketType::DGRAM) => Filetype::SocketDgram,
        _ => Filetype::SocketStream,
    }
}
