//! Opens a lent stream again: the new open file description has flags that nobody else uses, so it can be
//! non-blocking.
//!
//! This is done only for what stays the same when it is opened again: terminals and FIFOs, and on Linux pipes.
//! Opening another device again can start something, or create a new one.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat};

use super::io as kernel;

/// A description of the same stream with the same access mode and `O_NONBLOCK`. `None` if it cannot be opened
/// again: there is no name for it, no permission, the terminal is in exclusive mode, or the FIFO has no reader.
pub(super) fn nonblocking(fd: BorrowedFd<'_>) -> Option<OwnedFd> {
    let stat = fstat(fd).ok()?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo => {}
        FileType::CharacterDevice if can_be_named(fd, &stat) => {}
        _ => return None,
    }
    let mode = rustix::fs::fcntl_getfl(fd).ok()? & OFlags::RWMODE;
    let oflags = mode | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let own = open(fd, oflags)?;
    is_same(fd, &stat, own.as_fd()).then_some(own)
}

/// Opens the stream by its link in `/proc`, which leads to it whatever became of its name.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn open(fd: BorrowedFd<'_>, oflags: OFlags) -> Option<OwnedFd> {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    rustix::fs::open(link, oflags, Mode::empty()).ok()
}

/// Opens the stream by its name, if it is a terminal: others have none.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open(fd: BorrowedFd<'_>, oflags: OFlags) -> Option<OwnedFd> {
    let name = rustix::termios::ttyname(fd, Vec::new()).ok()?;
    rustix::fs::open(name, oflags, Mode::empty()).ok()
}

/// Whether it is a terminal, except the master of a pseudo-terminal: all masters have the same name, and
/// opening that creates a new one.
fn can_be_named(fd: BorrowedFd<'_>, stat: &Stat) -> bool {
    rustix::termios::isatty(fd) && !is_master(stat)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_master(stat: &Stat) -> bool {
    stat.st_rdev == rustix::fs::makedev(5, 2)
}

/// Elsewhere `ttyname(3)` fails for a master.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_master(_: &Stat) -> bool {
    false
}

/// Whether the same stream was opened: `/dev/tty` is another terminal in another session, and `/dev/console` at
/// another time.
fn is_same(fd: BorrowedFd<'_>, stat: &Stat, own: BorrowedFd<'_>) -> bool {
    fstat(own).is_ok_and(|own| {
        (own.st_dev, own.st_ino, own.st_rdev) == (stat.st_dev, stat.st_ino, stat.st_rdev)
    }) && kernel::terminal_device(fd) == kernel::terminal_device(own)
}
