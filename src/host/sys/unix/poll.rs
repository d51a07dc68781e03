use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use smallvec::SmallVec;

use super::{Event, io as kernel};
use crate::host::{Direction, PollEntry, Readiness};

/// `ppoll(2)`: waits until one of the entries is ready, the timeout expires (`None`: never), a signal handler
/// runs or the event is set. Sets `revents` of each entry that is ready. A signal is no error, nor is the
/// event.
pub fn poll(
    entries: &mut [PollEntry<'_>],
    timeout: Option<Duration>,
    event: Option<&Event>,
) -> io::Result<()> {
    let timeout = timeout.map(timespec);
    let mut fds: SmallVec<[_; 2]> = (entries.iter())
        .map(|entry| PollFd::from_borrowed_fd(entry.file.as_fd(), asked(entry.direction)))
        .chain(event.map(happened))
        .collect();
    match rustix::event::poll(&mut fds, timeout.as_ref()) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let found: SmallVec<[_; 2]> = fds.iter().map(PollFd::revents).collect();
    for (entry, revents) in entries.iter_mut().zip(found) {
        entry.revents = readiness(entry, revents);
    }
    Ok(())
}

/// An entry that waits for an event.
pub(super) fn happened(event: &Event) -> PollFd<'_> {
    PollFd::new(event, PollFlags::IN)
}

/// A duration as a `struct timespec`; the longest if it does not fit.
pub(super) fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}

/// The state of a descriptor with these `revents`; `None` if it is not ready.
fn readiness(entry: &PollEntry<'_>, revents: PollFlags) -> Option<io::Result<Readiness>> {
    if revents.is_empty() {
        return None;
    }
    if revents.contains(PollFlags::NVAL) {
        return Some(Err(rustix::io::Errno::BADF.into()));
    }
    let nbytes = match entry.direction {
        Direction::Read => kernel::bytes_readable(entry.file.as_fd()).unwrap_or(0),
        Direction::Write => 0,
    };
    Some(Ok(Readiness {
        nbytes,
        hangup: revents.intersects(HANGUP | PollFlags::ERR),
    }))
}

/// The `events` to wait for. A write is not interested in `POLLRDHUP`: a peer that has shut down its own
/// writes can still read.
fn asked(direction: Direction) -> PollFlags {
    match direction {
        Direction::Read => events(direction) | HANGUP,
        Direction::Write => events(direction),
    }
}

// `POLLRDHUP`, that the peer has shut down its writes, is Linux's alone.
#[cfg(any(target_os = "linux", target_os = "android"))]
const HANGUP: PollFlags = PollFlags::HUP.union(PollFlags::RDHUP);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const HANGUP: PollFlags = PollFlags::HUP;

/// The event of `poll(2)` for a direction: `POLLIN` or `POLLOUT`.
pub(super) fn events(direction: Direction) -> PollFlags {
    match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    }
}
