use std::io;
use std::os::fd::{AsFd, IntoRawFd, OwnedFd};

use rustix::fs::FileType;
use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};

use super::File;
use crate::abi::Fdflags;
use crate::host::Direction;

/// The end of a pipe that is not the guest's. It is closed on drop.
#[derive(Debug)]
pub struct OtherEnd(OwnedFd);

impl OtherEnd {
    /// Its descriptor, which the caller must close.
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

/// `pipe(2)`: the guest's end for this direction, and the other one.
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
    // Only the guest uses this end, so its flags may be changed.
    ioctl_fionbio(guest.as_fd(), true)?;
    let guest = File::nonblocking(guest, FileType::Fifo, Fdflags::empty());
    Ok((guest, OtherEnd(other)))
}
