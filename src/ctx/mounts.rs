//! What a guest's namespace is made of beside its preopens: mount points, and preopens below others with
//! more rights.
//!
//! A mount point is a name in a directory, which is known by its identity: so it stays where it is when a
//! directory above it is moved. There need be nothing of that name in the directory. Where there is
//! something, no path leads there any more.
//!
//! All of it is one table that is never changed, but replaced: a path is resolved in the table that there was
//! when it began, and no lock is held meanwhile.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};

use super::resolve::components;
use super::{FdEntry, FileId};
use crate::abi::{Errno, Filestat, Rights};
use crate::host;
use crate::vfs::{DirRef, Interrupt, Name, NameBuf, OpenHow, Opened};

/// The namespace of a guest, which its embedder may change while the guest runs.
#[derive(Debug, Default)]
pub struct Mounts {
    /// What the table has: `Self::MAY_CROSS` and the other bits.
    has: AtomicU8,
    table: RwLock<Arc<MountTable>>,
}

impl Mounts {
    /// Paths may meet a mount point.
    const MAY_CROSS: u8 = 1;
    /// Directories on the way must be looked at.
    const RESTRICTS: u8 = 2;
    /// The host's among them.
    const RESTRICTS_HOST: u8 = 4;

    /// The same table for all, from which preopens are restricted.
    pub fn new(table: MountTable) -> Self {
        Self {
            has: AtomicU8::new(table.has()),
            table: RwLock::new(Arc::new(table)),
        }
    }

    /// The table as it is now; `None` if it says nothing of any path.
    #[inline]
    pub fn for_paths(&self) -> Option<Arc<MountTable>> {
        if self.has.load(Relaxed) == 0 {
            None
        } else {
            Some(self.table())
        }
    }

    /// Whether directories of the host must be looked at wherever a path goes.
    pub fn restrict_host(&self) -> bool {
        self.has.load(Relaxed) & Self::RESTRICTS_HOST != 0
    }

