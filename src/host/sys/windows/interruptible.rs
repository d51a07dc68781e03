//! Reads and writes that may block: for interruptible threads, and for descriptors that the guest has made
//! non-blocking.

use std::io;

use super::file::{File, HandleKind};
use super::wait;
use crate::abi::Filesize;
use crate::host::interrupt::PollLock;
use crate::host::{Direction, Interrupt, Wait};
use crate::memory::Iovecs;

/// The maximum number of bytes that a non-blocking write to a pipe writes.
const PIPE_BUF: usize = 4096;

impl File {
    /// `readv(2)`. Waits unless `nonblock`. A read of a console that has begun is not interruptible before the
    /// end of the line.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is interrupted.
    pub fn read_interruptible(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> io::Result<usize> {
        match &self.0 {
            HandleKind::Lent(lent) if !iovs.is_empty() => {
                wait::retry(self, Direction::Read, wait, || {
                    let _lock = lent.lock(Direction::Read, wait.interrupt)?;
                    let now = Wait {
                        nonblock: true,
                        ..wait
                    };
                    self.read_lent(lent, iovs, now)
                })
            }
            HandleKind::Pipe(pipe) => self.read_pipe(pipe, iovs, wait),
            _ => self.read(iovs, wait.interrupt),
        }
    }

    /// `preadv(2)`. Files with offsets do not block.
    pub fn read_at_interruptible(
        &self,
        iovs: &Iovecs<'_>,
        at: Filesize,
        _: Wait<'_>,
    ) -> io::Result<usize> {
        self.read_at(iovs, at)
    }

    /// `writev(2)`. Waits unless `nonblock`. Windows does not tell whether a pipe of the embedder has room, so
    /// a write to a full one is not interruptible.
    pub fn write_interruptible(&self, mut ciovs: Iovecs<'_>, wait: Wait<'_>) -> io::Result<usize> {
        match &self.0 {
            HandleKind::Lent(lent) => {
                if wait.nonblock {
                    ciovs.truncate(PIPE_BUF);
                }
                self.write_lent(lent, &ciovs, wait)
            }
            HandleKind::Pipe(pipe) => self.write_pipe(pipe, ciovs, wait),
            HandleKind::Disk(_) | HandleKind::Socket(_) => self.write(&ciovs, wait.interrupt),
        }
    }

    /// `pwritev(2)`. Files with offsets do not block.
    pub fn write_at_interruptible(
        &self,
        ciovs: Iovecs<'_>,
        at: Filesize,
        _: Wait<'_>,
    ) -> io::Result<usize> {
        self.write_at(&ciovs, at)
    }

    /// [`File::append`]. Files with an end do not block.
    pub fn append_interruptible(
        &self,
        ciovs: Iovecs<'_>,
        _: Wait<'_>,
    ) -> io::Result<(usize, Option<Filesize>)> {
        self.append(&ciovs)
    }

    /// The lock for polling it and then making a call; `None` if no call blocks.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is interrupted.
    pub(super) fn lock(
        &self,
        direction: Direction,
        interrupt: &Interrupt,
    ) -> io::Result<Option<PollLock>> {
        match &self.0 {
            HandleKind::Lent(lent) => lent.lock(direction, interrupt).map(Some),
            // Calls on these never block.
            HandleKind::Disk(_) | HandleKind::Socket(_) | HandleKind::Pipe(_) => Ok(None),
        }
    }
}
