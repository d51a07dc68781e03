//! Ending a guest from outside of it.

use std::io;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, OnceLock};

use super::{Grant, Guest, WasiCtx};
use crate::abi::Exitcode;
use crate::host::Bell;

/// Whether a guest is to end, and what ends its waits.
#[derive(Debug, Default)]
pub(super) struct Stop {
    code: OnceLock<Exitcode>,
    bell: OnceLock<Arc<Bell>>,
}

impl Guest {
    /// Has the guest end with this code, as by `proc_exit`, at its next call, or in the one in which it waits
    /// if it [can be reached there](WasiCtx::stoppable). Only the first time counts.
    pub fn stop(&self, code: Exitcode) {
        if self.stop.code.set(code).is_ok() {
            self.calls.store(Grant::NONE.calls, Relaxed);
            if let Some(bell) = self.stop.bell.get() {
                bell.ring();
            }
        }
    }

    /// The code with which it is to end, if it is.
    #[inline]
    pub fn stopped(&self) -> Option<Exitcode> {
        self.stop.code.get().copied()
    }
}

impl WasiCtx {
    /// The same guest, to be stopped where it waits, too: in the threads that have what this returns or what
    /// [`WasiCtx::shared`] gives.
    ///
    /// # Errors
    ///
    /// `EMFILE`: that takes a descriptor, and there is none.
    pub fn stoppable(self) -> io::Result<Self> {
        if self.stop.bell.get().is_none() {
            // It comes to nothing if another thread was faster.
            let _ = self.stop.bell.set(Arc::new(Bell::new()?));
        }
        Ok(self.heeding_bell())
    }

    /// The same guest, interrupted by its bell where it has one.
    pub(super) fn heeding_bell(self) -> Self {
        match self.stop.bell.get().cloned() {
            Some(bell) => Self {
                interrupt: self.interrupt.clone().or_bell(bell),
                ..self
            },
            None => self,
        }
    }
}
