//! Mounting and unmounting.
//!
//! Nothing is locked during the calls to file systems. Afterwards the namespace is changed in one step.

use std::sync::Arc;

use super::mounts::{Mount, MountPoint, Mounted};
use super::preopens::{self, Beside};
use super::resolve::{Follow, RequiredRights, components};
use super::{FdEntry, FileId, Preopen, PreopenSource, WasiCtx};
use crate::abi::{Device, Errno, Rights};
use crate::vfs::memory::{MemoryFs, MemoryFsLimits};
use crate::vfs::{Dir, DirRef, Directory, Name, NameBuf};

/// The limits for directories that are created because a mount point lies in them: only names fit.
const MADE: MemoryFsLimits = MemoryFsLimits {
    bytes: 1 << 20,
    files: 1 << 10,
};

/// How many directories up it is checked whether a mount point lies in what is to be mounted there.
const MAX_ABOVE: usize = 4096;

/// Why something cannot be mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MountError {
    /// The error of a file system.
    Errno(Errno),
    /// The guest has started, and no preopen is above the path, so no path of the guest would lead there.
    Unreachable,
}

impl From<Errno> for MountError {
    fn from(errno: Errno) -> Self {
        Self::Errno(errno)
    }
}

/// A path without empty components and `.`. It may have no `..`.
fn plain(path: &str) -> Result<String, Errno> {
    if path.is_empty()
        || path.contains('\0')
        || components(path.as_bytes()).any(|name| name == b"..")
    {
        return Err(Errno::Inval);
    }
    let names = path.split('/').filter(|name| !matches!(*name, "" | "."));
    Ok(names.collect::<Vec<_>>().join("/"))
}

/// The path of the parent directory, and the name in it; `None` for the root.
fn split_name(path: &str) -> Option<(&str, &str)> {
    match path.rsplit_once('/') {
        Some(split) => Some(split),
        None => (!path.is_empty()).then_some(("", path)),
    }
}

impl WasiCtx {
    /// Mounts a directory or a file at a path of the guest, over what is there.
    ///
    /// Symbolic links in the path are followed, except one at its end. Missing directories are created: they
    /// exist for the guest alone, in no file system. A directory also becomes a preopen, unless the guest
    /// `has_started`, as then it does not look for preopens any more.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: the path is not valid, or has `..`. [`Errno::Notdir`]: a file is on the way, or a file
    /// is to be mounted where a preopen is. [`Errno::Loop`]: the mount point lies in what is to be mounted.
    /// [`Errno::Nfile`]: the guest has as many descriptors as it may. [`Errno::Notsup`]: devices. For a
    /// directory of the host, those of [`WasiCtx::new`]. Those of the directories on the way.
    pub fn mount(&self, mount: Preopen, has_started: bool) -> Result<(), MountError> {
        self.fingerprint.more();
        let path = plain(&mount.mapped_path)?;
        let mount = Preopen {
            mapped_path: format!("/{path}"),
            ..preopens::as_file(mount)
        };
        let result = match mount.source {
            PreopenSource::File(..) => self.mount_file(&path, mount, has_started),
            _ => self.mount_dir(&path, mount, has_started),
        };
        if result.is_err() {
            self.drop_unused(has_started);
        }
        result
    }

    fn mount_dir(&self, path: &str, mount: Preopen, has_started: bool) -> Result<(), MountError> {
        let existing = self.roots();
        let Beside {
            mount,
            dir,
            id,
            is_nested,
            restrictions,
        } = preopens::open_beside(&existing, mount)?;
        let point = self.make_point(path, true, |above| lies_in(above, id))?;
        if has_started && point.is_none() && !self.is_preopened(path) {
            return Err(MountError::Unreachable);
        }
        let mut entry = FdEntry::preopen(dir, id, mount, self.granted());
        if is_nested {
            entry = entry.staying_open();
        }
        let root = Arc::new(entry);
        if !has_started {
            self.table().push(Arc::clone(&root))?;
        }
        let hides_preopen = self.has_other_preopen(path, &root);
        self.mounts.change(|table| {
            for (id, rights, on_host) in restrictions {
                table.restrict(id, rights, on_host);
            }
            table.add(Mount::new(path, point, Mounted { root, file: None }).hiding(hides_preopen));
        });
        Ok(())
    }

    fn mount_file(&self, path: &str, mount: Preopen, has_started: bool) -> Result<(), MountError> {
        let PreopenSource::File(dir, name) = &mount.source else {
            return Err(Errno::Inval.into());
        };
        let file = Some(Arc::new(name.clone()));
        if path.is_empty() || self.is_preopened(path) {
            return Err(Errno::Notdir.into());
        }
        let dir = Dir::Other(Arc::clone(dir));
        let id = FileId::of(dir.as_ref())?;
        let point = match self.make_point(path, true, |_| false)? {
            Some(point) => point,
            None if has_started => return Err(MountError::Unreachable),
            None => {
                self.make_preopen(path)?;
                (self.make_point(path, true, |_| false)?).ok_or(MountError::Unreachable)?
            }
        };
        let root = Arc::new(FdEntry::preopen(dir, id, mount, self.granted()));
        let mount = Mount::new(path, Some(point), Mounted { root, file });
        self.mounts.change(|table| table.add(mount));
        Ok(())
    }

