//! The namespace of a guest beside its preopens: mount points, and preopens that lie below others with more
//! rights.
//!
//! A mount point is a name in a directory. The directory is known by its identity, so renaming a directory
//! above it changes nothing. The directory need not have an entry of that name; if it has one, no path leads
//! there any more.
//!
//! All this is in one immutable table, which is replaced as a whole: a path is resolved in the table that was
//! there when the resolution began, and nothing is locked meanwhile.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use super::resolve::components;
use super::{FdEntry, FileId};
use crate::abi::{Errno, Filestat, Rights};
use crate::host;
use crate::vfs::{DirRef, Interrupt, Name, NameBuf, OpenHow, Opened};

/// The namespace of a guest. Its embedder may change it while the guest runs.
#[derive(Debug, Default)]
pub struct Mounts {
    /// What is in the table: `Self::MAY_CROSS` and the other bits.
    has: AtomicU8,
    table: RwLock<Arc<MountTable>>,
}

impl Mounts {
    /// There are mount points that paths may lead to.
    const MAY_CROSS: u8 = 1;
    /// There are restricted directories: each directory on the way of a path must be compared with them.
    const RESTRICTS: u8 = 2;
    /// There are restricted directories of the host.
    const RESTRICTS_HOST: u8 = 4;

    /// A namespace with this table.
    pub fn new(table: MountTable) -> Self {
        Self {
            has: AtomicU8::new(table.has()),
            table: RwLock::new(Arc::new(table)),
        }
    }

    /// The present table; `None` if it makes no difference for any path.
    #[inline]
    pub fn for_paths(&self) -> Option<Arc<MountTable>> {
        if self.has.load(Relaxed) == 0 {
            None
        } else {
            Some(self.table())
        }
    }

    /// Whether each directory of the host on the way of a path must be compared with restricted ones.
    pub fn restrict_host(&self) -> bool {
        self.has.load(Relaxed) & Self::RESTRICTS_HOST != 0
    }

    /// The present table.
    #[cold]
    pub fn table(&self) -> Arc<MountTable> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the table by a changed copy. Returns what `change` returns.
    pub fn change<T>(&self, change: impl FnOnce(&mut MountTable) -> T) -> T {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = MountTable::clone(&table);
        let result = change(&mut changed);
        self.has.store(changed.has(), Relaxed);
        let replaced = std::mem::replace(&mut *table, Arc::new(changed));
        // Entries that were removed are dropped after the lock.
        drop(table);
        drop(replaced);
        result
    }
}

/// The mounts, and the preopens with fewer rights than one above them.
#[derive(Clone, Debug, Default)]
pub struct MountTable {
    /// Known by their identity, not by a path: another name, or a rename of a directory above, does not lead
    /// around the restriction.
    restricted: Vec<Restricted>,
    /// In the order of mounting. A later mount hides earlier ones at the same place.
    mounts: Vec<Mount>,
    /// How many were ever mounted.
    made: u64,
}

/// A preopen with fewer rights than one above it, such as a read-only directory below a root that can be
/// written.
#[derive(Clone, Debug)]
struct Restricted {
    id: FileId,
    rights: Rights,
    on_host: bool,
}

/// A mounted directory or file.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Its path for the guest, without slashes at either end.
    pub path: Arc<[u8]>,
    /// The mount point; `None` if no preopen is above it.
    pub point: Option<MountPoint>,
    /// What is mounted.
    pub target: Mounted,
    /// Whether it was created because a mount point lies in it.
    pub is_made: bool,
    /// Whether it hides a preopen: paths from that preopen begin in this directory.
    hides_preopen: bool,
    /// A number that no other mount of the guest has, had or will have.
    pub serial: u64,
}

impl Mount {
    /// A mount of the embedder.
    pub fn new(path: &str, point: Option<MountPoint>, target: Mounted) -> Self {
        Self {
            path: Arc::from(path.as_bytes()),
            point,
            target,
            is_made: false,
            hides_preopen: false,
            serial: 0,
        }
    }

    /// A directory that is created because a mount point lies in it.
    pub fn made(path: &str, point: Option<MountPoint>, root: Arc<FdEntry>) -> Self {
        Self {
            is_made: true,
            ..Self::new(path, point, Mounted { root, file: None })
        }
    }

    /// Whether paths from other preopens may lead to it.
    pub fn is_on_the_way(&self) -> bool {
        self.point.is_some() || self.hides_preopen
    }

    /// The same with [`hides_preopen`](Self::hides_preopen) set.
    #[must_use]
    pub fn hiding(self, hides_preopen: bool) -> Self {
        Self {
            hides_preopen,
            ..self
        }
    }
}

