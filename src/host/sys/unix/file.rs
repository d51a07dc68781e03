use std::io::{self, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FallocateFlags, FileType, OFlags, SeekFrom as HostSeekFrom};

use super::lent::Lent;
use super::{Dir, io as kernel, stat, wait};
use crate::abi::{Advice, Fdflags, Filesize, Filestat, Filetype};
use crate::host::{Direction, Interrupt, Permissions, SYNCHRONOUS, SetTime, StreamFlags};
use crate::memory::Iovecs;

/// An open file description: a regular file, a device, a FIFO, a terminal, a pipe, a socket, or a directory
/// that was opened without `O_DIRECTORY`.
#[derive(Debug)]
pub struct File {
    owner: Owner,
    /// The synchronous flags that it was opened with.
    synchronous: Fdflags,
    /// Whether it was opened with `O_NONBLOCK` by us. That stays set, whatever flags the guest sets.
    nonblock: bool,
    /// The type, if it is known since it was opened.
    filetype: Option<Filetype>,
}

/// The owner of a descriptor.
#[derive(Debug)]
enum Owner {
    /// The guest opened or accepted it. If it is a directory, it can be used as one.
    Guest(Dir),
    /// The embedder lent it.
    Embedder(Lent),
}

impl TryFrom<File> for Dir {
    type Error = io::Error;

    /// The same as a directory.
    ///
    /// # Errors
    ///
    /// `ENOTDIR`: it is lent.
    fn try_from(file: File) -> io::Result<Self> {
        match file.owner {
            Owner::Guest(dir) => Ok(dir),
            Owner::Embedder(_) => Err(rustix::io::Errno::NOTDIR.into()),
        }
    }
}

impl AsFd for File {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.owner {
            Owner::Guest(dir) => dir.as_fd(),
            Owner::Embedder(lent) => lent.as_fd(),
        }
    }
}

impl File {
    /// A file that was just opened with these flags.
    pub(super) fn new(fd: OwnedFd, fdflags: Fdflags) -> Self {
        Self {
            owner: Owner::Guest(fd.into()),
            // By way of `oflags`, as one of the flags may include others.
            synchronous: from_oflags(oflags(fdflags)) & SYNCHRONOUS,
            nonblock: false,
            filetype: None,
        }
    }

    /// A file that was just opened with these flags and `O_NONBLOCK`, which the guest may not have asked for.
    pub(super) fn nonblocking(fd: OwnedFd, filetype: FileType, fdflags: Fdflags) -> Self {
        Self {
            nonblock: true,
            filetype: Some(stat::filetype(filetype)),
            ..Self::new(fd, fdflags)
        }
    }

    /// The embedder's descriptor with this number, lent to the guest as a standard stream.
    ///
    /// # Errors
    ///
    /// `EBADF`: it is not open.
    pub fn lent(fd: i32) -> io::Result<Self> {
        Ok(Self {
            owner: Owner::Embedder(Lent::new(fd)?),
            synchronous: Fdflags::empty(),
            nonblock: false,
            filetype: None,
        })
    }

    /// Whether it is lent: its offset and flags are shared with the embedder.
    #[inline]
    pub fn is_lent(&self) -> bool {
        matches!(self.owner, Owner::Embedder(_))
    }

    /// The type, if it is known since it was opened.
    pub fn filetype(&self) -> Option<Filetype> {
        self.filetype
    }

    /// The synchronous flags that it was opened with: `fcntl(F_SETFL)` cannot change them.
    pub fn synchronous(&self) -> Fdflags {
        self.synchronous
    }

    /// The directory that was opened as a file. Whether it is one, the first call on it tells.
    pub fn as_dir(&self) -> io::Result<&Dir> {
        match &self.owner {
            Owner::Guest(dir) => Ok(dir),
            Owner::Embedder(_) => Err(rustix::io::Errno::NOTDIR.into()),
        }
    }

    /// A non-blocking description of it, if there is one already.
    pub(super) fn nonblocking_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.owner {
            Owner::Guest(dir) => self.nonblock.then(|| dir.as_fd()),
            Owner::Embedder(lent) => lent.reopened(),
        }
    }

    /// A non-blocking description of a lent file, if it can be opened again.
    pub(super) fn reopen(&self) -> Option<BorrowedFd<'_>> {
        match &self.owner {
            Owner::Guest(_) => None,
            Owner::Embedder(lent) => lent.reopen(),
        }
    }
}

