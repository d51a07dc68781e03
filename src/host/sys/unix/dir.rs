use std::ffi::OsStr;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use cap_fs_ext::{FollowSymlinks, OpenOptionsFollowExt};
use cap_std::fs::{OpenOptions, OpenOptionsExt};
#[cfg(target_os = "linux")]
use rustix::fs::ResolveFlags;
use rustix::fs::{AtFlags, Mode, OFlags};

use super::file::{self, File};
use super::{readdir, stat};
use crate::abi::{Filestat, Oflags};
#[cfg(target_os = "linux")]
use crate::host::stop;
use crate::host::{Name, OpenHow, ReadDir, SetTime};

/// An open directory: the capability to reach what lies below it.
#[derive(Debug)]
pub struct Dir(cap_std::fs::Dir);

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Dir {
    fn from(fd: OwnedFd) -> Self {
        Self(cap_std::fs::Dir::from_std_file(fd.into()))
    }
}

impl From<File> for Dir {
    /// The directory that was opened as a file.
    fn from(file: File) -> Self {
        OwnedFd::from(file).into()
    }
}

// Where there is no O_PATH, a directory must be readable to be walked through.
#[cfg(any(target_os = "linux", target_os = "android"))]
const WALK: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const WALK: OFlags = OFlags::RDONLY;

fn path(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}

fn custom(options: &mut OpenOptions, oflags: OFlags) {
    // cap-std takes the bits as the `int` of open(2).
    options.custom_flags(oflags.bits() as i32);
}

fn is_no_directory(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENOTDIR)
}

