//! What a guest's path leads to, and what it takes to use it there.

use std::borrow::Cow;
use std::sync::Arc;

use super::mounts::{Mount, MountTable, Mounted};
use super::{FdEntry, FileId};
use crate::abi::{Errno, Filestat, Filetype, Oflags, Rights};
use crate::vfs::{Dir, DirRef, Name, NameBuf, OpenHow, SetTime};

/// Whether a symbolic link as the last component is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Follow {
    /// It is what the path names.
    No,
    /// What it points to is.
    Yes,
    /// What it points to is, to be created if it is not there. Slashes end that: no name of a new file
    /// has any behind it.
    Create,
}

impl From<bool> for Follow {
    fn from(follow: bool) -> Self {
        if follow { Self::Yes } else { Self::No }
    }
}

/// The rights that a directory must have for a path to be used in it. The directory where the path
/// begins has been asked; one that a link leads to is asked when it does.
#[derive(Clone, Copy, Debug)]
pub struct RequiredRights {
    /// Of the directory itself.
    pub base: Rights,
    /// Of what is opened through it.
    pub inheriting: Rights,
    /// Whether that is to be written.
    pub write: bool,
    /// What is answered where they are missing.
    pub refusal: Errno,
}

impl RequiredRights {
    /// Rights of the directory alone.
    pub fn base(base: Rights) -> Self {
        Self {
            base,
            inheriting: Rights::empty(),
            write: false,
            refusal: Errno::Notcapable,
        }
    }

    /// What it takes to open something in this way. `refusal` says what is answered where these rights, with
    /// that to write among them, are missing.
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

    /// Whether a directory has them.
    ///
    /// # Errors
    ///
    /// [`refusal`](Self::refusal): not all of them. As [`FdEntry::filetype`].
    pub fn check(self, entry: &FdEntry) -> Result<(), Errno> {
        match entry.require_to_open(self.base, self.inheriting, self.write) {
            Err(Errno::Notcapable) => Err(self.refusal),
            result => result,
        }
    }

    /// Whether the embedder grants as much.
    ///
    /// # Errors
    ///
    /// [`refusal`](Self::refusal): not all of it.
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

/// Where a path leads: an open directory, and a name in it or the directory itself. (Linux calls the like
/// of it `nameidata`.)
#[derive(Debug)]
pub struct ResolvedPath<'p> {
    pub(super) parent: ParentDir<'p>,
    pub(super) last: Last<'p>,
    /// What the embedder grants in the directory.
    pub(super) granted: Rights,
    /// What the guest has not given up for what is opened there.
    pub(super) passed_on: Rights,
    /// What is there instead of what the directory has of that name, or of which less is granted.
    pub(super) special: Option<Box<Special>>,
    /// The namespace in which it was found, if that matters to what is done there.
    pub(super) mounts: Option<Arc<MountTable>>,
    /// Whether the path ends in a slash, and so can name only a directory.
    pub directory: bool,
}

/// What is at a name that is no ordinary one.
#[derive(Debug)]
pub(super) enum Special {
    /// A preopen with fewer rights than what it lies in, and what the embedder grants there.
    Restricted(Rights),
    /// A mount, and what the embedder grants there.
    Mount(Mounted, Rights),
}

/// An open directory: that of one of the guest's descriptors, or one opened on the way.
#[derive(Debug)]
pub(super) enum ParentDir<'p> {
    Descriptor(Cow<'p, Arc<FdEntry>>),
    Opened(Dir),
}

/// The last component of a path.
#[derive(Debug)]
pub(super) enum Last<'p> {
    /// None: the path names the directory itself.
    Itself,
    Name(Name<'p>),
    /// Out of the text of a link.
    NameBuf(NameBuf),
}

impl ResolvedPath<'_> {
    /// The directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: the path began at something else.
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

    /// What the embedder grants of all that is opened here.
    pub fn granted(&self) -> Rights {
        self.granted
    }

    /// What the guest has not given up for what is opened here.
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

    /// Whether the path names a preopen that is mounted below another.
    pub(super) fn is_mount_root(&self) -> bool {
        let (Some(mounts), ParentDir::Descriptor(root)) = (&self.mounts, &self.parent) else {
            return false;
        };
        self.name().is_none() && mounts.of_root(root).is_some_and(Mount::is_on_the_way)
    }

    /// Where what is here is for its file system: for a mount, in that.
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

    /// What the embedder grants of what is here.
    fn target_granted(&self) -> Rights {
        match self.special.as_deref() {
            Some(Special::Restricted(granted) | Special::Mount(_, granted)) => *granted,
            None => self.granted,
        }
    }

    /// Whether the rights that were required of the directory are granted of what is there, too.
    ///
    /// # Errors
    ///
    /// [`RequiredRights::refusal`]: not all of them.
    pub fn check_target(&self, required: RequiredRights) -> Result<(), Errno> {
        required.check_granted(self.target_granted())
    }

    /// Whether the name may be removed, or come to be that of something else.
    ///
    /// # Errors
    ///
    /// [`Errno::Busy`]: it is a mount point, or that of a preopen with fewer rights than what it lies in.
    pub fn check_replaceable(&self) -> Result<(), Errno> {
        match self.special {
            Some(_) => Err(Errno::Busy),
            None => Ok(()),
        }
    }

    /// Whether the directory of this name may be removed, for all that is mounted in it.
    ///
    /// # Errors
    ///
    /// [`Errno::Notempty`]: it has a mount point, which its file system need not know of.
    pub fn check_empty(&self) -> Result<(), Errno> {
        let Some(mounts) = &self.mounts else {
            return Ok(());
        };
        match self.stat() {
            Ok(stat) if mounts.is_mounted_in(FileId::from(&stat)) => Err(Errno::Notempty),
            _ => Ok(()),
        }
    }

    /// Whether what is here may have a name `there`: only where no more is granted of it than here.
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

    /// `fstatat(2)` of what is there, a symbolic link itself.
    ///
    /// # Errors
    ///
    /// What `fstatat(2)` says: [`Errno::Noent`] where nothing is.
    pub fn stat(&self) -> Result<Filestat, Errno> {
        match self.target()? {
            (dir, Some(name)) => dir.stat_at(name),
            (dir, None) => dir.stat(),
        }
    }

    /// `utimensat(2)` of what is there, a symbolic link itself.
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

    /// Whether a directory is there.
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

    /// Sees to it that slashes at the end of the path stand behind a directory.
    ///
    /// # Errors
    ///
    /// [`Errno::Notdir`]: it is something else. [`Errno::Noent`]: nothing.
    pub fn require_directory(&self) -> Result<(), Errno> {
        if self.directory && !self.is_directory()? {
            return Err(Errno::Notdir);
        }
        Ok(())
    }

    /// Sees to it that something is there.
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

    /// Sees to it that the directory may be searched, which is looked at before what is there.
    ///
    /// # Errors
    ///
    /// [`Errno::Acces`]: it may not.
    pub fn require_search(&self) -> Result<(), Errno> {
        self.dir()?.check_search()
    }

    /// The name that is to be made here, as what `mkdirat(2)` does not make.
    ///
    /// # Errors
    ///
    /// [`Errno::Exist`]: the path names a directory that is open, or a mount point, or has slashes behind what
    /// is there.
    /// [`Errno::Noent`]: slashes behind nothing. What `fstatat(2)` says.
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
