//! The directories of a path-based file system that are known: their inode numbers and their paths.
//!
//! The inode numbers of such file systems do not identify directories: some have none, in some they change. So
//! each directory gets a number here when it is first met. It keeps the number, and its dentry, when the guest
//! renames it, until the guest removes it or it is found to be gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::abi::{Errno, Inode};
use crate::vfs::Result;

/// The first of the numbers that are given here: beyond those of any file system, and exact in a double.
const FIRST_INO: Inode = 1 << 48;

/// The known directories of a file system.
#[derive(Debug)]
pub(super) struct Dcache {
    root: Arc<Dentry>,
    next_ino: AtomicU64,
}

/// A directory and its place in the tree, as Linux's `dentry`.
#[derive(Debug)]
pub(super) struct Dentry {
    pub ino: Inode,
    /// Never locked for two dentries at a time.
    at: Mutex<At>,
}

#[derive(Debug)]
struct At {
    /// The parent directory; gone when this one has been removed.
    parent: Weak<Dentry>,
    name: Box<str>,
    /// Its known subdirectories.
    dirs: HashMap<Box<str>, Arc<Dentry>>,
    /// The numbers of the files in it for which the file system has none.
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

    /// The directory with this name in `dir`.
    pub fn child(&self, dir: &Arc<Dentry>, name: &str) -> Arc<Dentry> {
        let mut at = dir.at();
        if let Some(child) = at.dirs.get(name) {
            return Arc::clone(child);
        }
        let child = Dentry::new(self.new_ino(), Arc::downgrade(dir), name);
        at.dirs.insert(name.into(), Arc::clone(&child));
        child
    }

    /// The number of a file for which the file system has none.
    pub fn ino_of(&self, dir: &Dentry, name: &str) -> Inode {
        let mut at = dir.at();
        if let Some(ino) = at.inos.get(name) {
            return *ino;
        }
        let ino = self.new_ino();
        at.inos.insert(name.into(), ino);
        ino
    }

    /// The parent directory; the root for the root.
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

    /// The path of a directory. Only the root's ends in a slash.
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

    /// Whether a directory is `outer` or below it.
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

    /// Records that no directory has this name any more.
    pub fn forget_dir(&self, dir: &Dentry, name: &str) {
        let gone = dir.at().dirs.remove(name);
        if let Some(gone) = gone {
            gone.at().parent = Weak::new();
        }
    }

    /// Records that a name was removed or replaced.
    pub fn forget(&self, dir: &Dentry, name: &str) {
        dir.at().inos.remove(name);
        self.forget_dir(dir, name);
    }

    /// Records a rename, which removes what had the new name.
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

    /// Records a hard link: both names have the same number.
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

    /// The dentry of a path, with one for each directory on the way.
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
    fn a_directory_is_moved_with_all_that_is_below_it() {
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
    fn a_removed_directory_has_no_path_and_no_parent() {
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
