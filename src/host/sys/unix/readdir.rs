use std::io;
use std::os::fd::AsFd;

use rustix::fs::FileType;

use super::{Dir, stat};
use crate::abi::{Dircookie, Filetype};
use crate::host::{self, DirEntry, Name, ReadDir};

/// What the kernel lists of a directory, which it reads in blocks.
#[derive(Debug)]
pub struct Entries(rustix::fs::Dir);

pub(super) fn open(dir: &Dir) -> io::Result<ReadDir> {
    let mut entries = Entries(rustix::fs::Dir::read_from(dir.as_fd())?);
    // Where ext4 is read first is its start from then on, so that had better be the start.
    let first = host::Listing::fetch(&mut entries, 0).transpose()?;
    Ok(ReadDir::new(entries, first))
}

impl host::Listing for Entries {
    fn fetch(&mut self, at: Dircookie) -> Option<io::Result<DirEntry>> {
        let entry = match self.0.read()? {
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
            next: behind(&entry, at),
        }))
    }

    // The kernel's own cookies stay true when entries come and go.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn seek(&mut self, cookie: Dircookie) -> io::Result<Dircookie> {
        let offset = i64::try_from(cookie).map_err(|_| rustix::io::Errno::INVAL)?;
        self.0.seek(offset)?;
        Ok(cookie)
    }

    // Elsewhere a cookie counts the entries before it.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn seek(&mut self, _: Dircookie) -> io::Result<Dircookie> {
        self.0.rewind();
        Ok(0)
    }
}

impl Entries {
    /// Some file systems do not tell the type of an entry with its name.
    fn filetype_of(&self, name: &[u8]) -> Filetype {
        let Some(name) = Name::new(name) else {
            return Filetype::Directory;
        };
        (self.0.fd().ok())
            .and_then(|dir| stat::stat_at(dir, name).ok())
            .and_then(|stat| Filetype::from_raw(stat.filetype.into()))
            .unwrap_or(Filetype::Unknown)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn behind(entry: &rustix::fs::DirEntry, _: Dircookie) -> Dircookie {
    entry.offset() as Dircookie
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn behind(_: &rustix::fs::DirEntry, at: Dircookie) -> Dircookie {
    at + 1
}
