//! Flag sets of the witx, all but [`Rights`](super::Rights).
//!
//! Guests set bits that no version of the witx defines. Take their numbers with
//! `from_bits_truncate` where Node ignores such bits, with `from_bits` where it refuses them.

use bitflags::bitflags;

bitflags! {
    /// `fdflags`—How a descriptor reads and writes.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Fdflags: u16 {
        /// Each write goes to the end of the file.
        const APPEND = 1 << 0;
        /// A write returns when the data is stored.
        const DSYNC = 1 << 1;
        /// `EAGAIN` in place of waiting.
        const NONBLOCK = 1 << 2;
        /// A read returns when writes pending on what it reads are stored.
        const RSYNC = 1 << 3;
        /// A write returns when the data and the file's attributes are stored.
        const SYNC = 1 << 4;
    }
}

bitflags! {
    /// `oflags`—What `path_open` does besides opening.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Oflags: u16 {
        /// Make the file if there is none.
        const CREAT = 1 << 0;
        /// Refuse what is not a directory.
        const DIRECTORY = 1 << 1;
        /// With `CREAT`: refuse a file that is there.
        const EXCL = 1 << 2;
        /// Cut the file to nothing.
        const TRUNC = 1 << 3;
    }
}

bitflags! {
    /// `lookupflags`—How a path is resolved.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Lookupflags: u32 {
        /// Follow a symbolic link in the last component.
        const SYMLINK_FOLLOW = 1 << 0;
    }
}

bitflags! {
    /// `fstflags`—Which times to set, and to what.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Fstflags: u16 {
        /// Set the time of the last access to the one given.
        const ATIM = 1 << 0;
        /// Set the time of the last access to now.
        const ATIM_NOW = 1 << 1;
        /// Set the time of the last modification to the one given.
        const MTIM = 1 << 2;
        /// Set the time of the last modification to now.
        const MTIM_NOW = 1 << 3;
    }
}

bitflags! {
    /// `riflags`—How `sock_recv` receives.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Riflags: u16 {
        /// Leave what was received in the queue.
        const RECV_PEEK = 1 << 0;
        /// Wait until the buffers are full.
        const RECV_WAITALL = 1 << 1;
    }
}

bitflags! {
    /// `roflags`—What `sock_recv` has to say about what it received.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Roflags: u16 {
        /// The message was longer than the buffers; the rest is lost.
        const RECV_DATA_TRUNCATED = 1 << 0;
    }
}

bitflags! {
    /// `siflags`—How `sock_send` sends. The witx defines none, so anything but empty is unknown.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Siflags: u16 {}
}

bitflags! {
    /// `sdflags`—Which half of a connection `sock_shutdown` ends.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Sdflags: u8 {
        /// The receiving half.
        const RD = 1 << 0;
        /// The sending half.
        const WR = 1 << 1;
    }
}

bitflags! {
    /// `subclockflags`—How the timeout of a clock subscription is meant.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Subclockflags: u16 {
        /// A moment on the clock; without it, a time from now.
        const SUBSCRIPTION_CLOCK_ABSTIME = 1 << 0;
    }
}

bitflags! {
    /// `eventrwflags`—The state of a descriptor that became ready.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Eventrwflags: u16 {
        /// The other end hung up.
        const FD_READWRITE_HANGUP = 1 << 0;
    }
}

#[cfg(test)]
mod tests {
    use super::{Oflags, Siflags};

    #[test]
    fn unknown_bits_can_be_dropped_or_refused() {
        assert_eq!(Oflags::from_bits_truncate(0xfff1), Oflags::CREAT);
        assert_eq!(Oflags::from_bits(0xfff1), None);
        assert_eq!(Siflags::from_bits(0), Some(Siflags::empty()));
        assert_eq!(Siflags::from_bits(1), None);
    }
}
