//! Listing a directory as paths see it: what its file system has, and what is mounted in it.

use super::fd_entry::StreamInUse;
use super::mounts::Mount;
use super::{FdEntry, WasiCtx};
use crate::abi::{Dircookie, Errno, Filestat, Filetype};
use crate::host::Interrupt;
use crate::vfs::{DirEntry, DirRef};

/// Where the cookies of mount points begin: behind all that a directory has had, as far as one gets in
/// practice, and within the 31 bits that wasi-libc keeps.
const MOUNTS: Dircookie = 0x7fff_0000;

/// The entries of a directory from a place on. Mount points come last, each with the inode number and the type
/// of what is mounted there. The directory's own entries of their names are left out.
#[derive(Debug)]
pub struct Listing<'e> {
    dir: DirRef<'e>,
    stream: StreamInUse<'e>,
    /// With the attributes of what is mounted, which are asked for while nothing is held.
    mounts: Vec<(Mount, Option<Filestat>)>,
    /// The mount point that is read next; `None` if the directory has more of its own.
    next: Option<usize>,
    /// Whether what was read last is a mount point.
    is_mount: bool,
    /// The name that was read last, where some are left out.
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
    /// Goes to the entry to which a cookie leads; 0 lists the directory once more, as it is by now.
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

    /// Puts the entry that was read last back, to be read once more.
    pub fn unread(&mut self) {
        match self.next {
            Some(next) if self.is_mount => self.next = Some(next - 1),
            _ => self.stream.unread(),
        }
    }

    /// Keeps for the next call what there is room for.
    pub fn rest(&mut self) {
        self.stream.rest(self.dir);
    }
}

/// The cookie that leads to a mount point.
fn cookie_of(mount: &Mount) -> Dircookie {
    MOUNTS + mount.serial
}

fn name_of(mount: &Mount) -> &[u8] {
    (mount.point.as_ref()).map_or(b"", |point| point.name.as_name().as_bytes())
}
