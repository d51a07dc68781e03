use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use super::{
    DirStream, FileHandle, Interrupt, Links, Name, OpenHow, Result, SetTime, Step, StreamHandle,
};
use crate::abi::{Errno, Fdflags, Filestat, Oflags};
use crate::host;

/// An open directory of a file system that is not the host's.
///
/// It takes single names, follows no symbolic link, and is used by several threads at once. Callers rely on
/// what the documentation of each operation says, and on nothing else. The operations with a default are those
/// that a file system may lack; the default answers as a read-only file system does.
pub trait Directory: Debug + Send + Sync + 'static {
    /// `fstat(2)`. The device and inode number tell the directory from all others for as long as it exists.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`].
    fn stat(&self) -> Result<Filestat>;

    /// `fstatat(2)` with `AT_SYMLINK_NOFOLLOW`.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`]: there is no such name. [`Errno::Acces`]: the directory may not be searched.
    /// [`Errno::Nametoolong`]. [`Errno::Ilseq`]: names are Unicode, and this is not.
    fn stat_at(&self, name: Name<'_>) -> Result<Filestat>;

    /// `openat(2)` with `O_NOFOLLOW` of a name in this directory, or of the directory itself.
    ///
    /// # Errors
    ///
    /// As [`stat_at`](Self::stat_at). [`Errno::Exist`]: `CREAT` and `EXCL`, and it is there.
    /// [`Errno::Loop`]: it is a symbolic link ([`Errno::Notdir`] with `DIRECTORY`). [`Errno::Isdir`]: a
    /// directory, to be written, created or truncated. [`Errno::Notdir`]: `DIRECTORY`, and it is none.
    /// [`Errno::Rofs`], [`Errno::Nospc`], [`Errno::Dquot`]: it cannot be created or written.
    fn open_at(&self, name: Option<Name<'_>>, how: OpenHow) -> Result<Opened>;

    /// `openat(2)` with `O_PATH`, `O_DIRECTORY` and `O_NOFOLLOW`: a directory to go through, which need not
    /// be readable.
    ///
    /// # Errors
    ///
    /// As [`stat_at`](Self::stat_at). [`Errno::Notdir`]: it is something else. [`Errno::Notdir`] or
    /// [`Errno::Loop`]: a symbolic link.
    fn open_dir_at(&self, name: Name<'_>) -> Result<Dir>;

    /// `openat(2)` of `..`: the directory that this one lies in by now, or this one where it is the root.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`]: it has been removed. [`Errno::Acces`]: it may not be searched.
    fn open_dotdot(&self) -> Result<Dir>;

    /// [`open_at`](Self::open_at) of a path in one step, for file systems that can look up several names faster
    /// than a caller that goes from directory to directory.
    ///
    /// The path is followed through directories by their names alone. If anything else is on the way, a `.` or
    /// `..`, or a name that is not there, the result is [`Step::Walk`]: the caller takes the steps one by one.
    /// It may be that at any time.
    ///
    /// # Errors
    ///
    /// As [`open_at`](Self::open_at), of the last name.
    fn open_beneath(&self, path: &[u8], how: OpenHow) -> Result<Step<Opened>> {
        let _ = (path, how);
        Ok(Step::Walk)
    }

    /// [`open_dir_at`](Self::open_dir_at) of a path, which may end in a slash, in one step as
    /// [`open_beneath`](Self::open_beneath).
    fn open_parent(&self, path: &[u8]) -> Step<Dir> {
        let _ = path;
        Step::Walk
    }

    /// [`stat_at`](Self::stat_at) of a path, in one step as [`open_beneath`](Self::open_beneath). With
    /// `follow`, a symbolic link is [`Step::Walk`].
    fn stat_beneath(&self, path: &[u8], follow: bool) -> Step<Filestat> {
        let _ = (path, follow);
        Step::Walk
    }

    /// Whether everything below it, at any depth, has its device number.
    fn is_of_one_device(&self) -> bool {
        false
    }

    /// Whether its operations may call the guest that uses it, as a file system in JavaScript can: then no lock
    /// is held while they run.
    fn calls_back(&self) -> bool {
        false
    }

    /// Whether the directory may be searched. This is checked even for `.` and `..`.
    ///
    /// # Errors
    ///
    /// [`Errno::Acces`]: it may not.
    fn check_search(&self) -> Result<()> {
        Ok(())
    }

    /// `readlinkat(2)`: the target of a symbolic link, as it was written.
    ///
    /// # Errors
    ///
    /// As [`stat_at`](Self::stat_at). [`Errno::Inval`]: it is no symbolic link. [`Errno::Notcapable`]: no path
    /// of a guest can lead to its target.
    fn read_link_at(&self, name: Name<'_>) -> Result<Vec<u8>>;

    /// `fdopendir(3)`: lists the directory, from the start.
    ///
    /// # Errors
    ///
    /// [`Errno::Acces`]: it may not be read. [`Errno::Nomem`].
    fn read_dir(&self) -> Result<Box<dyn DirStream>>;

    /// `utimensat(2)` of the directory itself.
    ///
    /// # Errors
    ///
    /// [`Errno::Rofs`], [`Errno::Acces`], [`Errno::Perm`]: it may not be changed.
    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()> {
        let _ = (atim, mtim);
        Err(Errno::Rofs)
    }

    /// `utimensat(2)` with `AT_SYMLINK_NOFOLLOW`.
    ///
    /// # Errors
    ///
    /// As [`stat_at`](Self::stat_at) and [`set_times`](Self::set_times).
    fn set_times_at(&self, name: Name<'_>, atim: SetTime, mtim: SetTime) -> Result<()> {
        let _ = (name, atim, mtim);
        Err(Errno::Rofs)
    }

    /// `mkdirat(2)` with mode 0777.
    ///
    /// # Errors
    ///
    /// [`Errno::Exist`]: the name is taken. [`Errno::Noent`]: the directory has been removed.
    /// [`Errno::Rofs`], [`Errno::Acces`], [`Errno::Nospc`], [`Errno::Dquot`], [`Errno::Nametoolong`].
    fn create_dir_at(&self, name: Name<'_>) -> Result<()> {
        let _ = name;
        Err(Errno::Rofs)
    }

    /// `unlinkat(2)`. Open descriptors of the file stay valid.
    ///
    /// # Errors
    ///
    /// As [`stat_at`](Self::stat_at). [`Errno::Isdir`], or [`Errno::Perm`] as POSIX has it: a directory.
    /// [`Errno::Rofs`].
    fn unlink_at(&self, name: Name<'_>) -> Result<()> {
        let _ = name;
        Err(Errno::Rofs)
    }

    /// `unlinkat(2)` with `AT_REMOVEDIR`. Open descriptors of the directory stay valid, and list nothing.
    ///
    /// # Errors
    ///
    /// As [`stat_at`](Self::stat_at). [`Errno::Notdir`]: it is none. [`Errno::Notempty`]. [`Errno::Busy`]:
    /// it is in use as a root. [`Errno::Rofs`].
    fn remove_dir_at(&self, name: Name<'_>) -> Result<()> {
        let _ = name;
        Err(Errno::Rofs)
    }

    /// `renameat(2)`, to a directory of the same kind of file system: see [`as_any`](Self::as_any).
    ///
    /// # Errors
    ///
    /// As [`stat_at`](Self::stat_at). [`Errno::Xdev`]: `new_dir` is in another file system. [`Errno::Isdir`],
    /// [`Errno::Notdir`], [`Errno::Notempty`]: because of what `new` names. [`Errno::Inval`]: a directory, into
    /// itself. [`Errno::Rofs`], [`Errno::Nospc`].
    fn rename_at(&self, old: Name<'_>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        let _ = (old, new_dir, new);
        Err(Errno::Rofs)
    }

    /// `linkat(2)`: another name for a file, or for a symbolic link itself. Without `old`, of this directory:
    /// that fails, with [`Errno::Perm`] if no other error comes first.
    ///
    /// # Errors
    ///
    /// As [`stat_at`](Self::stat_at). [`Errno::Exist`]: the new name is taken. [`Errno::Perm`]: it is a
    /// directory, or the file system has no hard links. [`Errno::Xdev`]: as
    /// [`rename_at`](Self::rename_at). [`Errno::Mlink`], [`Errno::Rofs`], [`Errno::Nospc`].
    fn link_at(&self, old: Option<Name<'_>>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        let _ = (old, new_dir, new);
        Err(Errno::Rofs)
    }

    /// `symlinkat(2)`.
    ///
    /// # Errors
    ///
    /// As [`create_dir_at`](Self::create_dir_at). As [`check_target`](super::check_target).
    fn symlink_at(&self, target: &[u8], name: Name<'_>) -> Result<()> {
        let _ = (target, name);
        Err(Errno::Rofs)
    }

    /// `fsync(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`].
    fn sync(&self) -> Result<()> {
        Ok(())
    }

    /// For a downcast: an implementation that is given another directory finds out whether that is of its own
    /// type.
    fn as_any(&self) -> &dyn Any;
}

/// What [`Directory::open_at`] opens.
#[derive(Debug)]
pub enum Opened {
    /// A directory. [`Opened::File`] may be one too, if it was opened without `DIRECTORY`.
    Dir(Dir),
    /// A pipe, a device or anything else without offsets, of a file system that tells them apart when it opens.
    Stream(StreamHandle),
    /// Anything else; of the host also what it opened without telling the type.
    File(FileHandle),
}

impl Opened {
    /// `fstat(2)`.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn stat(&self) -> Result<Filestat> {
        match self {
            Opened::Dir(dir) => dir.as_ref().stat(),
            Opened::Stream(stream) => stream.stat(),
            Opened::File(file) => file.stat(),
        }
    }
}

/// An open directory.
#[derive(Debug)]
pub enum Dir {
    /// One of the host's.
    Host(host::Dir),
    /// One of another file system.
    Other(Arc<dyn Directory>),
}

impl Dir {
    /// The same directory, borrowed.
    pub fn as_ref(&self) -> DirRef<'_> {
        match self {
            Dir::Host(dir) => DirRef::Host(dir),
            Dir::Other(dir) => DirRef::Other(&**dir),
        }
    }
}

/// An open directory, borrowed, and its operations: see [`Directory`].
#[derive(Clone, Copy, Debug)]
pub enum DirRef<'d> {
    /// One of the host's.
    Host(&'d host::Dir),
    /// One of another file system.
    Other(&'d dyn Directory),
}

macro_rules! operations {
    ($($name:ident($($arg:ident: $Arg:ty),*) -> $Value:ty;)*) => {
        #[allow(clippy::missing_errors_doc, reason = "the trait lists them")]
        impl DirRef<'_> {
            $(
                #[doc = concat!("See [`Directory::", stringify!($name), "`].")]
                #[inline]
                pub fn $name(self, $($arg: $Arg),*) -> Result<$Value> {
                    match self {
                        DirRef::Host(dir) => Ok(dir.$name($($arg),*)?),
                        DirRef::Other(dir) => dir.$name($($arg),*),
                    }
                }
            )*
        }
    };
}

operations! {
    stat() -> Filestat;
    stat_at(name: Name<'_>) -> Filestat;
    check_search() -> ();
    read_link_at(name: Name<'_>) -> Vec<u8>;
    set_times(atim: SetTime, mtim: SetTime) -> ();
    set_times_at(name: Name<'_>, atim: SetTime, mtim: SetTime) -> ();
    create_dir_at(name: Name<'_>) -> ();
    unlink_at(name: Name<'_>) -> ();
    remove_dir_at(name: Name<'_>) -> ();
    symlink_at(target: &[u8], name: Name<'_>) -> ();
    sync() -> ();
}

#[allow(clippy::missing_errors_doc, reason = "the trait lists them")]
impl DirRef<'_> {
    /// See [`Directory::open_at`].
    #[inline]
    pub fn open_at(
        self,
        name: Option<Name<'_>>,
        how: OpenHow,
        interrupt: &Interrupt,
    ) -> Result<Opened> {
        match self {
            DirRef::Host(dir) => opened(dir.open_at(name, how, interrupt)?, how),
            DirRef::Other(dir) => dir.open_at(name, how),
        }
    }

    /// [`Directory::calls_back`].
    pub fn calls_back(self) -> bool {
        match self {
            DirRef::Host(_) => false,
            DirRef::Other(dir) => dir.calls_back(),
        }
    }

    /// [`Directory::open_at`] of the directory itself: another descriptor of it, to list it.
    pub fn open_itself(self) -> Result<Dir> {
        let how = OpenHow {
            read: true,
            write: false,
            oflags: Oflags::DIRECTORY,
            fdflags: Fdflags::empty(),
            follow: false,
        };
        match self.open_at(None, how, &Interrupt::NEVER)? {
            Opened::Dir(dir) => Ok(dir),
            Opened::Stream(_) | Opened::File(_) => Err(Errno::Notdir),
        }
    }

    /// See [`Directory::open_dir_at`].
    #[inline]
    pub fn open_dir_at(self, name: Name<'_>) -> Result<Dir> {
        match self {
            DirRef::Host(dir) => Ok(Dir::Host(dir.open_dir_at(name)?)),
            DirRef::Other(dir) => dir.open_dir_at(name),
        }
    }

    /// See [`Directory::open_dotdot`].
    #[inline]
    pub fn open_dotdot(self) -> Result<Dir> {
        match self {
            DirRef::Host(dir) => Ok(Dir::Host(dir.open_dotdot()?)),
            DirRef::Other(dir) => dir.open_dotdot(),
        }
    }

    /// See [`Directory::rename_at`].
    pub fn rename_at(self, old: Name<'_>, new_dir: DirRef<'_>, new: Name<'_>) -> Result<()> {
        match (self, new_dir) {
            (DirRef::Host(dir), DirRef::Host(new_dir)) => Ok(dir.rename_at(old, new_dir, new)?),
            (DirRef::Other(dir), DirRef::Other(new_dir)) => dir.rename_at(old, new_dir, new),
            _ => Err(Errno::Xdev),
        }
    }

    /// See [`Directory::link_at`].
    pub fn link_at(self, old: Option<Name<'_>>, new_dir: DirRef<'_>, new: Name<'_>) -> Result<()> {
        match (self, new_dir) {
            (DirRef::Host(dir), DirRef::Host(new_dir)) => Ok(dir.link_at(old, new_dir, new)?),
            (DirRef::Other(dir), DirRef::Other(new_dir)) => dir.link_at(old, new_dir, new),
            _ => Err(Errno::Xdev),
        }
    }

    /// [`Directory::open_beneath`], where the file system has it; of the host [`host::Dir::open_beneath`].
    #[inline]
    pub fn open_beneath(
        self,
        path: &[u8],
        how: OpenHow,
        links: Links,
        interrupt: &Interrupt,
    ) -> Result<Step<Opened>> {
        match self {
            DirRef::Host(dir) => match dir.open_beneath(path, how, links, interrupt)? {
                Step::Done(file) => Ok(Step::Done(opened(file, how)?)),
                Step::Walk => Ok(Step::Walk),
            },
            DirRef::Other(dir) => dir.open_beneath(path, how),
        }
    }

    /// [`Directory::open_parent`] of `path`, which ends in a slash; of the host [`host::Dir::open_parent`].
    #[inline]
    pub fn open_parent(self, path: &[u8], links: Links) -> Result<Step<Dir>> {
        match self {
            DirRef::Host(dir) => Ok(dir.open_parent(path, links)?.map(Dir::Host)),
            DirRef::Other(dir) => Ok(dir.open_parent(path)),
        }
    }

    /// [`Directory::stat_beneath`] of `path`, which does not end in a slash; of the host
    /// [`host::Dir::stat_beneath`].
    #[inline]
    pub fn stat_beneath(self, path: &[u8], follow: bool, links: Links) -> Result<Step<Filestat>> {
        match self {
            DirRef::Host(dir) => Ok(dir.stat_beneath(path, follow, links)?),
            DirRef::Other(dir) => Ok(dir.stat_beneath(path, follow)),
        }
    }
}

#[inline]
fn opened(file: host::File, how: OpenHow) -> Result<Opened> {
    Ok(if how.oflags.contains(Oflags::DIRECTORY) {
        Opened::Dir(Dir::Host(file.try_into()?))
    } else {
        Opened::File(FileHandle::Host(file))
    })
}
