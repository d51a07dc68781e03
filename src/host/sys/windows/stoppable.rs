//! Reading and writing what may wait, in a thread that may be asked to stop.

use std::io;

use super::file::Which;
use super::{FileRef, wait};
use crate::host::{Direction, stop};
use crate::memory::Iovecs;

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
                    stop::if_ready(|| Ok(true), || stdio.read(iovs, true))
                })
            }
            _ => self.read(iovs),
        }
    }

    /// `writev(2)`, waiting unless `nonblock`. Whether a pipe has room Windows does not tell, so a write
    /// to a full one is waited for in one go.
    pub fn write_unless_stopped(self, ciovs: Iovecs<'_>, nonblock: bool) -> io::Result<usize> {
        match self.0 {
            Which::Stdio(stdio) => stdio.write(ciovs, nonblock),
            Which::File(_) | Which::Socket(_) => self.write(&ciovs),
        }
    }
}
