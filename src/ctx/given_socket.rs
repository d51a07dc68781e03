//! Sockets that a guest is started with.

use std::fs;
use std::net::ToSocketAddrs;
use std::path::{self, PathBuf};

use super::{Descriptor, FdEntry, FileId, WasiCtx};
use crate::abi::{Errno, Fd, Fdflags};
use crate::host::{self, SocketAddress};
use crate::vfs::StreamHandle;

/// A socket that a guest is started with.
#[derive(Clone, Debug)]
pub struct GivenSocket {
    /// Where it comes from.
    pub source: SocketSource,
    /// Whether it is a listener, which accepts connections.
    pub is_listener: bool,
}

/// Where a [`GivenSocket`] comes from.
#[derive(Clone, Debug)]
pub enum SocketSource {
    /// A new listener at an address of this machine.
    Tcp {
        /// A host name or an address.
        host: String,
        /// 0 for any free port.
        port: u16,
        /// The maximum length of the queue of connections that wait to be accepted.
        backlog: i32,
    },
    /// A new listener at a path, which is unlinked when the guest closes the socket.
    Path {
        /// A relative one is resolved in the working directory.
        path: PathBuf,
        /// As for `Tcp`.
        backlog: i32,
    },
    /// A duplicate of the embedder's descriptor with this number.
    Duplicate(i32),
    /// The embedder's descriptor with this number, which is lent: it must stay open while the guest runs.
    Lent(i32),
}

/// The path that a socket is bound to. It is unlinked on drop.
#[derive(Debug)]
pub struct BoundPath {
    path: PathBuf,
    id: FileId,
}

impl BoundPath {
    fn new(path: PathBuf) -> Result<Self, Errno> {
        let id = FileId::from(&host::stat_ambient(&path)?);
        Ok(Self { path, id })
    }
}

impl Drop for BoundPath {
    fn drop(&mut self) {
        // Not if another file has the name by now.
        let is_there = |stat| FileId::from(&stat) == self.id;
        if host::stat_ambient(&self.path).is_ok_and(is_there) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl SocketSource {
    fn open(&self) -> Result<(host::File, Option<Box<BoundPath>>), Errno> {
        match self {
            Self::Tcp {
                host,
                port,
                backlog,
            } => {
                let addresses = (host.as_str(), *port).to_socket_addrs();
                let addresses: Vec<_> = addresses.map_err(|_| Errno::Noent)?.collect();
                Ok((host::listen_tcp(&*addresses, *backlog)?, None))
            }
            Self::Path { path, backlog } => {
                let path = path::absolute(path)?;
                let listener = host::listen_at_path(&path, *backlog)?;
                Ok((listener, Some(Box::new(BoundPath::new(path)?))))
            }
            Self::Duplicate(fd) => Ok((host::File::duplicate_of_socket(*fd)?, None)),
            Self::Lent(fd) => Ok((host::File::lent(*fd)?, None)),
        }
    }
}

impl WasiCtx {
    /// Gives the guest a socket with the lowest free number. It is non-blocking until the guest clears
    /// [`Fdflags::NONBLOCK`]. Returns its number and its address.
    ///
    /// A guest gets these last: C libraries look for preopens until a number is [`Errno::Badf`], as that of a
    /// socket is.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`]: the host name is unknown, or the directory of the path does not exist.
    /// [`Errno::Badf`], [`Errno::Notsock`]: the embedder has no such socket. [`Errno::Inval`]: it should be a
    /// listener and is not. [`Errno::Nfile`]: too many descriptors. What `bind(2)` and `listen(2)` say.
    pub fn give_socket(&self, given: &GivenSocket) -> Result<(Fd, SocketAddress), Errno> {
        // No other thread can have been given the same socket.
        self.fingerprint.more();
        let reserved = self.reserve()?;
        let (socket, path) = given.source.open()?;
        if given.is_listener && !socket.is_listening()? {
            return Err(Errno::Inval);
        }
        let address = socket.socket_address()?;
        let descriptor = Descriptor::Stream(StreamHandle::Host(socket));
        let entry = FdEntry::given_socket(descriptor, path);
        entry.set_fdflags(Fdflags::NONBLOCK, self.interrupt())?;
        Ok((reserved.fill(entry), address))
    }
}
