//! A directory of the host as the lower layer of a file system in memory.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};

use super::{Attributes, Entries, NodeId};
use crate::abi::{Errno, Fdflags, Filesize, Filestat, Filetype, Oflags};

use crate::host::{self, Interrupt, Permissions};
use crate::memory::{Iovecs, LinearMemory};
use crate::vfs::{DirRef, Name, OpenHow, Result, names_in};

/// A directory of the host. Each directory in it is listed once, when a call first reads it, with the
/// attributes of all entries. Later changes by others are not seen, except in the contents of files. No
/// symbolic link is followed: each directory is opened from its parent.
pub(in crate::vfs) struct HostTree {
    root: Arc<host::Dir>,
    /// The directory that was opened last, so that a walk down opens one directory per step.
    last: Mutex<Option<(NodeId, Arc<host::Dir>)>>,
    nodes: RwLock<Vec<Arc<HostNode>>>,
    /// Files and symbolic links with several names, by the device and inode number of the host. Locked while a
    /// directory is listed.
    linked: Mutex<HashMap<(u64, u64), NodeId>>,
}

/// A file of the host, by one of its names.
#[derive(Debug)]
pub(in crate::vfs) struct HostNode {
    pub parent: NodeId,
    name: Box<[u8]>,
    pub attributes: Attributes,
    /// If it is a directory that has been listed.
    entries: OnceLock<Entries>,
    /// If it is open.
    file: Mutex<Weak<host::File>>,
}

/// The content of a file of the host.
#[derive(Clone, Debug)]
pub(in crate::vfs) struct HostFile {
    tree: Arc<HostTree>,
    node: Arc<HostNode>,
}

impl fmt::Debug for HostTree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (f.debug_struct("HostTree").field("root", &self.root)).finish_non_exhaustive()
    }
}

impl HostNode {
    fn new(parent: NodeId, name: &[u8], stat: &Filestat) -> Self {
        Self {
            parent,
            name: name.into(),
            attributes: Attributes {
                filetype: stat.filetype,
                links: stat.nlink,
                size: stat.size,
                mtim: stat.mtim,
            },
            entries: OnceLock::new(),
            file: Mutex::default(),
        }
    }

    /// The entries of a directory that has been listed.
    pub fn entries(&self) -> Option<&Entries> {
        self.entries.get()
    }

    fn name(&self) -> Result<Name<'_>> {
        Name::new(&self.name).ok_or(Errno::Noent)
    }
}

impl HostTree {
    /// The tree below `root`.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn new(root: host::Dir) -> Result<Self> {
        let node = HostNode::new(0, b"", &root.stat()?);
        Ok(Self {
            root: Arc::new(root),
            last: Mutex::new(None),
            nodes: RwLock::new(vec![Arc::new(node)]),
            linked: Mutex::default(),
        })
    }

    pub fn node(&self, id: NodeId) -> Arc<HostNode> {
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&nodes[id as usize])
    }

    /// A directory, which is listed if it has not been.
    ///
    /// # Errors
    ///
    /// It cannot be listed.
    pub fn listed(&self, id: NodeId) -> Result<Arc<HostNode>> {
        let node = self.node(id);
        if node.entries().is_none() {
            let mut linked = lock(&self.linked);
            // Another thread may have listed it meanwhile.
            if node.entries().is_none() {
                let entries = self.list(id, &mut linked)?;
                let _ = node.entries.set(entries);
            }
        }
        Ok(node)
    }

    /// Opens a directory, from the nearest one above it that is open.
    fn dir(&self, id: NodeId) -> Result<Arc<host::Dir>> {
        let last = lock(&self.last).clone();
        let mut path = Vec::new();
        let mut next = id;
        let mut dir = loop {
            match &last {
                _ if next == 0 => break Arc::clone(&self.root),
                Some((last, dir)) if *last == next => break Arc::clone(dir),
                _ => {}
            }
            let node = self.node(next);
            next = node.parent;
            path.push(node);
        };
        for node in path.iter().rev() {
            dir = Arc::new(dir.open_dir_at(node.name()?)?);
        }
        if id != 0 {
            *lock(&self.last) = Some((id, Arc::clone(&dir)));
        }
        Ok(dir)
    }

    fn list(&self, id: NodeId, linked: &mut HashMap<(u64, u64), NodeId>) -> Result<Entries> {
        let found = attributes_in(&*self.dir(id)?)?;
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        let (mut list, mut subdirs) = (Vec::new(), 0);
        for (name, stat) in found {
            match stat.filetype {
                Filetype::Directory => subdirs += 1,
                Filetype::RegularFile | Filetype::SymbolicLink => {}
                // A file system in memory has no devices, FIFOs and sockets.
                _ => continue,
            }
            let fresh = NodeId::try_from(nodes.len()).map_err(|_| Errno::Nospc)?;
            let node = match stat.filetype {
                Filetype::Directory => fresh,
                _ if stat.nlink > 1 => *linked.entry((stat.dev, stat.ino)).or_insert(fresh),
                _ => fresh,
            };
            if node == fresh {
                nodes.push(Arc::new(HostNode::new(id, &name, &stat)));
            }
            list.push((name.into(), node));
        }
        Ok(Entries::new(list, subdirs))
    }

    /// The target of a symbolic link.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn target(&self, id: NodeId) -> Result<Vec<u8>> {
        let node = self.node(id);
        Ok(self.dir(node.parent)?.read_link_at(node.name()?)?)
    }

    /// The present permissions of a file or directory; `None` if the system has no such permissions.
    ///
    /// # Errors
    ///
    /// It does not exist any more.
    pub fn permissions(&self, id: NodeId) -> Result<Option<Permissions>> {
        let node = self.node(id);
        Ok(self.dir(node.parent)?.permissions_at(node.name()?)?)
    }

    /// The content of a file, which is not opened yet.
    pub fn content(self: &Arc<Self>, id: NodeId) -> HostFile {
        HostFile {
            tree: Arc::clone(self),
            node: self.node(id),
        }
    }
}

