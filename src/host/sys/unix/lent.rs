use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use super::{io as kernel, reopen};

/// A descriptor of the embedder's, lent to the guest: one of its three standard streams.
///
/// Closing the guest's descriptor leaves the embedder's open. Its flags, which it may share with
/// other processes, are never changed: whether the guest waits is decided here, call by call.
#[derive(Debug)]
pub(super) struct Lent {
    fd: BorrowedFd<'static>,
    /// The same once more, for calls that do not wait; `None` if that cannot be had.
    nonblocking: OnceLock<Option<OwnedFd>>,
}

impl Lent {
    /// The open descriptor with this number.
    ///
    /// # Errors
    ///
    /// `EBADF`: there is none.
    pub fn new(fd: RawFd) -> io::Result<Self> {
        if fd < 0 {
            return Err(rustix::io::Errno::BADF.into());
        }
        let fd = kernel::borrow(fd);
        rustix::io::fcntl_getfd(fd)?;
        Ok(Self {
            fd,
            nonblocking: OnceLock::new(),
        })
    }

    /// What [`reopen::nonblocking`] gives, if it has been asked.
    pub fn reopened(&self) -> Option<BorrowedFd<'_>> {
        self.nonblocking.get()?.as_ref().map(AsFd::as_fd)
    }

    /// What [`reopen::nonblocking`] gives, which is asked once.
    pub fn reopen(&self) -> Option<BorrowedFd<'_>> {
        if self.nonblocking.get().is_none() {
            // It comes to nothing if another thread was faster.
            let _ = (self.nonblocking).set(reopen::nonblocking(self.as_fd()));
        }
        self.reopened()
    }
}

impl AsFd for Lent {
    #[inline]
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd
    }
}
