//! Directory streams: the entries that `fd_readdir` returns, and its cookies.
//!
//! Linux's position in a directory (`d_off`) has 64 bits, of which wasi-libc's `telldir` keeps 32. So
//! the cookies of a stream are small numbers, 1 behind the first entry that it returned, 2 behind the
//! second, and the stream keeps the system's [`Position`] for each.

mod block;
mod positions;
mod room;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::sync::Arc;

pub use block::Block;
pub use room::Room;

use super::{Interrupt, sys};
use crate::abi::{Dircookie, Filetype, Inode};
use positions::Positions;

/// The bytes of entries that one read asks the system for: the initial value, and the maximum. The
/// value doubles after each read that returns more than half of it.
const LEAST: usize = 8 << 10;
const MOST: usize = 64 << 10;

/// The system's position in a directory: an offset as in `d_off`, or a hash; see [`Listing::SEEKS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Before the first entry.
    pub const START: Self = Self(0);

    /// A hash of an entry's name, for systems whose positions are not known.
    pub fn of_name(name: &[u8]) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(name);
        Self(hasher.finish())
    }
}

/// One entry of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DirEntry<'a> {
    /// The file name, without a NUL.
    pub name: &'a [u8],
    /// The inode number.
    pub ino: Inode,
    /// The type, without following a symbolic link.
    pub filetype: Filetype,
    /// Cookie of the next entry, for [`ReadDir::seek`].
    pub next: Dircookie,
}

/// The system's stream of a directory, as of `getdents(2)`.
pub trait Listing: Default {
    /// An open directory.
    type Dir;

    /// Whether the system can seek to any position that it returned. If not, it can only rewind, and
    /// the position behind an entry is [`Position::of_name`] of that entry.
    const SEEKS: bool;

    /// Bytes of memory that it holds between two calls and [`Listing::close`] frees.
    const SIZE: usize;

    /// Appends the next entries to `block`, `.` and `..` included: about `len` bytes of them, or none
    /// at the end.
    fn read(&mut self, dir: &Self::Dir, len: usize, block: &mut Block) -> io::Result<()>;

    /// Sets the position. It is called before the first [`Listing::read`].
    fn seek(&mut self, dir: &Self::Dir, position: Position) -> io::Result<()>;

    /// Frees its resources. The next call is to [`Listing::seek`].
    fn close(&mut self) {}
}

/// A directory stream. The directory is not part of it, but an argument of each call.
#[derive(Debug)]
pub struct ReadDir<L = sys::Entries> {
    listing: L,
    /// The current entry and those around it. The system's position is behind the last of them.
    block: Block,
    /// Whether the system's position may be another, so that a read must seek first.
    lost: bool,
    /// The bytes of entries that the next read asks the system for.
    len: usize,
    /// Whether the last read of the system was at the end.
    ended: bool,
    positions: Positions,
    room: Arc<Room>,
    claimed: usize,
}

impl<L: Listing> ReadDir<L> {
    /// A stream at the start of a directory.
    pub fn new(room: Arc<Room>) -> Self {
        Self {
            listing: L::default(),
            block: Block::new(0, Position::START),
            lost: true,
            len: LEAST,
            ended: false,
            positions: Positions::new(Arc::clone(&room)),
            room,
            claimed: 0,
        }
    }

    /// Sets the position of the stream, as `seekdir(3)`: 0 is the first entry, [`DirEntry::next`] the one
    /// behind that entry. A cookie that was never returned counts entries: those from the nearest known
    /// cookie on are skipped. If there are fewer, the position is the end.
    ///
    /// # Errors
    ///
    /// Those of [`ReadDir::read`] and `lseek(2)`.
    pub fn seek(
        &mut self,
        dir: &L::Dir,
        cookie: Dircookie,
        interrupt: &Interrupt,
    ) -> io::Result<()> {
        if cookie == 0 {
            // As `rewinddir(3)`: new entries are seen even if the stream is at its start.
            self.go(dir, 0, Position::START)?;
        } else if self.lost || !self.block.go_back(cookie) {
            let (known, position) = self.positions.nearest(cookie);
            if self.lost || !(known..=cookie).contains(&self.at()) {
                self.find(dir, known, position, interrupt)?;
            }
            while self.at() < cookie && self.advance(dir, interrupt)? {
                self.block.answer();
            }
        }
        self.block.answer();
        Ok(())
    }

    /// The cookie of the current position.
    fn at(&self) -> Dircookie {
        self.block.place().0
    }

