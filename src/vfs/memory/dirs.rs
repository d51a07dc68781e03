use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use slab::Slab;

use super::below::{Below, EntriesRef};
use super::names::{Listing, Names};
use super::node::Times;
use super::volume::{Usage, Volume};
use crate::abi::{Filesize, Filestat, Filetype, Inode, Timestamp};
use crate::vfs::image::{Entries, Image, NodeId};
use crate::vfs::{Result, SetTime};

/// What a directory costs in bytes beside its names. The first name costs more than the others; that is
/// included.
const DIR_COST: usize = 512;

/// Identifies a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// One that was created here: its index in the table.
    Own(usize),
    /// One of the lower layer.
    Below(NodeId),
}

/// All directories: those that were created here, and what is changed of those of the lower layer.
#[derive(Debug)]
pub(super) struct Dirs {
    volume: Arc<Volume>,
    below: Below,
    own: Slab<DirNode>,
    /// The directories of the lower layer that differ from it, removed ones among them.
    changed: BTreeMap<NodeId, DirNode>,
}

#[derive(Debug)]
pub(super) struct DirNode {
    ino: Inode,
    /// The parent directory; the root for the root. `None` once it has been removed: one that was created here
    /// stays in the table for as long as it is open.
    pub parent: Option<Key>,
    /// `None` if the names are those of the lower layer.
    pub names: Option<Names>,
    /// How many more subdirectories it has than in the lower layer.
    pub subdirs: i64,
    /// How many times it is open, if it was created here: see [`Dirs::close`].
    pub opens: AtomicUsize,
    pub times: Times,
}

impl DirNode {
    fn new(ino: Inode, parent: Key, times: Times) -> Self {
        Self {
            ino,
            parent: Some(parent),
            names: None,
            subdirs: 0,
            opens: AtomicUsize::new(0),
            times,
        }
    }
}

impl Dirs {
    /// The root.
    pub const ROOT: Key = Key::Below(Image::ROOT);

    pub fn new(volume: Arc<Volume>, below: Below) -> Self {
        Self {
            volume,
            below,
            own: Slab::new(),
            changed: BTreeMap::new(),
        }
    }

    pub fn below(&self) -> &Below {
        &self.below
    }

    /// Creates a directory, which has no name yet.
    ///
    /// # Errors
    ///
    /// [`Errno::Nospc`](crate::abi::Errno::Nospc).
    pub fn make(&mut self, parent: Key, now: Timestamp) -> Result<Key> {
        self.volume.take(Usage::of_file(DIR_COST))?;
        let made = DirNode::new(self.volume.new_ino(), parent, Times::new(now));
        Ok(Key::Own(self.own.insert(made)))
    }

    /// The directories of the lower layer that differ from it.
    pub fn changed_dirs(&self) -> impl Iterator<Item = NodeId> {
        self.changed.keys().copied()
    }

    /// Whether a directory has been listed. If not, there can be no changes in it.
    pub fn is_known(&self, key: Key) -> bool {
        match key {
            Key::Own(_) => true,
            Key::Below(id) => self.below.is_known(id),
        }
    }

    /// Whether a directory of the lower layer has been removed.
    pub fn is_removed(&self, id: NodeId) -> bool {
        (self.changed.get(&id)).is_some_and(|dir| dir.parent.is_none())
    }

    /// What is stored here of a directory; `None` if it does not differ from the lower layer.
    pub fn get(&self, key: Key) -> Option<&DirNode> {
        match key {
            Key::Own(key) => self.own.get(key),
            Key::Below(id) => self.changed.get(&id),
        }
    }

    /// A directory for writing.
    pub fn get_mut(&mut self, key: Key) -> &mut DirNode {
        let Self { below, changed, .. } = self;
        match key {
            Key::Own(key) => &mut self.own[key],
            Key::Below(id) => changed.entry(id).or_insert_with(|| {
                let parent = Key::Below(below.parent(id));
                let times = Times::new(below.attributes(id).mtim);
                DirNode::new(Volume::ino_below(id), parent, times)
            }),
        }
    }

