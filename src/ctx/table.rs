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
        }
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
    pub fn reserve(&mut self) -> Result<Fd, Errno> {
        let fd = (self.rows.iter().skip(self.first_free))
            .position(|row| matches!(row, Row::Free))
            .map_or(self.rows.len(), |skipped| self.first_free + skipped);
        if fd >= self.limit {
            return Err(Errno::Nfile);
        }
        match self.rows.get_mut(fd) {
            Some(row) => *row = Row::Reserved,
            None => self.rows.push(Row::Reserved),
        }
        self.first_free = fd + 1;
        Ok(fd as Fd)
    }

    /// Gives a reserved number to a descriptor, or back where that is none.
    pub fn fill(&mut self, reserved: Fd, entry: Option<Arc<FdEntry>>) {
        if entry.is_none() {
            self.first_free = self.first_free.min(reserved as usize);
        }
        self.rows[reserved as usize] = entry.map_or(Row::Free, Row::Open);
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