    /// Sets the position of the stream to `cookie`, whose `position` is kept.
    fn find(
        &mut self,
        dir: &L::Dir,
        cookie: Dircookie,
        position: Position,
        interrupt: &Interrupt,
    ) -> io::Result<()> {
        if L::SEEKS || cookie == 0 {
            return self.go(dir, cookie, position);
        }
        // Find the entry before the cookie by its hash. If it was removed, the position is behind the last
        // entry that was returned before the cookie.
        let told: HashSet<_> = self.positions.up_to(cookie).iter().copied().collect();
        let (mut passed, mut before) = (0, 0);
        self.go(dir, 0, Position::START)?;
        while let Some((next, _)) = self.next(dir, interrupt)? {
            self.block.skip();
            passed += 1;
            if told.contains(&next) {
                before = passed;
            }
            if next == position {
                break;
            }
        }
        if before < passed {
            self.go(dir, 0, Position::START)?;
            for _ in 0..before {
                if self.next(dir, interrupt)?.is_some() {
                    self.block.skip();
                }
            }
        }
        self.block.begin(cookie);
        self.positions.go(cookie);
        Ok(())
    }

    /// Sets the system's position to `position`, which is that of `cookie`.
    fn go(&mut self, dir: &L::Dir, cookie: Dircookie, position: Position) -> io::Result<()> {
        self.lost = true;
        self.listing.seek(dir, position)?;
        self.lost = false;
        self.block.reset(cookie, position);
        self.positions.go(cookie);
        if cookie != 0 {
            // The guest may seek again after a few entries.
            self.len = LEAST;
        }
        Ok(())
    }

    /// Reads the next entry, as `readdir(3)`: `.` and `..` included, `None` at the end.
    ///
    /// # Errors
    ///
    /// Those of `getdents(2)`. `EINTR`: the thread is interrupted.
    pub fn read(
        &mut self,
        dir: &L::Dir,
        interrupt: &Interrupt,
    ) -> io::Result<Option<DirEntry<'_>>> {
        if self.lost {
            self.seek(dir, self.at(), interrupt)?;
        }
        Ok(if self.advance(dir, interrupt)? {
            self.block.last()
        } else {
            None
        })
    }

    /// Makes the entry that was read last the next one again.
    pub fn unread(&mut self) {
        self.block.unread();
    }

    /// Moves the position behind the next entry. False at the end.
    fn advance(&mut self, dir: &L::Dir, interrupt: &Interrupt) -> io::Result<bool> {
        let Some((position, next)) = self.next(dir, interrupt)? else {
            return Ok(false);
        };
        let next = next.unwrap_or_else(|| self.positions.tell(self.block.place().0, position));
        self.block.read(next);
        Ok(true)
    }

    /// The system's position behind the next entry, and the cookie of that position if the entry was read
    /// before. `None` at the end.
    fn next(
        &mut self,
        dir: &L::Dir,
        interrupt: &Interrupt,
    ) -> io::Result<Option<(Position, Option<Dircookie>)>> {
        if self.block.is_read_out() {
            self.fill(dir, interrupt)?;
        }
        Ok(self.block.next())
    }

    /// Reads more entries from the system.
    fn fill(&mut self, dir: &L::Dir, interrupt: &Interrupt) -> io::Result<()> {
        interrupt.check()?;
        self.block.remove_read();
        self.block.reserve();
        let before = self.block.len();
        if let Err(error) = self.listing.read(dir, self.len, &mut self.block) {
            // A call that returns entries returns no error, so the next call must meet it again.
            self.lost = true;
            return Err(error);
        }
        let read = self.block.len() - before;
        self.ended = read == 0;
        if read > self.len / 2 {
            self.len = MOST.min(self.len * 2);
        }
        Ok(())
    }

    /// Ends a call: keeps the entries that were read ahead if [`Room`] permits, or drops them and has the
    /// next call seek.
    pub fn rest(&mut self, dir: &L::Dir) {
        self.room.blocks.release(self.claimed);
        self.claimed = 0;
        let (at, position) = self.block.place();
        let read_out = self.block.is_read_out();
        let size = self.block.size() + L::SIZE;
        let goes_on = !(self.lost || read_out && self.ended);
        if goes_on && self.room.blocks.claim(size) {
            self.claimed = size;
            return;
        }
        self.lost |= !L::SEEKS || !read_out && self.listing.seek(dir, position).is_err();
        if self.lost {
            self.listing.close();
        }
        self.block = Block::new(at, position);
        if !read_out {
            self.len = LEAST;
        }
    }
}

impl<L> Drop for ReadDir<L> {
    fn drop(&mut self) {
        self.room.blocks.release(self.claimed);
    }
}
