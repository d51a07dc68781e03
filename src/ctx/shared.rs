//! Guests that other threads of the process find by a token, which nobody can guess.

use std::collections::HashMap;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire},
};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::{Clocks, Guest, WasiCtx};
use crate::abi::Errno;
use crate::host::{Interrupt, random};

/// Identifies a shared guest.
pub type Token = [u8; 16];

/// The shared guests of the process. They are not kept alive by this.
static SHARED: LazyLock<Mutex<HashMap<Token, Weak<Guest>>>> = LazyLock::new(Mutex::default);

fn shared() -> MutexGuard<'static, HashMap<Token, Weak<Guest>>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The token of a guest, if it is shared. On drop, the guest is no longer found by it.
#[derive(Debug, Default)]
pub(super) struct Share(OnceLock<Token>);

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(token) = self.0.get() {
            shared().remove(token);
        }
    }
}

/// The number of instances that hold a guest.
#[derive(Debug, Default)]
pub(super) struct Holders(AtomicUsize);

/// A guest, held by one of its instances, which may be in several threads.
#[derive(Debug)]
pub struct Hold(Option<Arc<Guest>>);

impl Hold {
    /// Gives it up. True if no other instance holds the guest.
    pub fn let_go(mut self) -> bool {
        self.is_last()
    }

    fn is_last(&mut self) -> bool {
        self.0
            .take()
            .is_some_and(|guest| guest.holders.0.fetch_sub(1, AcqRel) == 1)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.is_last();
    }
}

impl WasiCtx {
    /// Holds the guest for one more instance.
    pub fn hold(&self) -> Hold {
        self.holders.0.fetch_add(1, AcqRel);
        Hold(Some(Arc::clone(&self.guest)))
    }

    /// The number of instances that hold the guest.
    pub fn holders(&self) -> usize {
        self.holders.0.load(Acquire)
    }

    /// Makes the guest known by a token.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: the host has no random bytes.
    pub fn share(&self) -> Result<Token, Errno> {
        if let Some(token) = self.share.0.get() {
            return Ok(*token);
        }
        let mut token = Token::default();
        random::Random::default().fill(&mut token)?;
        let mut shared = shared();
        let token = *self.share.0.get_or_init(|| token);
        shared.insert(token, Arc::downgrade(&self.guest));
        Ok(token)
    }

    /// The guest with this token, for a thread whose calls this interrupts. Stopping the guest interrupts them,
    /// too.
    pub fn shared(token: &Token, interrupt: Interrupt) -> Option<Self> {
        let guest = shared().get(token)?.upgrade()?;
        let clocks = (guest.given_clocks.get())
            .map_or(Clocks::Host, |clock| Clocks::Other(Arc::clone(clock)));
        let ctx = Self {
            guest,
            clocks,
            interrupt: Interrupt::NEVER,
        };
        Some(ctx.with_interrupt(interrupt))
    }
}
