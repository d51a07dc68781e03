//! Waiting on one descriptor: the guest's calls block, the host's do not.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, Timespec};
use smallvec::SmallVec;

use super::poll::{events, happened, timespec};
use crate::host::interrupt::Pause;
use crate::host::{Direction, Interrupt, Wait};

/// Whether a call in this direction would not block now.
pub(super) fn is_ready(fd: BorrowedFd<'_>, direction: Direction) -> io::Result<bool> {
    let mut fds = [PollFd::from_borrowed_fd(fd, events(direction))];
    Ok(rustix::event::poll(&mut fds, Some(&Timespec::default()))? > 0)
}

/// Makes a non-blocking call. Unless `nonblock`, waits and repeats it while it returns `EAGAIN`.
#[inline]
pub(super) fn retry<T>(
    fd: BorrowedFd<'_>,
    direction: Direction,
    wait: Wait<'_>,
    mut call: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    match call() {
        Err(error) if !wait.nonblock && would_block(&error) => {
            call_again(fd, direction, wait.interrupt, call)
        }
        result => result,
    }
}

#[cold]
fn call_again<T>(
    fd: BorrowedFd<'_>,
    direction: Direction,
    interrupt: &Interrupt,
    mut call: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut pause = Pause::default();
    loop {
        wait(fd, direction, interrupt, &mut pause)?;
        match call() {
            Err(error) if would_block(&error) => {}
            result => return result,
        }
    }
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}

/// Waits until the descriptor is ready, or for one slice. `poll(2)` may report it as ready while the call still
/// returns `EAGAIN`: a terminal with room for one byte does, if a line feed is to be written, which takes two.
/// Then the pauses between calls grow.
fn wait(
    fd: BorrowedFd<'_>,
    direction: Direction,
    interrupt: &Interrupt,
    pause: &mut Pause,
) -> io::Result<()> {
    if let Some(suspension) = interrupt.suspension() {
        return Err(suspension.suspend(None, true));
    }
    let event = interrupt.event();
    let mut fds: SmallVec<[_; 2]> = [PollFd::from_borrowed_fd(fd, events(direction))]
        .into_iter()
        .chain(event.as_deref().map(happened))
        .collect();
    let slice = interrupt.slice(None).map(timespec);
    let found = rustix::event::poll(&mut fds, slice.as_ref());
    let is_ready = !fds[0].revents().is_empty();
    match found {
        Ok(_) if !is_ready => {
            *pause = Pause::default();
            interrupt.check()
        }
        Err(rustix::io::Errno::INTR) => interrupt.check(),
        Ok(_) => pause.pass(interrupt),
        Err(error) => Err(error.into()),
    }
}
