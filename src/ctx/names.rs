//! What is done with a name that a path led to: making it, removing it, moving it.
//!
//! What is refused, and in which order, is the same whoever asks: a guest by its calls, or its embedder.

use super::FileId;
use super::resolved::ResolvedPath;
use crate::abi::{Errno, Filetype};
use crate::vfs::{DirRef, Name};

impl ResolvedPath<'_> {
    /// `mkdirat(2)` with mode 0777.
    ///
    /// # Errors
    ///
    /// [`Errno::Exist`]: the path names the directory where it begins, or a mount point. What `mkdirat(2)`
    /// says.
    pub fn create_dir(&self) -> Result<(), Errno> {
        let name = self.name().ok_or(Errno::Exist)?;
        if self.mounted().is_some() {
            return Err(Errno::Exist);
        }
        self.dir()?.create_dir_at(name)
    }

    /// `unlinkat(2)` with `AT_REMOVEDIR`, of what `path` led to.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: the path ends in `.`, with which a library in a guest means a preopen; [`Errno::Busy`] if
    /// that is mounted below another. [`Errno::Notempty`]: it ends in `..`, or the directory has
    /// entries, mount points among them. [`Errno::Busy`]: it names a mount point, or a preopen with fewer rights
    /// than that which it lies below. What `unlinkat(2)` says.
    pub fn remove_dir(&self, path: &[u8]) -> Result<(), Errno> {
        let Some(name) = self.name() else {
            // Below `..` is at least the directory that was gone up from.
            let (trimmed, _) = super::resolve::trim_slashes(path);
            return Err(if trimmed.ends_with(b"..") {
                Errno::Notempty
            } else if trimmed == b"." && self.is_mount_root() {
                Errno::Busy
            } else {
                Errno::Inval
            });
        };
        if self.mounted().is_some() && !self.is_directory()? {
            return Err(Errno::Notdir);
        }
        self.check_replaceable()?;
        self.check_empty()?;
        self.dir()?.remove_dir_at(name)
    }

    /// `unlinkat(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it is a directory. [`Errno::Notdir`]: slashes behind what is none. [`Errno::Busy`]: it
    /// is a file that is mounted. What `unlinkat(2)` says.
    pub fn unlink(&self) -> Result<(), Errno> {
        let name = self.name().ok_or(Errno::Isdir)?;
        if self.directory {
            self.require_directory()?;
            return Err(Errno::Isdir);
        }
        if self.mounted().is_some() {
            return Err(if self.is_directory()? {
                Errno::Isdir
            } else {
                Errno::Busy
            });
        }
        match self.dir()?.unlink_at(name) {
            // POSIX lets a system say "not permitted" of a directory, which nobody could tell from a file
            // that may not be removed.
            Err(Errno::Perm) if self.is_directory()? => Err(Errno::Isdir),
            result => result,
        }
    }

    /// `symlinkat(2)`: makes a symbolic link to `target` here.
    ///
    /// # Errors
    ///
    /// As [`new_name`](Self::new_name). What `symlinkat(2)` says.
    pub fn symlink(&self, target: &[u8]) -> Result<(), Errno> {
        self.dir()?.symlink_at(target, self.new_name()?)
    }

    /// `readlinkat(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: it is no link. What `readlinkat(2)` says.
    pub fn read_link(&self) -> Result<Vec<u8>, Errno> {
        let (dir, name) = self.target()?;
        dir.read_link_at(name.ok_or(Errno::Inval)?)
    }

    /// `linkat(2)`: makes another name for what is here, the one to which `new` resolves.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: as [`check_move`](Self::check_move). [`Errno::Perm`]: it is a directory.
    /// [`Errno::Xdev`]: it is a file that is mounted. What `linkat(2)` says.
    pub fn link_to<'n>(
        &self,
        new: impl FnOnce() -> Result<ResolvedPath<'n>, Errno>,
    ) -> Result<(), Errno> {
        let link = || {
            let new = new()?;
            self.check_move(&new)?;
            let new_name = new.new_name()?;
            match self.link_at(new.dir()?, new_name) {
                // Whether the name is free is looked at before where it is.
                Err(Errno::Xdev) if new.require_there().is_ok() => Err(Errno::Exist),
                result => result,
            }
        };
        // Where there is nothing to link, whatever else is wrong is not looked at.
        link().or_else(|error| self.require_there().and(Err(error)))
    }

    fn link_at(&self, new_dir: DirRef<'_>, new: Name<'_>) -> Result<(), Errno> {
        if self.mounted().is_some_and(|mounted| mounted.file.is_some()) {
            // It is the root of a mount, in which no other name can be.
            return Err(Errno::Xdev);
        }
        let (dir, name) = self.target()?;
        dir.link_at(name, new_dir, new)
    }

    /// `renameat(2)`: moves what is here to the name to which `new` resolves.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: as [`check_move`](Self::check_move). [`Errno::Busy`]: a path names the
    /// directory where it begins, ends in `.` or `..`, or names a mount point, or a preopen with fewer rights
    /// than that which it lies below. [`Errno::Notdir`]: slashes behind what is no directory. What `renameat(2)` says.
    pub fn rename_to<'n>(
        &self,
        new: impl FnOnce() -> Result<ResolvedPath<'n>, Errno>,
    ) -> Result<(), Errno> {
        let rename = || {
            let new = new()?;
            (self.rename_to_resolved(&new)).or_else(|error| new.require_search().and(Err(error)))
        };
        // Where the first path does not get as far as its name, the second is not looked at.
        rename().or_else(|error| self.require_search().and(Err(error)))
    }

    /// Why the one or the other cannot be moved or replaced, a mount point being among them.
    fn refusal_to_rename(&self, new: &ResolvedPath<'_>) -> Errno {
        match (self.is_directory(), new.is_directory()) {
            (Err(error), _) => error,
            (Ok(true), Ok(false)) => Errno::Notdir,
            (Ok(false), Ok(true)) => Errno::Isdir,
            _ => Errno::Busy,
        }
    }

    fn rename_to_resolved(&self, new: &ResolvedPath<'_>) -> Result<(), Errno> {
        match (self.mounted(), new.mounted()) {
            (Some(old), Some(new)) if old.is_same(new) => return Ok(()),
            (None, None) => {}
            _ => return Err(self.refusal_to_rename(new)),
        }
        self.check_move(new)?;
        let old_name = self.name().ok_or(Errno::Busy)?;
        let new_name = new.name().ok_or(Errno::Busy)?;
        self.check_replaceable()?;
        new.check_replaceable()?;
        if self.mounts.is_some() {
            let moved = self.stat()?;
            let is_same = new
                .stat()
                .is_ok_and(|there| FileId::from(&there) == FileId::from(&moved));
            if moved.filetype == Filetype::Directory && !is_same {
                new.check_empty()?;
            }
        }
        // Slashes behind either name ask for a directory to be moved.
        if (self.directory || new.directory) && !self.is_directory()? {
            return Err(match new.require_there() {
                Ok(()) | Err(Errno::Noent) => Errno::Notdir,
                Err(error) => error,
            });
        }
        self.dir()?.rename_at(old_name, new.dir()?, new_name)
    }
}
