use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd, RawFd};
use std::sync::OnceLock;

use super::{io as kernel, reopen};

/// A descriptor of the embedder, lent to the guest as a standard stream.
///
/// When the guest closes its descriptor, the embedder's stays open. Its flags, which it may share with other
/// processes, are never changed: whether a call blocks is decided for each call.
#[derive(Debug)]
pub(super) struct Lent {
    fd: BorrowedFd<'static>,
    /// A non-blocking description of the same stream; `Some(None)` if it cannot be opened again.
    nonblocking: OnceLock<Option<OwnedFd>>,
}

impl Lent {
    /// The descriptor with this number.
    ///
    /// # Errors
    ///
    /// `EBADF`: it is not open.
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

    /// The result of [`reopen::nonblocking`], if it has been called.
    pub fn reopened(&self) -> Option<BorrowedFd<'_>> {
        self.nonblocking.get()?.as_ref().map(AsFd::as_fd)
    }

    /// The result of [`reopen::nonblocking`], which is called once.
    pub fn reopen(&self) -> Option<BorrowedFd<'_>> {
        if self.nonblocking.get().is_none() {
            // Ignored if another thread has set it meanwhile.
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
