use std::any::Any;
use std::sync::Arc;

use super::dcache::Dentry;
use super::file::PathFile;
use super::list::PathList;
use super::{Access, Attributes, ByPath};
use crate::abi::{Clockid, Errno, Filestat, Filetype, Inode, Oflags, Timestamp};
use crate::host;
use crate::vfs::{
    Dir, DirStream, Directory, FileHandle, Name, OpenHow, Opened, Result, SetTime, check_target,
};

/// The maximum length of a name in bytes, as on Linux.
const MAX_NAME: usize = 255;

/// An open directory: its dentry.
#[derive(Debug)]
pub(super) struct PathDir {
    fs: Arc<ByPath>,
    dentry: Arc<Dentry>,
}

/// A name in a directory, and its path from the root.
struct At<'a> {
    dir: &'a PathDir,
    name: &'a str,
    path: String,
}

impl At<'_> {
    /// Its attributes; `None` if nothing is there.
    fn lstat(&self) -> Result<Option<Attributes>> {
        let found = self.dir.fs.fs.lstat(&self.path)?;
        if found.is_none_or(|found| found.filetype != Filetype::Directory) {
            self.dir.fs.dcache.forget_dir(&self.dir.dentry, self.name);
        }
        Ok(found)
    }

    fn existing(&self) -> Result<Attributes> {
        self.lstat()?.ok_or(Errno::Noent)
    }

    /// [`Errno::Exist`] unless the name is free.
    fn vacant(&self) -> Result<()> {
        match self.lstat()? {
            None => Ok(()),
            Some(_) => Err(Errno::Exist),
        }
    }

    fn stat(&self, found: Attributes) -> Filestat {
        self.dir.fs.stat_of(&self.dir.dentry, self.name, found)
    }

    fn dentry(&self) -> Arc<Dentry> {
        self.dir.fs.dcache.child(&self.dir.dentry, self.name)
    }

    fn dir(&self) -> PathDir {
        PathDir::new(Arc::clone(&self.dir.fs), self.dentry())
    }

    /// The number that is given to a file for which the file system has none.
    fn ino(&self) -> Inode {
        self.dir.fs.dcache.ino_of(&self.dir.dentry, self.name)
    }

    fn forget(&self) {
        self.dir.fs.dcache.forget(&self.dir.dentry, self.name);
    }
}

impl PathDir {
    pub fn new(fs: Arc<ByPath>, dentry: Arc<Dentry>) -> Self {
        Self { fs, dentry }
    }

    pub fn fs(&self) -> &Arc<ByPath> {
        &self.fs
    }

    pub fn dentry(&self) -> &Arc<Dentry> {
        &self.dentry
    }

    /// Its path; [`Errno::Noent`] if it is gone.
    pub fn path(&self) -> Result<String> {
        self.fs.dcache.path(&self.dentry)
    }

    fn again(&self) -> Self {
        Self::new(Arc::clone(&self.fs), Arc::clone(&self.dentry))
    }

    fn into_dir(self) -> Dir {
        Dir::Other(Arc::new(self))
    }

    fn at<'a>(&'a self, name: Name<'a>) -> Result<At<'a>> {
        let name = str::from_utf8(name.as_bytes()).map_err(|_| Errno::Ilseq)?;
        if name.len() > MAX_NAME {
            return Err(Errno::Nametoolong);
        }
        let mut path = self.path()?;
        if !path.ends_with('/') {
            path.push('/');
        }
        path.push_str(name);
        Ok(At {
            dir: self,
            name,
            path,
        })
    }