impl Dir {
    /// Opens a directory that the embedder names by its path on the host.
    pub fn open_ambient(path: &Path) -> io::Result<Self> {
        let oflags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::open(path, oflags, Mode::empty())?.into())
    }

    /// This directory once more, for a descriptor of its own.
    pub fn from_file(file: &File) -> io::Result<Self> {
        Ok(file.as_ref().as_fd().try_clone_to_owned()?.into())
    }

    /// `openat2(2)` with `RESOLVE_BENEATH`, or what cap-std does in its place: opens `bytes`, a path
    /// that ends in no slash.
    ///
    /// # Errors
    ///
    /// As `open(2)`; an [escape](crate::host::errno::is_escape) where the path would leave this directory.
    pub fn open_beneath(&self, bytes: &[u8], how: OpenHow) -> io::Result<File> {
        let mut oflags = file::oflags(how.fdflags) | OFlags::NOCTTY;
        oflags.set(OFlags::CREATE, how.oflags.contains(Oflags::CREAT));
        oflags.set(OFlags::DIRECTORY, how.oflags.contains(Oflags::DIRECTORY));
        oflags.set(OFlags::EXCL, how.oflags.contains(Oflags::EXCL));
        oflags.set(OFlags::TRUNC, how.oflags.contains(Oflags::TRUNC));
        #[cfg(target_os = "linux")]
        if stop::may_be_asked()
            && !oflags.intersects(OFlags::DIRECTORY | OFlags::EXCL | OFlags::NONBLOCK)
        {
            return super::fifo::open_unless_stopped(
                how,
                || self.open_file(bytes, how, oflags | OFlags::NONBLOCK),
                || self.is_fifo(bytes, how.follow),
            );
        }
        Ok(File::new(self.open_file(bytes, how, oflags)?, how.fdflags))
    }

    /// `openat2(2)` with these flags, or what cap-std does in its place.
    fn open_file(&self, bytes: &[u8], how: OpenHow, oflags: OFlags) -> io::Result<OwnedFd> {
        let mut options = OpenOptions::new();
        options
            .read(how.read || !how.write)
            .write(how.write)
            .follow(if how.follow {
                FollowSymlinks::Yes
            } else {
                FollowSymlinks::No
            });
        custom(&mut options, oflags);
        let file = match self.0.open_with(path(bytes), &options) {
            // Where it must do without openat2(2), cap-std follows a link to a directory that was asked
            // for as one only if the path goes on behind it. A slash would do, too, but gives a handle
            // that serves to walk from and nothing else.
            Err(error)
                if how.follow
                    && how.oflags.contains(Oflags::DIRECTORY)
                    && is_no_directory(&error) =>
            {
                self.0.open_with(path(&[bytes, b"/."].concat()), &options)?
            }
            file => file?,
        };
        Ok(file.into_std().into())
    }

    /// Whether there is a FIFO at `bytes`.
    #[cfg(target_os = "linux")]
    fn is_fifo(&self, bytes: &[u8], follow: bool) -> bool {
        use cap_std::fs::FileTypeExt;
        let metadata = match follow {
            true => self.0.metadata(path(bytes)),
            false => self.0.symlink_metadata(path(bytes)),
        };
        metadata.is_ok_and(|metadata| metadata.file_type().is_fifo())
    }

    /// `fstatat(2)` of `bytes`, a path that ends in no slash, in as few system calls as the host has for
    /// that. None where it takes an operation in the directory of the last component, step by step.
    ///
    /// # Errors
    ///
    /// `ENOENT`. What else there is to say, the step-by-step way finds.
    #[cfg(target_os = "linux")]
    pub fn stat_beneath(&self, bytes: &[u8], follow: bool) -> io::Result<Option<Filestat>> {
        let mut oflags = OFlags::PATH | OFlags::CLOEXEC;
        oflags.set(OFlags::NOFOLLOW, !follow);
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match rustix::fs::openat2(self, bytes, oflags, Mode::empty(), resolve) {
            Ok(fd) => stat::fstat(fd.as_fd()).map(Some),
            Err(rustix::io::Errno::NOENT) => Err(rustix::io::Errno::NOENT.into()),
            Err(_) => Ok(None),
        }
    }

    /// `fstatat(2)`, for which other systems have no way but step by step: a file need not be readable
    /// to be asked about.
    #[cfg(not(target_os = "linux"))]
    pub fn stat_beneath(&self, _: &[u8], _: bool) -> io::Result<Option<Filestat>> {
        Ok(None)
    }

    /// Opens the directory at `bytes`, a path that ends in a slash, to do something to a name in it.
    ///
    /// # Errors
    ///
    /// As [`Dir::open_beneath`].
    pub fn open_parent(&self, bytes: &[u8]) -> io::Result<Self> {
        self.open_dir(bytes, FollowSymlinks::Yes, WALK)
    }

    /// Opens a directory in this one; a symbolic link is an error.
    pub fn open_dir_at(&self, name: Name<'_>) -> io::Result<Self> {
        self.open_dir(name.as_bytes(), FollowSymlinks::No, WALK)
    }

    fn open_dir(&self, bytes: &[u8], follow: FollowSymlinks, oflags: OFlags) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).follow(follow);
        custom(&mut options, oflags | OFlags::DIRECTORY);
        let dir = self.0.open_with(path(bytes), &options)?;
        Ok(OwnedFd::from(dir.into_std()).into())
    }

    /// `fstat(2)`.
    pub fn stat(&self) -> io::Result<Filestat> {
        stat::fstat(self.as_fd())
    }

    /// `fstatat(2)` with `AT_SYMLINK_NOFOLLOW`.
    pub fn stat_at(&self, name: Name<'_>) -> io::Result<Filestat> {
        stat::stat_at(self.as_fd(), name)
    }

    /// `utimensat(2)` of the directory itself.
    pub fn set_times(&self, atim: SetTime, mtim: SetTime) -> io::Result<()> {
        stat::set_times_at(self.as_fd(), b".", atim, mtim)
    }

    /// `utimensat(2)` with `AT_SYMLINK_NOFOLLOW`.
    pub fn set_times_at(&self, name: Name<'_>, atim: SetTime, mtim: SetTime) -> io::Result<()> {
        stat::set_times_at(self.as_fd(), name.as_bytes(), atim, mtim)
    }

    /// `mkdirat(2)` with mode 0777, less the process's umask.
    pub fn create_dir_at(&self, name: Name<'_>) -> io::Result<()> {
        let mode = Mode::RWXU | Mode::RWXG | Mode::RWXO;
        Ok(rustix::fs::mkdirat(self, name.as_bytes(), mode)?)
    }

    /// `unlinkat(2)`.
    pub fn unlink_at(&self, name: Name<'_>) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            self,
            name.as_bytes(),
            AtFlags::empty(),
        )?)
    }

    /// `unlinkat(2)` with `AT_REMOVEDIR`.
    pub fn remove_dir_at(&self, name: Name<'_>) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            self,
            name.as_bytes(),
            AtFlags::REMOVEDIR,
        )?)
    }

    /// `renameat(2)`.
    pub fn rename_at(&self, old: Name<'_>, new_dir: &Dir, new: Name<'_>) -> io::Result<()> {
        Ok(rustix::fs::renameat(
            self,
            old.as_bytes(),
            new_dir,
            new.as_bytes(),
        )?)
    }

    /// `linkat(2)`: another name for a file, or for a symbolic link itself.
    pub fn link_at(&self, old: Name<'_>, new_dir: &Dir, new: Name<'_>) -> io::Result<()> {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        Ok(rustix::fs::linkat(
            self,
            old,
            new_dir,
            new,
            AtFlags::empty(),
        )?)
    }

    /// `symlinkat(2)`.
    pub fn symlink_at(&self, target: &[u8], name: Name<'_>) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, self, name.as_bytes())?)
    }

    /// `readlinkat(2)`: where a symbolic link points.
    ///
    /// # Errors
    ///
    /// `EINVAL`: it is something else.
    pub fn read_link_at(&self, name: Name<'_>) -> io::Result<Vec<u8>> {
        let mut buf = [MaybeUninit::uninit(); libc::PATH_MAX as usize];
        match rustix::fs::readlinkat_raw(self, name.as_bytes(), &mut buf)? {
            // Where a link can be longer than a path, this may not be all of it.
            (_, []) => Ok(rustix::fs::readlinkat(self, name.as_bytes(), Vec::new())?.into_bytes()),
            (target, _) => Ok(target.to_vec()),
        }
    }

    /// Opens a stream over the entries.
    pub fn read_dir(&self) -> io::Result<ReadDir> {
        readdir::open(self)
    }

    /// `fsync(2)`.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self)?)
    }
}
