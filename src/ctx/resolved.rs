//! The result of resolving a path, and the rights that it needs.

use std::borrow::Cow;
use std::sync::Arc;

use super::mounts::{Mount, MountTable, Mounted};
use super::{FdEntry, FileId};
use crate::abi::{Errno, Filestat, Filetype, Oflags, Rights};
use crate::vfs::{Dir, DirRef, Name, NameBuf, OpenHow, SetTime};

/// Whether a symbolic link at the end of a path is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It is not.
    No,
    /// It is.
    Yes,
    /// It is, and its target may be created. The name of a new file must not end in a slash.
    Create,
}

impl From<bool> for Follow {
    fn from(follow: bool) -> Self {
        if follow { Self::Yes } else { Self::No }
    }
}

/// The rights that a directory must have for a path to be used in it. Those of the base have been checked;
/// those of a directory that a link leads to are checked on the way.
#[derive(Clone, Copy, Debug)]
pub struct RequiredRights {
    /// For the directory itself.
    pub base: Rights,
    /// For what is opened through it.
    pub inheriting: Rights,
    /// Whether that is opened for writing.
    pub write: bool,
    /// The error if one is missing.
    pub refusal: Errno,
}

impl RequiredRights {
    /// Rights for the directory alone.
    pub fn base(base: Rights) -> Self {
        Self {
            base,
            inheriting: Rights::empty(),
            write: false,
            refusal: Errno::Notcapable,
        }
    }

    /// The rights that opening a file in this way needs. `refusal` returns the error for missing rights.
    pub fn to_open(how: OpenHow, refusal: impl FnOnce(Rights) -> Errno) -> Self {
        let mut base = Rights::PATH_OPEN;
        base.set(Rights::PATH_CREATE_FILE, how.oflags.contains(Oflags::CREAT));
        let truncates = how.oflags.contains(Oflags::TRUNC);
        base.set(Rights::PATH_FILESTAT_SET_SIZE, truncates);
        let mut all = base;
        all.set(Rights::FD_WRITE, how.write);
        Self {
            write: how.write,
            refusal: refusal(all),
            ..Self::base(base)
        }
    }

    /// Checks that a directory has them.
    ///
    /// # Errors
    ///
    /// [`refusal`](Self::refusal): not all of them. Those of [`FdEntry::filetype`].
    pub fn check(self, entry: &FdEntry) -> Result<(), Errno> {
        match entry.require_to_open(self.base, self.inheriting, self.write) {
            Err(Errno::Notcapable) => Err(self.refusal),
            result => result,
        }
    }

    /// Checks that the embedder grants them.
    ///
    /// # Errors
    ///
    /// [`refusal`](Self::refusal): not all of them.
    pub fn check_granted(self, granted: Rights) -> Result<(), Errno> {
        let mut wanted = self.base;
        wanted.set(Rights::FD_WRITE, self.write);
        if granted.contains(wanted) {
            Ok(())
        } else {
            Err(self.refusal)
        }
    }
}

/// A resolved path: an open directory, and a name in it or the directory itself. Linux has the like as
/// `nameidata`.
#[derive(Debug)]
pub struct ResolvedPath<'p> {
    pub(super) parent: ParentDir<'p>,
    pub(super) last: Last<'p>,
    /// What the embedder grants in the directory.
    pub(super) granted: Rights,
    /// What the guest has not removed for what is opened there.
    pub(super) passed_on: Rights,
    /// A mount at this name, or a restricted directory.
    pub(super) special: Option<Box<Special>>,
    /// The namespace in which it was resolved, if operations on it need that.
    pub(super) mounts: Option<Arc<MountTable>>,
    /// Whether the path ends in a slash, and so can name only a directory.
    pub directory: bool,
}

/// What makes a name special.
#[derive(Debug)]
pub(super) enum Special {
    /// It is a preopen with fewer rights than one above it. These are what the embedder grants there.
    Restricted(Rights),
    /// Something is mounted there, with what the embedder grants for it.
    Mount(Mounted, Rights),
}

/// An open directory: a descriptor of the guest, or one that was opened on the way.
#[derive(Debug)]
pub(super) enum ParentDir<'p> {
    Descriptor(Cow<'p, Arc<FdEntry>>),
    Opened(Dir),
}

/// The last component of a path.
#[derive(Debug)]
pub(super) enum Last<'p> {
    /// There is none: the path names the directory itself.
    Itself,
    Name(Name<'p>),
    /// From the target of a symbolic link.
    NameBuf(NameBuf),
}

