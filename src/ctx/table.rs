use std::mem;
use std::sync::Arc;

use super::FdEntry;
use crate::abi::{Errno, Fd};

/// The descriptor table of a guest. The lowest free number is given first.
#[derive(Debug)]
pub struct Table {
    rows: Vec<Row>,
    /// All lower numbers are taken.
    first_free: usize,
    limit: usize,
    /// How many times all descriptors were replaced: a number that was reserved before is not used any more.
    generation: u64,
}

/// A number that [`Table::reserve`] has reserved.
#[derive(Clone, Copy, Debug)]
pub struct Reservation {
    /// The number.
    pub fd: Fd,
    generation: u64,
}

#[derive(Debug)]
enum Row {
    Free,
    /// For what a call is about to open: the number is not open yet.
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
    /// A table with these descriptors, numbered from 0, for at most `limit` descriptors.
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

    /// The same, numbered from `first`. Lower numbers are never used.
    pub fn numbered_from(first: Fd, entries: Vec<FdEntry>, limit: usize) -> Self {
        let mut table = Self::new(entries, limit);
        let below = (0..first).map(|_| Row::Reserved);
        table.rows.splice(0..0, below);
        table.first_free = table.rows.len();
        table
    }

    /// The descriptor with this number.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: it is not open.
    pub fn get(&self, fd: Fd) -> Result<&Arc<FdEntry>, Errno> {
        (self.rows.get(fd as usize))
            .and_then(Row::entry)
            .ok_or(Errno::Badf)
    }

    /// All descriptors with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (Fd, &Arc<FdEntry>)> {
        (self.rows.iter().enumerate()).filter_map(|(fd, row)| Some((fd as Fd, row.entry()?)))
    }

    /// Reserves the lowest free number for what is opened next.
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

    /// Gives a reserved number to a descriptor, or frees it if there is none. If the guest has ended since, it
    /// is freed as well, and the descriptor is returned, to be closed.
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

    /// Gives the lowest free number to a descriptor.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: the guest has as many as it may.
    pub fn push(&mut self, entry: Arc<FdEntry>) -> Result<(), Errno> {
        let reserved = self.reserve()?;
        self.fill(reserved, Some(entry));
        Ok(())
    }

    /// Removes a preopen from the table of a guest that has not started. The numbers of those behind it move
    /// down, as a guest looks for preopens up to the first number that is none.
    pub fn withdraw(&mut self, preopen: &FdEntry) -> Option<Arc<FdEntry>> {
        let is_it = |row: &Row| row.entry().is_some_and(|row| row.is_same_preopen(preopen));
        let row = self.rows.remove(self.rows.iter().position(is_it)?);
        self.first_free = 0;
        match row {
            Row::Open(entry) => Some(entry),
            Row::Free | Row::Reserved => None,
        }
    }

    /// Frees a number, and returns its descriptor.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: it is not open.
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

    /// Replaces each descriptor by what `replacement` returns for it, or removes it if that is `None`. Returns
    /// the old ones. Reserved numbers stay reserved.
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

    /// Moves a descriptor to the number of another one, which is returned.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: one of them is not open.
    pub fn renumber(&mut self, from: Fd, to: Fd) -> Result<Arc<FdEntry>, Errno> {
        self.get(to)?;
        let entry = self.remove(from)?;
        match mem::replace(&mut self.rows[to as usize], Row::Open(entry)) {
            Row::Open(replaced) => Ok(replaced),
            Row::Free | Row::Reserved => Err(Errno::Badf),
        }
    }
}
