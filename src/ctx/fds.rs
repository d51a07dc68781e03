//! The descriptors of a guest by their numbers.

use std::sync::Arc;

use super::budget::Slot;
use super::table::{Reservation, Table};
use super::{FdEntry, WasiCtx};
use crate::abi::{Errno, Fd, Rights};

/// A reserved descriptor number. It is free again on drop, unless a descriptor was given to it.
#[derive(Debug)]
pub struct ReservedFd<'c> {
    ctx: &'c WasiCtx,
    reservation: Reservation,
    /// `None` once the number is in use.
    slot: Option<Slot>,
}

impl ReservedFd<'_> {
    /// Gives the number to a descriptor. If the guest has ended meanwhile, the descriptor is closed.
    #[inline]
    pub fn fill(mut self, entry: FdEntry) -> Fd {
        if let Some(slot) = self.slot.take() {
            let entry = Arc::new(entry.in_slot(slot));
            let closed = self.ctx.table().fill(self.reservation, Some(entry));
            drop(closed);
        }
        self.reservation.fd
    }
}

impl Drop for ReservedFd<'_> {
    fn drop(&mut self) {
        if self.slot.is_some() {
            self.ctx.table().fill(self.reservation, None);
        }
    }
}

impl WasiCtx {
    /// The descriptor `fd`, without a check of rights.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none.
    pub fn entry(&self, fd: Fd) -> Result<Arc<FdEntry>, Errno> {
        self.table().get(fd).cloned()
    }

    /// The descriptor `fd`, which must have the rights `base`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none. [`Errno::Notcapable`]: it lacks one of the rights.
    pub fn get(&self, fd: Fd, base: Rights) -> Result<Arc<FdEntry>, Errno> {
        let entry = self.entry(fd)?;
        entry.require(base)?;
        Ok(entry)
    }

    /// The descriptor `fd`, which must have the rights `base` at an offset.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::get`], but needs `FD_SEEK` as well. [`Errno::Spipe`]: it is a stream, which has no
    /// offsets.
    pub fn get_at_offset(&self, fd: Fd, base: Rights) -> Result<Arc<FdEntry>, Errno> {
        let entry = self.entry(fd)?;
        match entry.require(base | Rights::FD_SEEK) {
            Ok(()) => Ok(entry),
            Err(error) => {
                entry.require(base)?;
                Err(if entry.is_stream()? {
                    Errno::Spipe
                } else {
                    error
                })
            }
        }
    }

    /// The descriptor `fd` as a socket. As in Node, this needs all rights that a socket has.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none. [`Errno::Notcapable`]: it lacks one of the rights.
    pub fn socket(&self, fd: Fd) -> Result<Arc<FdEntry>, Errno> {
        let entry = self.entry(fd)?;
        entry.require_socket()?;
        Ok(entry)
    }

    /// Reserves the lowest free number, and a host descriptor in the budget, before something is opened or
    /// created: then it gets a number for certain, whatever other threads open at the same time.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: this guest, or all guests together, have as many descriptors as they may.
    pub fn reserve(&self) -> Result<ReservedFd<'_>, Errno> {
        self.reserve_in(&mut self.table())
    }

    /// The descriptor `fd`, and the result of [`reserve`](Self::reserve), with the table locked once.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none.
    #[inline]
    pub fn entry_and_reserve(
        &self,
        fd: Fd,
    ) -> Result<(Arc<FdEntry>, Result<ReservedFd<'_>, Errno>), Errno> {
        let mut table = self.table();
        let entry = table.get(fd)?.clone();
        Ok((entry, self.reserve_in(&mut table)))
    }

    fn reserve_in(&self, table: &mut Table) -> Result<ReservedFd<'_>, Errno> {
        let slot = Some(Slot::take()?);
        let reservation = table.reserve()?;
        Ok(ReservedFd {
            ctx: self,
            reservation,
            slot,
        })
    }

    /// Closes a descriptor. The embedder's descriptor of a standard stream stays open.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none.
    pub fn close(&self, fd: Fd) -> Result<(), Errno> {
        // Closing may block: the table is not locked meanwhile.
        let closed = self.table().remove(fd)?;
        drop(closed);
        Ok(())
    }

    /// Moves a descriptor to the number of another one, which is closed.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: one of them is not open.
    pub fn renumber(&self, from: Fd, to: Fd) -> Result<(), Errno> {
        let replaced = self.table().renumber(from, to)?;
        drop(replaced);
        Ok(())
    }

    /// The preopens that are still open.
    pub fn preopens(&self) -> Vec<Arc<FdEntry>> {
        (self.table().iter())
            .filter(|(_, entry)| entry.mapped_path().is_some())
            .map(|(_, entry)| Arc::clone(entry))
            .collect()
    }
}