    /// Another directory, if it is of this file system.
    fn same_fs<'d>(&self, other: &'d dyn Directory) -> Result<&'d Self> {
        (other.as_any().downcast_ref::<Self>())
            .filter(|other| Arc::ptr_eq(&self.fs, &other.fs))
            .ok_or(Errno::Xdev)
    }

    /// Opens a regular file, or with `create` creates one.
    fn open_file(&self, at: &At<'_>, how: OpenHow, create: bool) -> Result<Opened> {
        let truncate = how.oflags.contains(Oflags::TRUNC) && !create;
        let access = Access {
            read: how.read || !how.write,
            write: how.write || truncate,
            create,
        };
        let handle = self.fs.fs.open(&at.path, access)?;
        self.fs.check_inos_of_open(&at.path, handle);
        let file = PathFile::new(Arc::clone(&self.fs), handle, || at.ino());
        if truncate {
            self.fs.fs.set_size(handle, 0)?;
        }
        Ok(Opened::File(FileHandle::Other(Box::new(file))))
    }

    /// Whether a directory is empty.
    fn is_empty(&self, at: &At<'_>) -> Result<bool> {
        Ok(self.fs.fs.list(&at.path)?.is_empty())
    }

    /// What a rename of `old` to `new` has to do, or the error of POSIX for it.
    fn check_rename(&self, old: &At<'_>, new: &At<'_>) -> Result<Rename> {
        use Filetype::Directory;
        let from = old.existing()?;
        let to = new.lstat()?;
        if from.filetype == Directory && self.fs.dcache.is_within(&new.dir.dentry, &old.dentry()) {
            return Err(Errno::Inval);
        }
        let Some(to) = to else {
            return Ok(Rename::Move);
        };
        if old.path == new.path {
            return Ok(Rename::Nothing);
        }
        match (from.filetype, to.filetype) {
            (Directory, Directory) if self.is_empty(new)? => Ok(Rename::Replace),
            (Directory, Directory) => Err(Errno::Notempty),
            (Directory, _) => Err(Errno::Notdir),
            // `new` is a directory that `old` lies in, so it is not empty.
            (_, Directory) if self.fs.dcache.is_within(&old.dir.dentry, &new.dentry()) => {
                Err(Errno::Notempty)
            }
            (_, Directory) => Err(Errno::Isdir),
            _ if old.stat(from).ino == new.stat(to).ino => Ok(Rename::Nothing),
            _ => Ok(Rename::Move),
        }
    }

    /// Renames a directory over an empty one. Some file systems, and Windows, want the empty one removed first.
    fn replace(&self, old: &At<'_>, new: &At<'_>) -> Result<()> {
        let fs = &self.fs.fs;
        if fs.rename(&old.path, &new.path).is_ok() {
            return Ok(());
        }
        fs.remove_dir(&new.path)?;
        fs.rename(&old.path, &new.path).or_else(|errno| {
            fs.create_dir(&new.path)?;
            Err(errno)
        })
    }
}

/// What a rename has to do.
enum Rename {
    /// Rename, over a file if one is there.
    Move,
    /// Rename over an empty directory.
    Replace,
    /// Nothing, as both are names of the same file: POSIX keeps both.
    Nothing,
}

/// Both times to set. One that is to be omitted is set to what it is.
pub(super) fn times(
    [atim, mtim]: [SetTime; 2],
    found: impl FnOnce() -> Result<Attributes>,
) -> Result<[Timestamp; 2]> {
    let omits = atim == SetTime::Omit || mtim == SetTime::Omit;
    let was = match omits {
        true => found().map(|found| [found.atim, found.mtim])?,
        false => [0; 2],
    };
    let now = host::clock_time(Clockid::Realtime);
    let time = |set, was| match set {
        SetTime::Omit => was,
        SetTime::Now => now,
        SetTime::At(time) => time,
    };
    Ok([time(atim, was[0]), time(mtim, was[1])])
}

impl Directory for PathDir {
    fn stat(&self) -> Result<Filestat> {
        let path = self.path()?;
        match self.fs.fs.lstat(&path)? {
            Some(found) if found.filetype == Filetype::Directory => {
                self.fs.check_inos(&path, found);
                Ok(self.fs.dir_stat(&self.dentry, found))
            }
            _ => Err(Errno::Noent),
        }
    }

    fn stat_at(&self, name: Name<'_>) -> Result<Filestat> {
        let at = self.at(name)?;
        let found = at.existing()?;
        Ok(at.stat(found))
    }

    fn open_at(&self, name: Option<Name<'_>>, how: OpenHow) -> Result<Opened> {
        let creates = how.oflags.contains(Oflags::CREAT);
        let at = name.map(|name| self.at(name)).transpose()?;
        let found = match &at {
            None => Some(Filetype::Directory),
            Some(at) => at.lstat()?.map(|found| found.filetype),
        };
        let exclusive = creates && how.oflags.contains(Oflags::EXCL);
        match (found, &at) {
            (Some(_), _) if exclusive => Err(Errno::Exist),
            (Some(Filetype::Directory), _)
                if how.write || how.oflags.intersects(Oflags::CREAT | Oflags::TRUNC) =>
            {
                Err(Errno::Isdir)
            }
            (Some(Filetype::Directory), Some(at)) => Ok(Opened::Dir(at.dir().into_dir())),
            (Some(Filetype::Directory), None) => Ok(Opened::Dir(self.again().into_dir())),
            (Some(_), _) if how.oflags.contains(Oflags::DIRECTORY) => Err(Errno::Notdir),
            (Some(Filetype::SymbolicLink), _) => Err(Errno::Loop),
            (Some(Filetype::RegularFile), Some(at)) => self.open_file(at, how, false),
            (None, Some(at)) if creates => self.open_file(at, how, true),
            (None, _) => Err(Errno::Noent),
            // Opening a FIFO would block the thread.
            (Some(_), _) => Err(Errno::Notsup),
        }
    }

