//! Sockets that a guest is started with.

use std::io;
use std::net::{TcpListener, ToSocketAddrs};
use std::path::Path;

use rustix::net::{getsockname, listen, sockopt};
use windows_sys::Win32::Foundation::ERROR_NOT_SUPPORTED;

use super::File;
use super::errno::error;
use crate::host::SocketAddress;

/// `bind(2)` and `listen(2)`, at the first address for which this succeeds.
///
/// # Errors
///
/// `WSAEADDRINUSE`, `WSAEACCES`, `WSAEADDRNOTAVAIL`; without a code if the host name is unknown.
pub fn listen_tcp(addresses: impl ToSocketAddrs, backlog: i32) -> io::Result<File> {
    let listener = TcpListener::bind(addresses)?;
    // Sets the backlog, as the standard library has used one of its own.
    listen(&listener, backlog)?;
    File::of_socket(listener.into())
}

/// Not supported: what Node calls a path here is a named pipe.
///
/// # Errors
///
/// `ERROR_NOT_SUPPORTED`, always.
pub fn listen_at_path(_: &Path, _: i32) -> io::Result<File> {
    Err(error(ERROR_NOT_SUPPORTED))
}

impl File {
    /// Not supported: sockets of Node have no descriptors here.
    ///
    /// # Errors
    ///
    /// `ERROR_NOT_SUPPORTED`, always.
    pub fn duplicate_of_socket(_: i32) -> io::Result<Self> {
        Err(error(ERROR_NOT_SUPPORTED))
    }

    /// Whether it is a listening socket, by `SO_ACCEPTCONN`.
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
