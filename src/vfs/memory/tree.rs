//! The operations on names: add, remove, rename, link.
//!
//! Nothing here is recursive, however deep directories are nested: a rename checks the directories above.

use std::sync::Arc;

use super::below::Below;
use super::dirs::{Dirs, Key};
use super::names::Found;
use super::node::Node;
use super::opened::Opened;
use super::volume::{Usage, Volume};
use crate::abi::{Errno, Filetype, Timestamp};
use crate::vfs::image::{NAME_MAX, NodeId};
use crate::vfs::{Name, Result};

/// What a name costs in bytes beside its length.
const NAME_COST: usize = 128;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Child {
    Dir(Key),
    /// A regular file or a symbolic link.
    Node(Arc<Node>),
}

/// What a name stands for, for reading its attributes.
#[derive(Debug)]
pub(super) enum Seen {
    Child(Child),
    /// A file or symbolic link of the lower layer that is neither open nor changed, and so has no node.
    Below(NodeId),
}

#[derive(Debug)]
pub(super) struct Tree {
    volume: Arc<Volume>,
    pub dirs: Dirs,
    opened: Opened,
}

impl Tree {
    pub fn new(volume: Arc<Volume>, below: Below) -> Self {
        Self {
            dirs: Dirs::new(Arc::clone(&volume), below),
            volume,
            opened: Opened::default(),
        }
    }

    /// The number of files of the lower layer that have nodes.
    #[cfg(test)]
    pub fn nodes_below(&self) -> usize {
        self.opened.len()
    }

    /// What a name stands for, if it exists.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`]: the directory has been removed. [`Errno::Nametoolong`]. Those of listing the directory
    /// below.
    fn see(&self, dir: Key, name: Name<'_>) -> Result<Option<Seen>> {
        if self.dirs.parent(dir).is_none() {
            return Err(Errno::Noent);
        }
        if name.as_bytes().len() > NAME_MAX {
            return Err(Errno::Nametoolong);
        }
        let found = self.dirs.listing(dir)?.get(name.as_bytes());
        Ok(found.map(|found| self.seen(found)))
    }

    /// What an entry stands for.
    pub fn seen(&self, found: Found<'_>) -> Seen {
        match found {
            Found::Own(child) => Seen::Child(child.clone()),
            Found::Below(id) if self.dirs.below().filetype(id) == Filetype::Directory => {
                Seen::Child(Child::Dir(Key::Below(id)))
            }
            Found::Below(id) => match self.opened.get(id) {
                Some(node) => Seen::Child(Child::Node(node)),
                None => Seen::Below(id),
            },
        }
    }

    /// The same with a node.
    pub fn child_of(&self, seen: Seen) -> Result<Child> {
        match seen {
            Seen::Child(child) => Ok(child),
            Seen::Below(id) => {
                let node = self.opened.get_or_make(id, || {
                    let attributes = self.dirs.below().attributes(id);
                    let content = match attributes.filetype {
                        Filetype::SymbolicLink => self.dirs.below().target(id)?.into(),
                        _ => self.dirs.below().content(id)?,
                    };
                    Ok(Node::over(&self.volume, id, &attributes, content))
                });
                node.map(Child::Node)
            }
        }
    }

    /// What a name stands for, for opening or changing it, if it exists.
    ///
    /// # Errors
    ///
    /// As [`Tree::see`], and those of the file below.
    fn find(&self, dir: Key, name: Name<'_>) -> Result<Option<Child>> {
        let seen = self.see(dir, name)?;
        seen.map(|seen| self.child_of(seen)).transpose()
    }

    /// What a name stands for, for reading its attributes.
    ///
    /// # Errors
    ///
    /// As [`Tree::see`]. [`Errno::Noent`].
    pub fn look_up(&self, dir: Key, name: Name<'_>) -> Result<Seen> {
        self.see(dir, name)?.ok_or(Errno::Noent)
    }

    /// What a name stands for, for opening or changing it.
    ///
    /// # Errors
    ///
    /// As [`Tree::find`]. [`Errno::Noent`].
    pub fn child(&self, dir: Key, name: Name<'_>) -> Result<Child> {
        self.find(dir, name)?.ok_or(Errno::Noent)
    }

