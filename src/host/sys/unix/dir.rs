use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[cfg(target_os = "linux")]
use rustix::fs::ResolveFlags;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::file::{self, File};
use super::stat;
use crate::abi::{Filestat, Oflags};
use crate::host::{Interrupt, Links, Name, OpenHow, Permissions, SetTime, Step};

/// An open directory: the capability for everything below it.
#[derive(Debug)]
pub struct Dir(OwnedFd);

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Dir {
    fn from(fd: OwnedFd) -> Self {
        Self(fd)
    }
}

// Without O_PATH, a directory must be readable to be walked through.
#[cfg(any(target_os = "linux", target_os = "android"))]
const WALK: OFlags = OFlags::PATH;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const WALK: OFlags = OFlags::RDONLY;

/// The flags of `open(2)` for this, except `O_NOFOLLOW`.
fn open_flags(how: OpenHow) -> OFlags {
    let mut oflags = file::oflags(how.fdflags) | OFlags::NOCTTY | OFlags::CLOEXEC;
    oflags |= match (how.read, how.write) {
        (true, true) => OFlags::RDWR,
        (false, true) => OFlags::WRONLY,
        (_, false) => OFlags::RDONLY,
    };
    oflags.set(OFlags::CREATE, how.oflags.contains(Oflags::CREAT));
    oflags.set(OFlags::DIRECTORY, how.oflags.contains(Oflags::DIRECTORY));
    oflags.set(OFlags::EXCL, how.oflags.contains(Oflags::EXCL));
    oflags.set(OFlags::TRUNC, how.oflags.contains(Oflags::TRUNC));
    oflags
}

/// The mode of a file that is created, before the process's umask.
fn mode(oflags: OFlags) -> Mode {
    if oflags.contains(OFlags::CREATE) {
        Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP | Mode::ROTH | Mode::WOTH
    } else {
        Mode::empty()
    }
}

/// How often `openat2(2)` is tried while it returns `EAGAIN`, because of a concurrent rename or mount somewhere
/// on the host.
#[cfg(target_os = "linux")]
const TRIES: u32 = 4;

