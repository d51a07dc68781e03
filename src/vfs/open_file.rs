//! Open file descriptions: the offset of an open file, and whether it appends.
//!
//! The host keeps an offset for its own files too, but reading or moving that takes a system call, and programs
//! seek often. A description that a guest opened is shared with nobody, so the offset of a regular file can be
//! kept here: reads and writes pass it along, and a seek is an addition. The host is only asked for what it
//! alone knows: where an append ended, and which offsets a file accepts.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::{File, FileHandle, Poll, Result};
use crate::abi::{Errno, Fdflags, Filesize, Filestat, Filetype};
use crate::host::{self, Interrupt, Readiness, SeekFrom, Wait};
use crate::memory::Iovecs;

/// Every file system accepts offsets up to this. For larger ones `lseek(2)` is asked, which fails with `EINVAL`
/// beyond what the file system can address.
const LEAST_KNOWN_OFFSET: Filesize = i32::MAX as Filesize;

/// An open file description: a file that a guest opened by a path, its offset, and whether it appends.
#[derive(Debug)]
pub struct OpenFile {
    file: FileHandle,
    /// `None` if there is no offset, or it is the host's that counts. Set as soon as the type is known.
    position: OnceLock<Option<Mutex<Position>>>,
    /// `O_APPEND`.
    append: AtomicBool,
    /// The synchronous flags that it was opened with: `fcntl(F_SETFL)` cannot change them.
    synchronous: Fdflags,
}

/// The offset of a regular file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Position {
    /// `None` after an append, until it is known where that ended.
    offset: Option<Filesize>,
    /// The greatest offset that the file is known to accept; `None` before one has been asked about.
    max_known_offset: Option<Filesize>,
}

/// The offset while a call uses it.
enum InUse<'f> {
    /// Locked.
    Held(MutexGuard<'f, Position>),
    /// A copy, for a file that calls back into the guest: what it was before the call, and what it is after. It
    /// is written back at the end, so the call that ends last sets the offset.
    Copied {
        of: &'f Mutex<Position>,
        was: Position,
        now: Position,
    },
}

impl OpenFile {
    /// A description for a file that was just opened with these flags.
    #[inline]
    pub fn new(file: FileHandle, fdflags: Fdflags) -> Self {
        Self {
            position: match file.filetype() {
                Some(filetype) => Position::at_start(filetype).into(),
                None => OnceLock::new(),
            },
            append: AtomicBool::new(fdflags.contains(Fdflags::APPEND)),
            synchronous: file
                .host()
                .map_or(Fdflags::empty(), host::File::synchronous),
            file,
        }
    }

    /// The file without its offset.
    pub fn handle(&self) -> &FileHandle {
        &self.file
    }

    /// The synchronous flags that it was opened with: `fcntl(F_SETFL)` cannot change them.
    pub fn synchronous(&self) -> Fdflags {
        self.synchronous
    }

    /// Records the type, which decides whether an offset is kept here.
    fn set_filetype(&self, filetype: Filetype) {
        self.position.get_or_init(|| Position::at_start(filetype));
    }

    /// `fstat(2)`.
    ///
    /// # Errors
    ///
    /// What the file says.
    #[inline(always)]
    pub fn stat(&self) -> Result<Filestat> {
        let stat = self.file.stat()?;
        if self.position.get().is_none() {
            self.set_filetype(stat.filetype);
        }
        Ok(stat)
    }