    /// Adds what `make` returns, under a name that must be free.
    ///
    /// # Errors
    ///
    /// [`Errno::Exist`], [`Errno::Noent`], [`Errno::Nametoolong`], [`Errno::Nospc`]. Those of `make`.
    pub fn add(
        &mut self,
        dir: Key,
        name: Name<'_>,
        now: Timestamp,
        make: impl FnOnce(&mut Self) -> Result<Child>,
    ) -> Result<()> {
        if self.see(dir, name)?.is_some() {
            return Err(Errno::Exist);
        }
        self.volume.take(cost(name))?;
        let child = make(self).inspect_err(|_| self.volume.give(cost(name)))?;
        match &child {
            Child::Dir(_) => self.dirs.get_mut(dir).subdirs += 1,
            Child::Node(node) => node.add_link(),
        }
        self.dirs.change_names(dir, now, |names, below| {
            names.put(name.as_bytes(), child, below)
        })
    }

    /// Adds a node as [`Tree::add`].
    ///
    /// # Errors
    ///
    /// As [`Tree::add`].
    pub fn add_node(
        &mut self,
        dir: Key,
        name: Name<'_>,
        now: Timestamp,
        make: impl FnOnce(&Arc<Volume>) -> Result<Arc<Node>>,
    ) -> Result<()> {
        self.add(dir, name, now, |tree| Ok(Child::Node(make(&tree.volume)?)))
    }

    /// `mkdirat(2)`.
    ///
    /// # Errors
    ///
    /// As [`Tree::add`].
    pub fn create_dir(&mut self, dir: Key, name: Name<'_>, now: Timestamp) -> Result<()> {
        self.add(dir, name, now, |tree| {
            Ok(Child::Dir(tree.dirs.make(dir, now)?))
        })
    }

    /// Removes a name, and gives back its usage.
    fn remove(&mut self, dir: Key, name: Name<'_>, child: &Child, now: Timestamp) -> Result<()> {
        let paid = self.paid(dir, name);
        self.dirs.change_names(dir, now, |names, below| {
            names.remove(name.as_bytes(), below)
        })?;
        self.volume.give(paid);
        self.detach(dir, child, now);
        Ok(())
    }

    /// The usage of a name. Those of the lower layer are free.
    fn paid(&self, dir: Key, name: Name<'_>) -> Usage {
        let names = self.dirs.get(dir).and_then(|dir| dir.names.as_ref());
        match names {
            Some(names) if names.is_own(name.as_bytes()) => cost(name),
            _ => Usage::default(),
        }
    }

    /// Records that a child has lost its name in a directory. A directory is freed, unless it is open.
    fn detach(&mut self, dir: Key, child: &Child, now: Timestamp) {
        match child {
            Child::Node(node) => {
                node.remove_link();
                if let Some(id) = node.id_below()
                    && !node.has_name()
                {
                    self.opened.forget(id);
                }
            }
            Child::Dir(key) => {
                self.dirs.get_mut(dir).subdirs -= 1;
                let child = self.dirs.get_mut(*key);
                child.parent = None;
                child.times.ctim = now;
                // One of the lower layer stays in the table, as a mark that it was removed.
                if let Key::Own(key) = *key
                    && *child.opens.get_mut() == 0
                {
                    self.dirs.free(key);
                }
            }
        }
    }

    /// Whether a directory is empty.
    fn is_empty(&self, dir: Key) -> Result<bool> {
        Ok(self.dirs.listing(dir)?.len() == 0)
    }

    /// `unlinkat(2)`. Returns the node that has lost a name: the caller records that in the node, and drops it,
    /// when nothing is locked.
    ///
    /// # Errors
    ///
    /// As [`Tree::child`]. [`Errno::Isdir`].
    pub fn unlink(&mut self, dir: Key, name: Name<'_>, now: Timestamp) -> Result<Arc<Node>> {
        let child = self.child(dir, name)?;
        let Child::Node(node) = &child else {
            return Err(Errno::Isdir);
        };
        self.remove(dir, name, &child, now)?;
        Ok(Arc::clone(node))
    }

    /// `unlinkat(2)` with `AT_REMOVEDIR`.
    ///
    /// # Errors
    ///
    /// As [`Tree::child`]. [`Errno::Notdir`], [`Errno::Notempty`].
    pub fn remove_dir(&mut self, dir: Key, name: Name<'_>, now: Timestamp) -> Result<()> {
        let Seen::Child(child @ Child::Dir(key)) = self.look_up(dir, name)? else {
            return Err(Errno::Notdir);
        };
        if !self.is_empty(key)? {
            return Err(Errno::Notempty);
        }
        self.remove(dir, name, &child, now)
    }

