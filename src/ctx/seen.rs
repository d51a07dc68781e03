//! The files of one guest as a file system for another: what the embedder sees of them (`wasi.fs`).
//!
//! Names are resolved as in the first guest, so its mounts are there. What its preopens do not allow fails,
//! with an errno of file systems.

use std::any::Any;
use std::sync::Arc;

use super::resolve::{Follow, OpenedPath, RequiredRights, ResolvedPath};
use super::{Descriptor, FdEntry, View, WasiCtx};
use crate::abi::{
    Advice, Dircookie, Errno, Fdflags, Filesize, Filestat, Filetype, Oflags, Rights, RightsPair,
};
use crate::host::SeekFrom;
use crate::memory::Iovecs;
use crate::vfs::{
    Dir, DirEntry, DirStream, Directory, File, FileHandle, Name, OpenHow, Opened, Result, SetTime,
};

/// To open a directory for going through it.
const THROUGH: OpenHow = OpenHow {
    read: true,
    write: false,
    oflags: Oflags::DIRECTORY,
    fdflags: Fdflags::empty(),
    follow: false,
};

/// A directory of the embedder's view.
#[derive(Clone, Debug)]
pub struct SeenDir {
    view: Arc<View>,
    entry: Arc<FdEntry>,
    /// The parent directory.
    above: Above,
}

#[derive(Clone, Debug)]
enum Above {
    Itself,
    Dir(Arc<SeenDir>),
    Told,
}

impl SeenDir {
    /// The directory of an open descriptor of the view, as the root of a file system.
    pub fn top(view: Arc<View>, entry: FdEntry) -> Self {
        Self {
            view,
            entry: Arc::new(entry),
            above: Above::Itself,
        }
    }

    /// The same for a directory with the rights `granted`.
    pub fn with(view: Arc<View>, dir: Dir, granted: Rights) -> Arc<dyn Directory> {
        let entry = FdEntry::new(
            Descriptor::Dir(dir),
            RightsPair::ALL,
            granted,
            Fdflags::empty(),
        );
        Arc::new(Self::top(view, entry))
    }

    fn ctx(&self) -> &WasiCtx {
        self.view.ctx()
    }

    fn check(&self, rights: Rights) -> Result<()> {
        check(self.entry.granted(), rights)
    }

    fn resolve<'n>(&'n self, name: Name<'n>, rights: Rights) -> Result<ResolvedPath<'n>> {
        self.check(rights)?;
        let required = required(rights);
        (self.ctx()).resolve(&self.entry, name.as_bytes(), Follow::No, required)
    }

    /// The other directory, if it is in the same view.
    fn same_guest<'d>(&self, other: &'d dyn Directory) -> Result<&'d Self> {
        (other.as_any().downcast_ref::<Self>())
            .filter(|other| Arc::ptr_eq(&self.view, &other.view))
            .ok_or(Errno::Xdev)
    }

    /// What was opened, with no more rights than it has in the view.
    fn pass_on(&self, opened: OpenedPath, how: OpenHow) -> Result<Opened> {
        let granted = opened.granted;
        match opened.opened {
            Opened::File(file) if granted != Rights::all() => {
                if file.stat()?.filetype == Filetype::Directory {
                    return self.open_at(None, THROUGH);
                }
                Ok(Opened::File(FileHandle::Other(Box::new(SeenFile {
                    file,
                    granted,
                }))))
            }
            Opened::Dir(_) => {
                let entry = opened.into_entry(how, RightsPair::ALL);
                Ok(Opened::Dir(self.below(entry)?))
            }
            opened => Ok(opened),
        }
    }

    /// A directory that was opened in this one.
    fn below(&self, entry: FdEntry) -> Result<Dir> {
        let (id, here) = (entry.file_id()?, self.entry.file_id()?);
        let is_mount = id.dev != here.dev || self.ctx().is_mount_root(id);
        let above = if is_mount {
            Above::Dir(Arc::new(self.clone()))
        } else {
            Above::Told
        };
        Ok(Dir::Other(Arc::new(Self {
            view: Arc::clone(&self.view),
            entry: Arc::new(entry),
            above,
        })))
    }
}

