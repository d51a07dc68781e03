//! Operations on files by their paths.

use super::{LIST, View, ViewPath};
use crate::abi::{Errno, Filestat, Filetype, Oflags, Rights};
use crate::ctx::resolve::{Follow, RequiredRights, ResolvedPath};
use crate::vfs::{OpenHow, SetTime};

impl View {
    /// `stat(2)`; `lstat(2)` unless `follow`.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::stat_path`](crate::ctx::WasiCtx::stat_path).
    pub fn stat(&self, path: &[u8], follow: bool) -> Result<Filestat, Errno> {
        let path = self.path(path, Rights::PATH_FILESTAT_GET)?;
        (self.ctx).stat_path(&path.base, path.bytes, follow, path.required)
    }

    /// `access(2)`: whether it exists; and whether it can be opened in this way, if it is a file, or a
    /// directory to read.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat) and [`open`](Self::open).
    pub fn access(&self, path: &[u8], read: bool, write: bool) -> Result<(), Errno> {
        let stat = self.stat(path, true)?;
        if write {
            let required = RequiredRights {
                write: true,
                refusal: Errno::Rofs,
                ..RequiredRights::base(Rights::PATH_OPEN)
            };
            self.existing(&self.path_to(path, required)?, true)?;
        }
        let how = match stat.filetype {
            Filetype::RegularFile if read || write => OpenHow {
                read,
                write,
                oflags: Oflags::empty(),
                ..LIST
            },
            Filetype::Directory if read => LIST,
            _ => return Ok(()),
        };
        self.open_entry(path, how, Rights::empty()).map(drop)
    }

    /// `utimensat(2)`, of a link itself unless `follow`.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve_existing`](crate::ctx::WasiCtx::resolve_existing). What
    /// `utimensat(2)` says.
    pub fn set_times_of(
        &self,
        path: &[u8],
        follow: bool,
        atim: SetTime,
        mtim: SetTime,
    ) -> Result<(), Errno> {
        let path = self.path(path, Rights::PATH_FILESTAT_SET_TIMES)?;
        let place = self.existing(&path, follow)?;
        place.set_times(atim, mtim)
    }

    /// Calls `each` with the name and type of every entry of a directory, except `.` and `..`.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is no directory. As [`open`](Self::open). What `getdents(2)` says.
    pub fn list(&self, path: &[u8], mut each: impl FnMut(&[u8], Filetype)) -> Result<(), Errno> {
        let entry = self.open_entry(path, LIST, Rights::FD_READDIR)?;
        // It may itself be a preopen with fewer rights than those on the way.
        entry.require(Rights::FD_READDIR)?;
        let mut listing = self.ctx.read_dir(&entry)?;
        listing.seek(0, self.ctx.interrupt())?;
        while let Some(listed) = listing.read(self.ctx.interrupt())? {
            if !matches!(listed.name, b"." | b"..") {
                each(listed.name, listed.filetype);
            }
        }
        Ok(())
    }

    /// `readlink(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: it is no link. As [`WasiCtx::resolve_existing`](crate::ctx::WasiCtx::resolve_existing).
    /// What `readlink(2)` says.
    pub fn read_link(&self, path: &[u8]) -> Result<Vec<u8>, Errno> {
        let path = self.path(path, Rights::PATH_READLINK)?;
        self.existing(&path, false)?.read_link()
    }

    /// `mkdir(2)` with mode 0777.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`](crate::ctx::WasiCtx::resolve) and [`ResolvedPath::create_dir`].
    pub fn create_dir(&self, path: &[u8]) -> Result<(), Errno> {
        let path = self.path(path, Rights::PATH_CREATE_DIRECTORY)?;
        self.resolve(&path)?.create_dir()
    }

    /// `rmdir(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Busy`]: it is a preopen. As [`WasiCtx::resolve`](crate::ctx::WasiCtx::resolve) and
    /// [`ResolvedPath::remove_dir`].
    pub fn remove_dir(&self, path: &[u8]) -> Result<(), Errno> {
        // As on Linux, this comes before permissions.
        let (_, rest) = self.base_of(path)?;
        if rest.iter().all(|byte| *byte == b'/') {
            return Err(Errno::Busy);
        }
        let path = self.path(path, Rights::PATH_REMOVE_DIRECTORY)?;
        self.resolve(&path)?.remove_dir(path.bytes)
    }

    /// `unlink(2)`.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`](crate::ctx::WasiCtx::resolve) and [`ResolvedPath::unlink`].
    pub fn unlink(&self, path: &[u8]) -> Result<(), Errno> {
        let path = self.path(path, Rights::PATH_UNLINK_FILE)?;
        self.resolve(&path)?.unlink()
    }

    /// `rename(2)`.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve`](crate::ctx::WasiCtx::resolve) and [`ResolvedPath::rename_to`].
    pub fn rename(&self, old: &[u8], new: &[u8]) -> Result<(), Errno> {
        let old = self.path(old, Rights::PATH_RENAME_SOURCE)?;
        let new = self.path(new, Rights::PATH_RENAME_TARGET)?;
        self.resolve(&old)?.rename_to(|| self.resolve(&new))
    }

    /// `link(2)`, of a symbolic link itself.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::resolve_existing`](crate::ctx::WasiCtx::resolve_existing) and [`ResolvedPath::link_to`].
    pub fn link(&self, old: &[u8], new: &[u8]) -> Result<(), Errno> {
        let old = self.path(old, Rights::PATH_LINK_SOURCE)?;
        let new = self.path(new, Rights::PATH_LINK_TARGET)?;
        (self.existing(&old, false)?).link_to(|| self.resolve(&new))
    }

    /// `symlink(2)`. Unlike a guest, the embedder may choose any target: following the link leads only where a
    /// path of the guest may lead.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`]: an empty target. As [`WasiCtx::resolve`](crate::ctx::WasiCtx::resolve) and
    /// [`ResolvedPath::symlink`].
    pub fn symlink(&self, target: &[u8], path: &[u8]) -> Result<(), Errno> {
        if target.is_empty() {
            return Err(Errno::Noent);
        }
        let path = self.path(path, Rights::PATH_SYMLINK)?;
        self.resolve(&path)?.symlink(target)
    }

    fn resolve<'p>(&self, path: &'p ViewPath<'_>) -> Result<ResolvedPath<'p>, Errno> {
        (self.ctx).resolve(&path.base, path.bytes, Follow::No, path.required)
    }

    pub(super) fn existing<'p>(
        &self,
        path: &'p ViewPath<'_>,
        follow: bool,
    ) -> Result<ResolvedPath<'p>, Errno> {
        (self.ctx).resolve_existing(&path.base, path.bytes, follow, path.required)
    }
}
