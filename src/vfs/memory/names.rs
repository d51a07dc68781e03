use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::ops::Bound::{Excluded, Unbounded};

use super::below::EntriesRef;
use super::runs::Runs;
use super::tree::Child;
use crate::abi::Dircookie;
use crate::vfs::image::{Entries, NodeId};

/// The cookies of `.` and `..`, which come before all others.
pub(super) const DOT: Dircookie = 1;
pub(super) const DOTDOT: Dircookie = 2;

/// The differences between the entries of a directory, without `.` and `..`, and those in the lower layer.
///
/// Entries are listed in the order of their insertion, and the number of the insertion is the cookie. So an
/// entry keeps its place while others are added and removed. Those of the lower layer count as inserted first,
/// in their order there.
#[derive(Debug)]
pub(super) struct Names {
    entries: BTreeMap<Dircookie, Entry>,
    /// The hash of each name with the cookie of its entry. Names are stored once, and as the hash has a random
    /// key, a guest cannot choose names that make look-ups slow.
    index: BTreeSet<(u64, Dircookie)>,
    hasher: RandomState,
    /// The cookie of the last insertion.
    last: Dircookie,
    /// The cookies of entries of the lower layer that were removed or replaced.
    gone: Runs,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub name: Box<[u8]>,
    pub child: Child,
}

/// An entry.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'n> {
    /// One that was added here.
    Own(&'n Child),
    /// One of the lower layer.
    Below(NodeId),
}

/// All entries of a directory: those that were added here, and those of the lower layer that are left.
#[derive(Debug)]
pub(super) struct Listing<'t> {
    pub own: Option<&'t Names>,
    pub below: EntriesRef<'t>,
}

impl Names {
    /// No differences from these entries.
    pub fn over(below: &Entries) -> Self {
        Self {
            entries: BTreeMap::new(),
            index: BTreeSet::new(),
            hasher: RandomState::new(),
            last: DOTDOT + below.len() as Dircookie,
            gone: Runs::default(),
        }
    }

    /// How many entries were added, and how many of the lower layer were removed or replaced.
    pub fn counts(&self) -> (usize, usize) {
        (self.entries.len(), self.gone.len())
    }

    /// The hash of a name, and the cookie of its entry if it was added here.
    fn find(&self, name: &[u8]) -> (u64, Option<Dircookie>) {
        let hash = self.hasher.hash_one(name);
        let same_hash = self.index.range((hash, 0)..=(hash, Dircookie::MAX));
        let mut cookies = same_hash.map(|(_, cookie)| *cookie);
        (
            hash,
            cookies.find(|cookie| *self.entries[cookie].name == *name),
        )
    }

    fn get(&self, name: &[u8]) -> Option<&Child> {
        if self.entries.is_empty() {
            return None;
        }
        let cookie = self.find(name).1?;
        Some(&self.entries[&cookie].child)
    }

    /// Whether the entry with this name was added here.
    pub fn is_own(&self, name: &[u8]) -> bool {
        self.get(name).is_some()
    }

    /// The cookie of the entry with this name in the lower layer, unless it was removed or replaced.
    fn find_below(&self, name: &[u8], below: &Entries) -> Option<Dircookie> {
        let cookie = cookie_below(below.find(name)?.0);
        (!self.gone.contains(cookie)).then_some(cookie)
    }

    /// Adds an entry. If it replaces another one, it takes over its cookie: a name that is there before and
    /// after is listed once.
    pub fn put(&mut self, name: &[u8], child: Child, below: &Entries) {
        let (hash, own) = self.find(name);
        let cookie = match own.or_else(|| self.find_below(name, below)) {
            Some(cookie) => cookie,
            None => {
                self.last += 1;
                self.last
            }
        };
        if cookie < cookie_below(below.len()) {
            self.gone.insert(cookie);
        }
        let name = Box::from(name);
        self.index.insert((hash, cookie));
        self.entries.insert(cookie, Entry { name, child });
    }

    pub fn remove(&mut self, name: &[u8], below: &Entries) {
        if let (hash, Some(cookie)) = self.find(name) {
            self.index.remove(&(hash, cookie));
            self.entries.remove(&cookie);
        } else if let Some(cookie) = self.find_below(name, below) {
            self.gone.insert(cookie);
        }
    }

    /// The indices of the entries of the lower layer that were removed or replaced.
    pub fn gone(&self) -> impl Iterator<Item = usize> {
        (self.gone.iter()).map(|cookie| (cookie - cookie_below(0)) as usize)
    }
}

/// The cookie of the entry of the lower layer with this index.
fn cookie_below(index: usize) -> Dircookie {
    DOTDOT + 1 + index as Dircookie
}

impl<'t> Listing<'t> {
    /// The number of entries.
    pub fn len(&self) -> usize {
        let (own, gone) = self.own.map_or((0, 0), Names::counts);
        own + self.below.len() - gone
    }

    pub fn get(&self, name: &[u8]) -> Option<Found<'t>> {
        if let Some(child) = self.own.and_then(|own| own.get(name)) {
            return Some(Found::Own(child));
        }
        let (index, id) = self.below.find(name)?;
        let gone = (self.own).is_some_and(|own| own.gone.contains(cookie_below(index)));
        (!gone).then_some(Found::Below(id))
    }

    /// The first entry after a cookie, and its own cookie.
    pub fn after(&self, cookie: Dircookie) -> Option<(Dircookie, &[u8], Found<'t>)> {
        let own = self.own.and_then(|own| {
            let (cookie, entry) = own.entries.range((Excluded(cookie), Unbounded)).next()?;
            Some((*cookie, &*entry.name, Found::Own(&entry.child)))
        });
        let below = self.after_below(cookie);
        match (own, below) {
            (Some(own), Some(below)) if own.0 < below.0 => Some(own),
            (own, below) => below.or(own),
        }
    }

    fn after_below(&self, cookie: Dircookie) -> Option<(Dircookie, &[u8], Found<'t>)> {
        let first = usize::try_from(cookie.saturating_sub(DOTDOT)).ok()?;
        let first = cookie_below(first.min(self.below.len()));
        let cookie = (self.own).map_or(first, |own| own.gone.behind(first));
        let (name, id) = self.below.get((cookie - cookie_below(0)) as usize)?;
        Some((cookie, name, Found::Below(id)))
    }
}
