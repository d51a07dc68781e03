//! Waiting on one descriptor, for a guest that wants to wait on a host that does not.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, Timespec};

use super::poll::{events, timespec};
use crate::host::{Direction, stop};

/// Whether a call in this direction would find something to do now.
pub(super) fn is_ready(fd: BorrowedFd<'_>, direction: Direction) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd, events(direction))];
    Ok(rustix::event::poll(&mut fds, Some(&Timespec::default()))? > 0)
}

/// Makes a call, again after each wait where the host would not wait and the guest would.
pub(super) fn retry<T>(
    fd: BorrowedFd<'_>,
    direction: Direction,
    nonblock: bool,
    mut call: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !nonblock => {
                wait(fd, direction)?;
            }
            result => return result,
        }
    }
}

/// Waits until something is ready, or a slice is over.
#[cold]
fn wait(fd: BorrowedFd<'_>, direction: Direction) -> io::Result<()> {
    let mut fds = [PollFd::from_borrowed_fd(fd, events(direction))];
    let slice = stop::slice(None).map(timespec);
    match rustix::event::poll(&mut fds, slice.as_ref()) {
        Ok(0) | Err(rustix::io::Errno::INTR) => stop::check(),
        Ok(_) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
