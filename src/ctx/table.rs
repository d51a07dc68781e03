use std::sync::Arc;

use super::Entry;
use crate::abi::{Errno, Fd};

/// The descriptors of a guest: small numbers, the lowest free one first.
#[derive(Debug)]
pub struct Table {
    entries: Vec<Option<Arc<Entry>>>,
    /// No lower number is free.
    first_free: usize,
    limit: usize,
}

impl Table {
    /// A table of these descriptors, numbered from 0, that will hold at most `limit`.
    pub fn new(entries: Vec<Entry>, limit: usize) -> Self {
        Self {
            first_free: entries.len(),
            entries: (entries.into_iter())
                .map(|entry| Some(Arc::new(entry)))
                .collect(),
            limit,
        }
    }

    /// What has this number.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: nothing.
    pub fn get(&self, fd: Fd) -> Result<&Arc<Entry>, Errno> {
        (self.entries.get(fd as usize))
            .and_then(Option::as_ref)
            .ok_or(Errno::Badf)
    }

    /// Every descriptor, with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Fd, &Arc<Entry>)> {
        (self.entries.iter().enumerate())
            .filter_map(|(fd, entry)| Some((fd as Fd, entry.as_ref()?)))
    }

    /// The lowest number that is free.
    fn free(&self) -> Result<usize, Errno> {
        let fd = (self.entries.iter().skip(self.first_free))
            .position(Option::is_none)
            .map_or(self.entries.len(), |skipped| self.first_free + skipped);
        if fd < self.limit {
            Ok(fd)
        } else {
            Err(Errno::Nfile)
        }
    }

    /// Whether one more descriptor has room.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: the guest has as many as it may.
    pub fn check_room(&self) -> Result<(), Errno> {
        self.free().map(drop)
    }

    /// Gives a descriptor the lowest number that is free.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: the guest has as many as it may.
    pub fn insert(&mut self, entry: Entry) -> Result<Fd, Errno> {
        let fd = self.free()?;
        if fd == self.entries.len() {
            self.entries.push(None);
        }
        self.entries[fd] = Some(Arc::new(entry));
        self.first_free = fd + 1;
        Ok(fd as Fd)
    }

    /// Frees a number, and gives what had it.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: nothing.
    pub fn remove(&mut self, fd: Fd) -> Result<Arc<Entry>, Errno> {
        let entry = (self.entries.get_mut(fd as usize))
            .and_then(Option::take)
            .ok_or(Errno::Badf)?;
        self.first_free = self.first_free.min(fd as usize);
        Ok(entry)
    }

    /// Frees every number, and gives what had them.
    pub fn remove_all(&mut self) -> Vec<Option<Arc<Entry>>> {
        self.first_free = 0;
        std::mem::take(&mut self.entries)
    }

    /// Puts what `replacement` gives in the place of each descriptor, nothing where that is none, and
    /// gives what was there.
    pub fn replace(
        &mut self,
        replacement: impl Fn(&Arc<Entry>) -> Option<Arc<Entry>>,
    ) -> Vec<Option<Arc<Entry>>> {
        let new = (self.entries.iter())
            .map(|entry| entry.as_ref().and_then(&replacement))
            .collect();
        self.first_free = 0;
        std::mem::replace(&mut self.entries, new)
    }

    /// Moves a descriptor to a number in use, and gives what had that.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: one of them is not in use.
    pub fn renumber(&mut self, from: Fd, to: Fd) -> Result<Arc<Entry>, Errno> {
        self.get(to)?;
        let entry = self.remove(from)?;
        let replaced = self.entries[to as usize].replace(entry);
        replaced.ok_or(Errno::Badf)
    }
}