/// The rights that an operation needs, with the errno of file systems if one is missing.
fn required(rights: Rights) -> RequiredRights {
    RequiredRights {
        refusal: refusal(rights),
        ..RequiredRights::base(rights)
    }
}

fn refusal(rights: Rights) -> Errno {
    if Rights::READ_ONLY.contains(rights) {
        Errno::Acces
    } else {
        Errno::Rofs
    }
}

fn check(granted: Rights, rights: Rights) -> Result<()> {
    if granted.contains(rights) {
        Ok(())
    } else {
        Err(refusal(rights))
    }
}

impl Directory for SeenDir {
    /// True, as something may be mounted in it whose file system does.
    fn calls_back(&self) -> bool {
        true
    }

    fn stat(&self) -> Result<Filestat> {
        self.entry.descriptor().stat()
    }

    fn stat_at(&self, name: Name<'_>) -> Result<Filestat> {
        let rights = Rights::PATH_FILESTAT_GET;
        self.check(rights)?;
        (self.ctx()).stat_path(&self.entry, name.as_bytes(), false, required(rights))
    }

    fn open_at(&self, name: Option<Name<'_>>, how: OpenHow) -> Result<Opened> {
        let required = RequiredRights::to_open(how, refusal);
        self.check(required.base)?;
        let path = name.map_or(&b"."[..], Name::as_bytes);
        let how = OpenHow {
            follow: false,
            ..how
        };
        let opened = (self.ctx()).open_path(&self.entry, path, how, required)?;
        if name.is_none() {
            let entry = Arc::new(opened.into_entry(how, RightsPair::ALL));
            return Ok(Opened::Dir(Dir::Other(Arc::new(Self {
                entry,
                ..self.clone()
            }))));
        }
        self.pass_on(opened, how)
    }

    fn open_dir_at(&self, name: Name<'_>) -> Result<Dir> {
        let rights = Rights::empty();
        let opened =
            (self.ctx()).open_path(&self.entry, name.as_bytes(), THROUGH, required(rights))?;
        self.below(opened.into_entry(THROUGH, RightsPair::ALL))
    }

    fn open_dotdot(&self) -> Result<Dir> {
        match &self.above {
            Above::Itself => Ok(Dir::Other(Arc::new(self.clone()))),
            Above::Dir(above) => Ok(Dir::Other(Arc::clone(above) as Arc<dyn Directory>)),
            Above::Told => {
                let dir = self.entry.dir()?.open_dotdot()?;
                let granted = self.entry.granted();
                let entry = FdEntry::new(
                    Descriptor::Dir(dir),
                    RightsPair::ALL,
                    granted,
                    Fdflags::empty(),
                );
                Ok(Dir::Other(Arc::new(Self {
                    view: Arc::clone(&self.view),
                    entry: Arc::new(entry),
                    above: Above::Told,
                })))
            }
        }
    }

    fn check_search(&self) -> Result<()> {
        self.entry.dir()?.check_search()
    }

    fn read_link_at(&self, name: Name<'_>) -> Result<Vec<u8>> {
        self.resolve(name, Rights::PATH_READLINK)?.read_link()
    }

    fn read_dir(&self) -> Result<Box<dyn DirStream>> {
        self.check(Rights::FD_READDIR)?;
        let Opened::Dir(Dir::Other(dir)) = self.open_at(None, THROUGH)? else {
            return Err(Errno::Notdir);
        };
        let dir = (dir.as_any().downcast_ref::<Self>()).ok_or(Errno::Notdir)?;
        Ok(Box::new(SeenList {
            dir: dir.clone(),
            name: Vec::new(),
        }))
    }

    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()> {
        self.check(Rights::FD_FILESTAT_SET_TIMES)?;
        self.entry.descriptor().set_times(atim, mtim)
    }

    fn set_times_at(&self, name: Name<'_>, atim: SetTime, mtim: SetTime) -> Result<()> {
        let place = self.resolve(name, Rights::PATH_FILESTAT_SET_TIMES)?;
        place.check_target(required(Rights::PATH_FILESTAT_SET_TIMES))?;
        place.set_times(atim, mtim)
    }

