//! A stream that is lent, opened once more: an open file description of our own, of which nobody else
//! uses the flags, can be one that does not wait.
//!
//! Only what is the same however often it is opened is opened again: terminals and FIFOs (to Linux, a
//! pipe is one). To open another device can start something or bring forth a new one.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, Stat, fstat};

use super::io as kernel;

/// The same stream, for the same directions, by a description with `O_NONBLOCK`. `None` if there is no
/// way to it: no name for it, no permission, a terminal in exclusive mode, a FIFO that nobody reads.
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

/// Where to find the stream: the link of `/proc` leads to it whatever became of its name.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn open(fd: BorrowedFd<'_>, oflags: OFlags) -> Option<OwnedFd> {
    use std::os::fd::AsRawFd;
    let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
    rustix::fs::open(link, oflags, Mode::empty()).ok()
}

/// Where to find the stream: a terminal has a name, nothing else does.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn open(fd: BorrowedFd<'_>, oflags: OFlags) -> Option<OwnedFd> {
    let name = rustix::termios::ttyname(fd, Vec::new()).ok()?;
    rustix::fs::open(name, oflags, Mode::empty()).ok()
}

/// Whether a device is a terminal, and not a master of a pseudo-terminal: those share one name, and to
/// open it makes a new one.
fn can_be_named(fd: BorrowedFd<'_>, stat: &Stat) -> bool {
    rustix::termios::isatty(fd) && !is_master(stat)
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_master(stat: &Stat) -> bool {
    stat.st_rdev == rustix::fs::makedev(5, 2)
}

/// Elsewhere `ttyname(3)` gives no name for one.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_master(_: &Stat) -> bool {
    false
}

/// Whether it came to the same: `/dev/tty` is another terminal in another session, `/dev/console` at another
/// time.
fn is_same(fd: BorrowedFd<'_>, stat: &Stat, own: BorrowedFd<'_>) -> bool {
    fstat(own).is_ok_and(|own| {
        (own.st_dev, own.st_ino, own.st_rdev) == (stat.st_dev, stat.st_ino, stat.st_rdev)
    }) && kernel::terminal_device(fd) == kernel::terminal_device(own)
}
