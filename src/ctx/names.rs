//! Operations on the name that a path was resolved to: create, remove, rename.
//!
//! The checks and their order are the same for the guest and for its embedder.

use super::FileId;
use super::resolved::ResolvedPath;
use crate::abi::{Errno, Filetype};
use crate::vfs::{DirRef, Name};

impl ResolvedPath<'_> {
    /// `mkdirat(2)` with mode 0777.
    ///
    /// # Errors
    ///
    /// [`Errno::Exist`]: the path names the directory that it is relative to, or a mount point. What
    /// `mkdirat(2)` says.
    pub fn create_dir(&self) -> Result<(), Errno> {
        let name = self.name().ok_or(Errno::Exist)?;
        if self.mounted().is_some() {
            return Err(Errno::Exist);
        }
        self.dir()?.create_dir_at(name)
    }

    /// `unlinkat(2)` with `AT_REMOVEDIR`. `path` is what was resolved.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: the path ends in `.`, which is how C libraries name a preopen; [`Errno::Busy`] if that
    /// is mounted below another one. [`Errno::Notempty`]: it ends in `..`, or the directory has entries, mount
    /// points among them. [`Errno::Busy`]: it names a mount point, or a preopen that has fewer rights than
    /// another one above it. What `unlinkat(2)` says.
    pub fn remove_dir(&self, path: &[u8]) -> Result<(), Errno> {
        let Some(name) = self.name() else {
            // `..` has at least the directory in it that the path came from.
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
    /// [`Errno::Isdir`]: it is a directory. [`Errno::Notdir`]: the path ends in a slash, and it is no
    /// directory. [`Errno::Busy`]: it is a file that is mounted. What `unlinkat(2)` says.
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
            // POSIX allows EPERM for a directory, which could not be told from a file that may not be removed.
            Err(Errno::Perm) if self.is_directory()? => Err(Errno::Isdir),
            result => result,
        }
    }

    /// `symlinkat(2)`: creates a symbolic link to `target` here.
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

    /// `linkat(2)`: creates a hard link to this, at the name that `new` resolves to.
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
                // EEXIST comes before EXDEV.
                Err(Errno::Xdev) if new.require_there().is_ok() => Err(Errno::Exist),
                result => result,
            }
        };
        // If there is nothing to link, that is the error, whatever else is wrong.
        link().or_else(|error| self.require_there().and(Err(error)))
    }

    fn link_at(&self, new_dir: DirRef<'_>, new: Name<'_>) -> Result<(), Errno> {
        if self.mounted().is_some_and(|mounted| mounted.file.is_some()) {
            // The root of a mount has no other names in its file system.
            return Err(Errno::Xdev);
        }
        let (dir, name) = self.target()?;
        dir.link_at(name, new_dir, new)
    }

    /// `renameat(2)`: renames this to the name that `new` resolves to.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: as [`check_move`](Self::check_move). [`Errno::Busy`]: a path names the directory
    /// that it is relative to, ends in `.` or `..`, or names a mount point, or a preopen that has fewer rights
    /// than another one above it. [`Errno::Notdir`]: a path ends in a slash, and it is no directory. What
    /// `renameat(2)` says.
    pub fn rename_to<'n>(
        &self,
        new: impl FnOnce() -> Result<ResolvedPath<'n>, Errno>,
    ) -> Result<(), Errno> {
        let rename = || {
            let new = new()?;
            (self.rename_to_resolved(&new)).or_else(|error| new.require_search().and(Err(error)))
        };
        // If the directory of the first path may not be searched, that is the error, whatever is wrong with the
        // second.
        rename().or_else(|error| self.require_search().and(Err(error)))
    }

    /// The error of a rename from or to a mount point.
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
        // A slash at the end of either path asks for a directory.
        if (self.directory || new.directory) && !self.is_directory()? {
            return Err(match new.require_there() {
                Ok(()) | Err(Errno::Noent) => Errno::Notdir,
                Err(error) => error,
            });
        }
        self.dir()?.rename_at(old_name, new.dir()?, new_name)
    }
}
