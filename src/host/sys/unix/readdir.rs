use std::io;
use std::os::fd::AsFd;

use rustix::fs::FileType;

use super::{Dir, stat};
use crate::abi::{Dircookie, Filetype};
use crate::host::{DirEntry, Name};

/// An open directory stream: its own place in the directory, and what the kernel gave of it so far.
#[derive(Debug)]
pub struct ReadDir {
    stream: rustix::fs::Dir,
    at: Dircookie,
    /// An entry that was read and given back.
    pending: Option<DirEntry>,
}

impl ReadDir {
    pub(super) fn open(dir: &Dir) -> io::Result<Self> {
        let mut read_dir = Self {
            stream: rustix::fs::Dir::read_from(dir.as_fd())?,
            at: 0,
            pending: None,
        };
        // Where ext4 is read first is its start from then on, so that had better be the start.
        read_dir.pending = read_dir.fetch().transpose()?;
        Ok(read_dir)
    }

    /// Where the next entry comes from.
    pub fn position(&self) -> Dircookie {
        self.at
    }

    /// The next entry, `.` and `..` among them; none at the end.
    pub fn read(&mut self) -> Option<io::Result<DirEntry>> {
        let entry = match self.pending.take() {
            Some(entry) => entry,
            None => match self.fetch()? {
                Ok(entry) => entry,
                Err(error) => return Some(Err(error)),
            },
        };
        self.at = entry.next;
        Some(Ok(entry))
    }

    /// Gives the entry that was read last back, to be read once more; `at` is where it came from.
    pub fn unread(&mut self, entry: DirEntry, at: Dircookie) {
        self.at = at;
        self.pending = Some(entry);
    }

    fn fetch(&mut self) -> Option<io::Result<DirEntry>> {
        let entry = match self.stream.read()? {
            Ok(entry) => entry,
            Err(error) => return Some(Err(error.into())),
        };
        let name = entry.file_name().to_bytes();
        let filetype = match entry.file_type() {
            FileType::Unknown => self.filetype_of(name),
            known => stat::filetype(known),
        };
        Some(Ok(DirEntry {
            name: name.to_vec(),
            ino: entry.ino(),
            filetype,
            next: self.behind(&entry),
        }))
    }

    /// Some file systems do not tell the type of an entry with its name.
    fn filetype_of(&self, name: &[u8]) -> Filetype {
        let Some(name) = Name::new(name) else {
            return Filetype::Directory;
        };
        (self.stream.fd().ok())
            .and_then(|dir| stat::stat_at(dir, name).ok())
            .and_then(|stat| Filetype::from_raw(stat.filetype.into()))
            .unwrap_or(Filetype::Unknown)
    }
}

// The kernel's own cookies stay true when entries come and go.
#[cfg(any(target_os = "linux", target_os = "android"))]
impl ReadDir {
    fn behind(&self, entry: &rustix::fs::DirEntry) -> Dircookie {
        entry.offset() as Dircookie
    }

    /// Goes to where a cookie leads: 0 is the start, others come from [`DirEntry::next`].
    pub fn seek(&mut self, cookie: Dircookie) -> io::Result<()> {
        self.pending = None;
        let offset = i64::try_from(cookie).map_err(|_| rustix::io::Errno::INVAL)?;
        self.stream.seek(offset)?;
        self.at = cookie;
        Ok(())
    }
}

// Elsewhere a cookie counts the entries before it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl ReadDir {
    fn behind(&self, _: &rustix::fs::DirEntry) -> Dircookie {
        self.at + 1
    }

    /// Goes to where a cookie leads: 0 is the start, others come from [`DirEntry::next`].
    pub fn seek(&mut self, cookie: Dircookie) -> io::Result<()> {
        self.pending = None;
        self.stream.rewind();
        self.at = 0;
        while self.at < cookie {
            match self.read() {
                Some(entry) => drop(entry?),
                None => break,
            }
        }
        self.at = cookie;
        Ok(())
    }
}
