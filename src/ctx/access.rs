//! What a guest may do with a descriptor, and with what it opens through it.
//!
//! A right counts if the kind of file can have it, the embedder grants it, the access mode leaves it, and
//! the guest has not given it up. What `path_open` was asked for is reported, and limits nothing.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::FdEntry;
use crate::abi::{Errno, Rights, RightsPair};

/// The rights of a descriptor, of whatever kind it is.
#[derive(Debug)]
pub(super) struct Access {
    /// What `path_open` was asked for.
    asked: RightsPair,
    /// What the access mode leaves, and the guest has not given up, for the descriptor.
    base: AtomicU64,
    /// What the guest has not given up, for what is opened through it.
    inheriting: AtomicU64,
    /// What the embedder allows, of this and of all that is opened through it.
    granted: AtomicU64,
    /// The most that the embedder ever allows.
    ceiling: Rights,
}

impl Access {
    /// All that is granted, which may become more, up to the ceiling.
    pub fn new(asked: RightsPair, granted: Rights, ceiling: Rights) -> Self {
        Self {
            asked,
            base: AtomicU64::new(Rights::all().bits()),
            inheriting: AtomicU64::new(Rights::all().bits()),
            granted: AtomicU64::new(granted.bits()),
            ceiling,
        }
    }

    /// All that the embedder ever allows, whatever of it the guest has been granted, or has given up.
    pub fn at_most(&self) -> Self {
        Self::new(self.asked, self.ceiling, self.ceiling)
    }

    /// Leaves no more than `kept`, and for the descriptor nothing that is `excluded`.
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

    /// Two threads that shrink at the same time leave what both allow.
    fn shrink(&self, to: RightsPair) {
        self.base.fetch_and(to.base.bits(), Relaxed);
        self.inheriting.fetch_and(to.inheriting.bits(), Relaxed);
    }
}

impl Clone for Access {
    /// What they are now.
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
    /// The rights that are reported: those that were asked for, as far as the guest may use them.
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

    /// The rights that the guest has not given up for what is opened through this.
    pub fn passed_on(&self) -> Rights {
        self.access.inheriting()
    }

    /// What the embedder allows, of this and of all that is opened through it.
    pub fn granted(&self) -> Rights {
        self.access.granted()
    }

    /// The most that the embedder ever allows.
    pub fn granted_at_most(&self) -> Rights {
        self.access.ceiling
    }

    /// Whether the embedder alone keeps the guest from opening something through this directory, as
    /// [`require_to_open`](Self::require_to_open) says: it has given up none of that.
    ///
    /// # Errors
    ///
    /// As [`FdEntry::filetype`].
    pub fn may_if_granted(&self, base: Rights, inheriting: Rights) -> Result<bool, Errno> {
        let kept = self.access.base() & self.kind()?.rights.base;
        Ok(kept.contains(base) && self.passed_on().contains(inheriting))
    }

    /// Lets the guest do more, up to the most that the embedder ever allows.
    pub fn grant(&self, granted: Rights) {
        let granted = granted & self.access.ceiling;
        self.access.granted.fetch_or(granted.bits(), Relaxed);
    }

    /// Whether the guest may open something through this directory: it needs the rights `base`, and
    /// those that it wants for what is opened must be rights, and none that it gave up for that.
    ///
    /// Rights that the embedder withholds do not count among those wanted, unless the guest means to
    /// write: language runtimes ask for all that a directory can pass on whatever they open.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: it may not. As [`FdEntry::filetype`].
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

    /// Whether the guest may use these rights: the kind of file and the access mode have them, the
    /// embedder grants them, and the guest has not given them up. What `path_open` was asked for does
    /// not count.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: not all of them. As [`FdEntry::filetype`].
    #[inline]
    pub fn require(&self, base: Rights) -> Result<(), Errno> {
        let most = self.kind()?.rights.base;
        if (self.access.base() & most & self.granted()).contains(base) {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// Whether the guest may use this as a socket: it has all rights of one, and the embedder grants
    /// those that nothing else has. (Reading and writing may be granted for sockets alone.)
    ///
    /// # Errors
    ///
    /// As [`FdEntry::require`].
    pub fn require_socket(&self) -> Result<(), Errno> {
        // One that is open in one direction alone is a pipe: no socket, as the host will say.
        let kind = self.kind()?;
        let has = self.access.base() & (kind.rights.base | kind.lacks);
        if has.contains(RightsPair::SOCKET.base) && self.granted().contains(Rights::SOCKET_ONLY) {
            Ok(())
        } else {
            Err(Errno::Notcapable)
        }
    }

    /// Gives up all rights but these: from now on they are all that the guest may use.
    ///
    /// # Errors
    ///
    /// [`Errno::Notcapable`]: these are more than are reported.
    pub fn set_rights(&self, rights: RightsPair) -> Result<(), Errno> {
        let had = self.rights()?;
        if !had.base.contains(rights.base) || !had.inheriting.contains(rights.inheriting) {
            return Err(Errno::Notcapable);
        }
        self.access.shrink(rights);
        Ok(())
    }
}
