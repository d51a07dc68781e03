use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// What `poll(2)` can wait for beside descriptors of a guest's: something that has happened, once.
#[derive(Debug)]
pub struct Event {
    readable: OwnedFd,
    #[cfg(not(target_os = "linux"))]
    writable: OwnedFd,
}

impl Event {
    /// One that has not happened.
    #[cfg(target_os = "linux")]
    pub fn new() -> io::Result<Self> {
        use rustix::event::{EventfdFlags, eventfd};

        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let readable = eventfd(0, flags)?;
        Ok(Self { readable })
    }

    /// One that has not happened.
    #[cfg(not(target_os = "linux"))]
    pub fn new() -> io::Result<Self> {
        let (readable, writable) = rustix::pipe::pipe()?;
        for fd in [&readable, &writable] {
            rustix::io::fcntl_setfd(fd, rustix::io::FdFlags::CLOEXEC)?;
            rustix::io::ioctl_fionbio(fd, true)?;
        }
        Ok(Self { readable, writable })
    }

    /// Whether there are so many descriptors to be had.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`: there are not.
    pub fn check_room(&self, count: usize) -> io::Result<()> {
        let more = (0..count).map(|_| rustix::io::fcntl_dupfd_cloexec(&self.readable, 3));
        let all: Result<Vec<_>, _> = more.collect();
        Ok(all.map(drop)?)
    }

    /// Says that it has happened. It stays so, as nobody reads what is written.
    pub fn set(&self) {
        #[cfg(target_os = "linux")]
        let writable = &self.readable;
        #[cfg(not(target_os = "linux"))]
        let writable = &self.writable;
        // Fails only where so much has been written that there is no room.
        let _ = rustix::io::write(writable, &1_u64.to_ne_bytes());
    }
}

impl AsFd for Event {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}
