//! Ending a guest from outside of it.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::{Grant, Guest, WasiCtx};
use crate::abi::Exitcode;
use crate::host::Bell;

/// The descriptors that the engine's own timer takes for its time, twice as many as were counted: it ends the
/// process where it gets none.
const ENGINE_DESCRIPTORS: usize = 20;

/// The exit code of guests that have more memory than they may have, and of those that have lost a thread, which
/// nobody is told.
const OUTGROWN: Exitcode = 0;
const DIED: Exitcode = 0;

/// Room for the frames of a thread that waits.
const STACK_SIZE: usize = 64 << 10;

/// Whether a guest is to end, and what ends its waits.
#[derive(Debug, Default)]
pub(super) struct Stop {
    reason: OnceLock<Reason>,
    pub bell: Arc<Bell>,
    /// Ends the thread that stops the guest after a time; it does so when it is dropped.
    timer: Mutex<Option<SyncSender<()>>>,
}

/// Why a guest is to end.
#[derive(Debug)]
struct Reason {
    code: Exitcode,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// The embedder says so, as by `proc_exit`.
    Embedder,
    /// The embedder says so, and it is no exit of its own, which could end the process.
    Alone,
    /// Its time is over.
    Time,
    /// It has more memory than it may have.
    Memory,
    /// One of its threads has ended, and not because it was over.
    Thread,
}

impl Guest {
    /// Has the guest end with this code, as by `proc_exit`, at its next call, or in the one in which it waits
    /// if it is [stoppable](Guest::make_stoppable). Only the first time counts.
    pub fn stop(&self, code: Exitcode) {
        self.stop_for(code, Cause::Embedder);
    }

    /// [`stop`](Self::stop), whatever an exit of its own ends.
    pub fn stop_alone(&self, code: Exitcode) {
        self.stop_for(code, Cause::Alone);
    }

    /// Has a guest of so many bytes of memory end if that is more than it may have.
    #[inline]
    pub fn check_memory(&self, bytes: u64) {
        if bytes > self.limits.memory {
            self.stop_for(OUTGROWN, Cause::Memory);
        }
    }

    /// Has it end as one of its threads has, in the middle of what it did: the others would wait for that for ever.
    pub fn lose_thread(&self) {
        self.stop_for(DIED, Cause::Thread);
    }

    fn stop_for(&self, code: Exitcode, cause: Cause) {
        if self.stop.reason.set(Reason { code, cause }).is_ok() {
            self.calls.store(Grant::NONE.calls, Relaxed);
            self.stop.bell.ring();
        }
    }

    /// The code with which it is to end, if it is.
    #[inline]
    pub fn stopped(&self) -> Option<Exitcode> {
        self.stop.reason.get().map(|reason| reason.code)
    }

    /// Has its waits from now on end when it is stopped.
    ///
    /// # Errors
    ///
    /// `EMFILE`: that takes a descriptor, and there is none.
    pub fn make_stoppable(&self) -> io::Result<()> {
        self.stop.bell.hang()
    }

    /// Gives back what that takes: it waits no more.
    pub fn unmake_stoppable(&self) {
        self.stop.bell.take_down();
    }

    /// Leaves it to run for as long as it likes: see [`WasiCtx::stop_after`].
    pub fn cancel_stop(&self) {
        let mut timer = (self.stop.timer.lock()).unwrap_or_else(PoisonError::into_inner);
        timer.take();
    }

    /// Whether it is to end alone, whatever an exit of its own ends.
    pub fn ends_alone(&self) -> bool {
        (self.stop.reason.get()).is_some_and(|reason| reason.cause != Cause::Embedder)
    }

    /// Whether it is to end because its time was over.
    pub fn has_timed_out(&self) -> bool {
        self.is_stopped_for(Cause::Time)
    }

    /// Whether it is to end because it has more memory than it may have.
    pub fn has_outgrown(&self) -> bool {
        self.is_stopped_for(Cause::Memory)
    }

    /// Whether it is to end because one of its threads has.
    pub fn has_lost_thread(&self) -> bool {
        self.is_stopped_for(Cause::Thread)
    }

    fn is_stopped_for(&self, cause: Cause) -> bool {
        (self.stop.reason.get()).is_some_and(|reason| reason.cause == cause)
    }
}

/// A guest that is to be stopped, if it is still there.
#[derive(Clone, Debug)]
pub struct WeakGuest(Weak<Guest>);

impl WeakGuest {
    /// [`Guest::stop`].
    pub fn stop(&self, code: Exitcode) {
        if let Some(guest) = self.0.upgrade() {
            guest.stop(code);
        }
    }
}

impl WasiCtx {
    /// The guest, to be stopped by who does not keep it.
    pub fn downgrade(&self) -> WeakGuest {
        WeakGuest(Arc::downgrade(&self.guest))
    }

    /// [`Guest::stop`] after a time, in the place of the time that was set before.
    ///
    /// # Errors
    ///
    /// As [`Guest::make_stoppable`]; so many descriptors as a timer of the engine takes must be left.
    /// `EAGAIN`: there is no thread to be had.
    pub fn stop_after(&self, time: Duration, code: Exitcode) -> io::Result<()> {
        self.make_stoppable()?;
        if let Err(error) = self.stop.bell.check_room(ENGINE_DESCRIPTORS) {
            self.unmake_stoppable();
            return Err(error);
        }
        let (timer, cancelled) = sync_channel(0);
        let guest = Arc::downgrade(&self.guest);
        thread::Builder::new()
            .name("wasi-rs".into())
            .stack_size(STACK_SIZE)
            .spawn(move || {
                if cancelled.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
                    && let Some(guest) = guest.upgrade()
                {
                    guest.stop_for(code, Cause::Time);
                }
            })?;
        let mut place = self
            .stop
            .timer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *place = Some(timer);
        Ok(())
    }
}