impl HostFile {
    /// The size in bytes when its directory was listed.
    pub fn len(&self) -> Filesize {
        self.node.attributes.size
    }

    /// The open file. It stays open for as long as the result is held.
    ///
    /// # Errors
    ///
    /// It cannot be opened, or is not a regular file any more.
    pub fn open(&self) -> Result<Arc<host::File>> {
        let mut open = lock(&self.node.file);
        if let Some(file) = open.upgrade() {
            return Ok(file);
        }
        let how = OpenHow {
            read: true,
            write: false,
            oflags: Oflags::empty(),
            // Not to wait if it has become a FIFO.
            fdflags: Fdflags::NONBLOCK,
            follow: false,
        };
        let dir = self.tree.dir(self.node.parent)?;
        let file = dir.open_at(Some(self.node.name()?), how, &Interrupt::NEVER)?;
        if file.stat()?.filetype != Filetype::RegularFile {
            return Err(Errno::Io);
        }
        let file = Arc::new(file);
        *open = Arc::downgrade(&file);
        Ok(file)
    }

    /// Passes `count` bytes from `offset` on to `put`; zeros for what is not there any more.
    pub fn read(
        &self,
        mut offset: Filesize,
        mut count: usize,
        put: &mut dyn FnMut(&[u8]),
    ) -> Result<()> {
        let file = self.open()?;
        let mut piece = vec![0; count.min(super::CHUNK)];
        while count > 0 {
            let len = count.min(piece.len());
            let piece = &mut piece[..len];
            let nread = {
                let memory = LinearMemory::exclusive(piece);
                file.read_at(&Iovecs::all_of(&memory), offset)?
            };
            // A read may be short, but returns 0 only at the end.
            let nread = match nread {
                0 => {
                    piece.fill(0);
                    len
                }
                nread => nread,
            };
            put(&piece[..nread]);
            offset += nread as Filesize;
            count -= nread;
        }
        Ok(())
    }

    /// A copy of the content.
    pub fn copy(&self) -> Result<Vec<u8>> {
        let len = usize::try_from(self.len()).map_err(|_| Errno::Nospc)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).map_err(|_| Errno::Nospc)?;
        self.read(0, len, &mut |piece| bytes.extend_from_slice(piece))?;
        Ok(bytes)
    }
}

/// The entries of a directory with their attributes.
fn attributes_in(dir: &host::Dir) -> Result<BTreeMap<Vec<u8>, Filestat>> {
    let mut found = BTreeMap::new();
    for name in names_in(DirRef::Host(dir))? {
        let stat = Name::new(&name).map(|name| dir.stat_at(name));
        // An entry that has been removed since is left out.
        if let Some(Ok(stat)) = stat {
            found.insert(name, stat);
        }
    }
    Ok(found)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
