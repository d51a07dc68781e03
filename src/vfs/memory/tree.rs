//! The directories, and what is done to the names in them.
//!
//! All directories are in one table, in which each knows the one that it lies in. So nothing here calls
//! itself, however deep they lie, and what a rename must know is found on the way up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use slab::Slab;

use super::names::Names;
use super::node::{Node, Times};
use super::volume::{Usage, Volume};
use crate::abi::{Errno, Filesize, Filestat, Filetype, Inode, Timestamp};
use crate::vfs::{Name, Result, SetTime};

/// The most bytes that a name may have: `NAME_MAX`.
const NAME_MAX: usize = 255;

/// What a directory costs beside the names in it, the first of which takes more than others.
const DIR_COST: usize = 512;

/// What a name costs beside its bytes.
const NAME_COST: usize = 128;

/// What tmpfs counts in a directory's size for each of its names, and for `.` and `..`.
const SIZE_OF_NAME: Filesize = 20;

/// What a name stands for.
#[derive(Clone, Debug)]
pub(super) enum Child {
    /// A directory, by its key in the table.
    Dir(usize),
    /// Anything else.
    Node(Arc<Node>),
}

#[derive(Debug)]
pub(super) struct Tree {
    volume: Arc<Volume>,
    dirs: Slab<DirNode>,
}

#[derive(Debug)]
pub(super) struct DirNode {
    pub ino: Inode,
    /// The directory that it lies in, which of the root is itself. None once it has been removed; then it
    /// is in the table for as long as it is open.
    pub parent: Option<usize>,
    pub names: Names,
    subdirs: u64,
    /// How many have it open: see [`Tree::close`].
    opens: AtomicUsize,
    times: Times,
}

impl DirNode {
    fn new(ino: Inode, parent: usize, now: Timestamp) -> Self {
        Self {
            ino,
            parent: Some(parent),
            names: Names::default(),
            subdirs: 0,
            opens: AtomicUsize::new(0),
            times: Times::new(now),
        }
    }
}

impl Tree {
    /// The key of the root.
    pub const ROOT: usize = 0;

    pub fn new(volume: Arc<Volume>, now: Timestamp) -> Self {
        let mut dirs = Slab::new();
        let root = dirs.insert(DirNode::new(volume.new_ino(), Self::ROOT, now));
        debug_assert_eq!(root, Self::ROOT);
        Self { volume, dirs }
    }

    pub fn dir(&self, key: usize) -> &DirNode {
        &self.dirs[key]
    }

    /// Takes note that someone has opened the directory.
    pub fn open(&self, dir: usize) {
        self.dirs[dir].opens.fetch_add(1, Relaxed);
    }

    /// Takes note that someone has closed it. True if it has been removed and nobody has it open any more:
    /// then the caller, who is the last to know of it, frees it.
    #[must_use]
    pub fn close(&self, dir: usize) -> bool {
        let dir = &self.dirs[dir];
        dir.opens.fetch_sub(1, Relaxed) == 1 && dir.parent.is_none()
    }

    /// Frees a removed directory that nobody has open.
    pub fn free(&mut self, dir: usize) {
        self.dirs.remove(dir);
        self.volume.give(Usage::of_file(DIR_COST));
    }

    pub fn stat(&self, dir: usize) -> Filestat {
        let dir = &self.dirs[dir];
        let Times { atim, mtim, ctim } = dir.times;
        Filestat {
            dev: self.volume.dev,
            ino: dir.ino,
            filetype: Filetype::Directory,
            nlink: dir.parent.map_or(0, |_| 2 + dir.subdirs),
            size: (2 + dir.names.len()) as Filesize * SIZE_OF_NAME,
            atim,
            mtim,
            ctim,
        }
    }

    pub fn set_times(&mut self, dir: usize, atim: SetTime, mtim: SetTime, now: Timestamp) {
        self.dirs[dir].times.set(atim, mtim, now);
    }

    /// What a name stands for, if it is there.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`]: the directory has been removed. [`Errno::Nametoolong`].
    fn find(&self, dir: usize, name: Name<'_>) -> Result<Option<&Child>> {
        let dir = &self.dirs[dir];
        if dir.parent.is_none() {
            return Err(Errno::Noent);
        }
        if name.as_bytes().len() > NAME_MAX {
            return Err(Errno::Nametoolong);
        }
        Ok(dir.names.get(name.as_bytes()))
    }

