//! The descriptors of a guest by their numbers.

use std::sync::Arc;

use super::budget::Slot;
use super::table::{Reservation, Table};
use super::{FdEntry, WasiCtx};
use crate::abi::{Errno, Fd, Rights};

/// A number that a descriptor is about to have; free again if it is dropped.
#[derive(Debug)]
pub struct ReservedFd<'c> {
    ctx: &'c WasiCtx,
    reservation: Reservation,
    /// `None` once the number is in use.
    slot: Option<Slot>,
}

impl ReservedFd<'_> {
    /// Gives the number to a descriptor. If the guest has ended since it was reserved, the descriptor is
    /// closed.
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
    /// The descriptor `fd`, whatever it may be used for.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none.
    pub fn entry(&self, fd: Fd) -> Result<Arc<FdEntry>, Errno> {
        self.table().get(fd).cloned()
    }

    /// The descriptor `fd`, to use the rights `base`.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none. [`Errno::Notcapable`]: it lacks one of the rights.
    pub fn get(&self, fd: Fd, base: Rights) -> Result<Arc<FdEntry>, Errno> {
        let entry = self.entry(fd)?;
        entry.require(base)?;
        Ok(entry)
    }

    /// The descriptor `fd`, to use the rights `base` at an offset.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::get`], `FD_SEEK` being needed, too. [`Errno::Spipe`]: it is a stream, which has no
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

    /// The descriptor `fd`, to use it as a socket. As with Node, that takes all rights that a socket has.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none. [`Errno::Notcapable`]: it lacks one of the rights.
    pub fn socket(&self, fd: Fd) -> Result<Arc<FdEntry>, Errno> {
        let entry = self.entry(fd)?;
        entry.require_socket()?;
        Ok(entry)
    }

    /// Reserves the lowest free number, and a descriptor of the host, for what is opened next. What is
    /// created then has its number for certain, whatever other threads open at the same time.
    ///
    /// # Errors
    ///
    /// [`Errno::Nfile`]: the guest has as many as it may, or all guests together have.
    pub fn reserve(&self) -> Result<ReservedFd<'_>, Errno> {
        self.reserve_in(&mut self.table())
    }

    /// The descriptor `fd`, and what [`reserve`](Self::reserve) says, in one look at the table.
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

    /// Closes a descriptor. What a standard stream was lent from stays open.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: there is none.
    pub fn close(&self, fd: Fd) -> Result<(), Errno> {
        // Closing can take the host a while: it comes after the table is free again.
        let closed = self.table().remove(fd)?;
        drop(closed);
        Ok(())
    }

    /// Moves a descriptor to the number of another, which is closed.
    ///
    /// # Errors
    ///
    /// [`Errno::Badf`]: one of them is not open.
    pub fn renumber(&self, from: Fd, to: Fd) -> Result<(), Errno> {
        let replaced = self.table().renumber(from, to)?;
        drop(replaced);
        Ok(())
    }

    /// The preopened directories that are still open.
    pub fn preopens(&self) -> Vec<Arc<FdEntry>> {
        (self.table().iter())
            .filter(|(_, entry)| entry.mapped_path().is_some())
            .map(|(_, entry)| Arc::clone(entry))
            .collect()
    }
}
