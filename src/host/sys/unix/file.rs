use std::io::{self, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

#[cfg(target_os = "linux")]
use rustix::fs::FileType;
use rustix::fs::{FallocateFlags, OFlags};

use super::offset::{self, Offset};
use super::{Dir, Stdio, io as kernel, stat};
use crate::abi::{Advice, Fdflags, Filesize, Filestat, Filetype};
use crate::host::{SYNCHRONOUS, SetTime};
use crate::memory::Iovecs;

/// An open file: regular, a device, a FIFO, or a directory that was not asked for as one.
#[derive(Debug)]
pub struct File {
    /// What is open. It serves as a directory if it is one.
    dir: Dir,
    offset: Offset,
    /// The flags that the host keeps of those with which it was opened.
    synchronous: Fdflags,
    /// Whether it was opened for calls that do not wait, and stays so whatever the guest sets.
    nonblock: bool,
    /// What it is, if opening has told.
    filetype: Option<Filetype>,
}

impl From<File> for Dir {
    /// The directory that was opened as a file.
    fn from(file: File) -> Self {
        file.dir
    }
}

impl File {
    /// What was just opened with these flags, by nobody else.
    pub(super) fn new(fd: OwnedFd, fdflags: Fdflags) -> Self {
        Self {
            dir: fd.into(),
            offset: Offset::new(fdflags.contains(Fdflags::APPEND)),
            // One of them may stand for several.
            synchronous: from_oflags(oflags(fdflags)) & SYNCHRONOUS,
            nonblock: false,
            filetype: None,
        }
    }

    /// What was just opened with these flags and, whatever they say, `O_NONBLOCK`.
    #[cfg(target_os = "linux")]
    pub(super) fn nonblocking(fd: OwnedFd, filetype: FileType, fdflags: Fdflags) -> Self {
        let filetype = stat::filetype(filetype);
        let file = Self::new(fd, fdflags);
        file.offset.note(filetype);
        Self {
            nonblock: true,
            filetype: Some(filetype),
            ..file
        }
    }

    /// What it is, if opening has told.
    pub fn filetype(&self) -> Option<Filetype> {
        self.filetype
    }

    /// Whether no call on it waits, so that a guest which wants to wait must be made to.
    pub(super) fn is_nonblock(&self) -> bool {
        self.nonblock
    }

    /// The flags that the host keeps of those with which it was opened, whatever is set later.
    pub fn synchronous(&self) -> Fdflags {
        self.synchronous
    }

    /// The file, for as long as it is held.
    #[inline]
    pub fn as_ref(&self) -> FileRef<'_> {
        FileRef(self.dir.as_fd(), Whose::Opened(self))
    }

    /// The directory that was opened as a file.
    pub fn as_dir(&self) -> io::Result<&Dir> {
        Ok(&self.dir)
    }
}

/// An open file or stream, whoever owns it, and what can be done with it.
#[derive(Clone, Copy, Debug)]
pub struct FileRef<'a>(pub(super) BorrowedFd<'a>, pub(super) Whose<'a>);

/// How a file or stream came to the guest.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose<'a> {
    /// The guest opened it.
    Opened(&'a File),
    /// The embedder lends it.
    Lent(&'a Stdio),
    /// The guest accepted it: a socket.
    Accepted,
}

impl<'a> Whose<'a> {
    /// The offset, where it is kept with the file.
    #[inline]
    fn offset(self) -> Option<&'a Offset> {
        match self {
            Whose::Opened(file) => Some(&file.offset),
            Whose::Lent(_) | Whose::Accepted => None,
        }
    }
}

impl AsFd for FileRef<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0
    }
}

/// An offset as the kernel takes it; beyond its reach is an invalid argument.
pub(super) fn reachable(offset: Filesize) -> io::Result<i64> {
    i64::try_from(offset).map_err(|_| rustix::io::Errno::INVAL.into())
}

