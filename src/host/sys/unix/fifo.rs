//! Opening files in an interruptible thread, without blocking in the kernel.
//!
//! Everything is opened with `O_NONBLOCK`, which makes no difference for most files. Where `open(2)` would have
//! blocked, the wait is done here: for the other end of a FIFO, or for the holder of a lease.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::PollFd;
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, pipe_with, tee};
use smallvec::SmallVec;

use super::File;
use super::poll::{events, happened, timespec};
use crate::abi::Fdflags;
use crate::host::interrupt::Pause;
use crate::host::{Direction, Interrupt, OpenHow, Step};

/// Opens a file with `open`, which adds `O_NONBLOCK`, and waits unless the guest asked for `O_NONBLOCK` itself.
/// If that fails, `ask` opens it with `O_PATH`, to find out whether it is a FIFO.
///
/// # Errors
///
/// Those of `open`. `EINTR`: the thread is interrupted.
pub(super) fn open_interruptible(
    how: OpenHow,
    interrupt: &Interrupt,
    open: impl Fn() -> io::Result<Step<OwnedFd>>,
    ask: impl Fn() -> io::Result<Step<OwnedFd>>,
) -> io::Result<Step<File>> {
    let waits = !how.fdflags.contains(Fdflags::NONBLOCK);
    let mut pause = Pause::default();
    let fd = loop {
        match open() {
            Err(error) if waits && error.kind() == io::ErrorKind::WouldBlock => {
                pause.pass(interrupt)?
            }
            // `ENXIO`: a FIFO without a reader, or a missing device.
            Err(error) if waits && is_no_device(&error) && how.write && is_fifo(&ask) => {
                pause.pass(interrupt)?;
            }
            result => match result? {
                Step::Done(fd) => break fd,
                Step::Walk => return Ok(Step::Walk),
            },
        }
    };
    let filetype = FileType::from_raw_mode(fstat(&fd)?.st_mode);
    if waits && filetype == FileType::Fifo && !how.write {
        wait_for_writer(fd.as_fd(), interrupt)?;
    }
    Ok(Step::Done(File::nonblocking(fd, filetype, how.fdflags)))
}

fn is_fifo(ask: impl Fn() -> io::Result<Step<OwnedFd>>) -> bool {
    let Ok(Step::Done(fd)) = ask() else {
        return false;
    };
    fstat(&fd).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Fifo)
}

fn is_no_device(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENXIO)
}

/// Waits until the FIFO has been opened for writing, even if it has been closed again since.
///
/// For an empty FIFO `poll(2)` tells only that it has been closed again. `tee(2)` tells both, and consumes
/// nothing.
fn wait_for_writer(fifo: BorrowedFd<'_>, interrupt: &Interrupt) -> io::Result<()> {
    let (_reader, copy) = pipe_with(PipeFlags::CLOEXEC)?;
    let event = interrupt.event();
    let mut fds: SmallVec<[_; 2]> = [PollFd::from_borrowed_fd(fifo, events(Direction::Read))]
        .into_iter()
        .chain(event.as_deref().map(happened))
        .collect();
    let mut pause = Pause::default();
    loop {
        match tee(fifo, &copy, 1, SpliceFlags::NONBLOCK) {
            // It is empty, and has no writer.
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) | Err(Errno::AGAIN) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let found = rustix::event::poll(&mut fds, Some(&timespec(pause.next())));
        let is_ready = !fds[0].revents().is_empty();
        match found {
            Err(Errno::INTR) => interrupt.check()?,
            Ok(_) if !is_ready => interrupt.check()?,
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