    /// The table as it is now.
    #[cold]
    pub fn table(&self) -> Arc<MountTable> {
        Arc::clone(&self.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a changed table in the place of what there is. What `change` gives is given back.
    pub fn change<T>(&self, change: impl FnOnce(&mut MountTable) -> T) -> T {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let mut changed = MountTable::clone(&table);
        let result = change(&mut changed);
        self.has.store(changed.has(), Relaxed);
        let replaced = std::mem::replace(&mut *table, Arc::new(changed));
        // What only the old table had is dropped when no one waits for the lock.
        drop(table);
        drop(replaced);
        result
    }
}

/// The mounts, and the preopens with fewer rights than what they lie in.
#[derive(Clone, Debug, Default)]
pub struct MountTable {
    /// By what they are and not by where they are: no other name and no move of a directory above them leads
    /// around them.
    restricted: Vec<Restricted>,
    /// The one that was mounted last comes last, and hides those at the same place.
    mounts: Vec<Mount>,
    /// How many there ever were.
    made: u64,
}

/// A preopen with fewer rights than one that it lies below, as a read-only file system is below a root that
/// can be written.
#[derive(Clone, Debug)]
struct Restricted {
    id: FileId,
    rights: Rights,
    on_host: bool,
}

/// A directory or a file that paths lead to by a name which its file system does not know.
#[derive(Clone, Debug)]
pub struct Mount {
    /// Its name for the guest, without slashes at either end.
    pub path: Arc<[u8]>,
    /// Where it is mounted; nowhere if there is no preopen above it.
    pub point: Option<MountPoint>,
    /// What is there.
    pub target: Mounted,
    /// Whether it was made because a mount point lies in it.
    pub is_made: bool,
    /// Whether it is mounted over a preopen, the paths of which begin in it now.
    hides_preopen: bool,
    /// Tells it from all others of the guest, earlier and later ones.
    pub serial: u64,
}

impl Mount {
    /// Something that the embedder mounts.
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

    /// A directory that is made because a mount point lies in it.
    pub fn made(path: &str, point: Option<MountPoint>, root: Arc<FdEntry>) -> Self {
        Self {
            is_made: true,
            ..Self::new(path, point, Mounted { root, file: None })
        }
    }

    /// Whether paths from other preopens may meet it.
    pub fn is_on_the_way(&self) -> bool {
        self.point.is_some() || self.hides_preopen
    }

    /// The same, mounted over a preopen or not.
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
    /// What the directory itself has of that name. Where the host takes other spellings of it, they lead
    /// there as well.
    pub covers: Option<FileId>,
}

/// What is mounted: a directory, or one file in it.
#[derive(Clone, Debug)]
pub struct Mounted {
    /// The directory, and what may be done there.
    pub root: Arc<FdEntry>,
    /// The file.
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

    /// Whether both are one and the same mount.
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

    /// Opens it once more.
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
    /// Adds a preopen with fewer rights than one that it lies below, one of the host's if `on_host`.
    /// It counts as often as it is added.
    pub fn restrict(&mut self, id: FileId, rights: Rights, on_host: bool) {
        self.restricted.push(Restricted {
            id,
            rights,
            on_host,
        });
    }

    /// Takes back one restriction of these rights, if there is any.
    pub fn free(&mut self, id: FileId, rights: Rights) {
        let mut restricted = self.restricted.iter();
        if let Some(index) = restricted.position(|each| each.id == id && each.rights == rights) {
            self.restricted.remove(index);
        }
    }

    /// Adds a mount, the `serial` of which is set here.
    pub fn add(&mut self, mount: Mount) {
        self.made += 1;
        self.mounts.push(Mount {
            serial: self.made,
            ..mount
        });
    }

    /// Removes the mounts of which this is true.
    pub fn remove(&mut self, is_one: impl Fn(&Mount) -> bool) -> Vec<Mount> {
        self.mounts.extract_if(.., |mount| is_one(mount)).collect()
    }

    /// All mounts, the last one last.
    pub fn mounts(&self) -> &[Mount] {
        &self.mounts
    }

    /// The same, to be changed.
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

    /// The most that may be done in a directory, and to what lies below; `None` if nothing is said of it.
    pub fn rights(&self, id: FileId) -> Option<Rights> {
        (self.restricted.iter())
            .filter(|restricted| restricted.id == id)
            .map(|restricted| restricted.rights)
            .reduce(Rights::intersection)
    }

    /// What is granted of something open that was found where so much is `granted`: less if it is a preopen
    /// with fewer rights.
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

    /// Whether something may be said of what has this name because of what it is.
    pub fn knows_ids(&self, name: &[u8]) -> bool {
        !self.restricted.is_empty() || self.spelled_alike(name).next().is_some()
    }

    /// The mount points that cover something of which this may be another spelling.
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

    /// What is mounted at a name in a directory, whose identity is asked for where it matters.
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

    /// What is mounted over something, if anything is: over what was found in a directory by a name that is
    /// another spelling of that of a mount point.
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

    /// What is mounted in a directory, the last one at each name, in the order in which they were mounted.
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

    /// Whether a directory is one that is mounted.
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

    /// The directory that was mounted last at this path of the guest's.
    pub fn top(&self, path: &[u8]) -> Option<&Mount> {
        let is_there = |mount: &&Mount| {
            mount.target.file.is_none() && components(&mount.path).eq(components(path))
        };
        self.mounts.iter().rev().find(is_there)
    }

    /// What paths from this preopen begin at: another directory, if one has been mounted over it.
    pub fn covering(&self, preopen: &FdEntry) -> Option<&Mount> {
        let top = self.top(preopen.mounted_path()?)?;
        (!top.target.root.is_same_preopen(preopen)).then_some(top)
    }

    /// The mount of which this is the directory.
    pub fn of_root(&self, root: &FdEntry) -> Option<&Mount> {
        (self.mounts.iter()).find(|mount| mount.target.root.is_same_preopen(root))
    }

    /// Whether a file system may resolve a path by itself that goes through no link, the host's if `on_host`: by
    /// no spelling it meets a mount point, nor a directory that must be looked at.
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
