//! Sockets that a guest has from the start.

use std::io;
use std::net::{TcpListener, ToSocketAddrs};
use std::path::Path;

use rustix::net::{getsockname, listen, sockopt};
use windows_sys::Win32::Foundation::ERROR_NOT_SUPPORTED;

use super::File;
use super::errno::error;
use crate::host::SocketAddress;

/// `bind(2)` and `listen(2)` at the first address of a host that can be had.
///
/// # Errors
///
/// `WSAEADDRINUSE`, `WSAEACCES`, `WSAEADDRNOTAVAIL`; no host has the name, which has no code.
pub fn listen_tcp(addresses: impl ToSocketAddrs, backlog: i32) -> io::Result<File> {
    let listener = TcpListener::bind(addresses)?;
    // The standard library listens with a backlog of its own.
    listen(&listener, backlog)?;
    File::of_socket(listener.into())
}

/// Sockets have no paths here: what Node calls so is a named pipe.
///
/// # Errors
///
/// `ERROR_NOT_SUPPORTED`, always.
pub fn listen_at_path(_: &Path, _: i32) -> io::Result<File> {
    Err(error(ERROR_NOT_SUPPORTED))
}

impl File {
    /// Sockets of Node have no numbers here.
    ///
    /// # Errors
    ///
    /// `ERROR_NOT_SUPPORTED`, always.
    pub fn duplicate_of_socket(_: i32) -> io::Result<Self> {
        Err(error(ERROR_NOT_SUPPORTED))
    }

    /// Whether it is a socket at which connections can be accepted: `SO_ACCEPTCONN`.
    ///
    /// # Errors
    ///
    /// `WSAENOTSOCK`.
    pub fn is_listening(&self) -> io::Result<bool> {
        Ok(sockopt::socket_acceptconn(self.socket()?)?)
    }

    /// `getsockname(2)`.
    ///
    /// # Errors
    ///
    /// `WSAENOTSOCK`.
    pub fn socket_address(&self) -> io::Result<SocketAddress> {
        let ip = getsockname(self.socket()?)?.try_into();
        Ok(ip.map_or(SocketAddress::Path(None), SocketAddress::Ip))
    }
}
