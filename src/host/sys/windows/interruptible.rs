//! Reading and writing what may wait: in an interruptible thread, and for a guest that does not
//! want to wait.

use std::io;

use super::file::{File, HandleKind};
use super::wait;
use crate::abi::Filesize;
use crate::host::interrupt::PollLock;
use crate::host::{Direction, Interrupt, Wait};
use crate::memory::Iovecs;

/// The most that is written to a pipe at once for a guest that does not want to wait.
const PIPE_BUF: usize = 4096;

impl File {
    /// `readv(2)`, waiting unless `nonblock`. A line of a console that has been begun is waited for in
    /// one go.
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

    /// `preadv(2)`: what has offsets does not wait.
    pub fn read_at_interruptible(
        &self,
        iovs: &Iovecs<'_>,
        at: Filesize,
        _: Wait<'_>,
    ) -> io::Result<usize> {
        self.read_at(iovs, at)
    }

    /// `writev(2)`, waiting unless `nonblock`. Whether a pipe of the embedder's has room Windows does not
    /// tell, so a write to a full one is waited for in one go.
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

    /// `pwritev(2)`: what has offsets does not wait.
    pub fn write_at_interruptible(
        &self,
        ciovs: Iovecs<'_>,
        at: Filesize,
        _: Wait<'_>,
    ) -> io::Result<usize> {
        self.write_at(&ciovs, at)
    }

    /// [`File::append`]: what has an end does not wait.
    pub fn append_interruptible(
        &self,
        ciovs: Iovecs<'_>,
        _: Wait<'_>,
    ) -> io::Result<(usize, Option<Filesize>)> {
        self.append(&ciovs)
    }

    /// The lock to look at it and then make a call.
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
            // It never waits in a call.
            HandleKind::Disk(_) | HandleKind::Socket(_) | HandleKind::Pipe(_) => Ok(None),
        }
    }
}