    /// `linkat(2)`; without a name, of the directory itself, which fails. Returns the node that has got a name:
    /// the caller records that in the node.
    ///
    /// # Errors
    ///
    /// As [`Tree::child`] and [`Tree::add`]. [`Errno::Perm`]: a directory.
    pub fn link(
        &mut self,
        (dir, old): (Key, Option<Name<'_>>),
        (new_dir, new): (Key, Name<'_>),
        now: Timestamp,
    ) -> Result<Arc<Node>> {
        let child = match old {
            Some(old) => self.child(dir, old)?,
            None => Child::Dir(dir),
        };
        if self.see(new_dir, new)?.is_some() {
            return Err(Errno::Exist);
        }
        let Child::Node(node) = child else {
            return Err(Errno::Perm);
        };
        self.add_node(new_dir, new, now, |_| Ok(Arc::clone(&node)))?;
        Ok(node)
    }

    /// `renameat(2)`. Returns the nodes whose names have changed: the caller records that in them, and drops
    /// them, when nothing is locked.
    ///
    /// # Errors
    ///
    /// As [`Tree::child`]. [`Errno::Inval`], [`Errno::Isdir`], [`Errno::Notdir`], [`Errno::Notempty`],
    /// [`Errno::Nospc`].
    pub fn rename(
        &mut self,
        (dir, old): (Key, Name<'_>),
        (new_dir, new): (Key, Name<'_>),
        now: Timestamp,
    ) -> Result<[Option<Arc<Node>>; 2]> {
        let moved = self.child(dir, old)?;
        let replaced = self.find(new_dir, new)?;
        if !self.check_rename((dir, &moved), (new_dir, replaced.as_ref()))? {
            return Ok([None, None]);
        }
        // The new name is paid for, unless the one that it replaces was; the old name is refunded.
        let price = cost(new).bytes - self.paid(new_dir, new).bytes;
        let refund = self.paid(dir, old).bytes;
        self.volume.take(Usage {
            bytes: price.saturating_sub(refund),
            files: 0,
        })?;
        self.volume.give(Usage {
            bytes: refund.saturating_sub(price),
            files: 0,
        });
        self.dirs
            .change_names(dir, now, |names, below| names.remove(old.as_bytes(), below))?;
        if let Child::Dir(key) = &moved {
            self.dirs.get_mut(dir).subdirs -= 1;
            self.dirs.get_mut(new_dir).subdirs += 1;
            let moved = self.dirs.get_mut(*key);
            moved.parent = Some(new_dir);
            moved.times.ctim = now;
        }
        if let Some(replaced) = &replaced {
            self.detach(new_dir, replaced, now);
        }
        self.dirs.change_names(new_dir, now, |names, below| {
            names.put(new.as_bytes(), moved.clone(), below);
        })?;
        Ok([Some(moved), replaced].map(|child| child?.into_node()))
    }

    /// Whether a rename changes anything.
    ///
    /// # Errors
    ///
    /// Those of `renameat(2)`.
    fn check_rename(
        &self,
        (dir, moved): (Key, &Child),
        (new_dir, replaced): (Key, Option<&Child>),
    ) -> Result<bool> {
        if moved.is_dir_and(|key| self.is_within(new_dir, key)) {
            return Err(Errno::Inval);
        }
        let Some(replaced) = replaced else {
            return Ok(true);
        };
        if replaced.is_dir_and(|key| self.is_within(dir, key)) {
            return Err(Errno::Notempty);
        }
        match (moved, replaced) {
            (Child::Dir(moved), Child::Dir(replaced)) if moved == replaced => Ok(false),
            (Child::Dir(_), Child::Dir(replaced)) if !self.is_empty(*replaced)? => {
                Err(Errno::Notempty)
            }
            (Child::Dir(_), Child::Dir(_)) => Ok(true),
            (Child::Dir(_), Child::Node(_)) => Err(Errno::Notdir),
            (Child::Node(_), Child::Dir(_)) => Err(Errno::Isdir),
            (Child::Node(moved), Child::Node(replaced)) => Ok(!Arc::ptr_eq(moved, replaced)),
        }
    }

    /// Whether a directory is `above`, or below it.
    fn is_within(&self, mut dir: Key, above: Key) -> bool {
        loop {
            if dir == above {
                return true;
            }
            match self.dirs.parent(dir) {
                Some(parent) if parent != dir => dir = parent,
                _ => return false,
            }
        }
    }
}

impl Child {
    fn is_dir_and(&self, is: impl FnOnce(Key) -> bool) -> bool {
        matches!(self, Child::Dir(key) if is(*key))
    }

    fn into_node(self) -> Option<Arc<Node>> {
        match self {
            Child::Dir(_) => None,
            Child::Node(node) => Some(node),
        }
    }
}

/// The usage of a name.
fn cost(name: Name<'_>) -> Usage {
    Usage::of_bytes(NAME_COST + name.as_bytes().len())
}
