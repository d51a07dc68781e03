//! Opens preopens.
//!
//! One may lie below another: `/srv/data` below `/srv`. If a guest may replace `data` by a symbolic link,
//! opening the path `/srv/data` would lead the next guest to wherever that link points. So the inner directory
//! is opened from the open outer one, step by step, and no link is followed there. Links in the path before
//! that are resolved first, as the host may have some of its own; but no path may go through a preopen in which
//! a guest can create links, and lead out of it.
//!
//! A directory of another file system is given open, and has no path, so none of this applies. Whether it lies
//! below another one is not known; its rights are kept as if it did.

use std::ffi::OsString;
use std::path::{self, Component, Path, PathBuf};
use std::sync::Arc;
use std::{fs, mem};

use super::devices::Devices;
use super::mounts::MountTable;
use super::resolve::components;
use super::{FdEntry, FileId, Given, InitError, Preopen, PreopenSource};
use crate::abi::{Errno, Fdflags, Filetype, Oflags, Rights};
use crate::host::{self, stat_ambient};
use crate::vfs::{Dir, DirRef, Interrupt, Name, OpenHow, Opened};

/// How many symbolic links the path of a preopen may have. The host's limit is the same.
const SYMLINK_HOPS: u32 = 40;

/// The rights with which a guest can put a symbolic link at a name.
const LINKING: Rights = Rights::PATH_SYMLINK
    .union(Rights::PATH_LINK_TARGET)
    .union(Rights::PATH_RENAME_TARGET);

/// The preopens of a guest.
pub struct Preopened {
    /// Their descriptors, in order.
    pub entries: Vec<FdEntry>,
    /// The identities of the directories.
    pub ids: Vec<FileId>,
    /// Restrictions for those that have fewer rights than others above them.
    pub mounts: MountTable,
}

/// Opens all preopens, with the rights that are `granted`.
///
/// # Errors
///
/// The preopen, and what `open(2)` says of it. [`Errno::Notcapable`]: its path goes through another preopen in
/// which a guest can create links, and leads out of that. [`Errno::Again`]: the path was changed at the same
/// time.
pub fn open(
    mut preopens: Vec<Preopen>,
    granted: Rights,
    devices: impl Fn() -> Option<Devices>,
) -> Result<Preopened, InitError> {
    let mut given_paths: Vec<_> = preopens.iter_mut().map(make_absolute).collect();
    let mut mounts = MountTable::default();
    let dirs = match open_all(&preopens, &devices, &mut mounts) {
        Ok(dirs) => dirs,
        Err((index, errno)) => {
            let mut preopen = preopens.swap_remove(index);
            if let Some(path) = given_paths.swap_remove(index) {
                preopen.source = path.into();
            }
            let given = Given::Preopen(preopen);
            return Err(InitError { errno, given });
        }
    };
    let ids = dirs.iter().map(|dir| dir.id).collect();
    let entries = preopens.into_iter().zip(dirs).map(|(preopen, opened)| {
        let entry = FdEntry::preopen(opened.dir, opened.id, preopen, granted);
        // After a guest has removed the directory, a new one may have its inode number, and a link of the guest
        // may lead there: opening the path again is not safe.
        if opened.is_nested {
            entry.staying_open()
        } else {
            entry
        }
    });
    Ok(Preopened {
        entries: entries.collect(),
        ids,
        mounts,
    })
}

/// Makes the path of a preopen absolute. Returns the original path.
fn make_absolute(preopen: &mut Preopen) -> Option<PathBuf> {
    let PreopenSource::Path(path) = &mut preopen.source else {
        return None;
    };
    let absolute = path::absolute(&path).ok()?;
    Some(mem::replace(path, absolute))
}

/// An open preopen.
struct OpenedDir {
    dir: Dir,
    id: FileId,
    /// Whether it lies below another one.
    is_nested: bool,
}

