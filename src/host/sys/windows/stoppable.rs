//! Reading and writing what may wait: in a thread that may be asked to stop, and for a guest that does not
//! want to wait.

use std::io;

use super::file::Which;
use super::{FileRef, Stdio, wait};
use crate::abi::Filesize;
use crate::host::Direction;
use crate::host::stop::Turn;
use crate::memory::Iovecs;

/// The most that is written to a pipe at once for a guest that does not want to wait.
const PIPE_BUF: usize = 4096;

impl FileRef<'_> {
    /// `readv(2)`, waiting unless `nonblock`. A line of a console that has been begun is waited for in
    /// one go.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is asked to stop.
    pub fn read_unless_stopped(self, iovs: &Iovecs<'_>, nonblock: bool) -> io::Result<usize> {
        match self.0 {
            Which::Stdio(stdio) if !iovs.is_empty() => {
                wait::retry(self, Direction::Read, nonblock, || {
                    let _turn = stdio.turn(Direction::Read)?;
                    stdio.read_unless(iovs, true)
                })
            }
            _ => self.read(iovs),
        }
    }

    /// `preadv(2)`: what has offsets does not wait.
    pub fn read_at_unless_stopped(
        self,
        iovs: &Iovecs<'_>,
        at: Filesize,
        _: bool,
    ) -> io::Result<usize> {
        self.read_at(iovs, at)
    }

    /// `writev(2)`, waiting unless `nonblock`. Whether a pipe has room Windows does not tell, so a write
    /// to a full one is waited for in one go.
    pub fn write_unless_stopped(self, mut ciovs: Iovecs<'_>, nonblock: bool) -> io::Result<usize> {
        match self.0 {
            Which::Stdio(stdio) => {
                if nonblock {
                    ciovs.truncate(PIPE_BUF);
                }
                stdio.write_unless(&ciovs, nonblock)
            }
            Which::File(_) | Which::Socket(_) => self.write(&ciovs),
        }
    }

    /// `pwritev(2)`: what has offsets does not wait.
    pub fn write_at_unless_stopped(
        self,
        ciovs: Iovecs<'_>,
        at: Filesize,
        _: bool,
    ) -> io::Result<usize> {
        self.write_at(&ciovs, at)
    }

    /// The turn to look at it and then make a call.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is asked to stop.
    pub(super) fn turn(self, direction: Direction) -> io::Result<Option<Turn>> {
        match self.0 {
            Which::Stdio(stdio) => stdio.turn(direction).map(Some),
            // It never waits in a call.
            Which::File(_) | Which::Socket(_) => Ok(None),
        }
    }
}

impl Stdio {
    /// Which file it is Windows tells of files alone, so that each handle has turns of its own.
    fn turn(&self, direction: Direction) -> io::Result<Turn> {
        use std::os::windows::io::AsRawHandle;
        let handle = self.handle()?.as_raw_handle() as u64;
        Turn::take(([handle, 0, 0], direction))
    }
}
