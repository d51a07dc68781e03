//! Calls that end where they would wait, for a thread that has other things to do, and are made again later.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{PollEntry, sys};
use crate::abi::Clockid;

/// What is known of the wait of a call that does not wait itself.
///
/// Such a call ends with `EINTR` before it has done anything, and who made it makes it again, with the same
/// beginning, when there may be something to do.
#[derive(Debug, Default)]
pub struct Suspension {
    /// By the monotonic clock of the host, in nanoseconds; 0 if that has not been asked.
    begun: AtomicU64,
    awaited: Mutex<Awaited>,
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Awaited {
    /// How long until it has something to tell in any case; `None` if that may be never.
    pub time_left: Option<Duration>,
    /// Whether a descriptor of the host is among it, of which nobody tells that it is ready.
    pub has_host: bool,
}

impl Suspension {
    /// A call begins now, or began then.
    pub fn begin(&self, begun: u64) {
        self.begun.store(begun, Relaxed);
    }

    /// When the call began, which is now if nobody has asked before.
    pub fn begun(&self) -> u64 {
        match self.begun.load(Relaxed) {
            0 => {
                let now = sys::clock_time(Clockid::Monotonic);
                self.begun.store(now, Relaxed);
                now
            }
            begun => begun,
        }
    }

    /// What the last call that was suspended waits for.
    pub fn awaited(&self) -> Awaited {
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a call waits for, and gives the error with which it ends.
    pub(super) fn suspend(&self, time_left: Option<Duration>, has_host: bool) -> io::Error {
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner) = Awaited {
            time_left,
            has_host,
        };
        io::ErrorKind::Interrupted.into()
    }

    /// `ppoll(2)` without waiting.
    ///
    /// # Errors
    ///
    /// `EINTR`: nothing is ready, and there is time.
    pub(super) fn poll(
        &self,
        entries: &mut [PollEntry<'_>],
        timeout: Option<Duration>,
    ) -> io::Result<()> {
        let has_host = !entries.is_empty();
        if has_host {
            sys::poll(entries, Some(Duration::ZERO), None)?;
        }
        let is_ready = entries.iter().any(|entry| entry.revents.is_some());
        if is_ready || timeout == Some(Duration::ZERO) {
            return Ok(());
        }
        Err(self.suspend(timeout, has_host))
    }
}