/// Opens all preopens, whose paths are absolute. An error comes with the index of the preopen.
fn open_all(
    preopens: &[Preopen],
    devices: &impl Fn() -> Option<Devices>,
    mounts: &mut MountTable,
) -> Result<Vec<OpenedDir>, (usize, Errno)> {
    let (mut dirs, mut ids) = (Vec::new(), Vec::new());
    for (index, preopen) in preopens.iter().enumerate() {
        let dir = open_source(&preopen.source, devices).map_err(|errno| (index, errno))?;
        ids.push(FileId::of(dir.as_ref()).map_err(|errno| (index, errno))?);
        dirs.push(dir);
    }
    let mut is_nested = vec![false; dirs.len()];
    if dirs.len() > 1 {
        let all = Preopens {
            preopens,
            ids: &ids,
        };
        let mut nested = Vec::new();
        let refs: Vec<_> = dirs.iter().map(Dir::as_ref).collect();
        for index in 0..dirs.len() {
            let (dir, outer) = all.around(index, &refs).map_err(|errno| (index, errno))?;
            nested.push(dir);
            if !(outer.iter()).all(|outer| all.allows(index, *outer)) {
                let (id, rights, on_host) = all.restriction(index);
                mounts.restrict(id, rights, on_host);
            }
        }
        for (index, dir) in nested.into_iter().enumerate() {
            if let Some(dir) = dir {
                dirs[index] = dir;
                is_nested[index] = true;
            }
        }
    }
    let each = dirs.into_iter().zip(ids).zip(is_nested);
    let opened = each.map(|((dir, id), is_nested)| OpenedDir { dir, id, is_nested });
    Ok(opened.collect())
}

/// The same, as [`PreopenSource::File`] if its path in another file system is that of a file. Errors are left
/// to opening it.
pub fn as_file(preopen: Preopen) -> Preopen {
    let PreopenSource::Within(view, path) = &preopen.source else {
        return preopen;
    };
    if components(path.as_bytes()).next().is_none() {
        return preopen;
    }
    match view.file(path.as_bytes()) {
        Ok(Some(source)) => Preopen { source, ..preopen },
        Ok(None) | Err(_) => preopen,
    }
}

/// A directory to mount beside what a guest has, open.
pub struct Beside {
    /// The request, with an absolute path.
    pub mount: Preopen,
    pub dir: Dir,
    pub id: FileId,
    /// Whether it lies below another preopen.
    pub is_nested: bool,
    /// New restrictions, for directories that now have fewer rights than others above them: arguments of
    /// [`MountTable::restrict`].
    pub restrictions: Vec<(FileId, Rights, bool)>,
}

/// Opens a directory to mount beside the `existing` ones of a guest.
///
/// # Errors
///
/// Those of [`open`]. [`Errno::Notsup`]: devices, which a guest can only be started with.
pub fn open_beside(existing: &[Arc<FdEntry>], mut mount: Preopen) -> Result<Beside, Errno> {
    make_absolute(&mut mount);
    let dir = open_source(&mount.source, || None)?;
    let id = FileId::of(dir.as_ref())?;
    let (mut preopens, mut ids, mut refs) = (Vec::new(), Vec::new(), Vec::new());
    for root in existing {
        // Nothing can lie below a preopen that cannot be opened again.
        if let (Some(preopen), Ok(id), Ok(dir)) =
            (root.preopen_options(), root.file_id(), root.dir())
        {
            preopens.push(preopen.clone());
            ids.push(id);
            refs.push(dir);
        }
    }
    let new = preopens.len();
    preopens.push(mount.clone());
    ids.push(id);
    refs.push(dir.as_ref());
    let all = Preopens {
        preopens: &preopens,
        ids: &ids,
    };
    let (nested, outer) = all.around(new, &refs)?;
    let mut restrictions = Vec::new();
    if !outer.iter().all(|outer| all.allows(new, *outer)) {
        restrictions.push(all.restriction(new));
    }
    for inner in 0..new {
        // If the path leads elsewhere by now, it does not tell where the directory is: restricted in any case.
        let lies_below = match all.around(inner, &refs) {
            Ok((_, outer)) => outer.contains(&new),
            Err(_) => true,
        };
        if lies_below && !all.allows(inner, new) {
            restrictions.push(all.restriction(inner));
        }
    }
    let is_nested = nested.is_some();
    let dir = nested.unwrap_or(dir);
    Ok(Beside {
        mount,
        dir,
        id,
        is_nested,
        restrictions,
    })
}

