use super::{DirEntry, Position};
use crate::abi::{Dircookie, Filetype, Inode};

/// The most entries of one call that stay in the block after they are read.
const ANSWER: usize = 4096;
/// Entries for which the first read reserves memory: a small directory's.
const FEW: usize = 16;

/// A buffer of directory entries in the system's order, and the current position in it.
#[derive(Debug)]
pub struct Block {
    /// Cookie of the first entry.
    first: Dircookie,
    /// The system's position before the first entry.
    start: Position,
    items: Vec<Item>,
    /// The file names, concatenated.
    names: Vec<u8>,
    /// Number of entries before the current position: those that were read.
    read: usize,
    /// How many of them were read before this call.
    answered: usize,
}

#[derive(Debug)]
struct Item {
    ino: Inode,
    /// The system's position behind it.
    position: Position,
    /// Cookie of the next entry, once this one was read.
    next: Option<Dircookie>,
    /// Offset in `names` of the end of its name.
    name_end: u32,
    filetype: Filetype,
}

impl Block {
    /// A block without entries at cookie `first`, for which the system's position is `start`.
    pub fn new(first: Dircookie, start: Position) -> Self {
        Self {
            first,
            start,
            items: Vec::new(),
            names: Vec::new(),
            read: 0,
            answered: 0,
        }
    }

    /// Removes all entries, and sets cookie and system's position as [`Block::new`] does.
    pub(super) fn reset(&mut self, first: Dircookie, start: Position) {
        self.items.clear();
        self.names.clear();
        (self.first, self.start) = (first, start);
        (self.read, self.answered) = (0, 0);
    }

    /// Appends the next entry. `position` is the system's position behind it.
    pub fn push(&mut self, name: &[u8], ino: Inode, filetype: Filetype, position: Position) {
        self.names.extend_from_slice(name);
        self.items.push(Item {
            ino,
            position,
            next: None,
            // A read returns about as many bytes as it asks for, far fewer than 4 GiB.
            name_end: self.names.len() as u32,
            filetype,
        });
    }

    /// Reserves memory for a few entries, if there is none yet.
    pub(super) fn reserve(&mut self) {
        if self.items.capacity() == 0 {
            self.items.reserve(FEW);
            self.names.reserve(FEW * 16);
        }
    }

    /// Approximate size of its entries in the system's buffer, in bytes.
    pub(super) fn len(&self) -> usize {
        self.items.len() * 24 + self.names.len()
    }

    /// Whether every entry is read.
    pub(super) fn is_read_out(&self) -> bool {
        self.read == self.items.len()
    }

    /// The memory that it holds, in bytes.
    pub(super) fn size(&self) -> usize {
        self.items.capacity() * size_of::<Item>() + self.names.capacity()
    }

    /// The cookie of the current position, and the system's position there.
    pub(super) fn place(&self) -> (Dircookie, Position) {
        self.place_behind(self.read)
    }

    fn place_behind(&self, count: usize) -> (Dircookie, Position) {
        match self.items[..count].last() {
            Some(item) => (item.next.unwrap_or(self.first), item.position),
            None => (self.first, self.start),
        }
    }

    /// The system's position behind the next entry, and the cookie of that position if the entry was read
    /// before. `None` at the end.
    pub(super) fn next(&self) -> Option<(Position, Option<Dircookie>)> {
        let item = self.items.get(self.read)?;
        Some((item.position, item.next))
    }

    /// Moves the position behind the next entry, whose [`DirEntry::next`] is `next`.
    ///
    /// # Panics
    ///
    /// There is no next entry.
    pub fn read(&mut self, next: Dircookie) {
        self.items[self.read].next = Some(next);
        self.read += 1;
    }

    /// Moves the position before the entry that was read last.
    pub(super) fn unread(&mut self) {
        self.read -= 1;
    }

    /// The entry that was read last.
    pub fn last(&self) -> Option<DirEntry<'_>> {
        let index = self.read.checked_sub(1)?;
        let item = &self.items[index];
        Some(DirEntry {
            name: &self.names[self.names_before(index)..item.name_end as usize],
            ino: item.ino,
            filetype: item.filetype,
            next: item.next?,
        })
    }

    /// Length in bytes of the names of the first `count` entries.
    fn names_before(&self, count: usize) -> usize {
        self.items[..count]
            .last()
            .map_or(0, |item| item.name_end as usize)
    }

    /// Skips the next entry, which no call returns.
    pub(super) fn skip(&mut self) {
        self.read += 1;
        self.answered = self.read;
    }

    /// Begins a call: what is read from here on belongs to it.
    pub(super) fn answer(&mut self) {
        self.answered = self.read;
    }

    /// Sets the position to a cookie that the last call returned. False if it did not.
    pub(super) fn go_back(&mut self, cookie: Dircookie) -> bool {
        let mut places = (self.answered..=self.read).rev();
        let found = places.find(|count| self.place_behind(*count).0 == cookie);
        self.read = found.unwrap_or(self.read);
        found.is_some()
    }

    /// Removes the entries that were read, except the last [`ANSWER`] of this call. A guest that removes
    /// files while it lists them continues from one of these cookies, and the file system's own position
    /// for it may have moved.
    pub(super) fn remove_read(&mut self) {
        self.remove(self.answered.max(self.read.saturating_sub(ANSWER)));
    }

    /// Sets the cookie of the current position, and removes the entries before it.
    pub(super) fn begin(&mut self, cookie: Dircookie) {
        self.remove(self.read);
        self.first = cookie;
    }

    fn remove(&mut self, count: usize) {
        let names = self.names_before(count);
        (self.first, self.start) = self.place_behind(count);
        self.items.drain(..count);
        self.names.drain(..names);
        for item in &mut self.items {
            item.name_end -= names as u32;
        }
        self.read -= count;
        self.answered = self.answered.saturating_sub(count);
    }
}