    /// What a name stands for.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`], [`Errno::Nametoolong`].
    pub fn child(&self, dir: usize, name: Name<'_>) -> Result<&Child> {
        self.find(dir, name)?.ok_or(Errno::Noent)
    }

    /// Adds what `make` makes under a name that is not taken.
    ///
    /// # Errors
    ///
    /// [`Errno::Exist`], [`Errno::Noent`], [`Errno::Nametoolong`], [`Errno::Nospc`]. What `make` says.
    pub fn add(
        &mut self,
        dir: usize,
        name: Name<'_>,
        now: Timestamp,
        make: impl FnOnce(&mut Self) -> Result<Child>,
    ) -> Result<()> {
        if self.find(dir, name)?.is_some() {
            return Err(Errno::Exist);
        }
        self.volume.take(cost(name))?;
        let child = make(self).inspect_err(|_| self.volume.give(cost(name)))?;
        match &child {
            Child::Dir(_) => self.dirs[dir].subdirs += 1,
            Child::Node(node) => node.add_link(),
        }
        let dir = &mut self.dirs[dir];
        dir.names.put(name.as_bytes(), child);
        dir.times.modify(now);
        Ok(())
    }

    /// Adds a node likewise.
    ///
    /// # Errors
    ///
    /// As [`Tree::add`].
    pub fn add_node(
        &mut self,
        dir: usize,
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
    pub fn create_dir(&mut self, dir: usize, name: Name<'_>, now: Timestamp) -> Result<()> {
        self.add(dir, name, now, |tree| {
            tree.volume.take(Usage::of_file(DIR_COST))?;
            let made = DirNode::new(tree.volume.new_ino(), dir, now);
            Ok(Child::Dir(tree.dirs.insert(made)))
        })
    }

    /// Removes a name, and gives back what it took.
    fn remove(&mut self, dir: usize, name: Name<'_>, child: &Child, now: Timestamp) {
        let parent = &mut self.dirs[dir];
        parent.names.remove(name.as_bytes());
        parent.times.modify(now);
        self.volume.give(cost(name));
        self.detach(dir, child, now);
    }

    /// Takes note that a child has lost a name in a directory. A directory is freed, unless someone has it
    /// open.
    fn detach(&mut self, dir: usize, child: &Child, now: Timestamp) {
        match child {
            Child::Node(node) => node.remove_link(),
            Child::Dir(key) => {
                self.dirs[dir].subdirs -= 1;
                let child = &mut self.dirs[*key];
                child.parent = None;
                child.times.ctim = now;
                if *child.opens.get_mut() == 0 {
                    self.free(*key);
                }
            }
        }
    }

    /// `unlinkat(2)`: the node that has lost a name, for the caller to note and to drop where nothing is
    /// locked.
    ///
    /// # Errors
    ///
    /// As [`Tree::child`]. [`Errno::Isdir`].
    pub fn unlink(&mut self, dir: usize, name: Name<'_>, now: Timestamp) -> Result<Arc<Node>> {
        let child = self.child(dir, name)?.clone();
        let Child::Node(node) = &child else {
            return Err(Errno::Isdir);
        };
        self.remove(dir, name, &child, now);
        Ok(Arc::clone(node))
    }

    /// `unlinkat(2)` with `AT_REMOVEDIR`.
    ///
    /// # Errors
    ///
    /// As [`Tree::child`]. [`Errno::Notdir`], [`Errno::Notempty`].
    pub fn remove_dir(&mut self, dir: usize, name: Name<'_>, now: Timestamp) -> Result<()> {
        let child = self.child(dir, name)?.clone();
        match &child {
            Child::Dir(key) if self.dirs[*key].names.is_empty() => {}
            Child::Dir(_) => return Err(Errno::Notempty),
            Child::Node(_) => return Err(Errno::Notdir),
        }
        self.remove(dir, name, &child, now);
        Ok(())
    }

    /// `linkat(2)`; of the directory itself, where there is no name. The node that has got a name is for the
    /// caller to note.
    ///
    /// # Errors
    ///
    /// As [`Tree::child`] and [`Tree::add`]. [`Errno::Perm`]: a directory.
    pub fn link(
        &mut self,
        (dir, old): (usize, Option<Name<'_>>),
        (new_dir, new): (usize, Name<'_>),
        now: Timestamp,
    ) -> Result<Arc<Node>> {
        let child = match old {
            Some(old) => self.child(dir, old)?.clone(),
            None => Child::Dir(dir),
        };
        if self.find(new_dir, new)?.is_some() {
            return Err(Errno::Exist);
        }
        let Child::Node(node) = child else {
            return Err(Errno::Perm);
        };
        self.add_node(new_dir, new, now, |_| Ok(Arc::clone(&node)))?;
        Ok(node)
    }

    /// `renameat(2)`: the nodes whose names have changed, for the caller to note and to drop where nothing
    /// is locked.
    ///
    /// # Errors
    ///
    /// As [`Tree::child`]. [`Errno::Inval`], [`Errno::Isdir`], [`Errno::Notdir`], [`Errno::Notempty`],
    /// [`Errno::Nospc`].
    pub fn rename(
        &mut self,
        (dir, old): (usize, Name<'_>),
        (new_dir, new): (usize, Name<'_>),
        now: Timestamp,
    ) -> Result<[Option<Arc<Node>>; 2]> {
        let moved = self.child(dir, old)?.clone();
        let replaced = self.find(new_dir, new)?.cloned();
        if !self.check_rename((dir, &moved), (new_dir, replaced.as_ref()))? {
            return Ok([None, None]);
        }
        // A name that is replaced has been paid for, and the old one is paid back.
        let price = match &replaced {
            Some(_) => 0,
            None => cost(new).bytes,
        };
        let refund = cost(old).bytes;
        self.volume.take(Usage {
            bytes: price.saturating_sub(refund),
            files: 0,
        })?;
        self.volume.give(Usage {
            bytes: refund.saturating_sub(price),
            files: 0,
        });
        self.dirs[dir].names.remove(old.as_bytes());
        self.dirs[dir].times.modify(now);
        if let Child::Dir(key) = &moved {
            self.dirs[dir].subdirs -= 1;
            self.dirs[new_dir].subdirs += 1;
            let moved = &mut self.dirs[*key];
            moved.parent = Some(new_dir);
            moved.times.ctim = now;
        }
        if let Some(replaced) = &replaced {
            self.detach(new_dir, replaced, now);
        }
        let parent = &mut self.dirs[new_dir];
        parent.names.put(new.as_bytes(), moved.clone());
        parent.times.modify(now);
        Ok([Some(moved), replaced].map(|child| child?.into_node()))
    }

    /// Whether a rename is one that changes anything.
    ///
    /// # Errors
    ///
    /// It is one that must not be.
    fn check_rename(
        &self,
        (dir, moved): (usize, &Child),
        (new_dir, replaced): (usize, Option<&Child>),
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
            (Child::Dir(_), Child::Dir(replaced)) if !self.dirs[*replaced].names.is_empty() => {
                Err(Errno::Notempty)
            }
            (Child::Dir(_), Child::Dir(_)) => Ok(true),
            (Child::Dir(_), Child::Node(_)) => Err(Errno::Notdir),
            (Child::Node(_), Child::Dir(_)) => Err(Errno::Isdir),
            (Child::Node(moved), Child::Node(replaced)) => Ok(!Arc::ptr_eq(moved, replaced)),
        }
    }

    /// Whether a directory is `above`, or lies below it.
    fn is_within(&self, mut dir: usize, above: usize) -> bool {
        loop {
            if dir == above {
                return true;
            }
            match self.dirs[dir].parent {
                Some(parent) if parent != dir => dir = parent,
                _ => return false,
            }
        }
    }
}

impl Child {
    fn is_dir_and(&self, is: impl FnOnce(usize) -> bool) -> bool {
        matches!(self, Child::Dir(key) if is(*key))
    }

    fn into_node(self) -> Option<Arc<Node>> {
        match self {
            Child::Dir(_) => None,
            Child::Node(node) => Some(node),
        }
    }
}

/// What a name takes.
fn cost(name: Name<'_>) -> Usage {
    Usage::of_bytes(NAME_COST + name.as_bytes().len())
}
