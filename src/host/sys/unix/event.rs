use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// An event that `poll(2)` can wait for. Once set, it stays set.
#[derive(Debug)]
pub struct Event {
    readable: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    writable: OwnedFd,
}

impl Event {
    /// An event that is not set.
    #[cfg(target_os = "linux")]
    pub fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};

        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let readable = eventfd(0, flags)?;
        Ok(Self { readable })
    }

    /// An event that is not set.
    #[cfg(not(target_os = "linux"))]
    pub fn new() -> io::Result<Self> {
        let (readable, writable) = rustix::pipe::pipe()?;
        for fd in [&readable, &writable] {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?;
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        Ok(Self { readable, writable })
    }

    /// Checks that `count` more descriptors can be opened.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`: they cannot.
    pub fn check_room(&self, count: usize) -> io::Result<()> {
        let more = (0..count).map(|_| rustix::io::fcntl_dupfd_cloexec(&self.readable, 3));
        let all: Result<Vec<_>, _> = more.collect();
        Ok(all.map(drop)?)
    }

    /// Sets it. It stays set, as nobody reads what is written.
    pub fn set(&self) {
        #[cfg(target_os = "linux")]
        let writable = &self.readable;
        #[cfg(not(target_os = "linux"))]
        let writable = &self.writable;
        // Fails only if it is full, and so set already.
        let _ = rustix::io::write(writable, &1_u64.to_ne_bytes());
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}
