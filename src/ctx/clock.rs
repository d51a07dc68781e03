//! The clocks of a guest.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::abi::{Clockid, Errno, Timestamp};
use crate::host;

/// Clocks that are not the host's: fixed ones, or such as move only when the guest waits.
pub trait Clock: Debug + Send + Sync + 'static {
    /// `clock_gettime(2)`: nanoseconds since 1970 (realtime) or since an arbitrary point (the others).
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`], [`Errno::Notsup`]: there is no such clock.
    fn now(&self, id: Clockid) -> Result<Timestamp, Errno>;

    /// The same for a guest that asks, which may move the clock.
    ///
    /// # Errors
    ///
    /// As [`now`](Self::now).
    fn read(&self, id: Clockid) -> Result<Timestamp, Errno> {
        self.now(id)
    }

    /// `clock_getres(2)`: the resolution in nanoseconds, 1 or more.
    ///
    /// # Errors
    ///
    /// As [`now`](Self::now).
    fn resolution(&self, id: Clockid) -> Result<Timestamp, Errno>;

    /// Lets `time` pass for a guest that waits, and tells how much of it the host is to wait: all of it
    /// where these clocks run with the host's, none where they have moved by `time` instead.
    fn pass(&self, time: Duration) -> Duration {
        time
    }

    /// The host has waited for so long, of what [`pass`](Self::pass) has told it to.
    fn waited(&self, time: Duration) {
        let _ = time;
    }
}

/// The clocks that a guest has.
#[derive(Clone, Debug, Default)]
pub enum Clocks {
    /// The host's.
    #[default]
    Host,
    /// Others.
    Other(Arc<dyn Clock>),
}

impl Clocks {
    /// See [`Clock::now`].
    ///
    /// # Errors
    ///
    /// As there; the host has all clocks.
    #[inline]
    pub fn now(&self, id: Clockid) -> Result<Timestamp, Errno> {
        match self {
            Self::Host => Ok(host::clock_time(id)),
            Self::Other(clock) => clock.now(id),
        }
    }

    /// See [`Clock::read`].
    ///
    /// # Errors
    ///
    /// As there; the host has all clocks.
    #[inline]
    pub fn read(&self, id: Clockid) -> Result<Timestamp, Errno> {
        match self {
            Self::Host => Ok(host::clock_time(id)),
            Self::Other(clock) => clock.read(id),
        }
    }

    /// See [`Clock::waited`].
    pub fn waited(&self, time: Duration) {
        match self {
            Self::Host => {}
            Self::Other(clock) => clock.waited(time),
        }
    }

    /// See [`Clock::pass`].
    pub fn pass(&self, time: Duration) -> Duration {
        match self {
            Self::Host => time,
            Self::Other(clock) => clock.pass(time),
        }
    }

    /// See [`Clock::resolution`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn resolution(&self, id: Clockid) -> Result<Timestamp, Errno> {
        match self {
            Self::Host => Ok(host::clock_res(id)),
            Self::Other(clock) => clock.resolution(id),
        }
    }
}