/// `openat2(2)` beneath a directory. `None` if the kernel cannot resolve the path in this way.
///
/// # Errors
///
/// Those of `openat2(2)` that are about the path.
#[cfg(target_os = "linux")]
#[inline(always)]
fn openat2(dir: &Dir, bytes: &[u8], oflags: OFlags, links: Links) -> io::Result<Option<OwnedFd>> {
    /// Whether the kernel does not have the call.
    static UNKNOWN: AtomicBool = AtomicBool::new(false);
    if UNKNOWN.load(Relaxed) {
        return Ok(None);
    }
    let mut resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    resolve.set(ResolveFlags::NO_SYMLINKS, links == Links::Walk);
    for _ in 0..TRIES {
        match rustix::fs::openat2(dir, bytes, oflags, mode(oflags), resolve) {
            Ok(fd) => return Ok(Some(fd)),
            Err(Errno::AGAIN) => {}
            Err(Errno::NOSYS) => {
                UNKNOWN.store(true, Relaxed);
                return Ok(None);
            }
            // XDEV: it leads out. PERM: a seccomp filter does not allow the call, or the file may not be opened
            // in this way: then the call that is made instead fails as well.
            Err(Errno::XDEV | Errno::PERM) => return Ok(None),
            Err(Errno::LOOP) if links == Links::Walk => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

/// Whether a file system may take two names for the same, as those that ignore case do. True for all names that
/// are not ASCII.
pub fn may_be_same(name: &[u8], other: &[u8]) -> bool {
    name.eq_ignore_ascii_case(other) || !name.is_ascii() || !other.is_ascii()
}

fn is_one_of(error: &io::Error, errnos: &[Errno]) -> bool {
    Errno::from_io_error(error).is_some_and(|errno| errnos.contains(&errno))
}

impl Dir {
    /// Opens a directory by a path of the embedder.
    pub fn open_ambient(path: &Path) -> io::Result<Self> {
        let oflags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::open(path, oflags, Mode::empty())?.into())
    }

    /// `openat2(2)` with `RESOLVE_BENEATH`. Without that call, `openat(2)` of a single name that is not a
    /// symbolic link.
    ///
    /// # Errors
    ///
    /// As `open(2)`.
    pub fn open_beneath(
        &self,
        bytes: &[u8],
        how: OpenHow,
        links: Links,
        interrupt: &Interrupt,
    ) -> io::Result<Step<File>> {
        self.open_file(
            how,
            interrupt,
            |oflags| self.open_in_one_call(bytes, oflags, how.follow, links),
            || self.stat_fd(bytes, how.follow, links),
        )
    }

    /// `openat(2)` with `O_NOFOLLOW` of a name in this directory, or of the directory itself.
    pub fn open_at(
        &self,
        name: Option<Name<'_>>,
        how: OpenHow,
        interrupt: &Interrupt,
    ) -> io::Result<File> {
        let name = name.map_or(&b"."[..], Name::as_bytes);
        let opened = self.open_file(
            how,
            interrupt,
            |oflags| self.open_no_follow(name, oflags).map(Step::Done),
            || self.open_no_follow(name, WALK).map(Step::Done),
        )?;
        match opened {
            Step::Done(file) => Ok(file),
            // A single name does not lead out.
            Step::Walk => Err(Errno::XDEV.into()),
        }
    }

    /// Opens a file with `open`. `ask` opens it with `O_PATH`, to find out its type.
    fn open_file(
        &self,
        how: OpenHow,
        interrupt: &Interrupt,
        open: impl Fn(OFlags) -> io::Result<Step<OwnedFd>>,
        ask: impl Fn() -> io::Result<Step<OwnedFd>>,
    ) -> io::Result<Step<File>> {
        let oflags = open_flags(how);
        // Opening a directory or a new file does not block.
        #[cfg(target_os = "linux")]
        if interrupt.is_possible()
            && !oflags.contains(OFlags::DIRECTORY)
            && !oflags.contains(OFlags::CREATE | OFlags::EXCL)
        {
            let open = || open(oflags | OFlags::NONBLOCK);
            return super::fifo::open_interruptible(how, interrupt, open, ask);
        }
        #[cfg(not(target_os = "linux"))]
        let _ = (ask, interrupt);
        Ok(open(oflags)?.map(|fd| File::new(fd, how.fdflags)))
    }

    /// Opens `bytes` with `O_PATH`, to find out its attributes.
    fn stat_fd(&self, bytes: &[u8], follow: bool, links: Links) -> io::Result<Step<OwnedFd>> {
        self.open_in_one_call(bytes, WALK | OFlags::CLOEXEC, follow, links)
    }

    fn open_in_one_call(
        &self,
        bytes: &[u8],
        oflags: OFlags,
        follow: bool,
        links: Links,
    ) -> io::Result<Step<OwnedFd>> {
        #[cfg(not(target_os = "linux"))]
        let _ = links;
        #[cfg(target_os = "linux")]
        {
            let no_follow = if follow {
                OFlags::empty()
            } else {
                OFlags::NOFOLLOW
            };
            if let Some(fd) = openat2(self, bytes, oflags | no_follow, links)? {
                return Ok(Step::Done(fd));
            }
        }
        let name = match bytes.strip_suffix(b"/") {
            Some(name) if oflags.contains(OFlags::DIRECTORY) => name,
            _ => bytes,
        };
        let Some(name) = Name::new(name) else {
            return Ok(Step::Walk);
        };
        let follow = follow || bytes.ends_with(b"/");
        match self.open_no_follow(name.as_bytes(), oflags) {
            // These are also the errors for a symbolic link.
            Err(error) if follow && is_one_of(&error, &[Errno::LOOP, Errno::NOTDIR]) => {
                Ok(Step::Walk)
            }
            result => result.map(Step::Done),
        }
    }

    /// `openat(2)` with `O_NOFOLLOW` of a single component.
    fn open_no_follow(&self, component: &[u8], oflags: OFlags) -> io::Result<OwnedFd> {
        let oflags = oflags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(self, component, oflags, mode(oflags))?)
    }

    /// `fstatat(2)` of `bytes`, a path that does not end in a slash, in as few system calls as possible.
    ///
    /// # Errors
    ///
    /// `ENOENT`. Any other error is left to the caller's walk.
    #[cfg(target_os = "linux")]
    pub fn stat_beneath(
        &self,
        bytes: &[u8],
        follow: bool,
        links: Links,
    ) -> io::Result<Step<Filestat>> {
        let mut oflags = OFlags::PATH | OFlags::CLOEXEC;
        oflags.set(OFlags::NOFOLLOW, !follow);
        match openat2(self, bytes, oflags, links) {
            Ok(Some(fd)) => stat::fstat(fd.as_fd()).map(Step::Done),
            Err(error) if is_one_of(&error, &[Errno::NOENT]) => Err(error),
            Ok(None) | Err(_) => Ok(Step::Walk),
        }
    }

    /// Other systems have no such call, as a file need not be readable to have attributes: the caller must
    /// walk.
    #[cfg(not(target_os = "linux"))]
    pub fn stat_beneath(&self, _: &[u8], _: bool, _: Links) -> io::Result<Step<Filestat>> {
        Ok(Step::Walk)
    }

    /// Opens the directory at `bytes`, a path that ends in a slash, for an operation on a name in it.
    ///
    /// # Errors
    ///
    /// As [`Dir::open_beneath`].
    pub fn open_parent(&self, bytes: &[u8], links: Links) -> io::Result<Step<Self>> {
        let oflags = WALK | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(self.open_in_one_call(bytes, oflags, true, links)?.map(Self))
    }

    /// Opens a directory in this one. A symbolic link is an error.
    pub fn open_dir_at(&self, name: Name<'_>) -> io::Result<Self> {
        self.open_no_follow(name.as_bytes(), WALK | OFlags::DIRECTORY)
            .map(Self)
    }

    /// Opens `..`: the present parent directory, wherever that is.
    pub fn open_dotdot(&self) -> io::Result<Self> {
        self.open_no_follow(b"..", WALK | OFlags::DIRECTORY)
            .map(Self)
    }

    /// Checks that the permissions of this directory allow searching it, even for `.` and `..`.
    ///
    /// # Errors
    ///
    /// `EACCES`: they do not.
    pub fn check_search(&self) -> io::Result<()> {
        rustix::fs::statat(self, ".", AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(())
    }

    /// `fstat(2)`.
    pub fn stat(&self) -> io::Result<Filestat> {
        stat::fstat(self.as_fd())
    }

    /// `fstatat(2)` with `AT_SYMLINK_NOFOLLOW`.
    pub fn stat_at(&self, name: Name<'_>) -> io::Result<Filestat> {
        stat::stat_at(self.as_fd(), name)
    }

    /// The permissions of a name by `fstatat(2)` with `AT_SYMLINK_NOFOLLOW`; `None` on systems with other
    /// permissions.
    pub fn permissions_at(&self, name: Name<'_>) -> io::Result<Option<Permissions>> {
        stat::permissions_at(self.as_fd(), name).map(Some)
    }

    /// `fchmodat(2)` of the directory itself.
    pub fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        let mode = stat::mode(permissions);
        Ok(rustix::fs::chmodat(self, ".", mode, AtFlags::empty())?)
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

    /// `linkat(2)`: another name for a file, or for a symbolic link itself. Without `old`, of this directory:
    /// that fails, with `EPERM` if no other error comes first.
    pub fn link_at(&self, old: Option<Name<'_>>, new_dir: &Dir, new: Name<'_>) -> io::Result<()> {
        let old = old.map_or(&b"."[..], Name::as_bytes);
        let new = new.as_bytes();
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

    /// `readlinkat(2)`: the target of a symbolic link.
    ///
    /// # Errors
    ///
    /// `EINVAL`: it is no symbolic link.
    pub fn read_link_at(&self, name: Name<'_>) -> io::Result<Vec<u8>> {
        let mut buf = [MaybeUninit::uninit(); libc::PATH_MAX as usize];
        match rustix::fs::readlinkat_raw(self, name.as_bytes(), &mut buf)? {
            // The buffer was full, so on systems where targets can be longer than paths, this may not be all.
            (_, []) => Ok(rustix::fs::readlinkat(self, name.as_bytes(), Vec::new())?.into_bytes()),
            (target, _) => Ok(target.to_vec()),
        }
    }

    /// `fsync(2)`.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self)?)
    }
}
