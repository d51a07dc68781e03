use super::Entry;
use super::directory::PathDir;
use crate::abi::{Dircookie, Errno, Filetype, Inode};
use crate::vfs::{DirEntry, DirStream, Name, Result};

/// The entries of a directory at the time it was listed.
#[derive(Debug)]
pub(super) struct PathList {
    entries: Vec<Entry>,
}

impl PathList {
    /// Lists a directory. One that was removed is empty, as on Linux.
    pub fn of(dir: &PathDir) -> Result<Self> {
        let (fs, dentry) = (dir.fs(), dir.dentry());
        let listed = match dir.path().and_then(|path| fs.fs.list(&path)) {
            Err(Errno::Noent) => {
                return Ok(Self {
                    entries: Vec::new(),
                });
            }
            listed => listed?,
        };
        let itself = |name: &[u8], ino| Entry {
            name: name.into(),
            filetype: Filetype::Directory,
            ino: Some(ino),
        };
        let parent = fs.dcache.parent(dentry)?;
        let mut entries = vec![itself(b".", dentry.ino), itself(b"..", parent.ino)];
        for mut entry in listed {
            let name = (Name::new(&entry.name)).and_then(|_| str::from_utf8(&entry.name).ok());
            let name = name.ok_or(Errno::Io)?;
            if entry.filetype == Filetype::Directory {
                entry.ino = Some(fs.dcache.child(dentry, name).ino);
            } else if fs.gives_inos() {
                entry.ino = Some(fs.dcache.ino_of(dentry, name));
            }
            entries.push(entry);
        }
        Ok(Self { entries })
    }
}

impl DirStream for PathList {
    /// A cookie is the index of an entry.
    fn read(&mut self, cookie: Dircookie) -> Result<Option<DirEntry<'_>>> {
        let entry = usize::try_from(cookie)
            .ok()
            .and_then(|index| self.entries.get(index));
        Ok(entry.map(|entry| DirEntry {
            name: &entry.name,
            ino: entry.ino.unwrap_or(UNKNOWN),
            filetype: entry.filetype,
            next: cookie + 1,
        }))
    }
}

/// The inode number of an entry that is not known: with 0, C libraries in guests ask for the attributes.
const UNKNOWN: Inode = 0;