    fn create_dir_at(&self, name: Name<'_>) -> Result<()> {
        self.resolve(name, Rights::PATH_CREATE_DIRECTORY)?
            .create_dir()
    }

    fn unlink_at(&self, name: Name<'_>) -> Result<()> {
        self.resolve(name, Rights::PATH_UNLINK_FILE)?.unlink()
    }

    fn remove_dir_at(&self, name: Name<'_>) -> Result<()> {
        let place = self.resolve(name, Rights::PATH_REMOVE_DIRECTORY)?;
        place.remove_dir(name.as_bytes())
    }

    fn rename_at(&self, old: Name<'_>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        let new_dir = self.same_guest(new_dir)?;
        let old = self.resolve(old, Rights::PATH_RENAME_SOURCE)?;
        old.rename_to(|| new_dir.resolve(new, Rights::PATH_RENAME_TARGET))
    }

    fn link_at(&self, old: Option<Name<'_>>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        let new_dir = self.same_guest(new_dir)?;
        let old = old.ok_or(Errno::Perm)?;
        let old = self.resolve(old, Rights::PATH_LINK_SOURCE)?;
        old.check_target(required(Rights::PATH_LINK_SOURCE))?;
        old.link_to(|| new_dir.resolve(new, Rights::PATH_LINK_TARGET))
    }

    fn symlink_at(&self, target: &[u8], name: Name<'_>) -> Result<()> {
        self.resolve(name, Rights::PATH_SYMLINK)?.symlink(target)
    }

    fn sync(&self) -> Result<()> {
        self.entry.descriptor().sync()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A directory stream, with mounts.
#[derive(Debug)]
struct SeenList {
    dir: SeenDir,
    /// The name that was read last.
    name: Vec<u8>,
}

impl DirStream for SeenList {
    fn read(&mut self, cookie: Dircookie) -> Result<Option<DirEntry<'_>>> {
        let ctx = self.dir.ctx();
        let mut listing = ctx.read_dir(&self.dir.entry)?;
        listing.seek(cookie, ctx.interrupt())?;
        let Some(entry) = listing.read(ctx.interrupt())? else {
            return Ok(None);
        };
        self.name.clear();
        self.name.extend_from_slice(entry.name);
        let (ino, filetype, next) = (entry.ino, entry.filetype, entry.next);
        listing.rest();
        Ok(Some(DirEntry {
            name: &self.name,
            ino,
            filetype,
            next,
        }))
    }
}

/// An open file with limited rights.
#[derive(Debug)]
struct SeenFile {
    file: FileHandle,
    granted: Rights,
}

impl File for SeenFile {
    fn calls_back(&self) -> bool {
        self.file.calls_back()
    }

    fn stat(&self) -> Result<Filestat> {
        self.file.stat()
    }

    fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        check(self.granted, Rights::FD_READ)?;
        self.file.read_at(iovs, offset)
    }

    fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        check(self.granted, Rights::FD_WRITE)?;
        self.file.write_at(ciovs, offset)
    }

    fn append(&self, ciovs: &Iovecs<'_>) -> Result<(usize, Option<Filesize>)> {
        check(self.granted, Rights::FD_WRITE)?;
        self.file.append(ciovs)
    }

    fn end_of_append(&self) -> Result<Filesize> {
        self.file.seek(SeekFrom::Current(0))
    }

    fn set_size(&self, size: Filesize) -> Result<()> {
        check(self.granted, Rights::FD_FILESTAT_SET_SIZE)?;
        self.file.set_size(size)
    }

    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()> {
        check(self.granted, Rights::FD_FILESTAT_SET_TIMES)?;
        self.file.set_times(atim, mtim)
    }

    fn allocate(&self, offset: Filesize, len: Filesize) -> Result<()> {
        check(self.granted, Rights::FD_ALLOCATE)?;
        self.file.allocate(offset, len)
    }

    fn advise(&self, offset: Filesize, len: Filesize, advice: Advice) -> Result<()> {
        self.file.advise(offset, len, advice)
    }

    fn sync(&self, data_only: bool) -> Result<()> {
        self.file.sync(data_only)
    }
}
