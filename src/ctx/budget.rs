//! The limit of host descriptors that all guests of the process have together.
//!
//! A limit for each guest is not enough: the process would run out of descriptors with many guests, or with one
//! after the other when ended ones have not been collected yet.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::abi::Errno;
use crate::host;

/// Guests get one part in this many.
const PART: u64 = 4;

static HELD: AtomicU64 = AtomicU64::new(0);

/// How many descriptors all guests may have together: a quarter of `RLIMIT_NOFILE`.
pub fn budget() -> u64 {
    static BUDGET: OnceLock<u64> = OnceLock::new();
    *BUDGET.get_or_init(|| host::max_descriptors() / PART)
}

/// One host descriptor of the budget. It is given back on drop.
#[derive(Debug)]
pub struct Slot(());

impl Slot {
    /// Takes one.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: the budget is used up.
    pub fn take() -> Result<Self, Errno> {
        let before = HELD.fetch_add(1, Relaxed);
        // Made before the check, so that it is given back if it was one too many.
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
