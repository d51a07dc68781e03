//! The flags of a descriptor: the host keeps some; the others are implemented here.

use std::sync::atomic::Ordering::Relaxed;

use super::{Descriptor, FdEntry};
use crate::abi::{Errno, Fdflags};
use crate::host::{Interrupt, SYNCHRONOUS, SeekFrom, StreamFlags};
use crate::vfs::StreamHandle;

impl FdEntry {
    /// The flags, as the guest set them.
    pub fn fdflags(&self) -> Fdflags {
        Fdflags::from_bits_retain(self.fdflags.load(Relaxed))
    }

    /// The flags that the host keeps for this descriptor, whatever the guest sets.
    ///
    /// # Errors
    ///
    /// What `fcntl(2)` says.
    pub fn host_fdflags(&self) -> Result<Fdflags, Errno> {
        Ok(match &self.descriptor {
            Descriptor::File(file) => file.synchronous(),
            Descriptor::Stream(stream) if stream.is_lent() => {
                self.stream_flags(stream)?.fdflags - Fdflags::NONBLOCK
            }
            Descriptor::Dir(_) | Descriptor::Stream(_) | Descriptor::Parked(_) => Fdflags::empty(),
        })
    }

    /// Sets the flags: on the host's descriptor if it is the guest's own, otherwise for the guest alone.
    ///
    /// # Errors
    ///
    /// What `fcntl(2)` says.
    pub fn set_fdflags(&self, fdflags: Fdflags, interrupt: &Interrupt) -> Result<(), Errno> {
        match &self.descriptor {
            Descriptor::File(file) => file.set_fdflags(fdflags, interrupt)?,
            Descriptor::Stream(StreamHandle::Host(file)) if !file.is_lent() => {
                file.set_fdflags(fdflags)?;
            }
            Descriptor::Dir(_) | Descriptor::Stream(_) | Descriptor::Parked(_) => {}
        }
        self.fdflags.store(fdflags.bits(), Relaxed);
        Ok(())
    }

    /// Whether the guest has made it non-blocking.
    pub fn is_nonblock(&self) -> bool {
        self.fdflags().contains(Fdflags::NONBLOCK)
    }

    /// The flags with which the host opened a standard stream.
    pub(super) fn stream_flags(&self, stream: &StreamHandle) -> Result<StreamFlags, Errno> {
        if let Some(flags) = self.stream_flags.get() {
            return Ok(*flags);
        }
        let flags = stream.flags()?;
        Ok(*self.stream_flags.get_or_init(|| flags))
    }

    /// Seeks to the end before a write, if the guest has set `APPEND` and the host does not keep it.
    #[inline]
    pub(super) fn seek_to_append(&self, interrupt: &Interrupt) -> Result<(), Errno> {
        let append = self.fdflags().contains(Fdflags::APPEND);
        if append && self.descriptor.is_lent() && self.host_lacks(Fdflags::APPEND)? {
            // What has no offsets needs no seek.
            let _ = self.descriptor.seek(SeekFrom::End(0), interrupt);
        }
        Ok(())
    }

    /// Syncs after a write, if the guest has set a synchronous flag after opening: the host takes these only
    /// when it opens.
    #[inline]
    pub(super) fn synchronise(&self) -> Result<(), Errno> {
        if self.emulated(SYNCHRONOUS)? {
            self.descriptor.sync()?;
        }
        Ok(())
    }

    /// Whether the guest has set one of these flags and the host does not keep it.
    #[inline]
    fn emulated(&self, fdflags: Fdflags) -> Result<bool, Errno> {
        let set = self.fdflags() & fdflags;
        Ok(!set.is_empty() && self.host_lacks(set)?)
    }

    #[cold]
    fn host_lacks(&self, set: Fdflags) -> Result<bool, Errno> {
        Ok(!self.host_fdflags()?.contains(set))
    }
}
