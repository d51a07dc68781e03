use std::any::Any;
use std::sync::{Arc, RwLockReadGuard};

use super::dirs::Key;
use super::file::MemoryFile;
use super::list::MemoryList;
use super::node::Node;
use super::tree::{Child, Seen, Tree};
use super::volume::Volume;
use super::{Fs, now};
use crate::abi::{Errno, Filestat, Filetype, Oflags};
use crate::vfs::{
    Dir, DirStream, Directory, FileHandle, Name, OpenHow, Opened, Result, SetTime, Step,
    check_target,
};

/// An open directory. It keeps its entry in the table of directories.
///
/// Dropping one locks the tree, so a thread that has the tree locked must not drop any.
#[derive(Debug)]
pub(super) struct MemoryDir {
    fs: Arc<Fs>,
    key: Key,
}

/// What a name stands for, open.
enum Found {
    Dir(MemoryDir),
    Node(Arc<Node>),
}

impl MemoryDir {
    /// Opens a directory of the table. The caller has locked the tree.
    pub fn open(fs: &Arc<Fs>, tree: &Tree, key: Key) -> Self {
        tree.dirs.open(key);
        Self {
            fs: Arc::clone(fs),
            key,
        }
    }

    pub fn key(&self) -> Key {
        self.key
    }

    pub fn tree(&self) -> RwLockReadGuard<'_, Tree> {
        self.fs.read()
    }

    fn reopen(&self) -> Self {
        Self::open(&self.fs, &self.tree(), self.key)
    }

    fn into_dir(self) -> Dir {
        Dir::Other(Arc::new(self))
    }

    fn find(&self, name: Name<'_>) -> Result<Found> {
        let tree = self.tree();
        Ok(match tree.child(self.key, name)? {
            Child::Dir(key) => Found::Dir(Self::open(&self.fs, &tree, key)),
            Child::Node(node) => Found::Node(node),
        })
    }

    /// What a path leads to, through directories alone; `None` if the path must be walked.
    fn see_beneath(&self, tree: &Tree, path: &[u8]) -> Option<Seen> {
        let mut names = path.split(|byte| *byte == b'/');
        let mut seen = tree.look_up(self.key, Name::new(names.next()?)?);
        for name in names {
            let Ok(Seen::Child(Child::Dir(key))) = seen else {
                return None;
            };
            seen = tree.look_up(key, Name::new(name)?);
        }
        seen.ok()
    }

    /// Creates a regular file; `None` if another thread has created one meanwhile.
    fn create(&self, name: Name<'_>) -> Result<Option<Arc<Node>>> {
        let now = now();
        let mut created = None;
        let result = self.fs.write().add_node(self.key, name, now, |volume| {
            let node = Node::new(volume, Filetype::RegularFile, now)?;
            Ok(Arc::clone(created.insert(node)))
        });
        match result {
            Err(Errno::Exist) => Ok(None),
            result => result.map(|()| created),
        }
    }

    /// What a name stands for, or a file that is created.
    fn find_or_create(&self, name: Name<'_>, how: OpenHow) -> Result<Found> {
        let creates = how.oflags.contains(Oflags::CREAT);
        loop {
            match self.find(name) {
                Err(Errno::Noent) if creates => {}
                Ok(_) if how.oflags.contains(Oflags::CREAT | Oflags::EXCL) => {
                    return Err(Errno::Exist);
                }
                result => return result,
            }
            if let Some(node) = self.create(name)? {
                return Ok(Found::Node(node));
            }
        }
    }

    /// Another directory, if it is of this file system.
    fn same_fs<'d>(&self, other: &'d dyn Directory) -> Result<&'d Self> {
        (other.as_any().downcast_ref::<Self>())
            .filter(|other| Arc::ptr_eq(&self.fs, &other.fs))
            .ok_or(Errno::Xdev)
    }

    /// Adds a new file or symbolic link to the directory.
    pub fn add(&self, name: Name<'_>, node: Arc<Node>) -> Result<()> {
        let now = now();
        self.fs.write().add_node(self.key, name, now, |_| Ok(node))
    }

    pub fn volume(&self) -> &Arc<Volume> {
        &self.fs.volume
    }

    /// The directory with this name, created if it does not exist.
    pub fn open_or_create_dir_at(&self, name: Name<'_>) -> Result<Self> {
        match self.create_dir_at(name) {
            Ok(()) | Err(Errno::Exist) => {}
            Err(errno) => return Err(errno),
        }
        match self.find(name)? {
            Found::Dir(dir) => Ok(dir),
            Found::Node(_) => Err(Errno::Notdir),
        }
    }
}

impl Drop for MemoryDir {
    fn drop(&mut self) {
        let Key::Own(key) = self.key else {
            return;
        };
        let is_last = self.fs.read().dirs.close(key);
        if is_last {
            self.fs.write().dirs.free(key);
        }
    }
}

impl Directory for MemoryDir {
    fn stat(&self) -> Result<Filestat> {
        Ok(self.tree().dirs.stat(self.key))
    }

    fn stat_at(&self, name: Name<'_>) -> Result<Filestat> {
        let node = {
            let tree = self.tree();
            match tree.look_up(self.key, name)? {
                Seen::Below(id) => return Ok(tree.dirs.stat_below(id)),
                Seen::Child(Child::Dir(key)) => return Ok(tree.dirs.stat(key)),
                Seen::Child(Child::Node(node)) => node,
            }
        };
        Ok(node.stat())
    }

    fn open_at(&self, name: Option<Name<'_>>, how: OpenHow) -> Result<Opened> {
        let found = match name {
            Some(name) => self.find_or_create(name, how)?,
            None if how.oflags.contains(Oflags::CREAT | Oflags::EXCL) => return Err(Errno::Exist),
            None => Found::Dir(self.reopen()),
        };
        opened(found, how)
    }

