use std::fmt::Debug;
use std::sync::Arc;

use super::{DirEntry, DirRef, Name, Result};
use crate::abi::{Dircookie, Errno};
use crate::host::{self, Interrupt, Room};

/// A directory stream of a file system that is not the host's.
pub trait DirStream: Debug + Send {
    /// The entry at `cookie`, `.` and `..` among them; `None` at the end. The first entry is at 0, and
    /// [`DirEntry::next`] of an entry is the cookie of the one after it.
    ///
    /// Cookies are small, as wasi-libc keeps only 32 bits of them. They stay valid while entries are added and
    /// removed: an entry that is there all the time is listed exactly once. A cookie that was never returned
    /// may lead anywhere.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`], [`Errno::Nomem`].
    fn read(&mut self, cookie: Dircookie) -> Result<Option<DirEntry<'_>>>;
}

/// A directory stream: where `fd_readdir` is in a directory.
#[derive(Debug)]
pub enum ReadDir {
    /// Of the host.
    Host(host::ReadDir),
    /// Of another file system.
    Other {
        /// Opened on the first read.
        stream: Option<Box<dyn DirStream>>,
        /// The cookies of the entry that was read last, and of the next one.
        at: [Dircookie; 2],
    },
}

impl ReadDir {
    /// A stream at the start of a directory. The memory that it keeps between calls is taken from `room`.
    pub fn new(dir: DirRef<'_>, room: &Arc<Room>) -> Self {
        match dir {
            DirRef::Host(_) => Self::Host(host::ReadDir::new(Arc::clone(room))),
            DirRef::Other(_) => Self::Other {
                stream: None,
                at: [0; 2],
            },
        }
    }

    /// Goes to the entry at a cookie. 0 starts over, and lists the directory as it is then.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read). What `lseek(2)` says.
    pub fn seek(
        &mut self,
        dir: DirRef<'_>,
        cookie: Dircookie,
        interrupt: &Interrupt,
    ) -> Result<()> {
        match (self, dir) {
            (Self::Host(stream), DirRef::Host(dir)) => Ok(stream.seek(dir, cookie, interrupt)?),
            (Self::Other { stream, at }, DirRef::Other(_)) => {
                if cookie == 0 {
                    *stream = None;
                }
                *at = [cookie; 2];
                Ok(())
            }
            _ => Err(Errno::Badf),
        }
    }

    /// The next entry, `.` and `..` among them; `None` at the end.
    ///
    /// # Errors
    ///
    /// What `getdents(2)` says. [`Errno::Intr`]: the thread is interrupted.
    #[inline]
    pub fn read(&mut self, dir: DirRef<'_>, interrupt: &Interrupt) -> Result<Option<DirEntry<'_>>> {
        match (self, dir) {
            (Self::Host(stream), DirRef::Host(dir)) => Ok(stream.read(dir, interrupt)?),
            (Self::Other { stream, at }, DirRef::Other(dir)) => {
                interrupt.check()?;
                let stream = match stream {
                    Some(stream) => stream,
                    None => stream.insert(dir.read_dir()?),
                };
                let entry = stream.read(at[1])?;
                if let Some(entry) = &entry {
                    *at = [at[1], entry.next];
                }
                Ok(entry)
            }
            _ => Err(Errno::Badf),
        }
    }

    /// Goes back by one entry: the one that was read last is read again.
    pub fn unread(&mut self) {
        match self {
            Self::Host(stream) => stream.unread(),
            Self::Other { at, .. } => at[1] = at[0],
        }
    }

    /// Ends a call: entries that were read ahead are kept for the next one if there is room.
    pub fn rest(&mut self, dir: DirRef<'_>) {
        if let (Self::Host(stream), DirRef::Host(dir)) = (self, dir) {
            stream.rest(dir);
        }
    }
}

/// The names in a directory, without `.` and `..`.
///
/// # Errors
///
/// As [`Directory::open_at`](super::Directory::open_at) of the directory itself, and [`ReadDir::read`].
pub(super) fn names_in(dir: DirRef<'_>) -> Result<Vec<Vec<u8>>> {
    let dir = dir.open_itself()?;
    let dir = dir.as_ref();
    let mut stream = ReadDir::new(dir, &Arc::new(Room::default()));
    let mut names = Vec::new();
    while let Some(entry) = stream.read(dir, &Interrupt::NEVER)? {
        names.extend(Name::new(entry.name).map(|name| name.as_bytes().to_vec()));
    }
    Ok(names)
}
