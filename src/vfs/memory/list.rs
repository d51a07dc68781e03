use super::directory::MemoryDir;
use super::names::{DOT, DOTDOT};
use super::tree::Child;
use crate::abi::{Dircookie, Filetype};
use crate::vfs::{DirEntry, DirStream, Result};

/// A directory that is being listed.
#[derive(Debug)]
pub(super) struct MemoryList {
    dir: MemoryDir,
    /// The name that was read last.
    name: Vec<u8>,
}

impl MemoryList {
    pub fn new(dir: MemoryDir) -> Self {
        Self {
            dir,
            name: Vec::new(),
        }
    }
}

impl DirStream for MemoryList {
    /// Each entry has a cookie of its own, and the one behind it is the first with a greater one. A
    /// directory that was removed lists nothing, as on Linux.
    fn read(&mut self, cookie: Dircookie) -> Result<Option<DirEntry<'_>>> {
        let tree = self.dir.tree();
        let dir = tree.dir(self.dir.key());
        let Some(parent) = dir.parent else {
            return Ok(None);
        };
        let directory = Filetype::Directory;
        let (name, ino, filetype, next) = if cookie < DOT {
            (&b"."[..], dir.ino, directory, DOT)
        } else if cookie < DOTDOT {
            (&b".."[..], tree.dir(parent).ino, directory, DOTDOT)
        } else if let Some((next, entry)) = dir.names.after(cookie) {
            let (ino, filetype) = match &entry.child {
                Child::Dir(key) => (tree.dir(*key).ino, directory),
                Child::Node(node) => (node.ino(), node.filetype),
            };
            (&*entry.name, ino, filetype, next)
        } else {
            return Ok(None);
        };
        self.name.clear();
        self.name.extend_from_slice(name);
        Ok(Some(DirEntry {
            name: &self.name,
            ino,
            filetype,
            next,
        }))
    }
}
