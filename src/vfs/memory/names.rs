use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::ops::Bound::{Excluded, Unbounded};

use super::tree::Child;
use crate::abi::Dircookie;

/// The cookies of `.` and `..`, before those of all names.
pub(super) const DOT: Dircookie = 1;
pub(super) const DOTDOT: Dircookie = 2;

/// The entries of a directory, without `.` and `..`.
///
/// Each has a cookie, which counts the insertions. In their order entries are listed, so what stays keeps
/// its place whatever comes and goes.
#[derive(Debug)]
pub(super) struct Names {
    entries: BTreeMap<Dircookie, Entry>,
    /// The hash of each name, with the cookie of its entry: so each name is there once, and names that a
    /// guest has made up cannot make look-ups slow.
    index: BTreeSet<(u64, Dircookie)>,
    hasher: RandomState,
    /// The cookie that was given last.
    last: Dircookie,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub name: Box<[u8]>,
    pub child: Child,
}

impl Default for Names {
    fn default() -> Self {
        Self {
            entries: BTreeMap::new(),
            index: BTreeSet::new(),
            hasher: RandomState::new(),
            last: DOTDOT,
        }
    }
}

impl Names {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The hash of a name, and the cookie of its entry.
    fn find(&self, name: &[u8]) -> (u64, Option<Dircookie>) {
        let hash = self.hasher.hash_one(name);
        let same_hash = self.index.range((hash, 0)..=(hash, Dircookie::MAX));
        let mut cookies = same_hash.map(|(_, cookie)| *cookie);
        (
            hash,
            cookies.find(|cookie| *self.entries[cookie].name == *name),
        )
    }

    pub fn get(&self, name: &[u8]) -> Option<&Child> {
        let cookie = self.find(name).1?;
        Some(&self.entries[&cookie].child)
    }

    /// Puts a child at a name. One that had the name makes room for it, and keeps its place in the order: a
    /// name that is there before and after is listed once.
    pub fn put(&mut self, name: &[u8], child: Child) {
        let (hash, cookie) = self.find(name);
        let cookie = cookie.unwrap_or_else(|| {
            self.last += 1;
            self.last
        });
        let name = Box::from(name);
        self.index.insert((hash, cookie));
        self.entries.insert(cookie, Entry { name, child });
    }

    pub fn remove(&mut self, name: &[u8]) {
        if let (hash, Some(cookie)) = self.find(name) {
            self.index.remove(&(hash, cookie));
            self.entries.remove(&cookie);
        }
    }

    /// The first entry behind a cookie, and its own.
    pub fn after(&self, cookie: Dircookie) -> Option<(Dircookie, &Entry)> {
        let mut behind = self.entries.range((Excluded(cookie), Unbounded));
        behind.next().map(|(cookie, entry)| (*cookie, entry))
    }
}
