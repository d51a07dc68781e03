//! Identifies guests by their memory: instances with the same shared memory and the same options are threads of
//! one guest.
//!
//! Whoever has a shared memory was given it by its owner; and separate descriptors would be no boundary between
//! threads that share their memory.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use super::{FileId, Options, PreopenSource, Stdio, WasiCtx};
use crate::host::Interrupt;

/// The options of a guest, for comparison.
#[derive(Debug, Default)]
pub(super) struct Fingerprint {
    /// A keyed hash of the options, which nobody can find other options for; `None` if they have something that
    /// no other thread can have been given.
    options: Option<[u64; 2]>,
    /// Whether the guest has been given more since.
    has_more: AtomicBool,
}

static HASHERS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);

impl Fingerprint {
    /// Arguments and environment are left out: they give access to nothing, and each reading of the environment
    /// of a process may differ. Capabilities are compared in [`Key`], as more can be granted.
    pub fn of(options: &Options) -> Self {
        let preopens = options.preopens.iter().map(|preopen| {
            let path = match &preopen.source {
                PreopenSource::Path(path) => Some(path.as_path()),
                PreopenSource::Devices => None,
                _ => return None,
            };
            Some((&preopen.mapped_path, path, preopen.rights))
        });
        let stdio = options.stdio.iter().map(|stdio| match stdio {
            Stdio::Lent(fd) => Some(*fd),
            Stdio::Stream(_) => None,
        });
        let preopens: Option<Vec<_>> = preopens.collect();
        let stdio: Option<Vec<_>> = stdio.collect();
        let all = preopens.zip(stdio);
        let hash = |(preopens, stdio)| {
            let all = (preopens, stdio, options.limits);
            HASHERS.each_ref().map(|hasher| hasher.hash_one(&all))
        };
        Self {
            options: all.map(hash),
            has_more: AtomicBool::new(false),
        }
    }

    /// Records that the guest was given something after it was made.
    pub fn more(&self) {
        self.has_more.store(true, Relaxed);
    }

    fn known(&self) -> Option<[u64; 2]> {
        self.options.filter(|_| !self.has_more.load(Relaxed))
    }
}

/// Identifies a guest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// The address of its memory in the process.
    address: usize,
    options: [u64; 2],
    roots: Vec<FileId>,
    calls: u64,
    granted: u64,
}

static GUESTS: LazyLock<Mutex<HashMap<Key, Weak<Bond>>>> = LazyLock::new(Mutex::default);

fn guests() -> MutexGuard<'static, HashMap<Key, Weak<Bond>>> {
    GUESTS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A guest and its memory. While it exists, another instance with the same memory and the same options finds
/// the guest by it. So it must not outlive the memory.
#[derive(Debug)]
pub struct Bond {
    key: Key,
    ctx: WasiCtx,
}

impl Bond {
    /// The guest, for a thread whose calls this interrupts; `None` if the guest is `other` itself.
    pub fn guest(&self, other: &WasiCtx, interrupt: Interrupt) -> Option<WasiCtx> {
        let is_same = Arc::ptr_eq(&self.ctx.guest, &other.guest);
        (!is_same).then(|| self.ctx.clone().with_interrupt(interrupt))
    }
}

impl Drop for Bond {
    fn drop(&mut self) {
        let mut guests = guests();
        // Another bond with the same key may have been made since.
        if guests
            .get(&self.key)
            .is_some_and(|bond| bond.strong_count() == 0)
        {
            guests.remove(&self.key);
        }
    }
}

impl WasiCtx {
    /// The guest with the memory at this address and the options of this one, which may be this one; `None` if
    /// there can be no other.
    pub fn bond(&self, address: usize) -> Option<Arc<Bond>> {
        if self.is_over() {
            return None;
        }
        let key = Key {
            address,
            options: self.fingerprint.known()?,
            roots: self.roots.clone(),
            calls: self.calls.load(Relaxed),
            granted: self.granted.load(Relaxed),
        };
        let mut guests = guests();
        let known = guests.get(&key).and_then(Weak::upgrade);
        if known.as_ref().is_some_and(|bond| !bond.ctx.is_over()) {
            return known;
        }
        let bond = Arc::new(Bond {
            key: key.clone(),
            ctx: self.clone(),
        });
        guests.insert(key, Arc::downgrade(&bond));
        drop(guests);
        // Dropped after the lock, as its `drop` takes the lock as well.
        drop(known);
        Some(bond)
    }

    fn is_over(&self) -> bool {
        self.ended.load(Relaxed) || self.stopped().is_some()
    }
}
