//! The sockets that a guest is started with.

use std::net::IpAddr;
use std::path::PathBuf;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::socket_error;
use crate::abi::Fd;
use crate::ctx::{GivenSocket, SocketSource, WasiCtx};
use crate::host::SocketAddress;

/// A socket that a guest is started with: by a `port`, a `path` or an `fd`.
#[napi(object, object_to_js = false)]
pub struct WasiSocket {
    /// Whether it is a listener, which accepts connections.
    pub is_listener: bool,
    /// The address to listen at, with a `port`.
    pub host: String,
    /// 0 for any free port.
    pub port: Option<u16>,
    /// The path to listen at.
    pub path: Option<String>,
    /// The maximum length of the queue of connections that wait to be accepted.
    pub backlog: i32,
    /// A descriptor of the process.
    pub fd: Option<i32>,
    /// Whether the guest gets a duplicate of `fd`; otherwise that is lent.
    pub duplicate: bool,
}

impl WasiSocket {
    fn read(self) -> GivenSocket {
        let Self { host, backlog, .. } = self;
        let source = match (self.port, self.path, self.fd) {
            (_, _, Some(fd)) if self.duplicate => SocketSource::Duplicate(fd),
            (_, _, Some(fd)) => SocketSource::Lent(fd),
            (_, Some(path), None) => SocketSource::Path {
                path: PathBuf::from(path),
                backlog,
            },
            (port, None, None) => SocketSource::Tcp {
                host,
                port: port.unwrap_or(0),
                backlog,
            },
        };
        GivenSocket {
            source,
            is_listener: self.is_listener,
        }
    }
}

/// A socket that a guest has been given.
#[napi(object, object_from_js = false)]
#[derive(Clone)]
pub struct OpenSocket {
    /// The guest's descriptor.
    pub fd: Fd,
    /// Its Internet address or its path; `None` if it has none.
    pub address: Option<String>,
    /// `'IPv4'` or `'IPv6'`; `None` for a path.
    pub family: Option<&'static str>,
    /// `None` for a path.
    pub port: Option<u16>,
}

impl OpenSocket {
    fn new(fd: Fd, address: SocketAddress) -> Self {
        match address {
            SocketAddress::Ip(address) => Self {
                fd,
                address: Some(address.ip().to_string()),
                family: Some(match address.ip() {
                    IpAddr::V4(_) => "IPv4",
                    IpAddr::V6(_) => "IPv6",
                }),
                port: Some(address.port()),
            },
            SocketAddress::Path(path) => Self {
                fd,
                address: path.map(|path| path.to_string_lossy().into_owned()),
                family: None,
                port: None,
            },
        }
    }
}

/// Gives a guest its sockets.
///
/// # Errors
///
/// The error of [`WasiCtx::give_socket`] with its code, and the index of the socket.
pub fn give(env: &Env, ctx: &WasiCtx, sockets: Vec<WasiSocket>) -> Result<Vec<OpenSocket>> {
    let give_one = |(index, socket): (usize, WasiSocket)| match ctx.give_socket(&socket.read()) {
        Ok((fd, address)) => Ok(OpenSocket::new(fd, address)),
        Err(errno) => Err(socket_error(env, errno, index)),
    };
    sockets.into_iter().enumerate().map(give_one).collect()
}
