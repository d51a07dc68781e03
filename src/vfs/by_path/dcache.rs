//! What is known of the directories of a file system that is reached by paths: their numbers, and where
//! they are.
//!
//! The inode numbers of such file systems cannot tell directories apart: some have none, some change
//! them. So each directory that was met has a number of its own here, which it keeps for as long as it
//! keeps its dentry, and when the guest moves it. It is forgotten when the guest removes it, or when
//! it is found to be gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::abi::{Errno, Inode};
use crate::vfs::Result;

/// Numbers that are given here begin at this, to be none that a file system has given. Doubles hold them.
const FIRST_INO: Inode = 1 << 48;

/// The directories of a file system that have been met.
#[derive(Debug)]
pub(super) struct Dcache {
    root: Arc<Dentry>,
    next_ino: AtomicU64,
}

/// A directory, and where it is (`dentry` in Linux).
#[derive(Debug)]
pub(super) struct Dentry {
    pub ino: Inode,
    /// Held for a moment, and never two at a time.
    at: Mutex<At>,
}

#[derive(Debug)]
struct At {
    /// The directory that it lies in; gone when this one is.
    parent: Weak<Dentry>,
    name: Box<str>,
    /// The directories that were met in it.
    dirs: HashMap<Box<str>, Arc<Dentry>>,
    /// The numbers of files in it that have none from the file system.
    inos: HashMap<Box<str>, Inode>,
}

impl Dentry {
    fn new(ino: Inode, parent: Weak<Dentry>, name: &str) -> Arc<Self> {
        Arc::new(Self {
            ino,
            at: Mutex::new(At {
                parent,
                name: name.into(),
                dirs: HashMap::new(),
                inos: HashMap::new(),
            }),
        })
    }

    fn at(&self) -> MutexGuard<'_, At> {
        self.at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Dcache {
    fn default() -> Self {
        Self {
            root: Dentry::new(FIRST_INO, Weak::new(), ""),
            next_ino: AtomicU64::new(FIRST_INO + 1),
        }
    }
}

impl Dcache {
    /// The root of the file system.
    pub fn root(&self) -> Arc<Dentry> {
        Arc::clone(&self.root)
    }

    fn new_ino(&self) -> Inode {
        self.next_ino.fetch_add(1, Relaxed)
    }

    /// The directory with this name in another.
    pub fn child(&self, dir: &Arc<Dentry>, name: &str) -> Arc<Dentry> {
        let mut at = dir.at();
        if let Some(child) = at.dirs.get(name) {
            return Arc::clone(child);
        }
        let child = Dentry::new(self.new_ino(), Arc::downgrade(dir), name);
        at.dirs.insert(name.into(), Arc::clone(&child));
        child
    }

    /// The number of a file without one.
    pub fn ino_of(&self, dir: &Dentry, name: &str) -> Inode {
        let mut at = dir.at();
        if let Some(ino) = at.inos.get(name) {
            return *ino;
        }
        let ino = self.new_ino();
        at.inos.insert(name.into(), ino);
        ino
    }

    /// The directory that another lies in; the root for the root.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`]: it is gone.
    pub fn parent(&self, dentry: &Arc<Dentry>) -> Result<Arc<Dentry>> {
        if Arc::ptr_eq(dentry, &self.root) {
            return Ok(self.root());
        }
        let parent = dentry.at().parent.upgrade();
        parent.ok_or(Errno::Noent)
    }

    /// The path of a directory, which ends in a slash if it is the root.
    ///
    /// # Errors
    ///
    /// [`Errno::Noent`]: it is gone.
    pub fn path(&self, dentry: &Arc<Dentry>) -> Result<String> {
        let mut names: Vec<Box<str>> = Vec::new();
        let mut here = Arc::clone(dentry);
        while !Arc::ptr_eq(&here, &self.root) {
            names.push(here.at().name.clone());
            here = self.parent(&here)?;
        }
        if names.is_empty() {
            return Ok("/".into());
        }
        let mut path = String::with_capacity(names.iter().map(|name| name.len() + 1).sum());
        for name in names.iter().rev() {
            path.push('/');
            path.push_str(name);
        }
        Ok(path)
    }

    /// Whether a directory is another, or lies below it.
    pub fn is_within(&self, dentry: &Arc<Dentry>, outer: &Arc<Dentry>) -> bool {
        let mut here = Arc::clone(dentry);
        loop {
            if Arc::ptr_eq(&here, outer) {
                return true;
            }
            match self.parent(&here) {
                Ok(parent) if !Arc::ptr_eq(&parent, &here) => here = parent,
                _ => return false,
            }
        }
    }

