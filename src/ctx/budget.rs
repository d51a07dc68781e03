//! How many descriptors of the host all guests of the process may hold together.
//!
//! A limit for each guest alone leaves the host with none where there are many guests, or where each is
//! followed by the next before the first has been collected.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::abi::Errno;
use crate::host;

/// Of what the process may have open, the part that is for guests.
const PART: u64 = 4;

static HELD: AtomicU64 = AtomicU64::new(0);

/// What all guests together may hold: a quarter of `RLIMIT_NOFILE`.
pub fn budget() -> u64 {
    static BUDGET: OnceLock<u64> = OnceLock::new();
    *BUDGET.get_or_init(|| host::max_descriptors() / PART)
}

/// The right to hold one descriptor of the host, given back when this is dropped.
#[derive(Debug)]
pub struct Slot(());

impl Slot {
    /// One more descriptor.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: guests hold as many as they may.
    pub fn take() -> Result<Self, Errno> {
        let before = HELD.fetch_add(1, Relaxed);
        // Too many are given back right away.
        let slot = Self(());
        if before < budget() {
            Ok(slot)
        } else {
            Err(Errno::Nfile)
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Relaxed);
    }
}
