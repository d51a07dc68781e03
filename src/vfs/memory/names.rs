use std::collections::hash_map::RandomState;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::ops::Bound::{Excluded, Unbounded};

use super::below::EntriesRef;
use super::runs::Runs;
use super::tree::Child;
use crate::abi::Dircookie;
use crate::vfs::image::{Entries, NodeId};

/// The cookies of `.` and `..`, before those of all names.
pub(super) const DOT: Dircookie = 1;
pub(super) const DOTDOT: Dircookie = 2;

/// The entries of a directory, without `.` and `..`, that are not as the image below has them.
///
/// Each has a cookie, which counts the insertions. In their order entries are listed, so what stays keeps
/// its place whatever comes and goes. The entries of an image count as inserted first, in its order.
#[derive(Debug)]
pub(super) struct Names {
    entries: BTreeMap<Dircookie, Entry>,
    /// The hash of each name, with the cookie of its entry: so each name is there once, and names that a
    /// guest has made up cannot make look-ups slow.
    index: BTreeSet<(u64, Dircookie)>,
    hasher: RandomState,
    /// The cookie that was given last.
    last: Dircookie,
    /// The cookies of entries of the image that have been removed or replaced.
    gone: Runs,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub name: Box<[u8]>,
    pub child: Child,
}

/// What a name was found to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'n> {
    /// An entry of this file system's.
    Own(&'n Child),
    /// One of the image's.
    Below(NodeId),
}

/// All entries of a directory: those of the image below that are still there, and the others.
#[derive(Debug)]
pub(super) struct Listing<'t> {
    pub own: Option<&'t Names>,
    pub below: EntriesRef<'t>,
}

impl Names {
    /// Those of a directory that has so many entries of an image.
    pub fn over(below: &Entries) -> Self {
        Self {
            entries: BTreeMap::new(),
            index: BTreeSet::new(),
            hasher: RandomState::new(),
            last: DOTDOT + below.len() as Dircookie,
            gone: Runs::default(),
        }
    }

    /// How many own entries there are, and how many of the image's are not there any more.
    pub fn counts(&self) -> (usize, usize) {
        (self.entries.len(), self.gone.len())
    }

    /// The hash of a name, and the cookie of its own entry.
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

    /// Whether a name has an entry of this file system's.
    pub fn is_own(&self, name: &[u8]) -> bool {
        self.get(name).is_some()
    }

    /// The cookie of the image's entry of a name, while that is there.
    fn find_below(&self, name: &[u8], below: &Entries) -> Option<Dircookie> {
        let cookie = cookie_below(below.find(name)?.0);
        (!self.gone.contains(cookie)).then_some(cookie)
    }

    /// Puts a child at a name. One that had the name makes room for it, and keeps its place in the order: a
    /// name that is there before and after is listed once.
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

    /// The places of the image's entries that are not there any more.
    pub fn gone(&self) -> impl Iterator<Item = usize> {
        (self.gone.iter()).map(|cookie| (cookie - cookie_below(0)) as usize)
    }
}

/// The cookie of the entry of an image at this place.
fn cookie_below(index: usize) -> Dircookie {
    DOTDOT + 1 + index as Dircookie
}

impl<'t> Listing<'t> {
    /// How many there are.
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

    /// The first entry behind a cookie, with its own.
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