    /// Mounts the preopens that are not the host's where their names lie below other preopens, the outermost
    /// first. Then mounts the files.
    ///
    /// A directory that cannot be mounted there still has its descriptor.
    ///
    /// # Errors
    ///
    /// The file, and the error of [`WasiCtx::mount`].
    pub(super) fn mount_preopens(&self, files: Vec<Preopen>) -> Result<(), (Preopen, Errno)> {
        let mut roots = self.preopens();
        roots.retain(|root| {
            let source = root.preopen_options().map(|preopen| &preopen.source);
            !matches!(source, None | Some(PreopenSource::Path(_)))
        });
        roots.sort_by_key(|root| components(root.mapped_path().unwrap_or(b"")).count());
        for root in roots {
            self.mount_preopen(root);
        }
        for file in files {
            let kept = file.clone();
            self.mount(file, false).map_err(|error| match error {
                MountError::Errno(errno) => (kept, errno),
                MountError::Unreachable => (kept, Errno::Noent),
            })?;
        }
        Ok(())
    }

    fn mount_preopen(&self, root: Arc<FdEntry>) {
        let name = root.mapped_path().map(String::from_utf8_lossy);
        let Some(path) = name.and_then(|name| plain(&name).ok()) else {
            return;
        };
        let Ok(id) = root.file_id() else {
            return;
        };
        // If two have the same name, paths lead to the first.
        let first = (self.preopens().into_iter()).find(|other| is_named(other, &path));
        if !first.is_some_and(|first| first.is_same_preopen(&root)) {
            return;
        }
        let is_absolute = root
            .mapped_path()
            .is_some_and(|name| name.starts_with(b"/"));
        let point = self.make_point(&path, is_absolute, |above| lies_in(above, id));
        let mount = Mount::new(&path, point.unwrap_or(None), Mounted { root, file: None });
        self.mounts.change(|table| table.add(mount));
    }

    /// Unmounts what was mounted last at a path of the guest. Descriptors of the guest stay open. So does the
    /// preopen if the guest `has_started`: then only paths from its own descriptor lead to it.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: nothing is mounted there.
    pub fn unmount(&self, path: &str, has_started: bool) -> Result<(), Errno> {
        self.fingerprint.more();
        let path = plain(path)?;
        let removed = self.mounts.change(|table| {
            let is_there = |mount: &&Mount| !mount.is_made && *mount.path == *path.as_bytes();
            let serial = table.mounts().iter().rev().find(is_there)?.serial;
            table.remove(|mount| mount.serial == serial).pop()
        });
        self.withdraw(&removed.ok_or(Errno::Inval)?, has_started);
        self.drop_unused(has_started);
        Ok(())
    }

    /// Removes directories that were created for mount points, if nothing is mounted in them any more.
    fn drop_unused(&self, has_started: bool) {
        loop {
            let unused = self.mounts.change(|table| {
                let used: Vec<_> = (table.mounts().iter())
                    .filter_map(|mount| Some(mount.point.as_ref()?.dir.dev))
                    .collect();
                table.remove(|mount| {
                    let id = mount.target.root.file_id();
                    mount.is_made && id.is_ok_and(|id| !used.contains(&id.dev))
                })
            });
            if unused.is_empty() {
                return;
            }
            for mount in unused {
                self.withdraw(&mount, has_started);
            }
        }
    }

    /// Makes a directory unreachable by its name, after its mount was removed from the namespace.
    fn withdraw(&self, mount: &Mount, has_started: bool) {
        let root = &mount.target.root;
        root.unmount();
        let closed = (!has_started).then(|| self.table().withdraw(root));
        drop(closed);
        if let (Ok(id), Some(preopen)) = (root.file_id(), root.preopen_options()) {
            self.mounts.change(|table| table.free(id, preopen.rights));
        }
    }

    /// Whether a file system with this device number is preopened or mounted.
    pub fn has_device(&self, dev: Device) -> bool {
        let is_of = |root: &FdEntry| {
            root.mounted_path().is_some() && root.file_id().is_ok_and(|id| id.dev == dev)
        };
        let mounts = self.mounts.table();
        self.preopens().iter().any(|root| is_of(root))
            || (mounts.mounts().iter()).any(|mount| is_of(&mount.target.root))
    }

    /// All preopens and mounted directories.
    pub(super) fn roots(&self) -> Vec<Arc<FdEntry>> {
        let mut roots = self.preopens();
        for mount in self.mounts.table().mounts() {
            let root = &mount.target.root;
            if mount.target.file.is_none() && !roots.iter().any(|other| other.is_same_preopen(root))
            {
                roots.push(Arc::clone(root));
            }
        }
        roots
    }

    /// Whether a preopen has this name.
    fn is_preopened(&self, path: &str) -> bool {
        self.preopens().iter().any(|root| is_named(root, path))
    }

