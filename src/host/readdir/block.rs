use super::{DirEntry, Position};
use crate::abi::{Dircookie, Filetype, Inode};

/// How many entries of one answer are kept while it is given.
const ANSWER: usize = 4096;
/// How many entries a small directory has.
const FEW: usize = 16;

/// Entries of a directory, one behind the other, as the system gave them, and a place in them.
#[derive(Debug)]
pub struct Block {
    /// The cookie that leads to the first of them.
    first: Dircookie,
    /// Where the system was before the first of them.
    start: Position,
    items: Vec<Item>,
    /// The file names, one behind the other.
    names: Vec<u8>,
    /// How many of the entries are read.
    read: usize,
    /// How many of them were before the answer that is given now.
    answered: usize,
}

#[derive(Debug)]
struct Item {
    ino: Inode,
    position: Position,
    /// The cookie that leads behind it, once it was read.
    next: Option<Dircookie>,
    name_end: u32,
    filetype: Filetype,
}

impl Block {
    /// A block without entries, where the system is at `start`, to which `first` leads.
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

    /// Removes all entries, and has `first` lead to where the system is now, at `start`.
    pub(super) fn reset(&mut self, first: Dircookie, start: Position) {
        self.items.clear();
        self.names.clear();
        (self.first, self.start) = (first, start);
        (self.read, self.answered) = (0, 0);
    }

    /// Adds the entry that comes next. `position` is where the system is behind it.
    pub fn push(&mut self, name: &[u8], ino: Inode, filetype: Filetype, position: Position) {
        self.names.extend_from_slice(name);
        self.items.push(Item {
            ino,
            position,
            next: None,
            // A system gives no more at a time than it was asked for, which is far less than 4 GiB.
            name_end: self.names.len() as u32,
            filetype,
        });
    }

    /// Makes room for a few entries, if there is none yet.
    pub(super) fn reserve(&mut self) {
        if self.items.capacity() == 0 {
            self.items.reserve(FEW);
            self.names.reserve(FEW * 16);
        }
    }

    /// The bytes that its entries take, about as many as they took when the system gave them.
    pub(super) fn len(&self) -> usize {
        self.items.len() * 24 + self.names.len()
    }

    /// Whether every entry is read.
    pub(super) fn is_read_out(&self) -> bool {
        self.read == self.items.len()
    }

    /// The bytes that it takes.
    pub(super) fn size(&self) -> usize {
        self.items.capacity() * size_of::<Item>() + self.names.capacity()
    }

    /// The cookie that leads to the place, and where the system was there.
    pub(super) fn place(&self) -> (Dircookie, Position) {
        self.place_behind(self.read)
    }

    fn place_behind(&self, count: usize) -> (Dircookie, Position) {
        match self.items[..count].last() {
            Some(item) => (item.next.unwrap_or(self.first), item.position),
            None => (self.first, self.start),
        }
    }

    /// Where the system is behind the next entry, and the cookie that leads there if it was read before.
    pub(super) fn next(&self) -> Option<(Position, Option<Dircookie>)> {
        let item = self.items.get(self.read)?;
        Some((item.position, item.next))
    }

    /// Reads the next entry, which there is, and behind which this cookie leads.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn read(&mut self, next: Dircookie) {
        self.items[self.read].next = Some(next);
        self.read += 1;
    }

    /// Goes back before the entry that was read last.
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

    /// The bytes of so many names.
    fn names_before(&self, count: usize) -> usize {
        self.items[..count]
            .last()
            .map_or(0, |item| item.name_end as usize)
    }

    /// Passes over the next entry, which is no part of an answer.
    pub(super) fn skip(&mut self) {
        self.read += 1;
        self.answered = self.read;
    }

    /// Begins an answer.
    pub(super) fn answer(&mut self) {
        self.answered = self.read;
    }

    /// Goes to where a cookie leads in the answer that was given last, if it is there.
    pub(super) fn go_back(&mut self, cookie: Dircookie) -> bool {
        let mut places = (self.answered..=self.read).rev();
        let found = places.find(|count| self.place_behind(*count).0 == cookie);
        self.read = found.unwrap_or(self.read);
        found.is_some()
    }

    /// Removes the entries that are read, save those of this answer: a guest can go on from any of them,
    /// whatever the file system makes of its positions when others are removed. Of a long answer only
    /// the end is kept.
    pub(super) fn remove_read(&mut self) {
        self.remove(self.answered.max(self.read.saturating_sub(ANSWER)));
    }

    /// Has `cookie` lead to the place.
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