    /// Takes note that no directory has this name any more.
    pub fn forget_dir(&self, dir: &Dentry, name: &str) {
        let gone = dir.at().dirs.remove(name);
        if let Some(gone) = gone {
            gone.at().parent = Weak::new();
        }
    }

    /// Takes note that a name is no longer there, or no longer what it was.
    pub fn forget(&self, dir: &Dentry, name: &str) {
        dir.at().inos.remove(name);
        self.forget_dir(dir, name);
    }

    /// Takes note that what had one name has another, in the place of what had that.
    pub fn moved(&self, old_dir: &Dentry, old: &str, new_dir: &Arc<Dentry>, new: &str) {
        let (dir, ino) = {
            let mut at = old_dir.at();
            (at.dirs.remove(old), at.inos.remove(old))
        };
        self.forget(new_dir, new);
        if let Some(dir) = &dir {
            let mut at = dir.at();
            at.parent = Arc::downgrade(new_dir);
            at.name = new.into();
        }
        let mut at = new_dir.at();
        if let Some(dir) = dir {
            at.dirs.insert(new.into(), dir);
        }
        if let Some(ino) = ino {
            at.inos.insert(new.into(), ino);
        }
    }

    /// Takes note that what has one name has another one, too.
    pub fn linked(&self, old_dir: &Dentry, old: &str, new_dir: &Dentry, new: &str) {
        let ino = old_dir.at().inos.get(old).copied();
        if let Some(ino) = ino {
            new_dir.at().inos.insert(new.into(), ino);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The dentry of a path, each directory on the way being met.
    fn dentry(dcache: &Dcache, path: &str) -> Arc<Dentry> {
        (path.split('/')).fold(dcache.root(), |dir, name| dcache.child(&dir, name))
    }

    fn path(dcache: &Dcache, dentry: &Arc<Dentry>) -> Result<String> {
        dcache.path(dentry)
    }

    #[test]
    fn a_directory_has_its_number_and_its_path() {
        let dcache = Dcache::default();
        assert_eq!(path(&dcache, &dcache.root()), Ok("/".into()));
        let dir = dentry(&dcache, "a/b");
        assert_eq!(path(&dcache, &dir), Ok("/a/b".into()));
        assert_eq!(dir.ino, dentry(&dcache, "a/b").ino);
        assert_ne!(dir.ino, dentry(&dcache, "b").ino);
        assert_eq!(dcache.parent(&dir).unwrap().ino, dentry(&dcache, "a").ino);
        assert_eq!(dcache.parent(&dcache.root()).unwrap().ino, FIRST_INO);
    }

    #[test]
    fn what_moves_takes_along_what_is_below() {
        let dcache = Dcache::default();
        let (from, to, deep) = (
            dentry(&dcache, "a"),
            dentry(&dcache, "b"),
            dentry(&dcache, "a/x/deep"),
        );
        dcache.moved(&from, "x", &to, "y");
        assert_eq!(path(&dcache, &deep), Ok("/b/y/deep".into()));
        assert!(dcache.is_within(&deep, &to) && !dcache.is_within(&deep, &from));
        assert!(dcache.is_within(&deep, &dcache.root()));
        // A name can move within its directory, and to where another was.
        let over = dentry(&dcache, "b/z");
        dcache.moved(&to, "y", &to, "z");
        assert_eq!(path(&dcache, &deep), Ok("/b/z/deep".into()));
        assert_eq!(path(&dcache, &over), Err(Errno::Noent));
    }

    #[test]
    fn what_is_gone_has_no_path_and_no_way_up() {
        let dcache = Dcache::default();
        let (dir, deep) = (dentry(&dcache, "a"), dentry(&dcache, "a/b/c"));
        dcache.forget(&dir, "b");
        assert_eq!(path(&dcache, &deep), Err(Errno::Noent));
        assert!(!dcache.is_within(&deep, &dcache.root()));
        let again = dentry(&dcache, "a/b/c");
        assert_ne!(again.ino, deep.ino);
        assert_eq!(path(&dcache, &again), Ok("/a/b/c".into()));
    }

    #[test]
    fn the_number_of_a_file_goes_where_its_name_does() {
        let dcache = Dcache::default();
        let (a, b) = (dentry(&dcache, "a"), dentry(&dcache, "b"));
        let ino = dcache.ino_of(&a, "file");
        assert_eq!(dcache.ino_of(&a, "file"), ino);
        dcache.linked(&a, "file", &b, "link");
        dcache.moved(&a, "file", &b, "moved");
        assert_eq!(dcache.ino_of(&b, "link"), ino);
        assert_eq!(dcache.ino_of(&b, "moved"), ino);
        assert_ne!(dcache.ino_of(&a, "file"), ino);
        dcache.forget(&b, "link");
        assert_ne!(dcache.ino_of(&b, "link"), ino);
    }
}
