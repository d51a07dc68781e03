//! Clocks that the embedder gives a guest.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::clock::Clock;
use crate::abi::{Clockid, Errno, Timestamp};
use crate::host;

/// What tells the time in the place of a clock.
pub trait TimeSource: Debug + Send + Sync + 'static {
    /// The time in nanoseconds. It may go back.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: there is none.
    fn now(&self) -> Result<Timestamp, Errno>;
}

/// Where a clock has its time from.
#[derive(Clone, Debug, Default)]
pub enum Time {
    /// The clock of the host.
    #[default]
    Host,
    /// A time at which it begins. It moves by a step with each reading, and as the guest waits.
    From(Timestamp),
    /// Something else.
    Other(Arc<dyn TimeSource>),
}

/// The clocks of one guest. Those of CPU time tell that of the monotonic one, unless that is the host's.
#[derive(Debug, Default)]
pub struct GivenClock {
    /// Since 1970.
    realtime: Time,
    /// Since an arbitrary point.
    monotonic: Time,
    /// By how many nanoseconds a time that was given moves with each reading.
    step: u64,
    /// Whether waiting for a time takes none: the clocks move instead.
    skips: bool,
    /// By how much the times that were given have moved otherwise.
    stepped: AtomicU64,
    /// How long the guest has not waited.
    skipped: AtomicU64,
}

impl GivenClock {
    /// These clocks, before the guest has begun.
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

/// Nanoseconds, of as long a time as there are so many.
fn nanos(time: Duration) -> u64 {
    time.as_nanos().try_into().unwrap_or(u64::MAX)
}

/// Adds, and stays at the end.
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
    fn a_reading_moves_all_that_were_given() {
        let clock = at(1000, 10);
        assert_eq!(clock.read(Clockid::Realtime), Ok(1000));
        assert_eq!(clock.read(Clockid::Realtime), Ok(1010));
        assert_eq!(clock.now(Clockid::Realtime), Ok(1020));
        assert_eq!(clock.read(Clockid::Monotonic), Ok(20));
        assert_eq!(clock.read(Clockid::ThreadCputimeId), Ok(30));
    }

    #[test]
    fn time_stays_at_its_end() {
        let clock = at(u64::MAX - 5, 10);
        assert_eq!(clock.read(Clockid::Realtime), Ok(u64::MAX - 5));
        assert_eq!(clock.read(Clockid::Realtime), Ok(u64::MAX));
        clock.waited(Duration::MAX);
        assert_eq!(clock.read(Clockid::Monotonic), Ok(u64::MAX));
    }

    #[test]
    fn a_wait_moves_the_clocks_whether_it_takes_time_or_not() {
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
