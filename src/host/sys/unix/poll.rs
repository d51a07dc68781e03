use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use smallvec::SmallVec;

use crate::host::{Direction, Interest, Readiness};

/// `ppoll(2)`: waits until one of the interests is ready, the time is up (`None`: never), or a signal
/// came, and notes with each interest what was found.
pub fn poll(interests: &mut [Interest<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(timespec);
    let mut fds: SmallVec<[_; 2]> = (interests.iter())
        .map(|interest| PollFd::from_borrowed_fd(interest.file.0, asked(interest.direction)))
        .collect();
    match rustix::event::poll(&mut fds, timeout.as_ref()) {
        Ok(_) => {}
        Err(rustix::io::Errno::INTR) => return Ok(()),
        Err(error) => return Err(error.into()),
    }
    let found: SmallVec<[_; 2]> = fds.iter().map(PollFd::revents).collect();
    for (interest, revents) in interests.iter_mut().zip(found) {
        interest.found = readiness(interest, revents);
    }
    Ok(())
}

/// A time as the kernel takes it, or the most that it takes.
pub(super) fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: time.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}

fn readiness(interest: &Interest<'_>, revents: PollFlags) -> Option<io::Result<Readiness>> {
    if revents.is_empty() {
        return None;
    }
    if revents.contains(PollFlags::NVAL) {
        return Some(Err(rustix::io::Errno::BADF.into()));
    }
    let nbytes = match interest.direction {
        Direction::Read => interest.file.bytes_readable().unwrap_or(0),
        Direction::Write => 0,
    };
    Some(Ok(Readiness {
        nbytes,
        hangup: revents.intersects(HANGUP | PollFlags::ERR),
    }))
}

/// What to ask for. A writer goes on writing when the other end has only stopped to do so.
fn asked(direction: Direction) -> PollFlags {
    match direction {
        Direction::Read => events(direction) | HANGUP,
        Direction::Write => events(direction),
    }
}

// Half of a socket's connection can end while the other goes on, which only Linux tells.
#[cfg(any(target_os = "linux", target_os = "android"))]
const HANGUP: PollFlags = PollFlags::HUP.union(PollFlags::RDHUP);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const HANGUP: PollFlags = PollFlags::HUP;

/// The events of `poll(2)` that say a direction is ready.
pub(super) fn events(direction: Direction) -> PollFlags {
    match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    }
}