/// An offset as `off_t`; `EINVAL` if it does not fit.
pub(super) fn reachable(offset: Filesize) -> io::Result<i64> {
    i64::try_from(offset).map_err(|_| rustix::io::Errno::INVAL.into())
}

impl File {
    /// `readv(2)`. On a lent descriptor it blocks, even if that has `O_NONBLOCK`.
    #[inline(always)]
    pub fn read(&self, iovs: &Iovecs<'_>, interrupt: &Interrupt) -> io::Result<usize> {
        let read = || kernel::read(self.as_fd(), iovs);
        match self.owner {
            Owner::Guest(_) => read(),
            Owner::Embedder(_) => {
                wait::retry(self.as_fd(), Direction::Read, interrupt.waiting(), read)
            }
        }
    }

    /// `writev(2)`. On a lent descriptor it blocks, even if that has `O_NONBLOCK`.
    #[inline(always)]
    pub fn write(&self, ciovs: &Iovecs<'_>, interrupt: &Interrupt) -> io::Result<usize> {
        let write = || kernel::write(self.as_fd(), ciovs);
        match self.owner {
            Owner::Guest(_) => write(),
            Owner::Embedder(_) => {
                wait::retry(self.as_fd(), Direction::Write, interrupt.waiting(), write)
            }
        }
    }

    /// `fchmod(2)`.
    pub fn set_permissions(&self, permissions: Permissions) -> io::Result<()> {
        Ok(rustix::fs::fchmod(self, stat::mode(permissions))?)
    }

    /// `preadv(2)`.
    #[inline]
    pub fn read_at(&self, iovs: &Iovecs<'_>, at: Filesize) -> io::Result<usize> {
        kernel::read_at(self.as_fd(), iovs, reachable(at)?)
    }

    /// `pwritev(2)`. On Linux, with `O_APPEND` it appends whatever the offset.
    #[inline]
    pub fn write_at(&self, ciovs: &Iovecs<'_>, at: Filesize) -> io::Result<usize> {
        kernel::write_at(self.as_fd(), ciovs, reachable(at)?)
    }

    /// `writev(2)` with `O_APPEND`. Where it ended must be asked by [`File::seek`].
    pub fn append(&self, ciovs: &Iovecs<'_>) -> io::Result<(usize, Option<Filesize>)> {
        Ok((kernel::write(self.as_fd(), ciovs)?, None))
    }

    /// `lseek(2)` of the kernel's offset.
    pub fn seek(&self, to: SeekFrom) -> io::Result<Filesize> {
        let to = match to {
            SeekFrom::Start(offset) => HostSeekFrom::Start(offset),
            SeekFrom::Current(offset) => HostSeekFrom::Current(offset),
            SeekFrom::End(offset) => HostSeekFrom::End(offset),
        };
        Ok(rustix::fs::seek(self, to)?)
    }

    /// `fstat(2)`.
    #[inline(always)]
    pub fn stat(&self) -> io::Result<Filestat> {
        stat::fstat(self.as_fd())
    }

    /// `isatty(3)`.
    pub fn is_terminal(&self) -> bool {
        rustix::termios::isatty(self)
    }

    /// `ftruncate(2)`.
    pub fn set_size(&self, size: Filesize) -> io::Result<()> {
        Ok(rustix::fs::ftruncate(self, reachable(size)? as u64)?)
    }

    /// `futimens(2)`.
    pub fn set_times(&self, atim: SetTime, mtim: SetTime) -> io::Result<()> {
        stat::set_times(self.as_fd(), atim, mtim)
    }