    /// Locks the offset for the time of one call: as on Linux, a concurrent read or write waits for it. If the
    /// file calls back into the guest, the lock is not held during the call, as a call within would wait for
    /// itself.
    #[inline]
    fn position(&self, interrupt: &Interrupt) -> Result<Option<InUse<'_>>> {
        let position = match self.position.get() {
            Some(position) => position.as_ref(),
            None => self.find_position()?,
        };
        let Some(of) = position else {
            return Ok(None);
        };
        let held = interrupt.lock(of)?;
        Ok(Some(if self.file.calls_back() {
            let (was, now) = (*held, *held);
            InUse::Copied { of, was, now }
        } else {
            InUse::Held(held)
        }))
    }

    #[cold]
    fn find_position(&self) -> Result<Option<&Mutex<Position>>> {
        self.stat()?;
        Ok(self.position.get().and_then(Option::as_ref))
    }

    /// `readv(2)`.
    ///
    /// # Errors
    ///
    /// As [`File::read_at`]. [`Errno::Again`]: there is nothing to read yet, and the host's file is
    /// non-blocking.
    #[inline]
    pub fn read(&self, iovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize> {
        self.advance(
            self.position(interrupt)?,
            |offset| self.file.read_at(iovs, offset),
            |file| Ok(file.read(iovs, interrupt)?),
        )
    }

    /// `readv(2)`, interruptible. Waits unless `nonblock`.
    ///
    /// # Errors
    ///
    /// As [`File::read_at`].
    pub fn read_interruptible(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize> {
        self.advance(
            self.position(wait.interrupt)?,
            |offset| self.file.read_at_interruptible(iovs, offset, wait),
            |file| Ok(file.read_interruptible(iovs, wait)?),
        )
    }

    /// `writev(2)`.
    ///
    /// # Errors
    ///
    /// As [`File::write_at`]. [`Errno::Again`]: there is no room yet, and the host's file is non-blocking.
    #[inline]
    pub fn write(&self, ciovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize> {
        match self.position(interrupt)? {
            Some(mut position) if self.appends() => position.appended(self.file.append(ciovs)?),
            position => self.advance(
                position,
                |offset| self.file.write_at(ciovs, offset),
                |file| Ok(file.write(ciovs, interrupt)?),
            ),
        }
    }

    /// `writev(2)`, interruptible. Waits unless `nonblock`.
    ///
    /// # Errors
    ///
    /// As [`File::write_at`].
    pub fn write_interruptible(&self, ciovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize> {
        match self.position(wait.interrupt)? {
            Some(mut position) if self.appends() => {
                position.appended(self.file.append_interruptible(ciovs, wait)?)
            }
            position => self.advance(
                position,
                |offset| self.file.write_at_interruptible(ciovs, offset, wait),
                |file| Ok(file.write_interruptible(ciovs.clone(), wait)?),
            ),
        }
    }

    /// `pwritev(2)`, which does not move the offset.
    ///
    /// A description that appends writes at the end of the file whatever the offset, as on Linux; for its own
    /// files the host decides.
    ///
    /// # Errors
    ///
    /// As [`File::write_at`].
    #[inline]
    pub fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
        match &self.file {
            FileHandle::Other(file) if self.appends() => append_at(&**file, ciovs, offset),
            file => file.write_at(ciovs, offset),
        }
    }

    /// `pwritev(2)`, interruptible. Waits unless `nonblock`.
    ///
    /// # Errors
    ///
    /// As [`File::write_at`].
    pub fn write_at_interruptible(
        &self,
        ciovs: &Iovecs<'_>,
        offset: Filesize,
        wait: Wait<'_>,
    ) -> Result<usize> {
        match &self.file {
            FileHandle::Other(_) => self.write_at(ciovs, offset),
            file => file.write_at_interruptible(ciovs, offset, wait),
        }
    }

    /// `O_APPEND`.
    #[inline]
    fn appends(&self) -> bool {
        self.append.load(Relaxed)
    }

    /// Reads or writes with `at` at the offset, and moves the offset behind what was transferred. Uses
    /// `by_host` instead where the host keeps the offset, or the file turns out to have none.
    #[inline]
    fn advance(
        &self,
        position: Option<InUse<'_>>,
        at: impl FnOnce(Filesize) -> Result<usize>,
        by_host: impl FnOnce(&host::File) -> Result<usize>,
    ) -> Result<usize> {
        let Some(mut position) = position else {
            return by_host(self.file.host().ok_or(Errno::Spipe)?);
        };
        let offset = match (position.offset, &self.file) {
            (Some(offset), _) => offset,
            (None, FileHandle::Host(file)) => return by_host(file),
            (None, FileHandle::Other(file)) => file.end_of_append()?,
        };
        match (at(offset), &self.file) {
            (Err(Errno::Spipe), FileHandle::Host(file)) => {
                position.offset = None;
                by_host(file)
            }
            (Err(errno), _) => Err(errno),
            (Ok(count), _) => {
                position.offset = Some(offset + count as Filesize);
                Ok(count)
            }
        }
    }

    /// `lseek(2)`.
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`]: the offset would be negative, or one that the file does not accept.
    /// [`Errno::Spipe`]: there are no offsets.
    #[inline]
    pub fn seek(&self, to: SeekFrom, interrupt: &Interrupt) -> Result<Filesize> {
        if let Some(Some(position)) = self.position.get()
            && let Some(offset) = interrupt.lock(position)?.seek_where_known(to)
        {
            return Ok(offset);
        }
        match self.position(interrupt)? {
            Some(mut position) => position.seek(&self.file, to),
            None => self.file.seek(to),
        }
    }

    /// `poll(2)`: a regular file is ready.
    pub fn poll(&self) -> Poll<'_> {
        match &self.file {
            FileHandle::Host(file) => Poll::Host(file),
            FileHandle::Other(_) => Poll::Ready(Readiness::default()),
        }
    }

    /// The bytes between the offset and the end; `None` if the offset is not kept here.
    ///
    /// # Errors
    ///
    /// What `fstat(2)` says.
    pub fn bytes_left(&self, interrupt: &Interrupt) -> Result<Option<Filesize>> {
        let Some(offset) = self
            .position(interrupt)?
            .and_then(|position| position.offset)
        else {
            return Ok(None);
        };
        Ok(Some(self.file.stat()?.size.saturating_sub(offset)))
    }

    /// `fcntl(F_SETFL)`: sets what can change of an open file, appending and non-blocking.
    ///
    /// # Errors
    ///
    /// What the host says.
    pub fn set_fdflags(&self, fdflags: Fdflags, interrupt: &Interrupt) -> Result<()> {
        let position = self.position(interrupt)?;
        if let FileHandle::Host(file) = &self.file {
            file.set_fdflags(fdflags)?;
        }
        self.append
            .store(fdflags.contains(Fdflags::APPEND), Relaxed);
        drop(position);
        Ok(())
    }
}

/// Appends. The offset that the caller gave is not used, but must be one that the file accepts.
fn append_at(file: &dyn File, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize> {
    i64::try_from(offset).map_err(|_| Errno::Inval)?;
    Ok(file.append(ciovs)?.0)
}

impl Deref for InUse<'_> {
    type Target = Position;

    #[inline]
    fn deref(&self) -> &Position {
        match self {
            InUse::Held(position) => position,
            InUse::Copied { now, .. } => now,
        }
    }
}

impl DerefMut for InUse<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Position {
        match self {
            InUse::Held(position) => position,
            InUse::Copied { now, .. } => now,
        }
    }
}

impl Drop for InUse<'_> {
    fn drop(&mut self) {
        if let InUse::Copied { of, was, now } = self
            && was != now
        {
            let mut position = of.lock().unwrap_or_else(PoisonError::into_inner);
            position.offset = now.offset;
            position.max_known_offset = position.max_known_offset.max(now.max_known_offset);
        }
    }
}

impl Position {
    /// Offset 0, if the type of file has offsets.
    fn at_start(filetype: Filetype) -> Option<Mutex<Self>> {
        let start = Self {
            offset: Some(0),
            max_known_offset: None,
        };
        (filetype == Filetype::RegularFile).then(|| Mutex::new(start))
    }

    /// Records an append: how many bytes, and the offset behind them if it is known.
    fn appended(&mut self, (nwritten, end): (usize, Option<Filesize>)) -> Result<usize> {
        if nwritten > 0 {
            self.offset = end;
        }
        Ok(nwritten)
    }

    /// `lseek(2)` to an offset that the file is known to accept; `None` if the file must be asked.
    #[inline]
    fn seek_where_known(&mut self, to: SeekFrom) -> Option<Filesize> {
        let here = self.offset?;
        let offset = match to {
            SeekFrom::Start(offset) => offset,
            SeekFrom::Current(by) => here.checked_add_signed(by)?,
            SeekFrom::End(_) => return None,
        };
        if Some(offset) > self.max_known_offset {
            return None;
        }
        self.offset = Some(offset);
        Some(offset)
    }

    fn seek(&mut self, file: &FileHandle, to: SeekFrom) -> Result<Filesize> {
        if let Some(offset) = self.seek_where_known(to) {
            return Ok(offset);
        }
        let to = match (to, self.offset) {
            (SeekFrom::Current(by), Some(offset)) => {
                SeekFrom::Start(offset.checked_add_signed(by).ok_or(Errno::Inval)?)
            }
            (to, _) => to,
        };
        let offset = file.seek(to)?;
        let known = offset.max(LEAST_KNOWN_OFFSET);
        self.max_known_offset = self.max_known_offset.max(Some(known));
        self.offset = Some(offset);
        Ok(offset)
    }
}
