use std::io;
use std::os::windows::io::{AsSocket, BorrowedSocket, OwnedSocket};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rustix::net::{Shutdown, SocketType, sockopt};
use windows_sys::Win32::Networking::WinSock::{MSG_PEEK, WSAEINVAL, WSAENOTSOCK};

use super::errno::would_block;
use super::file::{File, HandleKind};
use super::{io as kernel, poll, query, wait};
use crate::abi::{Fdflags, Filetype, Riflags, Roflags, Sdflags};
use crate::host::{Direction, Interrupt, StreamFlags, Wait};
use crate::memory::Iovecs;

/// A socket that the guest owns: one that it accepted, or was started with.
///
/// It is non-blocking; whether a call waits is decided for each call.
#[derive(Debug)]
pub(super) struct Socket {
    socket: OwnedSocket,
    nonblock: AtomicBool,
}

impl Socket {
    pub fn as_socket(&self) -> BorrowedSocket<'_> {
        self.socket.as_socket()
    }

    pub fn filetype(&self) -> Filetype {
        filetype(self.as_socket()).unwrap_or(Filetype::SocketStream)
    }

    pub fn is_nonblock(&self) -> bool {
        self.nonblock.load(Relaxed)
    }

    /// How the guest's calls wait.
    pub fn wait<'i>(&self, interrupt: &'i Interrupt) -> Wait<'i> {
        Wait {
            nonblock: self.is_nonblock(),
            interrupt,
        }
    }

    pub fn set_nonblock(&self, nonblock: bool) {
        self.nonblock.store(nonblock, Relaxed);
    }

    pub fn flags(&self) -> StreamFlags {
        let mut fdflags = Fdflags::empty();
        fdflags.set(Fdflags::NONBLOCK, self.is_nonblock());
        StreamFlags {
            fdflags,
            read: true,
            write: true,
        }
    }
}

impl File {
    /// `accept(2)`. Waits for a connection unless `nonblock`.
    pub fn accept(&self, wait: Wait<'_>) -> io::Result<Self> {
        let listener = self.socket()?;
        let socket =
            self.when_ready(Direction::Read, wait, || Ok(rustix::net::accept(listener)?))?;
        query::keep_from_children(socket.as_socket())?;
        Self::of_socket(socket)
    }

    /// A socket with only one owner.
    pub(super) fn of_socket(socket: OwnedSocket) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(Self(HandleKind::Socket(Socket {
            socket,
            nonblock: AtomicBool::new(false),
        })))
    }

    /// `recvmsg(2)`. Waits for data unless `nonblock`.
    pub fn recv(
        &self,
        iovs: &Iovecs<'_>,
        riflags: Riflags,
        wait: Wait<'_>,
    ) -> io::Result<(usize, Roflags)> {
        let socket = self.socket()?;
        let peek = riflags.contains(Riflags::RECV_PEEK);
        let flags = if peek { MSG_PEEK as u32 } else { 0 };
        let recv = |skip| {
            self.when_ready(Direction::Read, wait, || {
                kernel::recv(socket, iovs, skip, flags)
            })
        };
        let (mut received, truncated) = recv(0)?;
        // Winsock has no MSG_WAITALL for non-blocking sockets.
        if riflags.contains(Riflags::RECV_WAITALL) && !peek && !wait.nonblock {
            let wanted = iovs.len();
            while received > 0 && received < wanted && wait.interrupt.check().is_ok() {
                match recv(received) {
                    Ok((0, _)) | Err(_) => break,
                    Ok((more, _)) => received += more,
                }
            }
        }
        let mut roflags = Roflags::empty();
        roflags.set(Roflags::RECV_DATA_TRUNCATED, truncated);
        Ok((received, roflags))
    }

    /// `sendmsg(2)`. Waits for room unless `nonblock`. A closed connection is an error, as Windows has no
    /// signals.
    pub fn send(&self, ciovs: &Iovecs<'_>, wait: Wait<'_>) -> io::Result<usize> {
        let socket = self.socket()?;
        self.when_ready(Direction::Write, wait, || kernel::send(socket, ciovs))
    }

    /// `shutdown(2)`.
    pub fn shutdown(&self, how: Sdflags) -> io::Result<()> {
        Ok(rustix::net::shutdown(self.socket()?, ways(how)?)?)
    }

    /// Fails as `shutdown(2)` would, but shuts nothing down: for a socket that is shared with the embedder.
    pub fn check_shutdown(&self, how: Sdflags) -> io::Result<()> {
        ways(how)?;
        rustix::net::getpeername(self.socket()?)?;
        Ok(())
    }

    pub(super) fn socket(&self) -> io::Result<BorrowedSocket<'_>> {
        match &self.0 {
            HandleKind::Socket(socket) => Ok(socket.as_socket()),
            HandleKind::Lent(lent) => lent.socket(),
            HandleKind::Disk(_) | HandleKind::Pipe(_) => {
                Err(io::Error::from_raw_os_error(WSAENOTSOCK))
            }
        }
    }

    /// Makes a call, and repeats it after each wait. A socket of the embedder may be blocking, and its mode is
    /// not ours to change: if the call must not block, the socket is polled first.
    fn when_ready<T>(
        &self,
        direction: Direction,
        wait: Wait<'_>,
        mut call: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        wait::retry(self, direction, wait, || {
            if !wait.nonblock && !wait.interrupt.is_possible() {
                return call();
            }
            let _lock = self.lock(direction, wait.interrupt)?;
            if poll::is_ready(self, direction)? {
                call()
            } else {
                Err(would_block())
            }
        })
    }
}

fn ways(how: Sdflags) -> io::Result<Shutdown> {
    match (how.contains(Sdflags::RD), how.contains(Sdflags::WR)) {
        (true, true) => Ok(Shutdown::Both),
        (true, false) => Ok(Shutdown::Read),
        (false, true) => Ok(Shutdown::Write),
        (false, false) => Err(io::Error::from_raw_os_error(WSAEINVAL)),
    }
}

/// The type of a socket: datagrams or a stream.
///
/// # Errors
///
/// `WSAENOTSOCK`: it is no socket.
pub(super) fn filetype(socket: BorrowedSocket<'_>) -> io::Result<Filetype> {
    static STARTED: Once = Once::new();
    STARTED.call_once(|| {
        // Node has initialized Winsock; another program may not have. If this fails, so does the next call.
        let _ = rustix::net::wsa_startup();
    });
    Ok(match sockopt::socket_type(socket)? {
        SocketType::DGRAM => Filetype::SocketDgram,
        _ => Filetype::SocketStream,
    })
}