    /// `fsync(2)`.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self)?)
    }

    /// `fdatasync(2)`.
    pub fn datasync(&self) -> io::Result<()> {
        #[cfg(not(target_vendor = "apple"))]
        let result = rustix::fs::fdatasync(self);
        #[cfg(target_vendor = "apple")]
        let result = rustix::fs::fsync(self);
        Ok(result?)
    }

    /// `posix_fallocate(3)`: reserves `len` bytes at `at`; the file grows to contain them.
    pub fn allocate(&self, at: Filesize, len: Filesize) -> io::Result<()> {
        let end = (at.checked_add(len).and_then(|end| i64::try_from(end).ok()))
            .ok_or(rustix::io::Errno::FBIG)? as Filesize;
        let reserved = match len {
            0 => Err(rustix::io::Errno::OPNOTSUPP),
            len => rustix::fs::fallocate(self, FallocateFlags::empty(), at, len),
        };
        match reserved {
            // Not every file system can reserve room, but all can grow a file.
            Err(rustix::io::Errno::OPNOTSUPP) if self.stat()?.size < end => self.set_size(end),
            Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
            result => Ok(result?),
        }
    }

    /// `posix_fadvise(2)`. Some systems do not have it: then advice is ignored.
    pub fn advise(&self, at: Filesize, len: Filesize, advice: Advice) -> io::Result<()> {
        advise(
            self.as_fd(),
            reachable(at)? as u64,
            reachable(len)? as u64,
            advice,
        )
    }

    /// `fcntl(F_SETFL)`: sets what can change, `O_APPEND` and `O_NONBLOCK`.
    pub fn set_fdflags(&self, fdflags: Fdflags) -> io::Result<()> {
        let changeable = OFlags::APPEND | OFlags::NONBLOCK;
        let kept = rustix::fs::fcntl_getfl(self)? - changeable;
        let mut oflags = kept | oflags(fdflags) & changeable;
        if self.nonblock {
            oflags |= OFlags::NONBLOCK;
        }
        Ok(rustix::fs::fcntl_setfl(self, oflags)?)
    }

    /// `fcntl(F_GETFL)`: the flags that the host keeps, and the access mode.
    pub fn flags(&self) -> io::Result<StreamFlags> {
        let oflags = rustix::fs::fcntl_getfl(self)?;
        let mode = oflags & OFlags::RWMODE;
        Ok(StreamFlags {
            fdflags: from_oflags(oflags),
            read: mode == OFlags::RDONLY || mode == OFlags::RDWR,
            write: mode == OFlags::WRONLY || mode == OFlags::RDWR,
        })
    }
}

#[cfg(not(target_vendor = "apple"))]
fn advise(fd: BorrowedFd<'_>, at: u64, len: u64, advice: Advice) -> io::Result<()> {
    use rustix::fs::Advice as HostAdvice;
    let advice = match advice {
        Advice::Normal => HostAdvice::Normal,
        Advice::Sequential => HostAdvice::Sequential,
        Advice::Random => HostAdvice::Random,
        Advice::Willneed => HostAdvice::WillNeed,
        Advice::Dontneed => HostAdvice::DontNeed,
        Advice::Noreuse => HostAdvice::NoReuse,
    };
    Ok(rustix::fs::fadvise(
        fd,
        at,
        std::num::NonZeroU64::new(len),
        advice,
    )?)
}

#[cfg(target_vendor = "apple")]
fn advise(_: BorrowedFd<'_>, _: u64, _: u64, _: Advice) -> io::Result<()> {
    Ok(())
}

/// A guest's `fdflags` as the flags of `open(2)`.
pub(super) fn oflags(fdflags: Fdflags) -> OFlags {
    let mut oflags = OFlags::empty();
    for (fdflag, oflag) in FLAGS {
        oflags.set(oflag, fdflags.contains(fdflag));
    }
    oflags
}

/// The flags of an open file as a guest's `fdflags`.
fn from_oflags(oflags: OFlags) -> Fdflags {
    let mut fdflags = Fdflags::empty();
    for (fdflag, oflag) in FLAGS {
        fdflags.set(fdflag, oflags.contains(oflag));
    }
    fdflags
}

const FLAGS: [(Fdflags, OFlags); 5] = [
    (Fdflags::APPEND, OFlags::APPEND),
    (Fdflags::DSYNC, OFlags::DSYNC),
    (Fdflags::NONBLOCK, OFlags::NONBLOCK),
    (Fdflags::RSYNC, RSYNC),
    (Fdflags::SYNC, OFlags::SYNC),
];

// Without O_RSYNC, writes are synchronized instead, so that reads have nothing to wait for.
#[cfg(any(target_os = "linux", target_os = "android"))]
const RSYNC: OFlags = OFlags::RSYNC;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const RSYNC: OFlags = OFlags::SYNC;
