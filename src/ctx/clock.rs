//! The clocks of a guest.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::abi::{Clockid, Errno, Timestamp};
use crate::host;

/// Clocks that are not the host's: fixed ones, for example, or ones that advance only when the guest waits.
pub trait Clock: Debug + Send + Sync + 'static {
    /// `clock_gettime(2)`: nanoseconds since 1970 (realtime) or since an arbitrary point (the others).
    ///
    /// # Errors
    ///
    /// [`Errno::Inval`], [`Errno::Notsup`]: there is no such clock.
    fn now(&self, id: Clockid) -> Result<Timestamp, Errno>;

    /// The same for a guest that reads the clock, which may advance it.
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

    /// Called when a guest is about to wait for `time`. Returns how long the host has to wait: `time` if these
    /// clocks advance with the host's, zero if they were advanced by `time` instead.
    fn pass(&self, time: Duration) -> Duration {
        time
    }

    /// Called when the host has waited, for as long as [`pass`](Self::pass) returned or less.
    fn waited(&self, time: Duration) {
        let _ = time;
    }
}

/// The clocks of a guest.
#[derive(Clone, Debug, Default)]
pub enum Clocks {
    /// The host's.
    #[default]
    Host,
    /// Those of the embedder.
    Other(Arc<dyn Clock>),
}

impl Clocks {
    /// See [`Clock::now`].
    ///
    /// # Errors
    ///
    /// Those of [`Clock::now`]; none for the host's.
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
    /// Those of [`Clock::read`]; none for the host's.
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
    /// Those of [`Clock::resolution`].
    pub fn resolution(&self, id: Clockid) -> Result<Timestamp, Errno> {
        match self {
            Self::Host => Ok(host::clock_res(id)),
            Self::Other(clock) => clock.resolution(id),
        }
    }
}
