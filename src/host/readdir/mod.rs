//! Directory streams: what `fd_readdir` lists, and where its cookies lead.
//!
//! What a system knows of a place in a directory is on Linux a number of 64 bits, of which wasi-libc's
//! `telldir` would keep 32. So the cookies of a stream are small numbers, given in the order in which
//! the entries are told, and the stream keeps the [`Position`] to which each of them leads.

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

use super::{stop, sys};
use crate::abi::{Dircookie, Filetype, Inode};
use positions::Positions;

/// How many bytes of entries to ask a system for at first, and at most. It is twice as much each time
/// that a directory has so many.
const LEAST: usize = 8 << 10;
const MOST: usize = 64 << 10;

/// A place in a directory, as the system knows it; see [`Listing::SEEKS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position(pub u64);

impl Position {
    /// Before the first entry.
    pub const START: Self = Self(0);

    /// A number that tells an entry from the others of its directory, as its name does.
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
    /// Where the stream goes on behind this entry, for [`ReadDir::seek`].
    pub next: Dircookie,
}

/// How a system lists a directory.
pub trait Listing: Default {
    /// An open directory.
    type Dir;

    /// Whether the system goes to any position. If not, it goes to the start alone, and the position
    /// behind an entry is a number that tells this entry from others.
    const SEEKS: bool;

    /// The bytes that it takes between two calls, where [`Listing::close`] gives them back.
    const SIZE: usize;

    /// Adds the entries that come next to `block`, `.` and `..` among them: about `len` bytes, or
    /// none at the end.
    fn read(&mut self, dir: &Self::Dir, len: usize, block: &mut Block) -> io::Result<()>;

    /// Goes to a position, with which every listing begins.
    fn seek(&mut self, dir: &Self::Dir, position: Position) -> io::Result<()>;

    /// Gives back what it takes. The next call is to [`Listing::seek`].
    fn close(&mut self) {}
}

/// A directory stream. It is without the directory, which every call is told.
#[derive(Debug)]
pub struct ReadDir<L = sys::Entries> {
    listing: L,
    /// The place, and entries around it; the system goes on behind the last of them.
    block: Block,
    /// Whether the system may be somewhere else.
    lost: bool,
    /// The bytes to ask the system for.
    len: usize,
    /// Whether the system said that there is no more.
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

    /// Goes to the entry to which a cookie leads: 0 to the first, [`DirEntry::next`] to the one behind.
    /// A cookie that was not told is counted to, and leads to the end if there are fewer entries.
    ///
    /// # Errors
    ///
    /// As [`ReadDir::read`]. What `lseek(2)` says.
    pub fn seek(&mut self, dir: &L::Dir, cookie: Dircookie) -> io::Result<()> {
        if cookie == 0 {
            // What came since is seen from the start, even if the stream is there already.
            self.go(dir, 0, Position::START)?;
        } else if self.lost || !self.block.go_back(cookie) {
            let (known, position) = self.positions.nearest(cookie);
            if self.lost || !(known..=cookie).contains(&self.at()) {
                self.find(dir, known, position)?;
            }
            while self.at() < cookie && self.advance(dir)? {
                self.block.answer();
            }
        }
        self.block.answer();
        Ok(())
    }

    /// The cookie that leads to the place.
    fn at(&self) -> Dircookie {
        self.block.place().0
    }

    /// Goes to `cookie`, whose position is kept.
    fn find(&mut self, dir: &L::Dir, cookie: Dircookie, position: Position) -> io::Result<()> {
        if L::SEEKS || cookie == 0 {
            return self.go(dir, cookie, position);
        }
        // Behind the entry that was told before. If it is gone, behind the last one that is not of those
        // that were told up to there.
        let told: HashSet<_> = self.positions.up_to(cookie).iter().copied().collect();
        let (mut passed, mut before) = (0, 0);
        self.go(dir, 0, Position::START)?;
        while let Some((next, _)) = self.next(dir)? {
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
                if self.next(dir)?.is_some() {
                    self.block.skip();
                }
            }
        }
        self.block.begin(cookie);
        self.positions.go(cookie);
        Ok(())
    }

    /// Has the system go to `position`, to which `cookie` leads.
    fn go(&mut self, dir: &L::Dir, cookie: Dircookie, position: Position) -> io::Result<()> {
        self.lost = true;
        self.listing.seek(dir, position)?;
        self.lost = false;
        self.block.reset(cookie, position);
        self.positions.go(cookie);
        if cookie != 0 {
            // After a few entries the guest may go somewhere else.
            self.len = LEAST;
        }
        Ok(())
    }

    /// The next entry, `.` and `..` among them; none at the end.
    ///
    /// # Errors
    ///
    /// What `getdents(2)` says. `EINTR`: the thread is asked to stop.
    pub fn read(&mut self, dir: &L::Dir) -> io::Result<Option<DirEntry<'_>>> {
        Ok(if self.advance(dir)? {
            self.block.last()
        } else {
            None
        })
    }

    /// Gives the entry that was read last back, to be read once more.
    pub fn unread(&mut self) {
        self.block.unread();
    }

    /// Goes behind the next entry. False at the end.
    fn advance(&mut self, dir: &L::Dir) -> io::Result<bool> {
        let Some((position, next)) = self.next(dir)? else {
            return Ok(false);
        };
        let next = next.unwrap_or_else(|| self.positions.tell(self.block.place().0, position));
        self.block.read(next);
        Ok(true)
    }

    /// Where the system is behind the next entry, and the cookie that leads there if it was told. None at
    /// the end.
    fn next(&mut self, dir: &L::Dir) -> io::Result<Option<(Position, Option<Dircookie>)>> {
        if self.block.is_read_out() {
            self.fill(dir)?;
        }
        Ok(self.block.next())
    }

    /// Asks the system for more entries.
    fn fill(&mut self, dir: &L::Dir) -> io::Result<()> {
        stop::check()?;
        self.block.remove_read();
        self.block.reserve();
        let before = self.block.len();
        if let Err(error) = self.listing.read(dir, self.len, &mut self.block) {
            // It is met once more if what was read before is the answer of this call.
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

    /// Keeps for the next call what there is room for.
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
