use std::io;

use super::{Poll, Result, Stream, Wait};
use crate::abi::Filestat;
use crate::host::{self, Direction, OtherEnd};
use crate::memory::Iovecs;

/// One end of a host pipe, owned by the guest alone: when the guest closes it, the other end sees it.
#[derive(Debug)]
pub struct PipeEnd {
    file: host::File,
    direction: Direction,
}

impl PipeEnd {
    /// `pipe(2)`: the guest's end for this direction, and the other one.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`. On Windows, what that says.
    pub fn new(direction: Direction) -> io::Result<(Self, OtherEnd)> {
        let (file, other) = host::pipe(direction)?;
        Ok((Self { file, direction }, other))
    }
}

impl Stream for PipeEnd {
    fn stat(&self) -> Result<Filestat> {
        Ok(self.file.stat()?)
    }

    fn is_readable(&self) -> bool {
        self.direction == Direction::Read
    }

    fn is_writable(&self) -> bool {
        self.direction == Direction::Write
    }

    fn read(&self, iovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize> {
        Ok(self.file.read_interruptible(iovs, wait)?)
    }

    fn write(&self, ciovs: &Iovecs<'_>, wait: Wait<'_>) -> Result<usize> {
        Ok(self.file.write_interruptible(ciovs.clone(), wait)?)
    }

    fn poll(&self, _: Direction) -> Poll<'_> {
        Poll::Host(&self.file)
    }
}
