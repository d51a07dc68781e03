use std::mem;
use std::sync::Arc;

use super::FdEntry;
use crate::abi::{Errno, Fd};

/// The descriptors of a guest: small numbers, the lowest free one first.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    /// No lower number is free.
    first_free: usize,
    limit: usize,
    /// How often all descriptors were replaced: what was reserved before is not opened any more.
    generation: u64,
}

/// A number that [`Table::reserve`] has taken.
#[derive(Clone, Copy, Debug)]
pub struct Reservation {
    /// The number.
    pub fd: Fd,
    generation: u64,
}

#[derive(Debug)]
enum Row {
    Free,
    /// For what a call is about to open. Nothing has this number yet.
    Reserved,
    Open(Arc<FdEntry>),
}

impl Row {
    fn entry(&self) -> Option<&Arc<FdEntry>> {
        match self {
            Row::Open(entry) => Some(entry),
            Row::Free | Row::Reserved => None,
        }
    }
}

impl Table {
    /// A table of these descriptors, numbered from 0, that will hold at most `limit`.
    pub fn new(entries: Vec<FdEntry>, limit: usize) -> Self {
        Self {
            first_free: entries.len(),
            rows: (entries.into_iter())
                .map(|entry| Row::Open(Arc::new(entry)))
                .collect(),
            limit,
            generation: 0,
        }
    }

    /// The same, numbered from `first`: no number below will be free.
    pub fn numbered_from(first: Fd, entries: Vec<FdEntry>, limit: usize) -> Self {
        let mut table = Self::new(entries, limit);
        let below = (0..first).map(|_| Row::Reserved);
        table.rows.splice(0..0, below);
        table.first_free = table.rows.len();
        table
    }

    /// What has this number.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: nothing.
    pub fn get(&self, fd: Fd) -> Result<&Arc<FdEntry>, Errno> {
        (self.rows.get(fd as usize))
            .and_then(Row::entry)
            .ok_or(Errno::Badf)
    }

    /// Every descriptor, with its number.
    pub fn iter(&self) -> impl Iterator<Item = (Fd, &Arc<FdEntry>)> {
        (self.rows.iter().enumerate()).filter_map(|(fd, row)| Some((fd as Fd, row.entry()?)))
    }

    /// Takes the lowest number that is free, for what is opened next.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: the guest has as many as it may.
    pub fn reserve(&mut self) -> Result<Reservation, Errno> {
        let mut fd = self.first_free;
        while matches!(self.rows.get(fd), Some(Row::Open(_) | Row::Reserved)) {
            fd += 1;
        }
        if fd >= self.limit {
            return Err(Errno::Nfile);
        }
        match self.rows.get_mut(fd) {
            Some(row) => *row = Row::Reserved,
            None => self.rows.push(Row::Reserved),
        }
        self.first_free = fd + 1;
        Ok(Reservation {
            fd: fd as Fd,
            generation: self.generation,
        })
    }

    /// Gives a reserved number to a descriptor, or back where that is none, or where the guest has ended
    /// since: then the descriptor comes back, to be closed.
    pub fn fill(
        &mut self,
        reserved: Reservation,
        entry: Option<Arc<FdEntry>>,
    ) -> Option<Arc<FdEntry>> {
        let fd = reserved.fd as usize;
        match entry {
            Some(entry) if reserved.generation == self.generation => {
                self.rows[fd] = Row::Open(entry);
                None
            }
            rest => {
                self.rows[fd] = Row::Free;
                self.first_free = self.first_free.min(fd);
                rest
            }
        }
    }

    /// Gives the lowest number that is free to a descriptor.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: the guest has as many as it may.
    pub fn push(&mut self, entry: Arc<FdEntry>) -> Result<(), Errno> {
        let reserved = self.reserve()?;
        self.fill(reserved, Some(entry));
        Ok(())
    }

    /// Takes a preopen out of a table that no guest has used yet: those behind it move up, as a guest looks
    /// for preopens up to the first number that has none.
    pub fn withdraw(&mut self, preopen: &FdEntry) -> Option<Arc<FdEntry>> {
        let is_it = |row: &Row| row.entry().is_some_and(|row| row.is_same_preopen(preopen));
        let row = self.rows.remove(self.rows.iter().position(is_it)?);
        self.first_free = 0;
        match row {
            Row::Open(entry) => Some(entry),
            Row::Free | Row::Reserved => None,
        }
    }

    /// Frees a number, and gives what had it.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: nothing.
    pub fn remove(&mut self, fd: Fd) -> Result<Arc<FdEntry>, Errno> {
        let row = self.rows.get_mut(fd as usize).ok_or(Errno::Badf)?;
        match mem::replace(row, Row::Free) {
            Row::Open(entry) => {
                self.first_free = self.first_free.min(fd as usize);
                Ok(entry)
            }
            other => {
                *row = other;
                Err(Errno::Badf)
            }
        }
    }

    /// Puts what `replacement` gives in the place of each descriptor, nothing where that is none, and
    /// gives what was there. Numbers that are reserved stay so.
    pub fn replace(
        &mut self,
        replacement: impl Fn(&Arc<FdEntry>) -> Option<Arc<FdEntry>>,
    ) -> Vec<Arc<FdEntry>> {
        let mut replaced = Vec::new();
        for row in &mut self.rows {
            if let Row::Open(entry) = row {
                let new = replacement(entry).map_or(Row::Free, Row::Open);
                if let Row::Open(old) = mem::replace(row, new) {
                    replaced.push(old);
                }
            }
        }
        self.first_free = 0;
        self.generation += 1;
        replaced
    }

    /// Moves a descriptor to a number in use, and gives what had that.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: one of them is not in use.
    pub fn renumber(&mut self, from: Fd, to: Fd) -> Result<Arc<FdEntry>, Errno> {
        self.get(to)?;
        let entry = self.remove(from)?;
        match mem::replace(&mut self.rows[to as usize], Row::Open(entry)) {
            Row::Open(replaced) => Ok(replaced),
            Row::Free | Row::Reserved => Err(Errno::Badf),
        }
    }
}