impl ResolvedPath<'_> {
    /// The directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: the base of the path is no directory.
    #[inline]
    pub fn dir(&self) -> Result<DirRef<'_>, Errno> {
        match &self.parent {
            ParentDir::Descriptor(entry) => entry.dir(),
            ParentDir::Opened(dir) => Ok(dir.as_ref()),
        }
    }

    /// The name in it; `None` if the path names the directory itself.
    #[inline]
    pub fn name(&self) -> Option<Name<'_>> {
        match &self.last {
            Last::Itself => None,
            Last::Name(name) => Some(*name),
            Last::NameBuf(name) => Some(name.as_name()),
        }
    }

    /// What the embedder grants for what is opened here.
    pub fn granted(&self) -> Rights {
        self.granted
    }

    /// What the guest has not removed for what is opened here.
    pub fn passed_on(&self) -> Rights {
        self.passed_on
    }

    /// What is mounted here.
    pub(super) fn mounted(&self) -> Option<&Mounted> {
        match self.special.as_deref() {
            Some(Special::Mount(mounted, _)) => Some(mounted),
            Some(Special::Restricted(_)) | None => None,
        }
    }

    /// Whether the path names the root of a mount that is a preopen.
    pub(super) fn is_mount_root(&self) -> bool {
        let (Some(mounts), ParentDir::Descriptor(root)) = (&self.mounts, &self.parent) else {
            return false;
        };
        self.name().is_none() && mounts.of_root(root).is_some_and(Mount::is_on_the_way)
    }

    /// The directory and the name in its own file system; for a mount, in that of the mount.
    ///
    /// # Errors
    ///
    /// As [`dir`](Self::dir).
    pub(super) fn target(&self) -> Result<(DirRef<'_>, Option<Name<'_>>), Errno> {
        match self.mounted() {
            Some(mounted) => mounted.place(),
            None => Ok((self.dir()?, self.name())),
        }
    }

    /// What the embedder grants for what has this name.
    fn target_granted(&self) -> Rights {
        match self.special.as_deref() {
            Some(Special::Restricted(granted) | Special::Mount(_, granted)) => *granted,
            None => self.granted,
        }
    }

    /// Checks that the rights which were required of the directory are granted for what has this name, too.
    ///
    /// # Errors
    ///
    /// [`RequiredRights::refusal`]: not all of them.
    pub fn check_target(&self, required: RequiredRights) -> Result<(), Errno> {
        required.check_granted(self.target_granted())
    }

    /// Checks that the name may be removed or replaced.
    ///
    /// # Errors
    ///
    /// [`Errno::Busy`]: it is a mount point, or a preopen that has fewer rights than another one above it.
    pub fn check_replaceable(&self) -> Result<(), Errno> {
        match self.special {
            Some(_) => Err(Errno::Busy),
            None => Ok(()),
        }
    }

    /// Checks that nothing is mounted in the directory with this name.
    ///
    /// # Errors
    ///
    /// [`Errno::Notempty`]: it has a mount point, which its file system may not know of.
    pub fn check_empty(&self) -> Result<(), Errno> {
        let Some(mounts) = &self.mounts else {
            return Ok(());
        };
        match self.stat() {
            Ok(stat) if mounts.is_mounted_in(FileId::from(&stat)) => Err(Errno::Notempty),
            _ => Ok(()),
        }
    }

    /// Checks that this may get a name `there`: no more may be granted there than here.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: it may not.
    pub fn check_move(&self, there: &ResolvedPath<'_>) -> Result<(), Errno> {
        let granted = match self.special.as_deref() {
            Some(Special::Mount(_, granted)) => *granted,
            _ => self.granted,
        };
        if granted.contains(there.granted()) {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// `fstatat(2)` with `AT_SYMLINK_NOFOLLOW`.
    ///
    /// # Errors
    ///
    /// What `fstatat(2)` says: [`Errno::Noent`] if nothing has the name.
    pub fn stat(&self) -> Result<Filestat, Errno> {
        match self.target()? {
            (dir, Some(name)) => dir.stat_at(name),
            (dir, None) => dir.stat(),
        }
    }

    /// `utimensat(2)` with `AT_SYMLINK_NOFOLLOW`.
    ///
    /// # Errors
    ///
    /// What `utimensat(2)` says.
    pub fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<(), Errno> {
        match self.target()? {
            (dir, Some(name)) => dir.set_times_at(name, atim, mtim),
            (dir, None) => dir.set_times(atim, mtim),
        }
    }

    /// Whether it is a directory.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn is_directory(&self) -> Result<bool, Errno> {
        match self.target()? {
            (dir, Some(name)) => Ok(dir.stat_at(name)?.filetype == Filetype::Directory),
            (_, None) => Ok(true),
        }
    }

    /// Checks that it is a directory if the path ends in a slash.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is not. [`Errno::Noent`]: nothing has the name.
    pub fn require_directory(&self) -> Result<(), Errno> {
        if self.directory && !self.is_directory()? {
            return Err(Errno::Notdir);
        }
        Ok(())
    }

    /// Checks that it exists.
    ///
    /// # Errors
    ///
    /// As [`stat`](Self::stat).
    pub fn require_there(&self) -> Result<(), Errno> {
        if let (dir, Some(name)) = self.target()? {
            dir.stat_at(name)?;
        }
        Ok(())
    }

    /// Checks that the directory may be searched, which comes before what is in it.
    ///
    /// # Errors
    ///
    /// [`Errno::Acces`]: it may not.
    pub fn require_search(&self) -> Result<(), Errno> {
        self.dir()?.check_search()
    }

    /// The name for something new that is no directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Exist`]: the path names an open directory or a mount point, or ends in a slash and exists.
    /// [`Errno::Noent`]: it ends in a slash, and nothing has the name. What `fstatat(2)` says.
    pub fn new_name(&self) -> Result<Name<'_>, Errno> {
        let name = self.name().ok_or(Errno::Exist)?;
        if self.mounted().is_some() {
            return Err(Errno::Exist);
        }
        if self.directory {
            self.dir()?.stat_at(name)?;
            return Err(Errno::Exist);
        }
        Ok(name)
    }
}