    /// Whether a preopen that is not `root` has this name.
    fn has_other_preopen(&self, path: &str, root: &FdEntry) -> bool {
        (self.preopens().iter()).any(|other| !other.is_same_preopen(root) && is_named(other, path))
    }

    /// The mount point of a path, with its missing parent directories created; `None` if no preopen is above
    /// it. `is_within` says whether a directory lies in what is to be mounted.
    fn make_point(
        &self,
        path: &str,
        is_absolute: bool,
        is_within: impl Fn(DirRef<'_>) -> bool,
    ) -> Result<Option<MountPoint>, Errno> {
        let Some((above, name)) = split_name(path) else {
            return Ok(None);
        };
        let Some((base, rest)) = self.preopen_above(above.as_bytes(), is_absolute) else {
            return Ok(None);
        };
        let names: Vec<_> = components(rest).collect();
        let full = [&names[..], &[name.as_bytes()]].concat().join(&b'/');
        let walk = || self.walk(&base, &full, Follow::No, NOTHING);
        let found = match walk() {
            Err(Errno::Noent) => {
                let outer = components(above.as_bytes()).count() - names.len();
                self.make_dirs(&base, above, outer, &names)?;
                walk()?
            }
            found => found?,
        };
        let dir = found.dir()?;
        if is_within(dir) {
            return Err(Errno::Loop);
        }
        Ok(Some(point_in(dir, name.as_bytes())?))
    }

    /// Creates the missing ones of the directories `names` below `base`. The path of `base` is the first
    /// `outer` components of `path`.
    fn make_dirs(
        &self,
        base: &Arc<FdEntry>,
        path: &str,
        outer: usize,
        names: &[&[u8]],
    ) -> Result<(), Errno> {
        for (index, name) in names.iter().enumerate() {
            let found = self.walk(base, &names[..=index].join(&b'/'), Follow::No, NOTHING)?;
            match found.stat() {
                Err(Errno::Noent) => {}
                there => {
                    there?;
                    continue;
                }
            }
            let point = point_in(found.dir()?, name)?;
            let path: Vec<_> = path.split('/').take(outer + index + 1).collect();
            let made = self.made(&path.join("/"), &names[index + 1..])?;
            self.mounts
                .change(|table| table.add(Mount::made(&path.join("/"), Some(point), made)));
            return Ok(());
        }
        // Only the target of a symbolic link is missing.
        Err(Errno::Noent)
    }

    /// Makes the parent directory of a path a preopen.
    fn make_preopen(&self, path: &str) -> Result<(), Errno> {
        let (above, _) = split_name(path).ok_or(Errno::Inval)?;
        let made = self.made(above, &[])?;
        self.table().push(Arc::clone(&made))?;
        self.mounts
            .change(|table| table.add(Mount::made(above, None, made)));
        Ok(())
    }

    /// An empty directory at a path of the guest, with the directories `names` in it, each in the one before.
    fn made(&self, path: &str, names: &[&[u8]]) -> Result<Arc<FdEntry>, Errno> {
        let fs = MemoryFs::new(MADE);
        fs.create_dir(&names.join(&b'/'))
            .map_err(|error| error.errno)?;
        let root: Arc<dyn Directory> = fs.root();
        let dir = Dir::Other(Arc::clone(&root));
        let id = FileId::of(dir.as_ref())?;
        let preopen = Preopen {
            mapped_path: format!("/{path}"),
            source: PreopenSource::Directory(root),
            rights: Rights::READ_ONLY,
        };
        Ok(Arc::new(FdEntry::preopen(dir, id, preopen, self.granted())))
    }
}

/// Requires no rights.
const NOTHING: RequiredRights = RequiredRights {
    base: Rights::empty(),
    inheriting: Rights::empty(),
    write: false,
    refusal: Errno::Notcapable,
};

fn point_in(dir: DirRef<'_>, name: &[u8]) -> Result<MountPoint, Errno> {
    let covers = Name::new(name).and_then(|name| dir.stat_at(name).ok());
    Ok(MountPoint {
        dir: FileId::of(dir)?,
        name: Arc::new(NameBuf::new(name.to_vec()).ok_or(Errno::Inval)?),
        covers: covers.as_ref().map(FileId::from),
    })
}

fn is_named(root: &FdEntry, path: &str) -> bool {
    (root.mounted_path()).is_some_and(|name| components(name).eq(components(path.as_bytes())))
}

/// Whether a directory is the one with this identity, or below it in its own file system.
fn lies_in(dir: DirRef<'_>, root: FileId) -> bool {
    let mut above: Option<Dir> = None;
    let mut last = None;
    for _ in 0..MAX_ABOVE {
        let here = above.as_ref().map_or(dir, Dir::as_ref);
        let Ok(id) = FileId::of(here) else {
            return false;
        };
        if id == root {
            return true;
        }
        if last.replace(id) == Some(id) {
            return false;
        }
        let Ok(next) = here.open_dotdot() else {
            return false;
        };
        above = Some(next);
    }
    false
}
