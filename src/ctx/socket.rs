//! Operations of sockets.

use std::sync::atomic::Ordering::Relaxed;

use super::FdEntry;
use crate::abi::{Errno, Riflags, Roflags, Sdflags};
use crate::host::{self, Direction, Interrupt, Wait};
use crate::memory::Iovecs;

impl FdEntry {
    /// `accept4(2)`. Waits for a connection unless `nonblock`.
    ///
    /// # Errors
    ///
    /// [`Errno::Notsock`]: it is a directory. [`Errno::Intr`]: the thread is interrupted. What the host
    /// says.
    pub fn accept(&self, wait: Wait<'_>) -> Result<host::File, Errno> {
        Ok(self.descriptor.socket()?.accept(wait)?)
    }

    /// `recvmsg(2)`. Waits unless the guest has made the descriptor non-blocking.
    ///
    /// # Errors
    ///
    /// As [`FdEntry::accept`].
    pub fn recv(
        &self,
        iovs: &Iovecs<'_>,
        riflags: Riflags,
        interrupt: &Interrupt,
    ) -> Result<(usize, Roflags), Errno> {
        let socket = self.descriptor.socket()?;
        if self.is_shut(Direction::Read) {
            return Ok((0, Roflags::empty()));
        }
        Ok(socket.recv(iovs, riflags, self.wait(interrupt))?)
    }

    /// `sendmsg(2)`. Waits unless the guest has made the descriptor non-blocking.
    ///
    /// # Errors
    ///
    /// As [`FdEntry::accept`]. [`Errno::Pipe`]: the guest has shut it down for writing.
    pub fn send(&self, ciovs: &Iovecs<'_>, interrupt: &Interrupt) -> Result<usize, Errno> {
        let socket = self.descriptor.socket()?;
        if self.is_shut(Direction::Write) {
            return Err(Errno::Pipe);
        }
        Ok(socket.send(ciovs, self.wait(interrupt))?)
    }

    /// `shutdown(2)`. Of a lent stream only this descriptor is shut down, as the connection is the embedder's.
    ///
    /// # Errors
    ///
    /// [`Errno::Notsock`]: it is a directory. [`Errno::Notconn`]: it is a listener that the guest was started
    /// with. What the host says.
    pub fn shutdown(&self, how: Sdflags) -> Result<(), Errno> {
        let socket = self.descriptor.socket()?;
        if self.descriptor.is_lent() || self.is_given_socket() {
            // Linux would shut down a listener for all processes that share it.
            socket.check_shutdown(how)?;
        }
        if self.descriptor.is_lent() {
            self.shut.fetch_or(how.bits(), Relaxed);
        } else {
            socket.shutdown(how)?;
        }
        Ok(())
    }

    /// Whether the guest has shut down a lent stream in this direction.
    pub fn is_shut(&self, direction: Direction) -> bool {
        let half = match direction {
            Direction::Read => Sdflags::RD,
            Direction::Write => Sdflags::WR,
        };
        Sdflags::from_bits_retain(self.shut.load(Relaxed)).contains(half)
    }
}
