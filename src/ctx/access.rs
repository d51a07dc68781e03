//! The rights of descriptors: what a guest may do with one, and with what it opens through it.
//!
//! A right can be used if the type of file can have it, the embedder grants it, the access mode allows it, and
//! the guest has not removed it. The rights that were passed to `path_open` are reported, and limit nothing.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::FdEntry;
use crate::abi::{Errno, Rights, RightsPair};

/// The rights of a descriptor, whatever its type.
#[derive(Debug)]
pub(super) struct Access {
    /// The rights that were passed to `path_open`.
    asked: RightsPair,
    /// What the access mode allows, and the guest has not removed, for the descriptor.
    base: AtomicU64,
    /// What the guest has not removed, for what is opened through it.
    inheriting: AtomicU64,
    /// What the embedder grants now, for this and all that is opened through it.
    granted: AtomicU64,
    /// The most that the embedder can grant later.
    ceiling: Rights,
}

impl Access {
    /// All rights that are granted. More can be granted later, up to the ceiling.
    pub fn new(asked: RightsPair, granted: Rights, ceiling: Rights) -> Self {
        Self {
            asked,
            base: AtomicU64::new(Rights::all().bits()),
            inheriting: AtomicU64::new(Rights::all().bits()),
            granted: AtomicU64::new(granted.bits()),
            ceiling,
        }
    }

    /// All rights up to the ceiling, whatever has been granted, or removed by the guest.
    pub fn at_most(&self) -> Self {
        Self::new(self.asked, self.ceiling, self.ceiling)
    }

    /// Limits the rights to `kept`, and those of the descriptor itself also to what is not `excluded`.
    pub fn keep(&mut self, kept: Rights, excluded: Rights) {
        *self.base.get_mut() = (kept - excluded).bits();
        *self.inheriting.get_mut() = kept.bits();
    }

    #[inline]
    fn base(&self) -> Rights {
        Rights::from_bits_retain(self.base.load(Relaxed))
    }

    fn inheriting(&self) -> Rights {
        Rights::from_bits_retain(self.inheriting.load(Relaxed))
    }

    #[inline]
    fn granted(&self) -> Rights {
        Rights::from_bits_retain(self.granted.load(Relaxed))
    }

    /// Atomic: if two threads remove rights at the same time, both are removed.
    fn shrink(&self, to: RightsPair) {
        self.base.fetch_and(to.base.bits(), Relaxed);
        self.inheriting.fetch_and(to.inheriting.bits(), Relaxed);
    }
}

impl Clone for Access {
    /// With the present values.
    fn clone(&self) -> Self {
        Self {
            asked: self.asked,
            base: AtomicU64::new(self.base().bits()),
            inheriting: AtomicU64::new(self.inheriting().bits()),
            granted: AtomicU64::new(self.granted().bits()),
            ceiling: self.ceiling,
        }
    }
}

impl FdEntry {
    /// The rights that `fd_fdstat_get` reports: those passed to `path_open`, as far as the guest may use them.
    ///
    /// # Errors
    ///
    /// As [`FdEntry::filetype`].
    pub fn rights(&self) -> Result<RightsPair, Errno> {
        let most = self.kind()?.rights;
        let granted = self.granted();
        Ok(RightsPair {
            base: self.access.asked.base & self.access.base() & most.base & granted,
            inheriting: self.access.asked.inheriting
                & self.access.inheriting()
                & most.inheriting
                & granted,
        })
    }

    /// The rights that the guest has not removed for what is opened through this.
    pub fn passed_on(&self) -> Rights {
        self.access.inheriting()
    }

    /// What the embedder grants now, for this and all that is opened through it.
    pub fn granted(&self) -> Rights {
        self.access.granted()
    }

    /// The most that the embedder can grant later.
    pub fn granted_at_most(&self) -> Rights {
        self.access.ceiling
    }

    /// Whether [`require_to_open`](Self::require_to_open) would succeed if the embedder granted everything: the
    /// guest itself has not removed any of these rights.
    ///
    /// # Errors
    ///
    /// As [`FdEntry::filetype`].
    pub fn may_if_granted(&self, base: Rights, inheriting: Rights) -> Result<bool, Errno> {
        let kept = self.access.base() & self.kind()?.rights.base;
        Ok(kept.contains(base) && self.passed_on().contains(inheriting))
    }

    /// Grants more, up to the ceiling.
    pub fn grant(&self, granted: Rights) {
        let granted = granted & self.access.ceiling;
        self.access.granted.fetch_or(granted.bits(), Relaxed);
    }

    /// Checks that the guest may open something through this directory: it needs the rights `base`. Those that
    /// it wants for what is opened must be known, and not removed by itself.
    ///
    /// Rights that the embedder withholds are not checked among the wanted ones, except for writing: language
    /// runtimes ask for all that a directory can pass on, whatever they open.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: it may not. Those of [`FdEntry::filetype`].
    pub fn require_to_open(
        &self,
        base: Rights,
        inheriting: Rights,
        write: bool,
    ) -> Result<(), Errno> {
        self.require(base)?;
        let passed_on = self.passed_on().contains(inheriting);
        let may_write = !write || self.granted().contains(Rights::FD_WRITE);
        if passed_on && may_write {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// Checks that the guest may use these rights: the type of file and the access mode have them, the embedder
    /// grants them, and the guest has not removed them. The rights passed to `path_open` are not checked.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: not all of them. Those of [`FdEntry::filetype`].
    #[inline]
    pub fn require(&self, base: Rights) -> Result<(), Errno> {
        let most = self.kind()?.rights.base;
        if (self.access.base() & most & self.granted()).contains(base) {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// Checks that the guest may use this as a socket: it has all rights of one, and the embedder grants those
    /// that only sockets have. (Reading and writing may be granted for sockets alone.)
    ///
    /// # Errors
    ///
    /// As [`FdEntry::require`].
    pub fn require_socket(&self) -> Result<(), Errno> {
        // A stream that is open in one direction only is a pipe. That it is no socket is left to the host to
        // say.
        let kind = self.kind()?;
        let has = self.access.base() & (kind.rights.base | kind.lacks);
        if has.contains(RightsPair::SOCKET.base) && self.granted().contains(Rights::SOCKET_ONLY) {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// Removes all rights but these.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: some of these are not reported.
    pub fn set_rights(&self, rights: RightsPair) -> Result<(), Errno> {
        let had = self.rights()?;
        if !had.base.contains(rights.base) || !had.inheriting.contains(rights.inheriting) {
            return Err(Errno::Notcapable);
        }
        self.access.shrink(rights);
        Ok(())
    }
}
