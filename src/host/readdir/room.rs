use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Default number of positions, of 8 bytes each: enough for 262,144 entries.
const POSITIONS: usize = 1 << 18;
/// Default number of bytes of entries that were read ahead.
const BLOCKS: usize = 1 << 20;

/// The memory that all directory streams of one guest together may hold between its calls. When it is
/// exhausted they work without, and read from the system again.
#[derive(Debug)]
pub struct Room {
    pub(super) positions: Budget,
    pub(super) blocks: Budget,
}

impl Room {
    pub(super) fn new(positions: usize, blocks: usize) -> Self {
        Self {
            positions: Budget(AtomicUsize::new(positions)),
            blocks: Budget(AtomicUsize::new(blocks)),
        }
    }
}

impl Default for Room {
    /// 2 MiB of positions and 1 MiB of entries.
    fn default() -> Self {
        Self::new(POSITIONS, BLOCKS)
    }
}

/// A number of units that are still free.
#[derive(Debug)]
pub(super) struct Budget(AtomicUsize);

impl Budget {
    /// Takes `count` units. False, and takes none, if fewer are free.
    pub(super) fn claim(&self, count: usize) -> bool {
        let rest = |left: usize| left.checked_sub(count);
        self.0.fetch_update(Relaxed, Relaxed, rest).is_ok()
    }

    /// Frees `count` units that were claimed.
    pub(super) fn release(&self, count: usize) {
        self.0.fetch_add(count, Relaxed);
    }
}