    pub fn ino(&self, key: Key) -> Inode {
        match key {
            Key::Own(key) => self.own[key].ino,
            Key::Below(id) => Volume::ino_below(id),
        }
    }

    /// The parent directory; the root for the root. `None` once the directory has been removed.
    pub fn parent(&self, key: Key) -> Option<Key> {
        match (self.get(key), key) {
            (Some(dir), _) => dir.parent,
            (None, Key::Below(id)) => Some(Key::Below(self.below.parent(id))),
            (None, Key::Own(_)) => None,
        }
    }

    fn entries_below(&self, key: Key) -> Result<EntriesRef<'_>> {
        match key {
            Key::Own(_) => Ok(EntriesRef::None),
            Key::Below(id) => self.below.entries(id),
        }
    }

    /// The entries of a directory.
    ///
    /// # Errors
    ///
    /// Those of listing the directory below.
    pub fn listing(&self, key: Key) -> Result<Listing<'_>> {
        Ok(Listing {
            own: self.get(key).and_then(|dir| dir.names.as_ref()),
            below: self.entries_below(key)?,
        })
    }

    /// Changes the names in a directory, and sets its times.
    pub fn change_names(
        &mut self,
        key: Key,
        now: Timestamp,
        change: impl FnOnce(&mut Names, &Entries),
    ) -> Result<()> {
        // A clone, as `self` is borrowed mutably below.
        let below = self.below.clone();
        let entries = match key {
            Key::Own(_) => EntriesRef::None,
            Key::Below(id) => below.entries(id)?,
        };
        let dir = self.get_mut(key);
        dir.times.modify(now);
        change(
            dir.names.get_or_insert_with(|| Names::over(&entries)),
            &entries,
        );
        Ok(())
    }

    /// Counts one more open descriptor.
    pub fn open(&self, key: Key) {
        if let Key::Own(key) = key {
            self.own[key].opens.fetch_add(1, Relaxed);
        }
    }

    /// Counts one open descriptor less. True if the directory was created here, has been removed, and is open
    /// no more: then the caller must free it.
    #[must_use]
    pub fn close(&self, key: usize) -> bool {
        let dir = &self.own[key];
        dir.opens.fetch_sub(1, Relaxed) == 1 && dir.parent.is_none()
    }

    /// Frees a directory that has been removed and is not open.
    pub fn free(&mut self, key: usize) {
        self.own.remove(key);
        self.volume.give(Usage::of_file(DIR_COST));
    }

    pub fn stat(&self, key: Key) -> Filestat {
        let (links, size, mtim) = match key {
            Key::Own(_) => (Entries::EMPTY.links(), Entries::EMPTY.size(), 0),
            Key::Below(id) => {
                let below = self.below.attributes(id);
                (below.links, below.size, below.mtim)
            }
        };
        let dir = self.get(key);
        let (own, gone) = dir
            .and_then(|dir| dir.names.as_ref())
            .map_or((0, 0), Names::counts);
        let size = size + own as Filesize * Entries::SIZE_OF_NAME;
        let Times { atim, mtim, ctim } = dir.map_or(Times::new(mtim), |dir| dir.times);
        let subdirs = dir.map_or(0, |dir| dir.subdirs);
        Filestat {
            dev: self.volume.dev,
            ino: self.ino(key),
            filetype: Filetype::Directory,
            nlink: self
                .parent(key)
                .map_or(0, |_| links.saturating_add_signed(subdirs)),
            size: size.saturating_sub(gone as Filesize * Entries::SIZE_OF_NAME),
            atim,
            mtim,
            ctim,
        }
    }

    /// `fstatat(2)` of a file of the lower layer that is unchanged.
    pub fn stat_below(&self, id: NodeId) -> Filestat {
        let below = self.below.attributes(id);
        Filestat {
            dev: self.volume.dev,
            ino: Volume::ino_below(id),
            filetype: below.filetype,
            nlink: below.links,
            size: below.size,
            atim: below.mtim,
            mtim: below.mtim,
            ctim: below.mtim,
        }
    }

    pub fn set_times(&mut self, key: Key, atim: SetTime, mtim: SetTime, now: Timestamp) {
        self.get_mut(key).times.set(atim, mtim, now);
    }
}
