//! Clocks that the embedder gives a guest.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::clock::Clock;
use crate::abi::{Clockid, Errno, Timestamp};
use crate::host;

/// A function of the embedder that returns the time.
pub trait TimeSource: Debug + Send + Sync + 'static {
    /// The time in nanoseconds. It may go back.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: it has failed.
    fn now(&self) -> Result<Timestamp, Errno>;
}

/// Where the time of a clock comes from.
#[derive(Clone, Debug, Default)]
pub enum Time {
    /// The clock of the host.
    #[default]
    Host,
    /// A start time. The clock advances by a step with each reading, and while the guest waits.
    From(Timestamp),
    /// A function of the embedder.
    Other(Arc<dyn TimeSource>),
}

/// The clocks of one guest. The CPU-time clocks are the same as the monotonic one, unless that is the host's.
#[derive(Debug, Default)]
pub struct GivenClock {
    /// The realtime clock.
    realtime: Time,
    /// The monotonic clock.
    monotonic: Time,
    /// How many nanoseconds a clock with a start time advances with each reading.
    step: u64,
    /// Whether a wait for a time returns at once, and the clocks are advanced instead.
    skips: bool,
    /// How much clocks with a start time have been advanced by readings and by waits of the host.
    stepped: AtomicU64,
    /// How much all clocks have been advanced instead of waiting.
    skipped: AtomicU64,
}

impl GivenClock {
    /// The clocks of a guest that has not started.
    pub fn new(realtime: Time, monotonic: Time, step: u64, skips: bool) -> Self {
        Self {
            realtime,
            monotonic,
            step,
            skips,
            ..Self::default()
        }
    }

    fn time(&self, id: Clockid) -> &Time {
        match id {
            Clockid::Realtime => &self.realtime,
            Clockid::Monotonic | Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => {
                &self.monotonic
            }
        }
    }
}

/// A time in nanoseconds, at most `u64::MAX`.
fn nanos(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// Adds, at most up to `u64::MAX`.
fn add(to: &AtomicU64, more: u64) -> u64 {
    let sum = |now: u64| Some(now.saturating_add(more));
    to.fetch_update(Relaxed, Relaxed, sum)
        .unwrap_or_else(|now| now)
}

impl Clock for GivenClock {
    fn now(&self, id: Clockid) -> Result<Timestamp, Errno> {
        let skipped = self.skipped.load(Relaxed);
        Ok(match self.time(id) {
            Time::Host if matches!(id, Clockid::Realtime | Clockid::Monotonic) => {
                host::clock_time(id).saturating_add(skipped)
            }
            Time::Host => host::clock_time(id),
            Time::From(start) => {
                let stepped = self.stepped.load(Relaxed);
                start.saturating_add(stepped).saturating_add(skipped)
            }
            Time::Other(time) => time.now()?.saturating_add(skipped),
        })
    }

    fn read(&self, id: Clockid) -> Result<Timestamp, Errno> {
        match self.time(id) {
            Time::From(start) => {
                let stepped = add(&self.stepped, self.step);
                let skipped = self.skipped.load(Relaxed);
                Ok(start.saturating_add(stepped).saturating_add(skipped))
            }
            Time::Host | Time::Other(_) => self.now(id),
        }
    }

    fn resolution(&self, id: Clockid) -> Result<Timestamp, Errno> {
        Ok(match self.time(id) {
            Time::Host => host::clock_res(id),
            Time::From(_) => self.step.max(1),
            Time::Other(_) => 1,
        })
    }

    fn pass(&self, time: Duration) -> Duration {
        if !self.skips {
            return time;
        }
        add(&self.skipped, nanos(time));
        Duration::ZERO
    }

    fn waited(&self, time: Duration) {
        add(&self.stepped, nanos(time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(start: u64, step: u64) -> GivenClock {
        GivenClock::new(Time::From(start), Time::From(0), step, false)
    }

    #[test]
    fn a_reading_advances_every_clock_with_a_start_time() {
        let clock = at(1000, 10);
        assert_eq!(clock.read(Clockid::Realtime), Ok(1000));
        assert_eq!(clock.read(Clockid::Realtime), Ok(1010));
        assert_eq!(clock.now(Clockid::Realtime), Ok(1020));
        assert_eq!(clock.read(Clockid::Monotonic), Ok(20));
        assert_eq!(clock.read(Clockid::ThreadCputimeId), Ok(30));
    }

    #[test]
    fn time_saturates() {
        let clock = at(u64::MAX - 5, 10);
        assert_eq!(clock.read(Clockid::Realtime), Ok(u64::MAX - 5));
        assert_eq!(clock.read(Clockid::Realtime), Ok(u64::MAX));
        clock.waited(Duration::MAX);
        assert_eq!(clock.read(Clockid::Monotonic), Ok(u64::MAX));
    }

    #[test]
    fn a_wait_advances_the_clocks_whether_it_takes_time_or_not() {
        let second = Duration::from_secs(1);
        let real = at(0, 0);
        assert_eq!(real.pass(second), second);
        real.waited(second);
        assert_eq!(real.now(Clockid::Realtime), Ok(1_000_000_000));
        let skips = GivenClock::new(Time::From(0), Time::From(0), 0, true);
        assert_eq!(skips.pass(second), Duration::ZERO);
        assert_eq!(skips.now(Clockid::Monotonic), Ok(1_000_000_000));
        let host = GivenClock::new(Time::Host, Time::Host, 0, true);
        let before = host.now(Clockid::Monotonic).unwrap();
        host.pass(second);
        assert!(host.now(Clockid::Monotonic).unwrap() >= before + 1_000_000_000);
    }
}