/// A name in a directory.
#[derive(Clone, Debug)]
pub struct MountPoint {
    /// The directory.
    pub dir: FileId,
    /// The name in it.
    pub name: Arc<NameBuf>,
    /// The file that the directory itself has by that name. If the host takes other spellings of the name, they
    /// lead to the mount as well.
    pub covers: Option<FileId>,
}

/// What is mounted: a directory, or one file in it.
#[derive(Clone, Debug)]
pub struct Mounted {
    /// The directory, with its rights.
    pub root: Arc<FdEntry>,
    /// The name of a file in it, if a file is mounted.
    pub file: Option<Arc<NameBuf>>,
}

impl Mounted {
    /// The directory, and the name of the file in it.
    ///
    /// # Errors
    ///
    /// As [`FdEntry::dir`].
    pub fn place(&self) -> Result<(DirRef<'_>, Option<Name<'_>>), Errno> {
        let name = self.file.as_ref().map(|name| name.as_name());
        Ok((self.root.dir()?, name))
    }

    /// Whether both are the same mount.
    pub fn is_same(&self, other: &Self) -> bool {
        self.root.is_same_preopen(&other.root)
    }

    /// `fstat(2)` of what is mounted.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn stat(&self) -> Result<Filestat, Errno> {
        match self.place()? {
            (dir, Some(name)) => dir.stat_at(name),
            (dir, None) => dir.stat(),
        }
    }

    /// Opens what is mounted.
    ///
    /// # Errors
    ///
    /// What `openat(2)` says.
    pub fn open(&self, how: OpenHow, interrupt: &Interrupt) -> Result<Opened, Errno> {
        let (dir, name) = self.place()?;
        dir.open_at(name, how, interrupt)
    }
}

impl MountTable {
    /// Adds a restriction of a preopen with fewer rights than one above it; `on_host` if it is a directory of
    /// the host. The same restriction may be added several times.
    pub fn restrict(&mut self, id: FileId, rights: Rights, on_host: bool) {
        self.restricted.push(Restricted {
            id,
            rights,
            on_host,
        });
    }

    /// Removes one such restriction, if there is any.
    pub fn free(&mut self, id: FileId, rights: Rights) {
        let mut restricted = self.restricted.iter();
        if let Some(index) = restricted.position(|each| each.id == id && each.rights == rights) {
            self.restricted.remove(index);
        }
    }

    /// Adds a mount, and sets its `serial`.
    pub fn add(&mut self, mount: Mount) {
        self.made += 1;
        self.mounts.push(Mount {
            serial: self.made,
            ..mount
        });
    }

    /// Removes the mounts for which `is_one` is true.
    pub fn remove(&mut self, is_one: impl Fn(&Mount) -> bool) -> Vec<Mount> {
        self.mounts.extract_if(.., |mount| is_one(mount)).collect()
    }

    /// All mounts, in the order of mounting.
    pub fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// The same, for writing.
    pub fn mounts_mut(&mut self) -> &mut [Mount] {
        &mut self.mounts
    }

    fn has(&self) -> u8 {
        let mut has = 0;
        if self.mounts.iter().any(Mount::is_on_the_way) {
            has |= Mounts::MAY_CROSS;
        }
        if !self.restricted.is_empty() {
            has |= Mounts::RESTRICTS;
        }
        if self.restricted.iter().any(|restricted| restricted.on_host) {
            has |= Mounts::RESTRICTS_HOST;
        }
        has
    }

    /// The rights in a restricted directory, and for all below it; `None` if it is not restricted.
    pub fn rights(&self, id: FileId) -> Option<Rights> {
        (self.restricted.iter())
            .filter(|restricted| restricted.id == id)
            .map(|restricted| restricted.rights)
            .reduce(Rights::intersection)
    }

