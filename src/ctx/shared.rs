//! Guests that other threads of the process can find, by a token that nobody can guess.

use std::collections::HashMap;
use std::sync::atomic::{
    AtomicUsize,
    Ordering::{AcqRel, Acquire},
};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::{Clocks, Guest, WasiCtx};
use crate::abi::Errno;
use crate::host::{Interrupt, random};

/// What a shared guest is found by.
pub type Token = [u8; 16];

/// The shared guests of the process, for as long as they are held.
static SHARED: LazyLock<Mutex<HashMap<Token, Weak<Guest>>>> = LazyLock::new(Mutex::default);

fn shared() -> MutexGuard<'static, HashMap<Token, Weak<Guest>>> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The token of a guest that is shared; to drop it takes the guest out.
#[derive(Debug, Default)]
pub(super) struct Share(OnceLock<Token>);

impl Drop for Share {
    fn drop(&mut self) {
        if let Some(token) = self.0.get() {
            shared().remove(token);
        }
    }
}

/// How many hold a guest.
#[derive(Debug, Default)]
pub(super) struct Holders(AtomicUsize);

/// One of those that have a guest, be it in several threads.
#[derive(Debug)]
pub struct Hold(Option<Arc<Guest>>);

impl Hold {
    /// Lets go of it, and tells whether nobody has it any more.
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
    /// Has the guest, together with others.
    pub fn hold(&self) -> Hold {
        self.holders.0.fetch_add(1, AcqRel);
        Hold(Some(Arc::clone(&self.guest)))
    }

    /// How many have the guest.
    pub fn holders(&self) -> usize {
        self.holders.0.load(Acquire)
    }

    /// Lets other threads find the guest.
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

    /// The guest with this token, for a thread in which its calls are interrupted by this, and by its being
    /// stopped.
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
