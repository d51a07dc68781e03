//! Opening the directories that a guest has from the start.
//!
//! One may lie below another: `/srv/data` below `/srv`. If a guest may put a link in the place of
//! `data`, the path alone would lead the next guest to wherever that points. So the steps from the
//! outer directory to the inner one are taken from the open outer one, and no link is followed there.
//! Links that the path goes through have been read before, as the host may have some of its own; but
//! no path may go through a directory in which a guest can make links, and lead out of it.
//!
//! A directory of another file system is open when it is given, and has no path: nothing of this concerns
//! it. Whether it lies below another is not known, so its rights are kept as if it did.

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

/// How many links the path of a preopen may go through; the host follows no more either.
const SYMLINK_HOPS: u32 = 40;

/// The rights by which a guest can bring it about that a name is a link.
const LINKING: Rights = Rights::PATH_SYMLINK
    .union(Rights::PATH_LINK_TARGET)
    .union(Rights::PATH_RENAME_TARGET);

/// The directories that a guest has from the start.
pub struct Preopened {
    /// Their descriptors, in order.
    pub entries: Vec<FdEntry>,
    /// Which directories they are.
    pub ids: Vec<FileId>,
    /// Those of them that have fewer rights than others that they lie below.
    pub mounts: MountTable,
}

/// Opens all of them, to do what is `granted`.
///
/// # Errors
///
/// With the preopen, what `open(2)` says of it. [`Errno::Notcapable`]: its path goes through another
/// preopen in which a guest can make links, and leads out of that. [`Errno::Again`]: it came to mean
/// another directory at the same time.
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
        // A directory that a guest has removed may be followed by another with its inode number, to
        // which a link of the guest leads.
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

/// Makes the path of a preopen absolute, and gives the one that it had.
fn make_absolute(preopen: &mut Preopen) -> Option<PathBuf> {
    let PreopenSource::Path(path) = &mut preopen.source else {
        return None;
    };
    let absolute = path::absolute(&path).ok()?;
    Some(mem::replace(path, absolute))
}

/// A preopen that has been opened.
struct OpenedDir {
    dir: Dir,
    id: FileId,
    /// Whether it lies below another.
    is_nested: bool,
}

/// Opens each preopen, its path being absolute; or tells which of them cannot be opened, and why.
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

/// The same, as a file if that is what is at its path in another file system. What is wrong with the path is
/// said when it is opened.
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

/// A directory that has been opened to be mounted beside what a guest has.
pub struct Beside {
    /// What was asked for, its path absolute.
    pub mount: Preopen,
    pub dir: Dir,
    pub id: FileId,
    /// Whether it lies below another.
    pub is_nested: bool,
    /// Those directories that have fewer rights than others that they lie below, because of it: what
    /// [`MountTable::restrict`] takes.
    pub restrictions: Vec<(FileId, Rights, bool)>,
}

/// Opens one more, beside those that a guest has by now.
///
/// # Errors
///
/// As [`open`]. [`Errno::Notsup`]: devices, which a guest has from the start.
pub fn open_beside(existing: &[Arc<FdEntry>], mut mount: Preopen) -> Result<Beside, Errno> {
    make_absolute(&mut mount);
    let dir = open_source(&mount.source, || None)?;
    let id = FileId::of(dir.as_ref())?;
    let (mut preopens, mut ids, mut refs) = (Vec::new(), Vec::new(), Vec::new());
    for root in existing {
        // What cannot be opened again is nothing that another could lie below.
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
        // A path that leads elsewhere by now says nothing of where its directory is.
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

/// All preopens of a guest, and which directories they are.
#[derive(Clone, Copy)]
struct Preopens<'a> {
    preopens: &'a [Preopen],
    ids: &'a [FileId],
}

/// A preopen on the way of a path: its index, and the path without links that led there.
type Met = (usize, PathBuf);

impl Preopens<'_> {
    /// Whether as much may be done in one as in another.
    fn allows(self, index: usize, outer: usize) -> bool {
        self.preopens[index]
            .rights
            .contains(self.preopens[outer].rights)
    }

    /// What [`MountTable::restrict`] takes.
    fn restriction(self, index: usize) -> (FileId, Rights, bool) {
        let on_host = matches!(self.preopens[index].source, PreopenSource::Path(_));
        (self.ids[index], self.preopens[index].rights, on_host)
    }

    /// The preopens that `index` lies below, and itself, opened from the outermost of them, where it has
    /// a path and there are any.
    fn around(self, index: usize, dirs: &[DirRef<'_>]) -> Result<(Option<Dir>, Vec<usize>), Errno> {
        match &self.preopens[index].source {
            PreopenSource::Path(path) => {
                let nested = self.open_nested(index, path, dirs)?;
                let (dir, mut outer) =
                    nested.map_or((None, Vec::new()), |(dir, outer)| (Some(dir), outer));
                // The files of another guest may be those of the host.
                outer.extend(self.perhaps_around(index, dirs));
                Ok((dir, outer))
            }
            PreopenSource::Directory(_) | PreopenSource::Within(..) => {
                Ok((None, self.perhaps_around(index, dirs)))
            }
            PreopenSource::Devices | PreopenSource::File(..) => Ok((None, Vec::new())),
        }
    }

    /// Opens the preopen `index`, which is at `path`, from the outermost one that it lies below, and tells
    /// which all of these are. `None` if it lies below none.
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

    /// The path of the preopen `index` without links, and the other preopens that it goes through. One
    /// of the same directory is no other.
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
            // What the host does not show can be none of the preopens, which are open.
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

    /// Opens the directory at `path`, of which no component is a link, below another, and tells which
    /// preopens are in between.
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

    /// The other preopens that have no path, either: `index` may lie below any of them that is not known
    /// to be of another file system.
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

    /// The preopens of paths of the host that lead to this directory.
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