fn open_source(
    source: &PreopenSource,
    devices: impl Fn() -> Option<Devices>,
) -> Result<Dir, Errno> {
    match source {
        PreopenSource::Path(path) => Ok(Dir::Host(host::Dir::open_ambient(path)?)),
        PreopenSource::Directory(dir) => Ok(Dir::Other(Arc::clone(dir))),
        PreopenSource::Within(view, path) => Ok(Dir::Other(view.directory(path.as_bytes())?)),
        PreopenSource::Devices => Ok(Dir::Other(Arc::new(devices().ok_or(Errno::Notsup)?))),
        PreopenSource::File(..) => Err(Errno::Notdir),
    }
}

/// All preopens of a guest, with the identities of their directories.
#[derive(Clone, Copy)]
struct Preopens<'a> {
    preopens: &'a [Preopen],
    ids: &'a [FileId],
}

/// A preopen that a path goes through: its index, and the path so far without symbolic links.
type Met = (usize, PathBuf);

impl Preopens<'_> {
    /// Whether a preopen has all rights of another one.
    fn allows(self, index: usize, outer: usize) -> bool {
        self.preopens[index]
            .rights
            .contains(self.preopens[outer].rights)
    }

    /// The arguments of [`MountTable::restrict`].
    fn restriction(self, index: usize) -> (FileId, Rights, bool) {
        let on_host = matches!(self.preopens[index].source, PreopenSource::Path(_));
        (self.ids[index], self.preopens[index].rights, on_host)
    }

    /// The preopens that `index` is or lies below; and its directory, opened from the outermost of them, if it
    /// has a path and there are others.
    fn around(self, index: usize, dirs: &[DirRef<'_>]) -> Result<(Option<Dir>, Vec<usize>), Errno> {
        match &self.preopens[index].source {
            PreopenSource::Path(path) => {
                let nested = self.open_nested(index, path, dirs)?;
                let (dir, mut outer) =
                    nested.map_or((None, Vec::new()), |(dir, outer)| (Some(dir), outer));
                // The files of another guest may be on the host.
                outer.extend(self.perhaps_around(index, dirs));
                Ok((dir, outer))
            }
            PreopenSource::Directory(_) | PreopenSource::Within(..) => {
                Ok((None, self.perhaps_around(index, dirs)))
            }
            PreopenSource::Devices | PreopenSource::File(..) => Ok((None, Vec::new())),
        }
    }

    /// Opens the preopen `index` at `path` from the outermost preopen that it lies below. Returns its
    /// directory, and all preopens above it; `None` if there are none.
    fn open_nested(
        self,
        index: usize,
        path: &Path,
        dirs: &[DirRef<'_>],
    ) -> Result<Option<(Dir, Vec<usize>)>, Errno> {
        let (path, met) = self.follow(index, path)?;
        let (outer, left): (Vec<Met>, Vec<Met>) =
            (met.into_iter()).partition(|(_, at)| path.starts_with(at));
        let is_outer = |preopen| outer.iter().any(|(outer, _)| *outer == preopen);
        let may_link = |preopen: usize| self.preopens[preopen].rights.intersects(LINKING);
        if (left.iter()).any(|(preopen, _)| may_link(*preopen) && !is_outer(*preopen)) {
            return Err(Errno::Notcapable);
        }
        let Some((outermost, at)) = outer.iter().min_by_key(|(_, at)| at.as_os_str().len()) else {
            return Ok(None);
        };
        let below = path.strip_prefix(at).unwrap_or(Path::new(""));
        let (dir, between) = self.descend(dirs[*outermost], below)?;
        if FileId::of(dir.as_ref())? != self.ids[index] {
            return Err(Errno::Again);
        }
        let outer = outer.iter().map(|(preopen, _)| *preopen);
        Ok(Some((dir, outer.chain(between).collect())))
    }

    /// Resolves the path of the preopen `index`. Returns it without symbolic links, and the other preopens that
    /// it goes through. Preopens of the same directory do not count as others.
    fn follow(self, index: usize, path: &Path) -> Result<(PathBuf, Vec<Met>), Errno> {
        let mut rest = reversed(path);
        let mut path = PathBuf::new();
        let mut met = Vec::new();
        let mut hops = 0;
        while let Some(component) = rest.pop() {
            match Path::new(&component).components().next() {
                None | Some(Component::CurDir) => continue,
                Some(Component::ParentDir) => {
                    path.pop();
                    continue;
                }
                Some(Component::Prefix(_)) => {
                    path.push(component);
                    continue;
                }
                Some(Component::RootDir | Component::Normal(_)) => path.push(component),
            }
            // A directory that the host does not show is no preopen, as those are open.
            let Ok(stat) = stat_ambient(&path) else {
                continue;
            };
            if stat.filetype == Filetype::SymbolicLink {
                hops += 1;
                if hops > SYMLINK_HOPS {
                    return Err(Errno::Loop);
                }
                let target = fs::read_link(&path)?;
                path.pop();
                rest.extend(reversed(&target));
            } else {
                let id = FileId::from(&stat);
                if id != self.ids[index] {
                    met.extend(self.with_id(id).map(|preopen| (preopen, path.clone())));
                }
            }
        }
        Ok((path, met))
    }

    /// Opens the directory at `path`, which has no symbolic links, from another one. Returns it, and the
    /// preopens on the way.
    fn descend(self, outer: DirRef<'_>, path: &Path) -> Result<(Dir, Vec<usize>), Errno> {
        let mut here: Option<Dir> = None;
        let mut between = Vec::new();
        let mut names = path.iter().map(name).collect::<Result<Vec<_>, _>>()?;
        let last = names.pop();
        for name in names {
            let dir = here.as_ref().map_or(outer, Dir::as_ref).open_dir_at(name)?;
            between.extend(self.with_id(FileId::of(dir.as_ref())?));
            here = Some(dir);
        }
        let how = OpenHow {
            read: true,
            write: false,
            oflags: Oflags::DIRECTORY,
            fdflags: Fdflags::empty(),
            follow: false,
        };
        match here
            .as_ref()
            .map_or(outer, Dir::as_ref)
            .open_at(last, how, &Interrupt::NEVER)?
        {
            Opened::Dir(dir) => Ok((dir, between)),
            Opened::Stream(_) | Opened::File(_) => Err(Errno::Notdir),
        }
    }

    /// The other preopens without a path, except those that are known to be in another file system: `index` may
    /// lie below any of them.
    fn perhaps_around(self, index: usize, dirs: &[DirRef<'_>]) -> Vec<usize> {
        let id = self.ids[index];
        let is_around = |other: &usize| match (dirs[*other], self.ids[*other]) {
            (DirRef::Host(_), _) => false,
            (DirRef::Other(dir), there) => {
                there != id && (there.dev == id.dev || !dir.is_of_one_device())
            }
        };
        (0..self.ids.len()).filter(is_around).collect()
    }

    /// The preopens with a path of the host that lead to this directory.
    fn with_id(self, id: FileId) -> impl Iterator<Item = usize> {
        (0..self.ids.len()).filter(move |preopen| {
            self.ids[*preopen] == id
                && matches!(self.preopens[*preopen].source, PreopenSource::Path(_))
        })
    }
}

fn name(component: &std::ffi::OsStr) -> Result<Name<'_>, Errno> {
    Name::new(component.as_encoded_bytes()).ok_or(Errno::Noent)
}

/// The components of a path, the last one first.
fn reversed(path: &Path) -> Vec<OsString> {
    (path.components().rev())
        .map(|component| component.as_os_str().to_owned())
        .collect()
}
