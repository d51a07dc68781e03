use std::io;
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};

use rustix::fs::FileType;
use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};

use super::File;
use crate::abi::Fdflags;
use crate::host::Direction;

/// The end of a pipe that is not the guest's. It is closed when it is dropped.
#[derive(Debug)]
pub struct OtherEnd(OwnedFd);

impl OtherEnd {
    /// Its number, which the caller closes.
    #[allow(clippy::unnecessary_wraps, reason = "on Windows there may be none")]
    pub fn into_fd(self) -> io::Result<i32> {
        Ok(self.0.into_raw_fd())
    }
}

impl From<OtherEnd> for OwnedFd {
    fn from(end: OtherEnd) -> Self {
        end.0
    }
}

/// `pipe(2)`: the end that a guest uses in this direction, and the other one.
///
/// # Errors
///
/// `EMFILE`, `ENFILE`.
pub fn pipe(direction: Direction) -> io::Result<(File, OtherEnd)> {
    let (reader, writer) = rustix::pipe::pipe()?;
    for end in [&reader, &writer] {
        fcntl_setfd(end, FdFlags::CLOEXEC)?;
    }
    let (guest, other) = match direction {
        Direction::Read => (reader, writer),
        Direction::Write => (writer, reader),
    };
    // Nobody else has this end open.
    ioctl_fionbio(guest.as_fd(), true)?;
    let guest = File::nonblocking(guest, FileType::Fifo, Fdflags::empty());
    Ok((guest, OtherEnd(other)))
}
