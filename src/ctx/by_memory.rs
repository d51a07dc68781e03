//! Guests that are told by their memory: instances that were given the same, and have the same shared memory,
//! are threads of one guest.
//!
//! Who has a memory that threads share was given it by its owner, and between threads with one memory there is no
//! boundary that descriptors of their own could keep.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, Weak};

use super::{FileId, Options, PreopenSource, Stdio, WasiCtx};
use crate::host::Interrupt;

/// What a guest was given, to be compared with what others were.
#[derive(Debug, Default)]
pub(super) struct Fingerprint {
    /// The options as a number that nobody can bring about with others; `None` if there is something among them that no
    /// other thread can have been given.
    options: Option<[u64; 2]>,
    /// Whether it has got more since.
    has_more: AtomicBool,
}

static HASHERS: LazyLock<[RandomState; 2]> = LazyLock::new(Default::default);

impl Fingerprint {
    /// Arguments and environment are not compared: they give nothing, and the environment of a process is another
    /// whenever it is looked at. Capabilities may be added.
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

    /// The guest has got something by itself.
    pub fn more(&self) {
        self.has_more.store(true, Relaxed);
    }

    fn known(&self) -> Option<[u64; 2]> {
        self.options.filter(|_| !self.has_more.load(Relaxed))
    }
}

/// By what guests are told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// Where the memory is in the process.
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

/// A guest and its memory. While there is one, another instance that has the same memory, and was given the same, finds
/// the guest by it. So it must not be there longer than the memory.
#[derive(Debug)]
pub struct Bond {
    key: Key,
    ctx: WasiCtx,
}

impl Bond {
    /// The guest, for a thread in which its calls are interrupted by this; `None` if it is `other` itself.
    pub fn guest(&self, other: &WasiCtx, interrupt: Interrupt) -> Option<WasiCtx> {
        let is_same = Arc::ptr_eq(&self.ctx.guest, &other.guest);
        (!is_same).then(|| self.ctx.clone().with_interrupt(interrupt))
    }
}

impl Drop for Bond {
    fn drop(&mut self) {
        let mut guests = guests();
        // There may be another by now.
        if guests
            .get(&self.key)
            .is_some_and(|bond| bond.strong_count() == 0)
        {
            guests.remove(&self.key);
        }
    }
}

impl WasiCtx {
    /// The guest with the memory at this address that was given what this one was: which may be this one. None where
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
        // What is dropped looks at the list.
        drop(known);
        Some(bond)
    }

    fn is_over(&self) -> bool {
        self.ended.load(Relaxed) || self.stopped().is_some()
    }
}
