use super::directory::MemoryDir;
use super::names::{DOT, DOTDOT, Found};
use super::tree::Child;
use super::volume::Volume;
use crate::abi::{Dircookie, Filetype};
use crate::vfs::{DirEntry, DirStream, Result};

/// A directory stream.
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
    /// Each entry has a cookie; the next entry is the first with a greater one. A directory that was removed is
    /// empty, as on Linux.
    fn read(&mut self, cookie: Dircookie) -> Result<Option<DirEntry<'_>>> {
        let tree = self.dir.tree();
        let key = self.dir.key();
        let Some(parent) = tree.dirs.parent(key) else {
            return Ok(None);
        };
        let listing = tree.dirs.listing(key)?;
        let directory = Filetype::Directory;
        let (name, ino, filetype, next) = if cookie < DOT {
            (&b"."[..], tree.dirs.ino(key), directory, DOT)
        } else if cookie < DOTDOT {
            (&b".."[..], tree.dirs.ino(parent), directory, DOTDOT)
        } else if let Some((next, name, found)) = listing.after(cookie) {
            let (ino, filetype) = match found {
                Found::Own(Child::Dir(key)) => (tree.dirs.ino(*key), directory),
                Found::Own(Child::Node(node)) => (node.ino(), node.filetype),
                Found::Below(id) => (Volume::ino_below(id), tree.dirs.below().filetype(id)),
            };
            (name, ino, filetype, next)
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
