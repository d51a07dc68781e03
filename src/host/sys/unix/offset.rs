//! Where a file of the guest's is read and written next.
//!
//! The kernel keeps that, too, but to ask it costs a system call, and so does each of the many moves
//! that programs make. What a guest opened nobody else has open by the same description, so the offset
//! of a regular file can be kept here: reads and writes say where, moves are sums. What the kernel alone
//! can know is left to it: where an appending write ended, and how far a file can reach.

use std::io::{self, SeekFrom};
use std::os::fd::BorrowedFd;
use std::sync::{Mutex, MutexGuard, OnceLock};

use rustix::fs::SeekFrom as HostSeekFrom;
use rustix::io::Errno;

use super::{io as kernel, stat};
use crate::abi::{Filesize, Filetype};
use crate::host::stop;
use crate::memory::Iovecs;

/// Wherever there are offsets at all, they reach so far.
const LEAST_REACH: Filesize = i32::MAX as Filesize;

/// The offset of a file that was just opened.
#[derive(Debug)]
pub(super) struct Offset {
    /// None where the file has no offset, or one that is not the guest's alone.
    kept: OnceLock<Option<Mutex<Kept>>>,
    append: bool,
}

#[derive(Debug)]
struct Kept {
    /// None while the kernel's is the right one.
    at: Option<Filesize>,
    /// How far the kernel is known to let it go; none before it has been asked.
    reach: Option<Filesize>,
    /// Whether writes go to the end, wherever that is.
    append: bool,
}

impl Offset {
    pub(super) fn new(append: bool) -> Self {
        let kept = OnceLock::new();
        Self { kept, append }
    }

    /// Takes note of the file's type, which decides whether its offset is kept here.
    pub(super) fn note(&self, filetype: Filetype) {
        self.kept.get_or_init(|| {
            let kept = Kept {
                at: Some(0),
                reach: None,
                append: self.append,
            };
            (filetype == Filetype::RegularFile).then(|| Mutex::new(kept))
        });
    }

    /// The offset, held until the call that uses it is over: as with the kernel's, a thread that reads
    /// or writes at the same time does so after it.
    fn lock(&self, fd: BorrowedFd<'_>) -> io::Result<Option<MutexGuard<'_, Kept>>> {
        if self.kept.get().is_none() {
            self.note(stat::filetype_of(fd)?);
        }
        let kept = self.kept.get().and_then(Option::as_ref);
        kept.map(stop::lock).transpose()
    }

    /// `readv(2)`.
    pub(super) fn read(&self, fd: BorrowedFd<'_>, iovs: &Iovecs<'_>) -> io::Result<usize> {
        match self.lock(fd)? {
            Some(mut kept) => kept.advance(
                |at| kernel::read_at(fd, iovs, at),
                || kernel::read(fd, iovs),
            ),
            None => kernel::read(fd, iovs),
        }
    }

    /// `writev(2)`.
    pub(super) fn write(&self, fd: BorrowedFd<'_>, ciovs: &Iovecs<'_>) -> io::Result<usize> {
        match self.lock(fd)? {
            Some(mut kept) if kept.append => {
                let nwritten = kernel::write(fd, ciovs)?;
                if nwritten > 0 {
                    kept.at = None;
                }
                Ok(nwritten)
            }
            Some(mut kept) => kept.advance(
                |at| kernel::write_at(fd, ciovs, at),
                || kernel::write(fd, ciovs),
            ),
            None => kernel::write(fd, ciovs),
        }
    }

    /// `lseek(2)`.
    pub(super) fn seek(&self, fd: BorrowedFd<'_>, to: SeekFrom) -> io::Result<Filesize> {
        match self.lock(fd)? {
            Some(mut kept) => kept.seek(fd, to),
            None => seek(fd, to),
        }
    }

    /// The bytes between the offset and the end; none where the kernel's is the right one.
    pub(super) fn bytes_left(&self, fd: BorrowedFd<'_>) -> io::Result<Option<Filesize>> {
        let Some(at) = self.lock(fd)?.and_then(|kept| kept.at) else {
            return Ok(None);
        };
        Ok(Some(stat::fstat(fd)?.size.saturating_sub(at)))
    }

    /// Makes a change to the file's flags, `append` among them.
    pub(super) fn set_append(
        &self,
        fd: BorrowedFd<'_>,
        append: bool,
        change: impl FnOnce() -> io::Result<()>,
    ) -> io::Result<()> {
        let mut kept = self.lock(fd)?;
        change()?;
        if let Some(kept) = &mut kept {
            kept.append = append;
        }
        Ok(())
    }
}

impl Kept {
    /// Reads or writes `at` the offset, and moves it behind that; or lets the kernel do so, if it has
    /// the offset, or if the file turns out to have none.
    fn advance(
        &mut self,
        at: impl FnOnce(i64) -> io::Result<usize>,
        by_kernel: impl FnOnce() -> io::Result<usize>,
    ) -> io::Result<usize> {
        let Some(offset) = self.at else {
            return by_kernel();
        };
        match at(offset.cast_signed()) {
            Err(error) if error.raw_os_error() == Some(libc::ESPIPE) => {
                self.at = None;
                by_kernel()
            }
            Err(error) => Err(error),
            Ok(count) => {
                self.at = Some(offset + count as Filesize);
                Ok(count)
            }
        }
    }

    fn seek(&mut self, fd: BorrowedFd<'_>, to: SeekFrom) -> io::Result<Filesize> {
        let to = match (to, self.at) {
            (SeekFrom::Current(by), Some(at)) => {
                SeekFrom::Start(at.checked_add_signed(by).ok_or(Errno::INVAL)?)
            }
            (to, _) => to,
        };
        let at = match to {
            SeekFrom::Start(at) if self.at.is_some() && Some(at) <= self.reach => at,
            to => seek(fd, to)?,
        };
        self.reach = self.reach.max(Some(at.max(LEAST_REACH)));
        self.at = Some(at);
        Ok(at)
    }
}

/// `lseek(2)`.
pub(super) fn seek(fd: BorrowedFd<'_>, to: SeekFrom) -> io::Result<Filesize> {
    let to = match to {
        SeekFrom::Start(offset) => HostSeekFrom::Start(offset),
        SeekFrom::Current(offset) => HostSeekFrom::Current(offset),
        SeekFrom::End(offset) => HostSeekFrom::End(offset),
    };
    Ok(rustix::fs::seek(fd, to)?)
}
