//! Reading and writing: whether a call may block, and how it waits.

use super::FdEntry;
use crate::abi::{Errno, Filesize, Filetype};
use crate::host::{Direction, Interrupt, Wait};
use crate::memory::Iovecs;

impl FdEntry {
    /// `readv(2)`. Waits unless the guest has made the descriptor non-blocking.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it is a directory. [`Errno::Intr`]: the thread is interrupted. What the host
    /// says.
    pub fn read(&self, iovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize, Errno> {
        if iovs.bufs().is_empty() {
            return Ok(0);
        }
        if interrupt.is_possible() || self.is_changed_by_guest(Direction::Read) {
            return self.read_interruptible(iovs, interrupt);
        }
        self.read_file(iovs, interrupt)
    }

    /// `writev(2)`. Waits unless the guest has made the descriptor non-blocking.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it is a directory. [`Errno::Pipe`]: the guest has shut down the stream for writing.
    /// [`Errno::Intr`]: the thread is interrupted. What the host says.
    pub fn write(&self, ciovs: Iovecs<'_>, interrupt: &Interrupt) -> Result<usize, Errno> {
        if ciovs.bufs().is_empty() {
            return Ok(0);
        }
        let nwritten = if interrupt.is_possible() || self.is_changed_by_guest(Direction::Write) {
            self.write_interruptible(ciovs, interrupt)?
        } else {
            self.seek_to_append(interrupt)?;
            self.write_file(&ciovs, interrupt)?
        };
        self.synchronise()?;
        Ok(nwritten)
    }

    /// `preadv(2)`.
    ///
    /// # Errors
    ///
    /// As [`FdEntry::read`].
    #[inline]
    pub fn read_at(
        &self,
        iovs: &Iovecs<'_>,
        offset: Filesize,
        interrupt: &Interrupt,
    ) -> Result<usize, Errno> {
        if iovs.bufs().is_empty() {
            return Ok(0);
        }
        if interrupt.is_possible() {
            return self.read_at_interruptible(iovs, offset, interrupt);
        }
        self.descriptor.read_at(iovs, offset, interrupt)
    }

    /// `pwritev(2)`.
    ///
    /// # Errors
    ///
    /// As [`FdEntry::write`].
    pub fn write_at(
        &self,
        ciovs: &Iovecs<'_>,
        offset: Filesize,
        interrupt: &Interrupt,
    ) -> Result<usize, Errno> {
        if ciovs.bufs().is_empty() {
            return Ok(0);
        }
        let nwritten = if interrupt.is_possible() {
            self.write_at_interruptible(ciovs, offset, interrupt)?
        } else {
            self.descriptor.write_at(ciovs, offset, interrupt)?
        };
        self.synchronise()?;
        Ok(nwritten)
    }

    #[cold]
    fn read_interruptible(&self, iovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize, Errno> {
        if self.is_shut(Direction::Read) {
            return Ok(0);
        }
        if self.may_wait() {
            return (self.descriptor).read_interruptible(iovs, self.wait(interrupt));
        }
        interrupt.in_pieces(iovs.clone(), |piece| self.read_file(piece, interrupt))
    }

    #[cold]
    fn write_interruptible(
        &self,
        ciovs: Iovecs<'_>,
        interrupt: &Interrupt,
    ) -> Result<usize, Errno> {
        if self.is_shut(Direction::Write) {
            return Err(Errno::Pipe);
        }
        if self.may_wait() {
            return (self.descriptor).write_interruptible(&ciovs, self.wait(interrupt));
        }
        self.seek_to_append(interrupt)?;
        interrupt.in_pieces(ciovs, |piece| self.write_file(piece, interrupt))
    }

    #[cold]
    fn read_at_interruptible(
        &self,
        iovs: &Iovecs<'_>,
        at: Filesize,
        interrupt: &Interrupt,
    ) -> Result<usize, Errno> {
        if self.may_wait() {
            let wait = self.wait(interrupt);
            return self.descriptor.read_at_interruptible(iovs, at, wait);
        }
        let mut done = 0;
        interrupt.in_pieces(iovs.clone(), |piece| {
            let nread = (self.descriptor).read_at(piece, at.saturating_add(done), interrupt)?;
            done += nread as Filesize;
            Ok(nread)
        })
    }

    #[cold]
    fn write_at_interruptible(
        &self,
        ciovs: &Iovecs<'_>,
        at: Filesize,
        interrupt: &Interrupt,
    ) -> Result<usize, Errno> {
        if self.may_wait() {
            let wait = self.wait(interrupt);
            return (self.descriptor).write_at_interruptible(ciovs, at, wait);
        }
        let mut done = 0;
        interrupt.in_pieces(ciovs.clone(), |piece| {
            let nwritten = (self.descriptor).write_at(piece, at.saturating_add(done), interrupt)?;
            done += nwritten as Filesize;
            Ok(nwritten)
        })
    }

    /// Reads from something that is assumed not to block.
    #[inline(always)]
    fn read_file(&self, iovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize, Errno> {
        match self.descriptor.read(iovs, interrupt) {
            Err(Errno::Again) if !self.is_nonblock() => {
                (self.descriptor).read_interruptible(iovs, interrupt.waiting())
            }
            result => result,
        }
    }

    /// Writes to something that is assumed not to block.
    #[inline(always)]
    fn write_file(&self, ciovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize, Errno> {
        match self.descriptor.write(ciovs, interrupt) {
            Err(Errno::Again) if !self.is_nonblock() => {
                (self.descriptor).write_interruptible(ciovs, interrupt.waiting())
            }
            result => result,
        }
    }

    /// How the guest's calls on it wait.
    pub(super) fn wait<'i>(&self, interrupt: &'i Interrupt) -> Wait<'i> {
        Wait {
            nonblock: self.is_nonblock(),
            interrupt,
        }
    }

    /// Whether the guest has changed a lent stream for itself: has shut it down in this direction, or made it
    /// non-blocking.
    #[inline]
    fn is_changed_by_guest(&self, direction: Direction) -> bool {
        self.is_shut(direction) || self.is_nonblock() && self.descriptor.is_lent()
    }

    /// Whether reading or writing may block. Waiting for a disk does not count.
    fn may_wait(&self) -> bool {
        use Filetype::{BlockDevice, Directory, RegularFile};
        !matches!(
            self.filetype(),
            Ok(RegularFile | Directory | BlockDevice) | Err(_)
        )
    }
}
