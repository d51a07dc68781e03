//! Reading and writing through an [`Entry`]: when a call waits, and what a stream that is lent has of its
//! own. The host's open file, which others share, is read and written, and stays as it is otherwise.

use std::sync::atomic::Ordering::Relaxed;

use super::Entry;
use crate::abi::{Errno, Fdflags, Filesize, Filetype, Riflags, Roflags, Sdflags};
use crate::host::{self, Direction, SYNCHRONOUS, SeekFrom, stop};
use crate::memory::Iovecs;

impl Entry {
    /// `readv(2)`, waiting unless the guest made the descriptor non-blocking.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it is a directory. [`Errno::Intr`]: the thread is asked to stop. What the host
    /// says.
    pub fn read(&self, iovs: &Iovecs<'_>) -> Result<usize, Errno> {
        if iovs.bufs().is_empty() {
            return Ok(0);
        }
        if stop::may_be_asked() || self.is_set_apart(Direction::Read) {
            return self.read_interruptible(iovs);
        }
        self.read_file(iovs)
    }

    /// `writev(2)`, waiting unless the guest made the descriptor non-blocking.
    ///
    /// # Errors
    ///
    /// [`Errno::Isdir`]: it is a directory. [`Errno::Pipe`]: the guest has shut the stream for writing.
    /// [`Errno::Intr`]: the thread is asked to stop. What the host says.
    pub fn write(&self, ciovs: Iovecs<'_>) -> Result<usize, Errno> {
        if ciovs.bufs().is_empty() {
            return Ok(0);
        }
        let nwritten = if stop::may_be_asked() || self.is_set_apart(Direction::Write) {
            self.write_interruptible(ciovs)?
        } else {
            self.seek_to_append()?;
            self.write_file(&ciovs)?
        };
        self.synchronise()?;
        Ok(nwritten)
    }

    /// `preadv(2)`.
    ///
    /// # Errors
    ///
    /// As [`Entry::read`].
    pub fn read_at(&self, iovs: &Iovecs<'_>, offset: Filesize) -> Result<usize, Errno> {
        if iovs.bufs().is_empty() {
            return Ok(0);
        }
        if stop::may_be_asked() {
            return self.read_at_interruptible(iovs, offset);
        }
        self.descriptor.read_at(iovs, offset)
    }

    /// `pwritev(2)`.
    ///
    /// # Errors
    ///
    /// As [`Entry::write`].
    pub fn write_at(&self, ciovs: &Iovecs<'_>, offset: Filesize) -> Result<usize, Errno> {
        if ciovs.bufs().is_empty() {
            return Ok(0);
        }
        let nwritten = if stop::may_be_asked() {
            self.write_at_interruptible(ciovs, offset)?
        } else {
            self.descriptor.write_at(ciovs, offset)?
        };
        self.synchronise()?;
        Ok(nwritten)
    }

    #[cold]
    fn read_interruptible(&self, iovs: &Iovecs<'_>) -> Result<usize, Errno> {
        if self.is_shut(Direction::Read) {
            return Ok(0);
        }
        if self.may_wait() {
            return self.descriptor.read_interruptible(iovs, self.is_nonblock());
        }
        stop::in_pieces(iovs.clone(), |piece| self.read_file(piece))
    }

    #[cold]
    fn write_interruptible(&self, ciovs: Iovecs<'_>) -> Result<usize, Errno> {
        if self.is_shut(Direction::Write) {
            return Err(Errno::Pipe);
        }
        if self.may_wait() {
            return (self.descriptor).write_interruptible(&ciovs, self.is_nonblock());
        }
        self.seek_to_append()?;
        stop::in_pieces(ciovs, |piece| self.write_file(piece))
    }

    #[cold]
    fn read_at_interruptible(&self, iovs: &Iovecs<'_>, at: Filesize) -> Result<usize, Errno> {
        if self.may_wait() {
            let nonblock = self.is_nonblock();
            return self.descriptor.read_at_interruptible(iovs, at, nonblock);
        }
        let mut done = 0;
        stop::in_pieces(iovs.clone(), |piece| {
            let nread = (self.descriptor).read_at(piece, at.saturating_add(done))?;
            done += nread as Filesize;
            Ok(nread)
        })
    }

    #[cold]
    fn write_at_interruptible(&self, ciovs: &Iovecs<'_>, at: Filesize) -> Result<usize, Errno> {
        if self.may_wait() {
            let nonblock = self.is_nonblock();
            return (self.descriptor).write_at_interruptible(ciovs, at, nonblock);
        }
        let mut done = 0;
        stop::in_pieces(ciovs.clone(), |piece| {
            let nwritten = (self.descriptor).write_at(piece, at.saturating_add(done))?;
            done += nwritten as Filesize;
            Ok(nwritten)
        })
    }

    /// Reads what is taken for a thing that makes no one wait.
    #[inline(always)]
    fn read_file(&self, iovs: &Iovecs<'_>) -> Result<usize, Errno> {
        match self.descriptor.read(iovs) {
            Err(Errno::Again) if !self.is_nonblock() => {
                self.descriptor.read_interruptible(iovs, false)
            }
            result => result,
        }
    }

