//! Stops a guest from outside.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use super::{Grant, Guest, WasiCtx};
use crate::abi::Exitcode;
use crate::host::StopEvent;

/// How many descriptors must be left for the engine's own timer: twice as many as it was seen to take. If it
/// gets none, it aborts the process.
const ENGINE_DESCRIPTORS: usize = 20;

/// The exit codes of guests with too much memory, and of those that have lost a thread. They are reported to
/// nobody.
const OUTGROWN: Exitcode = 0;
const DIED: Exitcode = 0;

/// The stack size, in bytes, of a thread that only waits.
const STACK_SIZE: usize = 64 << 10;

/// Whether a guest was stopped, and what interrupts its waits.
#[derive(Debug, Default)]
pub(super) struct Stop {
    reason: OnceLock<Reason>,
    pub event: Arc<StopEvent>,
    /// Stops the timer thread when it is dropped.
    timer: Mutex<Option<SyncSender<()>>>,
}

/// Why a guest was stopped.
#[derive(Debug)]
struct Reason {
    code: Exitcode,
    cause: Cause,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// By the embedder, as if the guest had called `proc_exit`.
    Embedder,
    /// By the embedder; unlike an exit of its own, this never ends the process.
    Alone,
    /// Its time limit is over.
    Time,
    /// It has more memory than its limit.
    Memory,
    /// One of its threads has died while the guest was running.
    Thread,
}

impl Guest {
    /// Stops the guest: it exits with this code, as by `proc_exit`, at its next call, or in the call in which
    /// it waits if it is [stoppable](Guest::make_stoppable). Only the first stop counts.
    pub fn stop(&self, code: Exitcode) {
        self.stop_for(code, Cause::Embedder);
    }

    /// [`stop`](Self::stop), which ends the guest alone even where an exit of its own would end the process.
    pub fn stop_alone(&self, code: Exitcode) {
        self.stop_for(code, Cause::Alone);
    }

    /// Stops a guest that has so many bytes of memory, if that is more than its limit.
    #[inline]
    pub fn check_memory(&self, bytes: u64) {
        if bytes > self.limits.memory {
            self.stop_for(OUTGROWN, Cause::Memory);
        }
    }

    /// Stops a guest one of whose threads has died in the middle of something that others may wait for.
    pub fn lose_thread(&self) {
        self.stop_for(DIED, Cause::Thread);
    }

    fn stop_for(&self, code: Exitcode, cause: Cause) {
        if self.stop.reason.set(Reason { code, cause }).is_ok() {
            self.calls.store(Grant::NONE.calls, Relaxed);
            self.stop.event.set();
        }
    }

    /// The exit code, if the guest was stopped.
    #[inline]
    pub fn stopped(&self) -> Option<Exitcode> {
        self.stop.reason.get().map(|reason| reason.code)
    }

    /// Makes its waits end when it is stopped.
    ///
    /// # Errors
    ///
    /// `EMFILE`: there is no descriptor left for that.
    pub fn make_stoppable(&self) -> io::Result<()> {
        self.stop.event.open()
    }

    /// Frees that descriptor: the guest does not wait any more.
    pub fn unmake_stoppable(&self) {
        self.stop.event.close();
    }

    /// Cancels [`WasiCtx::stop_after`].
    pub fn cancel_stop(&self) {
        let mut timer = (self.stop.timer.lock()).unwrap_or_else(PoisonError::into_inner);
        timer.take();
    }

    /// Whether it was stopped by [`stop_alone`](Self::stop_alone).
    pub fn ends_alone(&self) -> bool {
        (self.stop.reason.get()).is_some_and(|reason| reason.cause != Cause::Embedder)
    }

    /// Whether it was stopped because its time limit was over.
    pub fn has_timed_out(&self) -> bool {
        self.is_stopped_for(Cause::Time)
    }

    /// Whether it was stopped because it had too much memory.
    pub fn has_outgrown(&self) -> bool {
        self.is_stopped_for(Cause::Memory)
    }

    /// Whether it was stopped because one of its threads had died.
    pub fn has_lost_thread(&self) -> bool {
        self.is_stopped_for(Cause::Thread)
    }

    fn is_stopped_for(&self, cause: Cause) -> bool {
        (self.stop.reason.get()).is_some_and(|reason| reason.cause == cause)
    }
}

/// A guest to stop, which is not kept alive by this.
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
    /// The guest, for a caller that stops it without keeping it alive.
    pub fn downgrade(&self) -> WeakGuest {
        WeakGuest(Arc::downgrade(&self.guest))
    }

    /// [`Guest::stop`] after a time, which replaces the time that was set before.
    ///
    /// # Errors
    ///
    /// Those of [`Guest::make_stoppable`]; the descriptors that a timer of the engine takes must be left as
    /// well. `EAGAIN`: no thread can be made.
    pub fn stop_after(&self, time: Duration, code: Exitcode) -> io::Result<()> {
        self.make_stoppable()?;
        if let Err(error) = self.stop.event.check_room(ENGINE_DESCRIPTORS) {
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