    fn open_beneath(&self, path: &[u8], how: OpenHow) -> Result<Step<Opened>> {
        if how.oflags.contains(Oflags::CREAT | Oflags::EXCL) {
            return Ok(Step::Walk);
        }
        let found = {
            let tree = self.tree();
            let seen = self.see_beneath(&tree, path);
            match seen.map(|seen| tree.child_of(seen)).transpose()? {
                None => return Ok(Step::Walk),
                Some(Child::Dir(key)) => Found::Dir(Self::open(&self.fs, &tree, key)),
                Some(Child::Node(node)) => Found::Node(node),
            }
        };
        match &found {
            Found::Node(node) if node.filetype == Filetype::SymbolicLink => Ok(Step::Walk),
            _ => opened(found, how).map(Step::Done),
        }
    }

    fn open_parent(&self, path: &[u8]) -> Step<Dir> {
        let tree = self.tree();
        match self.see_beneath(&tree, path.strip_suffix(b"/").unwrap_or(path)) {
            Some(Seen::Child(Child::Dir(key))) => {
                Step::Done(Self::open(&self.fs, &tree, key).into_dir())
            }
            _ => Step::Walk,
        }
    }

    fn stat_beneath(&self, path: &[u8], follow: bool) -> Step<Filestat> {
        let tree = self.tree();
        let stat = match self.see_beneath(&tree, path) {
            None => return Step::Walk,
            Some(Seen::Child(Child::Dir(key))) => tree.dirs.stat(key),
            Some(Seen::Below(id)) => tree.dirs.stat_below(id),
            Some(Seen::Child(Child::Node(node))) => {
                drop(tree);
                node.stat()
            }
        };
        if follow && stat.filetype == Filetype::SymbolicLink {
            return Step::Walk;
        }
        Step::Done(stat)
    }

    fn open_dir_at(&self, name: Name<'_>) -> Result<Dir> {
        match self.find(name)? {
            Found::Dir(dir) => Ok(dir.into_dir()),
            Found::Node(_) => Err(Errno::Notdir),
        }
    }

    fn is_of_one_device(&self) -> bool {
        true
    }

    fn open_dotdot(&self) -> Result<Dir> {
        let tree = self.tree();
        let parent = tree.dirs.parent(self.key).ok_or(Errno::Noent)?;
        Ok(Self::open(&self.fs, &tree, parent).into_dir())
    }

    fn read_link_at(&self, name: Name<'_>) -> Result<Vec<u8>> {
        match self.find(name)? {
            Found::Node(node) if node.filetype == Filetype::SymbolicLink => node.target(),
            _ => Err(Errno::Inval),
        }
    }

    fn read_dir(&self) -> Result<Box<dyn DirStream>> {
        Ok(Box::new(MemoryList::new(self.reopen())))
    }

    fn set_times(&self, atim: SetTime, mtim: SetTime) -> Result<()> {
        let now = now();
        self.fs.write().dirs.set_times(self.key, atim, mtim, now);
        Ok(())
    }

    fn set_times_at(&self, name: Name<'_>, atim: SetTime, mtim: SetTime) -> Result<()> {
        match self.find(name)? {
            Found::Dir(dir) => dir.set_times(atim, mtim)?,
            Found::Node(node) => node.set_times(atim, mtim),
        }
        Ok(())
    }

    fn create_dir_at(&self, name: Name<'_>) -> Result<()> {
        let now = now();
        self.fs.write().create_dir(self.key, name, now)
    }

    fn unlink_at(&self, name: Name<'_>) -> Result<()> {
        let now = now();
        let node = self.fs.write().unlink(self.key, name, now)?;
        node.set_changed(now);
        Ok(())
    }

    fn remove_dir_at(&self, name: Name<'_>) -> Result<()> {
        let now = now();
        self.fs.write().remove_dir(self.key, name, now)
    }

    fn rename_at(&self, old: Name<'_>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        let new_dir = self.same_fs(new_dir)?;
        let now = now();
        let (from, to) = ((self.key, old), (new_dir.key, new));
        let changed = self.fs.write().rename(from, to, now)?;
        for node in changed.iter().flatten() {
            node.set_changed(now);
        }
        Ok(())
    }

    fn link_at(&self, old: Option<Name<'_>>, new_dir: &dyn Directory, new: Name<'_>) -> Result<()> {
        let new_dir = self.same_fs(new_dir)?;
        let now = now();
        let (from, to) = ((self.key, old), (new_dir.key, new));
        let node = self.fs.write().link(from, to, now)?;
        node.set_changed(now);
        Ok(())
    }

    fn symlink_at(&self, target: &[u8], name: Name<'_>) -> Result<()> {
        check_target(target)?;
        let now = now();
        (self.fs.write()).add_node(self.key, name, now, |volume| {
            Node::with_bytes(volume, Filetype::SymbolicLink, now, target)
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Opens what was found.
fn opened(found: Found, how: OpenHow) -> Result<Opened> {
    match found {
        Found::Dir(_) if how.write || how.oflags.intersects(Oflags::CREAT | Oflags::TRUNC) => {
            Err(Errno::Isdir)
        }
        Found::Dir(dir) => Ok(Opened::Dir(dir.into_dir())),
        Found::Node(_) if how.oflags.contains(Oflags::DIRECTORY) => Err(Errno::Notdir),
        Found::Node(node) if node.filetype == Filetype::SymbolicLink => Err(Errno::Loop),
        Found::Node(node) => {
            if how.oflags.contains(Oflags::TRUNC) {
                node.set_size(0)?;
            }
            node.prepare()?;
            let file = Box::new(MemoryFile::open(node)?);
            Ok(Opened::File(FileHandle::Other(file)))
        }
    }
}