    /// Writes to what is taken for a thing that makes no one wait.
    #[inline(always)]
    fn write_file(&self, ciovs: &Iovecs<'_>) -> Result<usize, Errno> {
        match self.descriptor.write(ciovs) {
            Err(Errno::Again) if !self.is_nonblock() => {
                self.descriptor.write_interruptible(ciovs, false)
            }
            result => result,
        }
    }

    /// Whether the guest has set a stream that is lent apart from what the embedder lends: by shutting it in
    /// this direction, or by not wanting to wait.
    #[inline]
    fn is_set_apart(&self, direction: Direction) -> bool {
        self.is_shut(direction) || self.is_nonblock() && self.descriptor.is_lent()
    }

    /// Whether the guest does not want to wait on this descriptor.
    pub fn is_nonblock(&self) -> bool {
        self.fdflags().contains(Fdflags::NONBLOCK)
    }

    /// Whether there is something that a read or write would wait for: a disk is as fast as it is.
    fn may_wait(&self) -> bool {
        use Filetype::{BlockDevice, Directory, RegularFile};
        !matches!(
            self.filetype(),
            Ok(RegularFile | Directory | BlockDevice) | Err(_)
        )
    }

    /// Goes to the end of what the guest wants to append to, if the host does not do so of itself.
    #[inline]
    fn seek_to_append(&self) -> Result<(), Errno> {
        let append = self.fdflags().contains(Fdflags::APPEND);
        if append && self.descriptor.is_lent() && self.host_lacks(Fdflags::APPEND)? {
            // What cannot seek has no end to append to.
            let _ = self.descriptor.seek(SeekFrom::End(0));
        }
        Ok(())
    }

    /// Brings to the disk what was written, where the guest asked for that after opening: the host
    /// takes such a flag only when it opens.
    #[inline]
    fn synchronise(&self) -> Result<(), Errno> {
        if self.emulated(SYNCHRONOUS)? {
            self.descriptor.sync()?;
        }
        Ok(())
    }

    /// Whether the guest set one of these flags and the host does not keep it.
    #[inline]
    fn emulated(&self, fdflags: Fdflags) -> Result<bool, Errno> {
        let set = self.fdflags() & fdflags;
        Ok(!set.is_empty() && self.host_lacks(set)?)
    }

    #[cold]
    fn host_lacks(&self, set: Fdflags) -> Result<bool, Errno> {
        Ok(!self.host_fdflags()?.contains(set))
    }

    /// `accept4(2)`, waiting for a connection unless `nonblock`.
    ///
    /// # Errors
    ///
    /// [`Errno::Notsock`]: it is a directory. [`Errno::Intr`]: the thread is asked to stop. What the host
    /// says.
    pub fn accept(&self, nonblock: bool) -> Result<host::File, Errno> {
        Ok(self.descriptor.socket()?.accept(nonblock)?)
    }

    /// `recvmsg(2)`, waiting unless the guest made the descriptor non-blocking.
    ///
    /// # Errors
    ///
    /// As [`Entry::accept`].
    pub fn recv(&self, iovs: &Iovecs<'_>, riflags: Riflags) -> Result<(usize, Roflags), Errno> {
        let socket = self.descriptor.socket()?;
        if self.is_shut(Direction::Read) {
            return Ok((0, Roflags::empty()));
        }
        Ok(socket.recv(iovs, riflags, self.is_nonblock())?)
    }

    /// `sendmsg(2)`, waiting unless the guest made the descriptor non-blocking.
    ///
    /// # Errors
    ///
    /// As [`Entry::accept`]. [`Errno::Pipe`]: the guest has shut it for writing.
    pub fn send(&self, ciovs: &Iovecs<'_>) -> Result<usize, Errno> {
        let socket = self.descriptor.socket()?;
        if self.is_shut(Direction::Write) {
            return Err(Errno::Pipe);
        }
        Ok(socket.send(ciovs, self.is_nonblock())?)
    }

    /// `shutdown(2)`, of a stream that is lent for this descriptor alone: the connection is the host's.
    ///
    /// # Errors
    ///
    /// [`Errno::Notsock`]: it is a directory. What the host says.
    pub fn shutdown(&self, how: Sdflags) -> Result<(), Errno> {
        let socket = self.descriptor.socket()?;
        if self.descriptor.is_lent() {
            socket.check_shutdown(how)?;
            self.shut.fetch_or(how.bits(), Relaxed);
        } else {
            socket.shutdown(how)?;
        }
        Ok(())
    }

    /// Whether the guest has shut a stream that is lent in this direction.
    pub fn is_shut(&self, direction: Direction) -> bool {
        let half = match direction {
            Direction::Read => Sdflags::RD,
            Direction::Write => Sdflags::WR,
        };
        Sdflags::from_bits_retain(self.shut.load(Relaxed)).contains(half)
    }
}
