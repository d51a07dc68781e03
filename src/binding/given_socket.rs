//! The sockets that a guest is given.

use std::net::IpAddr;
use std::path::PathBuf;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::error::socket_error;
use crate::abi::Fd;
use crate::ctx::{GivenSocket, SocketSource, WasiCtx};
use crate::host::SocketAddress;

/// A socket that a guest has from the start: one with a `port`, a `path` or an `fd`.
#[napi(object, object_to_js = false)]
pub struct WasiSocket {
    /// Whether connections are accepted at it.
    pub is_listener: bool,
    /// Where it is to listen, beside a `port`.
    pub host: String,
    /// 0 for one that is free.
    pub port: Option<u16>,
    /// Where it is to listen, in the place of a `port`.
    pub path: Option<String>,
    /// How many connections wait to be accepted.
    pub backlog: i32,
    /// The number of a descriptor of the process, if it is one.
    pub fd: Option<i32>,
    /// Whether the guest gets a duplicate of that, and is not lent it.
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
    /// The guest's number of it.
    pub fd: Fd,
    /// Its address, of the Internet or a path; none of a socket without.
    pub address: Option<String>,
    /// `'IPv4'` or `'IPv6'`; none of a path.
    pub family: Option<&'static str>,
    /// None of a path.
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
/// The code of what [`WasiCtx::give_socket`] says, and which one it says it of.
pub fn give(env: &Env, ctx: &WasiCtx, sockets: Vec<WasiSocket>) -> Result<Vec<OpenSocket>> {
    let give_one = |(index, socket): (usize, WasiSocket)| match ctx.give_socket(&socket.read()) {
        Ok((fd, address)) => Ok(OpenSocket::new(fd, address)),
        Err(errno) => Err(socket_error(env, errno, index)),
    };
    sockets.into_iter().enumerate().map(give_one).collect()
}
