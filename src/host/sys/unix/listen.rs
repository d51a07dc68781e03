//! Sockets that a guest is started with.

use std::ffi::OsString;
use std::io;
use std::net::{TcpListener, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::FileType;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::{SocketAddrUnix, getsockname, listen, sockopt};

use super::File;
use super::io as kernel;
use crate::abi::Fdflags;
use crate::host::SocketAddress;

/// The lowest number for a duplicate, so that it never gets that of a closed standard stream.
const FIRST: i32 = 3;

/// `bind(2)` and `listen(2)`, at the first address for which this succeeds.
///
/// # Errors
///
/// `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`; without a code if the host name is unknown.
pub fn listen_tcp(addresses: impl ToSocketAddrs, backlog: i32) -> io::Result<File> {
    owned(TcpListener::bind(addresses)?.into(), backlog)
}

/// `bind(2)` and `listen(2)` at a path, which must not exist.
///
/// # Errors
///
/// `EADDRINUSE`, `EACCES`, `ENOENT`; `EINVAL`: the path is too long for an address.
pub fn listen_at_path(path: &Path, backlog: i32) -> io::Result<File> {
    owned(UnixListener::bind(path)?.into(), backlog)
}

/// Sets the backlog, as the standard library has used one of its own.
fn owned(socket: OwnedFd, backlog: i32) -> io::Result<File> {
    listen(&socket, backlog)?;
    Ok(File::new(socket, Fdflags::empty()))
}

impl File {
    /// A non-blocking duplicate of a socket of the embedder: the guest keeps it when the embedder closes its
    /// descriptor. Other processes may share its flags by the embedder's descriptor, so `O_NONBLOCK` stays set,
    /// whatever flags the guest sets.
    ///
    /// # Errors
    ///
    /// `EBADF`, `EMFILE`; `ENOTSOCK`: it is no socket.
    pub fn duplicate_of_socket(fd: i32) -> io::Result<Self> {
        if fd < 0 {
            return Err(rustix::io::Errno::BADF.into());
        }
        let socket = kernel::borrow(fd);
        sockopt::socket_type(socket)?;
        let socket = fcntl_dupfd_cloexec(socket, FIRST)?;
        Ok(Self::nonblocking(
            socket,
            FileType::Socket,
            Fdflags::empty(),
        ))
    }

    /// Whether it is a listening socket, by `SO_ACCEPTCONN`. True on macOS, which does not tell.
    ///
    /// # Errors
    ///
    /// `ENOTSOCK`.
    pub fn is_listening(&self) -> io::Result<bool> {
        sockopt::socket_type(self)?;
        #[cfg(not(target_vendor = "apple"))]
        return Ok(sockopt::socket_acceptconn(self)?);
        #[cfg(target_vendor = "apple")]
        return Ok(true);
    }

    /// `getsockname(2)`.
    ///
    /// # Errors
    ///
    /// `ENOTSOCK`.
    pub fn socket_address(&self) -> io::Result<SocketAddress> {
        let address = getsockname(self)?;
        if let Ok(ip) = address.clone().try_into() {
            return Ok(SocketAddress::Ip(ip));
        }
        let unix = SocketAddrUnix::try_from(address).ok();
        let path = unix.and_then(|unix| Some(unix.path_bytes()?.to_vec()));
        let path = path.map(|bytes| PathBuf::from(OsString::from_vec(bytes)));
        Ok(SocketAddress::Path(path))
    }
}