impl FileRef<'_> {
    /// `readv(2)`.
    pub fn read(self, iovs: &Iovecs<'_>) -> io::Result<usize> {
        match self.1.offset() {
            Some(offset) => offset.read(self.0, iovs),
            None => kernel::read(self.0, iovs),
        }
    }

    /// `writev(2)`.
    pub fn write(self, ciovs: &Iovecs<'_>) -> io::Result<usize> {
        match self.1.offset() {
            Some(offset) => offset.write(self.0, ciovs),
            None => kernel::write(self.0, ciovs),
        }
    }

    /// `preadv(2)`.
    pub fn read_at(self, iovs: &Iovecs<'_>, at: Filesize) -> io::Result<usize> {
        kernel::read_at(self.0, iovs, reachable(at)?)
    }

    /// `pwritev(2)`; on Linux, what is open for appending appends, whatever the offset.
    pub fn write_at(self, ciovs: &Iovecs<'_>, at: Filesize) -> io::Result<usize> {
        kernel::write_at(self.0, ciovs, reachable(at)?)
    }

    /// `lseek(2)`.
    pub fn seek(self, to: SeekFrom) -> io::Result<Filesize> {
        match self.1.offset() {
            Some(offset) => offset.seek(self.0, to),
            None => offset::seek(self.0, to),
        }
    }

    /// The bytes that can be read at once.
    pub(super) fn bytes_readable(self) -> Option<u64> {
        match (self.1.offset()).map_or(Ok(None), |offset| offset.bytes_left(self.0)) {
            Ok(Some(left)) => Some(left),
            _ => kernel::bytes_readable(self.0),
        }
    }

    /// `fstat(2)`.
    #[inline]
    pub fn stat(self) -> io::Result<Filestat> {
        let stat = stat::fstat(self.0)?;
        if let Some(offset) = self.1.offset() {
            offset.note(stat.filetype);
        }
        Ok(stat)
    }

    /// Whether it is a terminal.
    pub fn is_terminal(self) -> bool {
        rustix::termios::isatty(self)
    }

    /// `ftruncate(2)`.
    pub fn set_size(self, size: Filesize) -> io::Result<()> {
        Ok(rustix::fs::ftruncate(self, reachable(size)? as u64)?)
    }

    /// `futimens(2)`.
    pub fn set_times(self, atim: SetTime, mtim: SetTime) -> io::Result<()> {
        stat::set_times(self.0, atim, mtim)
    }

    /// `fsync(2)`.
    pub fn sync(self) -> io::Result<()> {
        Ok(rustix::fs::fsync(self)?)
    }

    /// `fdatasync(2)`.
    pub fn datasync(self) -> io::Result<()> {
        #[cfg(not(target_vendor = "apple"))]
        let result = rustix::fs::fdatasync(self);
        #[cfg(target_vendor = "apple")]
        let result = rustix::fs::fsync(self);
        Ok(result?)
    }

    /// `posix_fallocate(3)`: room for `len` bytes at `at`, the size grown to hold them.
    pub fn allocate(self, at: Filesize, len: Filesize) -> io::Result<()> {
        let end = (at.checked_add(len).and_then(|end| i64::try_from(end).ok()))
            .ok_or(rustix::io::Errno::FBIG)? as Filesize;
        let reserved = match len {
            0 => Err(rustix::io::Errno::OPNOTSUPP),
            len => rustix::fs::fallocate(self, FallocateFlags::empty(), at, len),
        };
        match reserved {
            // Not every file system can reserve room; all can grow a file.
            Err(rustix::io::Errno::OPNOTSUPP) if self.stat()?.size < end => self.set_size(end),
            Err(rustix::io::Errno::OPNOTSUPP) => Ok(()),
            result => Ok(result?),
        }
    }

    /// `posix_fadvise(2)`, which some systems lack: advice may be ignored.
    pub fn advise(self, at: Filesize, len: Filesize, advice: Advice) -> io::Result<()> {
        advise(
            self.0,
            reachable(at)? as u64,
            reachable(len)? as u64,
            advice,
        )
    }

    /// `fcntl(F_SETFL)`: what the kernel lets change of an open file, appending and non-blocking.
    pub fn set_fdflags(self, fdflags: Fdflags) -> io::Result<()> {
        let changeable = OFlags::APPEND | OFlags::NONBLOCK;
        let change = || {
            let kept = rustix::fs::fcntl_getfl(self)? - changeable;
            let mut oflags = kept | oflags(fdflags) & changeable;
            if matches!(self.1, Whose::Opened(file) if file.nonblock) {
                oflags |= OFlags::NONBLOCK;
            }
            Ok(rustix::fs::fcntl_setfl(self, oflags)?)
        };
        match self.1.offset() {
            Some(offset) => offset.set_append(self.0, fdflags.contains(Fdflags::APPEND), change),
            None => change(),
        }
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
pub(super) fn from_oflags(oflags: OFlags) -> Fdflags {
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

// Systems without O_RSYNC are told to synchronise writes, which then leave nothing for reads to do.
#[cfg(any(target_os = "linux", target_os = "android"))]
const RSYNC: OFlags = OFlags::RSYNC;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const RSYNC: OFlags = OFlags::SYNC;