    fn open_dir_at(&self, name: Name<'_>) -> Result<Dir> {
        let at = self.at(name)?;
        match at.existing()?.filetype {
            Filetype::Directory => Ok(at.dir().into_dir()),
            _ => Err(Errno::Notdir),
        }
    }

    fn is_of_one_device(&self) -> bool {
        true
    }

    fn open_dotdot(&self) -> Result<Dir> {
        let parent = self.fs.dcache.parent(&self.dentry)?;
        Ok(Self::new(Arc::clone(&self.fs), parent).into_dir())
    }

    fn read_link_at(&self, name: Name<'_>) -> Result<Vec<u8>> {
        let at = self.at(name)?;
        match at.existing()?.filetype {
            Filetype::SymbolicLink => self.fs.fs.read_link(&at.path),
            _ => Err(Errno::Inval),
        }
    }

    fn read_dir(&self) -> Result<Box<dyn DirStream>> {
        Ok(Box::new(PathList::of(self)?))
    }

    fn calls_back(&self) -> bool {
        self.fs.fs.calls_back()
    }

    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()> {
        let path = self.path()?;
        let found = || self.fs.fs.lstat(&path)?.ok_or(Errno::Noent);
        let times = times([atim, mtim], found)?;
        (self.fs.fs).set_times_at(&path, Filetype::Directory, times)
    }

    fn set_times_at(&self, name: Name<'_>, atim: SetTime, mtim: SetTime) -> Result<()> {
        let at = self.at(name)?;
        let found = at.existing()?;
        let times = times([atim, mtim], || Ok(found))?;
        self.fs.fs.set_times_at(&at.path, found.filetype, times)
    }

    fn create_dir_at(&self, name: Name<'_>) -> Result<()> {
        let at = self.at(name)?;
        at.vacant()?;
        self.fs.fs.create_dir(&at.path)
    }

    fn unlink_at(&self, name: Name<'_>) -> Result<()> {
        let at = self.at(name)?;
        if at.existing()?.filetype == Filetype::Directory {
            return Err(Errno::Isdir);
        }
        self.fs.fs.unlink(&at.path)?;
        at.forget();
        Ok(())
    }

    fn remove_dir_at(&self, name: Name<'_>) -> Result<()> {
        let at = self.at(name)?;
        if at.existing()?.filetype != Filetype::Directory {
            return Err(Errno::Notdir);
        }
        if !self.is_empty(&at)? {
            return Err(Errno::Notempty);
        }
        self.fs.fs.remove_dir(&at.path)?;
        at.forget();
        Ok(())
    }

    fn rename_at(&self, old: Name<'_>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        let new_dir = self.same_fs(new_dir)?;
        let (old, new) = (self.at(old)?, new_dir.at(new)?);
        match self.check_rename(&old, &new)? {
            Rename::Nothing => return Ok(()),
            Rename::Move => self.fs.fs.rename(&old.path, &new.path)?,
            Rename::Replace => self.replace(&old, &new)?,
        }
        (self.fs.dcache).moved(&self.dentry, old.name, &new_dir.dentry, new.name);
        Ok(())
    }

    fn link_at(&self, old: Option<Name<'_>>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        let new_dir = self.same_fs(new_dir)?;
        let old = old.map(|old| self.at(old)).transpose()?;
        let found = match &old {
            Some(old) => old.existing()?.filetype,
            None => Filetype::Directory,
        };
        let new_name = new;
        let new = new_dir.at(new_name)?;
        new.vacant()?;
        let Some(old) = old.filter(|_| found != Filetype::Directory) else {
            return Err(Errno::Perm);
        };
        if found == Filetype::SymbolicLink {
            // macOS and node:vfs would follow the link, wherever it leads. A second link with the same target
            // is nearly the same.
            let target = self.fs.fs.read_link(&old.path)?;
            return new_dir.symlink_at(&target, new_name);
        }
        self.fs.fs.link(&old.path, &new.path)?;
        if self.fs.gives_inos() {
            old.ino();
        }
        (self.fs.dcache).linked(&self.dentry, old.name, &new_dir.dentry, new.name);
        Ok(())
    }

    fn symlink_at(&self, target: &[u8], name: Name<'_>) -> Result<()> {
        check_target(target)?;
        let target = str::from_utf8(target).map_err(|_| Errno::Ilseq)?;
        let at = self.at(name)?;
        at.vacant()?;
        self.fs.fs.symlink(target, &at.path)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
