//! Sockets that a guest has from the start.

use std::fs;
use std::net::ToSocketAddrs;
use std::path::{self, PathBuf};

use super::{Descriptor, FdEntry, FileId, WasiCtx};
use crate::abi::{Errno, Fd, Fdflags};
use crate::host::{self, SocketAddress};
use crate::vfs::StreamHandle;

/// A socket that a guest is given.
#[derive(Clone, Debug)]
pub struct GivenSocket {
    /// Which socket it is.
    pub source: SocketSource,
    /// Whether connections are accepted at it.
    pub is_listener: bool,
}

/// Where a [`GivenSocket`] is from.
#[derive(Clone, Debug)]
pub enum SocketSource {
    /// It is made, to listen at an address of this machine.
    Tcp {
        /// A name or an address.
        host: String,
        /// 0 for one that is free.
        port: u16,
        /// How many connections wait to be accepted.
        backlog: i32,
    },
    /// It is made, to listen at a path, which is removed when the guest closes it.
    Path {
        /// A relative one begins at the working directory.
        path: PathBuf,
        /// How many connections wait to be accepted.
        backlog: i32,
    },
    /// The embedder's descriptor with this number, of which the guest gets a duplicate.
    Duplicate(i32),
    /// The embedder's descriptor with this number, which is lent, and must stay open while the guest runs.
    Lent(i32),
}

/// The name of a socket in a directory of the host, which goes with it.
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
        // Something else may be there by now.
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
    /// Gives the guest a socket, which has the lowest number that is free, and does not wait until the guest
    /// clears [`Fdflags::NONBLOCK`]. Gives its number and its address.
    ///
    /// Those who look for preopens by numbers find none there ([`Errno::Badf`]), so a guest gets these last.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`]: no host has the name, or the directory of the path is not there. [`Errno::Badf`],
    /// [`Errno::Notsock`]: the embedder has no such socket. [`Errno::Inval`]: it is not listening, and should.
    /// [`Errno::Nfile`]: no more descriptors. What `bind(2)` and `listen(2)` say.
    pub fn give_socket(&self, given: &GivenSocket) -> Result<(Fd, SocketAddress), Errno> {
        // No other thread can have been given the same.
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
