//! Lists a directory as paths see it: the entries of its file system, and what is mounted in it.

use super::fd_entry::StreamInUse;
use super::mounts::Mount;
use super::{FdEntry, WasiCtx};
use crate::abi::{Dircookie, Errno, Filestat, Filetype};
use crate::host::Interrupt;
use crate::vfs::{DirEntry, DirRef};

/// The first cookie of mount points: beyond those of the entries that a directory has in practice, and within
/// the 31 bits that wasi-libc keeps.
const MOUNTS: Dircookie = 0x7fff_0000;

/// The entries of a directory. Mount points come last, each with the inode number and the type of what is
/// mounted; entries of the directory with the same names are left out.
#[derive(Debug)]
pub struct Listing<'e> {
    dir: DirRef<'e>,
    stream: StreamInUse<'e>,
    /// With the attributes of what is mounted, which are read while nothing is locked.
    mounts: Vec<(Mount, Option<Filestat>)>,
    /// The mount point that is read next; `None` before the end of the directory's own entries.
    next: Option<usize>,
    /// Whether the entry that was read last is a mount point.
    is_mount: bool,
    /// The name that was read last, if some are left out.
    name: Vec<u8>,
}

impl WasiCtx {
    /// The entries of a directory. Another thread that lists the same descriptor waits until this is dropped.
    ///
    /// # Errors
    ///
    /// As [`FdEntry::read_dir`] and [`FdEntry::dir`].
    pub fn read_dir<'e>(&'e self, entry: &'e FdEntry) -> Result<Listing<'e>, Errno> {
        let dir = entry.dir()?;
        let mounts = match self.mounts.for_paths() {
            Some(mounts) => {
                let within = mounts.within(entry.file_id()?);
                let stat = |mount: &Mount| (mount.clone(), mount.target.stat().ok());
                within.into_iter().map(stat).collect()
            }
            None => Vec::new(),
        };
        Ok(Listing {
            dir,
            stream: entry.read_dir(&self.read_dir_room, &self.interrupt)?,
            mounts,
            next: None,
            is_mount: false,
            name: Vec::new(),
        })
    }
}

impl Listing<'_> {
    /// Goes to the entry at a cookie. 0 starts over, and lists the directory as it is then.
    ///
    /// # Errors
    ///
    /// As [`ReadDir::seek`](crate::vfs::ReadDir::seek).
    pub fn seek(&mut self, cookie: Dircookie, interrupt: &Interrupt) -> Result<(), Errno> {
        if self.mounts.is_empty() || cookie < MOUNTS {
            self.next = None;
            return self.stream.seek(self.dir, cookie, interrupt);
        }
        let before = |(mount, _): &(Mount, _)| cookie_of(mount) < cookie;
        self.next = Some(self.mounts.partition_point(before));
        Ok(())
    }

    /// The next entry, `.` and `..` among them; `None` at the end.
    ///
    /// # Errors
    ///
    /// As [`ReadDir::read`](crate::vfs::ReadDir::read).
    #[inline]
    pub fn read(&mut self, interrupt: &Interrupt) -> Result<Option<DirEntry<'_>>, Errno> {
        if self.mounts.is_empty() {
            self.stream.read(self.dir, interrupt)
        } else {
            self.read_with_mounts(interrupt)
        }
    }

    fn read_with_mounts(&mut self, interrupt: &Interrupt) -> Result<Option<DirEntry<'_>>, Errno> {
        while self.next.is_none() {
            let Some(entry) = self.stream.read(self.dir, interrupt)? else {
                self.next = Some(0);
                break;
            };
            if !(self.mounts.iter()).any(|(mount, _)| name_of(mount) == entry.name) {
                self.is_mount = false;
                self.name.clear();
                self.name.extend_from_slice(entry.name);
                return Ok(Some(DirEntry {
                    name: &self.name,
                    ..entry
                }));
            }
        }
        let index = self.next.unwrap_or(0);
        let Some((mount, stat)) = self.mounts.get(index) else {
            return Ok(None);
        };
        self.next = Some(index + 1);
        self.is_mount = true;
        let of_its_kind = match mount.target.file {
            Some(_) => Filetype::RegularFile,
            None => Filetype::Directory,
        };
        Ok(Some(DirEntry {
            name: name_of(mount),
            ino: stat.map_or(0, |stat| stat.ino),
            filetype: stat.map_or(of_its_kind, |stat| stat.filetype),
            next: cookie_of(mount) + 1,
        }))
    }

    /// Goes back by one entry: the one that was read last is read again.
    pub fn unread(&mut self) {
        match self.next {
            Some(next) if self.is_mount => self.next = Some(next - 1),
            _ => self.stream.unread(),
        }
    }

    /// Ends a call: entries that were read ahead are kept for the next one if there is room.
    pub fn rest(&mut self) {
        self.stream.rest(self.dir);
    }
}

/// The cookie of a mount point.
fn cookie_of(mount: &Mount) -> Dircookie {
    MOUNTS + mount.serial
}

fn name_of(mount: &Mount) -> &[u8] {
    (mount.point.as_ref()).map_or(b"", |point| point.name.as_name().as_bytes())
}