    /// The rights for something that was opened in a directory with the rights `granted`: fewer if it is
    /// restricted itself.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn granted(
        &self,
        granted: Rights,
        stat: impl FnOnce() -> Result<Filestat, Errno>,
    ) -> Result<Rights, Errno> {
        if self.restricted.is_empty() {
            return Ok(granted);
        }
        let rights = self.rights(FileId::from(&stat()?));
        Ok(rights.map_or(granted, |rights| granted & rights))
    }

    /// Whether the identity of what has this name must be known: it may be restricted, or hidden by a mount.
    pub fn knows_ids(&self, name: &[u8]) -> bool {
        !self.restricted.is_empty() || self.spelled_alike(name).next().is_some()
    }

    /// The mount points of which this may be another spelling, if their directory has an entry of that name.
    fn spelled_alike<'t>(
        &'t self,
        name: &'t [u8],
    ) -> impl Iterator<Item = &'t MountPoint> + use<'t> {
        (self.points())
            .filter(move |(_, point)| {
                point.covers.is_some() && host::may_be_same(point.name.as_name().as_bytes(), name)
            })
            .map(|(_, point)| point)
    }

    fn points(&self) -> impl DoubleEndedIterator<Item = (&Mount, &MountPoint)> {
        (self.mounts.iter()).filter_map(|mount| Some((mount, mount.point.as_ref()?)))
    }

    /// What is mounted at a name in a directory. The identity of the directory is asked for only if it is
    /// needed.
    ///
    /// # Errors
    ///
    /// Those of `dir`.
    pub fn at(
        &self,
        name: &[u8],
        dir: impl FnOnce() -> Result<FileId, Errno>,
    ) -> Result<Option<&Mount>, Errno> {
        let mut named = (self.points().rev())
            .filter(|(_, point)| point.name.as_name().as_bytes() == name)
            .peekable();
        if named.peek().is_none() {
            return Ok(None);
        }
        let dir = dir()?;
        Ok(named
            .find(|(_, point)| point.dir == dir)
            .map(|(mount, _)| mount))
    }

    /// What is mounted over the file `id`, which has been found in a directory by a name that may be another
    /// spelling of the mount point's.
    ///
    /// # Errors
    ///
    /// Those of `dir`.
    pub fn over(
        &self,
        id: FileId,
        name: &[u8],
        dir: impl FnOnce() -> Result<FileId, Errno>,
    ) -> Result<Option<&Mount>, Errno> {
        let mut covering = (self.spelled_alike(name))
            .filter(|point| point.covers == Some(id))
            .peekable();
        if covering.peek().is_none() {
            return Ok(None);
        }
        let dir = dir()?;
        match covering.find(|point| point.dir == dir) {
            Some(point) => self.at(point.name.as_name().as_bytes(), || Ok(dir)),
            None => Ok(None),
        }
    }

    /// What is mounted in a directory, the last mount at each name, in the order of mounting.
    pub fn within(&self, dir: FileId) -> Vec<&Mount> {
        let mut within: Vec<(&Mount, &MountPoint)> = Vec::new();
        for (mount, point) in self.points().rev() {
            let is_hidden = || within.iter().any(|(_, hiding)| hiding.name == point.name);
            if point.dir == dir && !is_hidden() {
                within.push((mount, point));
            }
        }
        within.into_iter().rev().map(|(mount, _)| mount).collect()
    }

    /// Whether a directory is mounted somewhere.
    pub fn is_root(&self, dir: FileId) -> bool {
        let mut roots = self
            .mounts
            .iter()
            .filter(|mount| mount.target.file.is_none());
        roots.any(|mount| mount.target.root.file_id() == Ok(dir))
    }

    /// Whether anything is mounted in a directory.
    pub fn is_mounted_in(&self, dir: FileId) -> bool {
        self.points().any(|(_, point)| point.dir == dir)
    }

    /// The directory that was mounted last at this path of the guest.
    pub fn top(&self, path: &[u8]) -> Option<&Mount> {
        let is_there = |mount: &&Mount| {
            mount.target.file.is_none() && components(&mount.path).eq(components(path))
        };
        self.mounts.iter().rev().find(is_there)
    }

    /// The directory that was mounted over this preopen, if any: paths from the preopen begin in it.
    pub fn covering(&self, preopen: &FdEntry) -> Option<&Mount> {
        let top = self.top(preopen.mounted_path()?)?;
        (!top.target.root.is_same_preopen(preopen)).then_some(top)
    }

    /// The mount of this directory.
    pub fn of_root(&self, root: &FdEntry) -> Option<&Mount> {
        (self.mounts.iter()).find(|mount| mount.target.root.is_same_preopen(root))
    }

    /// Whether a file system (the host if `on_host`) may resolve a path by itself, as long as there is no
    /// symbolic link in it: no spelling of a component is a mount point, and no directory is restricted.
    pub fn spares(&self, path: &[u8], on_host: bool) -> bool {
        if (self.restricted.iter()).any(|restricted| restricted.on_host == on_host) {
            return false;
        }
        components(path).all(|component| {
            component != b".."
                && !(self.points())
                    .any(|(_, point)| host::may_be_same(point.name.as_name().as_bytes(), component))
        })
    }
}
