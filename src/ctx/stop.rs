//! Ending a guest from outside of it.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use super::{Grant, Guest, WasiCtx};
use crate::abi::Exitcode;
use crate::host::Bell;

/// Room for the frames of a thread that waits.
const STACK_SIZE: usize = 64 << 10;

/// Whether a guest is to end, and what ends its waits.
#[derive(Debug, Default)]
pub(super) struct Stop {
    code: OnceLock<Exitcode>,
    pub bell: Arc<Bell>,
    /// Ends the thread that stops the guest after a time; it does so when it is dropped.
    timer: Mutex<Option<SyncSender<()>>>,
}

impl Guest {
    /// Has the guest end with this code, as by `proc_exit`, at its next call, or in the one in which it waits
    /// if it is [stoppable](Guest::make_stoppable). Only the first time counts.
    pub fn stop(&self, code: Exitcode) {
        if self.stop.code.set(code).is_ok() {
            self.calls.store(Grant::NONE.calls, Relaxed);
            self.stop.bell.ring();
        }
    }

    /// The code with which it is to end, if it is.
    #[inline]
    pub fn stopped(&self) -> Option<Exitcode> {
        self.stop.code.get().copied()
    }

    /// Has its waits from now on end when it is stopped.
    ///
    /// # Errors
    ///
    /// `EMFILE`: that takes a descriptor, and there is none.
    pub fn make_stoppable(&self) -> io::Result<()> {
        self.stop.bell.hang()
    }

    /// Leaves it to run for as long as it likes: see [`WasiCtx::stop_after`].
    pub fn cancel_stop(&self) {
        let mut timer = (self.stop.timer.lock()).unwrap_or_else(PoisonError::into_inner);
        timer.take();
    }
}

impl WasiCtx {
    /// [`Guest::stop`] after a time, in the place of the time that was set before.
    ///
    /// # Errors
    ///
    /// As [`Guest::make_stoppable`]. `EAGAIN`: there is no thread to be had.
    pub fn stop_after(&self, time: Duration, code: Exitcode) -> io::Result<()> {
        self.make_stoppable()?;
        let (timer, cancelled) = sync_channel(0);
        let guest = Arc::downgrade(&self.guest);
        thread::Builder::new()
            .name("wasi-rs".into())
            .stack_size(STACK_SIZE)
            .spawn(move || {
                if cancelled.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
                    && let Some(guest) = guest.upgrade()
                {
                    guest.stop(code);
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
