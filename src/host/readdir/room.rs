use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Positions, of 8 bytes each: as many as entries in the directories that honest programs list.
const POSITIONS: usize = 1 << 18;
/// Bytes of entries that were read ahead.
const BLOCKS: usize = 1 << 20;

/// What the directory streams of one guest may keep together, between its calls. Without room they
/// work as well, and ask the system more often.
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

/// What is left of something.
#[derive(Debug)]
pub(super) struct Budget(AtomicUsize);

impl Budget {
    /// Takes `count`, if so much is left.
    pub(super) fn claim(&self, count: usize) -> bool {
        let rest = |left: usize| left.checked_sub(count);
        self.0.fetch_update(Relaxed, Relaxed, rest).is_ok()
    }

    pub(super) fn release(&self, count: usize) {
        self.0.fetch_add(count, Relaxed);
    }
}
