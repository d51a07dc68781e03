//! Suspended calls: a call that would block returns instead, and is made again later. This is for threads that
//! must not block.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{PollEntry, sys};
use crate::abi::Clockid;

/// The wait of a call in a thread that must not block.
///
/// Such a call returns `EINTR` before it has done anything. Its caller makes it again, with the same start
/// time, when it may have something to do.
#[derive(Debug, Default)]
pub struct Suspension {
    /// The start time by the monotonic clock of the host, in nanoseconds; 0 if it is not known yet.
    begun: AtomicU64,
    awaited: Mutex<Awaited>,
}

/// What a call waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Awaited {
    /// The time until its timeout; `None` if it has none.
    pub time_left: Option<Duration>,
    /// Whether it waits for a descriptor of the host. Nobody reports that one is ready, so it must be polled.
    pub has_host: bool,
}

impl Suspension {
    /// Begins a call: now if `begun` is 0, otherwise again, with its start time.
    pub fn begin(&self, begun: u64) {
        self.begun.store(begun, Relaxed);
    }

    /// The start time of the call. It is set to the present time if it is not known.
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

    /// What the last suspended call waits for.
    pub fn awaited(&self) -> Awaited {
        *self.awaited.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records what a call waits for. Returns the error to end it with.
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
    /// `EINTR`: nothing is ready, and the timeout is not over.
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
