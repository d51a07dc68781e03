use std::io;

/// Something that has happened, once. Windows has no common wait for a handle, sockets and pipes, so it is
/// looked at between slices of waiting.
#[derive(Debug)]
pub struct Event;

impl Event {
    /// One that has not happened.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere it takes a descriptor")]
    pub fn new() -> io::Result<Self> {
        Ok(Self)
    }

    /// There are descriptors as one likes.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere they are few")]
    pub fn check_room(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    /// Says that it has happened.
    pub fn set(&self) {}
}
