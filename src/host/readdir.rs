use std::io;

use super::{DirEntry, sys};
use crate::abi::Dircookie;

/// A directory as the system lists it, from one entry to the next.
pub trait Listing {
    /// The next entry, `.` and `..` among them; none at the end. `at` is where it comes from.
    fn fetch(&mut self, at: Dircookie) -> Option<io::Result<DirEntry>>;

    /// Goes to where a cookie leads, or only to the start if the system has no shorter way, and tells
    /// to which of the two.
    fn seek(&mut self, cookie: Dircookie) -> io::Result<Dircookie>;
}

/// An open directory stream: its own place in the directory, and what the system lists there.
#[derive(Debug)]
pub struct ReadDir<E = sys::Entries> {
    entries: E,
    at: Dircookie,
    /// An entry that was fetched and not read yet, or given back.
    pending: Option<DirEntry>,
}

impl<E: Listing> ReadDir<E> {
    /// A stream at its start. `first` is the first entry if it has been fetched.
    pub(super) fn new(entries: E, first: Option<DirEntry>) -> Self {
        Self {
            entries,
            at: 0,
            pending: first,
        }
    }

    /// Where the next entry comes from.
    pub fn position(&self) -> Dircookie {
        self.at
    }

    /// The next entry, `.` and `..` among them; none at the end.
    pub fn read(&mut self) -> Option<io::Result<DirEntry>> {
        let entry = match self.pending.take() {
            Some(entry) => entry,
            None => match self.entries.fetch(self.at)? {
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

    /// Goes to where a cookie leads: 0 is the start, others come from [`DirEntry::next`].
    pub fn seek(&mut self, cookie: Dircookie) -> io::Result<()> {
        self.pending = None;
        self.at = self.entries.seek(cookie)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Filetype;

    /// A directory whose system can only go back to the start.
    struct Counted {
        names: &'static [&'static str],
        next: usize,
    }

    impl Listing for Counted {
        fn fetch(&mut self, at: Dircookie) -> Option<io::Result<DirEntry>> {
            let name = self.names.get(self.next)?;
            self.next += 1;
            Some(Ok(DirEntry {
                name: name.as_bytes().to_vec(),
                ino: 0,
                filetype: Filetype::RegularFile,
                next: at + 1,
            }))
        }

        fn seek(&mut self, _: Dircookie) -> io::Result<Dircookie> {
            self.next = 0;
            Ok(0)
        }
    }

    fn stream() -> ReadDir<Counted> {
        let names = &["a", "b", "c"];
        ReadDir::new(Counted { names, next: 0 }, None)
    }

    fn read(read_dir: &mut ReadDir<Counted>) -> Option<String> {
        let entry = read_dir.read()?.unwrap();
        Some(String::from_utf8(entry.name).unwrap())
    }

    #[test]
    fn a_cookie_leads_behind_its_entry() {
        let mut read_dir = stream();
        assert_eq!(read(&mut read_dir).as_deref(), Some("a"));
        let behind_a = read_dir.position();
        assert_eq!(read(&mut read_dir).as_deref(), Some("b"));
        for _ in 0..2 {
            read_dir.seek(behind_a).unwrap();
            assert_eq!(read_dir.position(), behind_a);
            assert_eq!(read(&mut read_dir).as_deref(), Some("b"));
        }
        read_dir.seek(0).unwrap();
        assert_eq!(read(&mut read_dir).as_deref(), Some("a"));
    }

    #[test]
    fn a_cookie_behind_the_end_leads_to_the_end() {
        let mut read_dir = stream();
        read_dir.seek(7).unwrap();
        assert_eq!(read_dir.position(), 7);
        assert_eq!(read(&mut read_dir), None);
    }

    #[test]
    fn an_entry_that_is_given_back_is_read_once_more() {
        let mut read_dir = stream();
        let entry = read_dir.read().unwrap().unwrap();
        read_dir.unread(entry, 0);
        assert_eq!(read_dir.position(), 0);
        assert_eq!(read(&mut read_dir).as_deref(), Some("a"));
        let entry = read_dir.read().unwrap().unwrap();
        read_dir.unread(entry, 1);
        read_dir.seek(2).unwrap();
        assert_eq!(read(&mut read_dir).as_deref(), Some("c"));
    }
}
