//! Flag sets of the witx, all but [`Rights`](super::Rights).
//!
//! A guest can set bits that the witx does not define. `from_bits_truncate` is for arguments whose
//! unknown bits Node ignores, `from_bits` for those that it refuses.

use bitflags::bitflags;

bitflags! {
    /// `fdflags`—Flags of a descriptor, as `fcntl(F_GETFL)` tells them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Fdflags: u16 {
        /// Append mode: each write is at the end of the file (`O_APPEND`).
        const APPEND = 1 << 0;
        /// Writes with synchronized data integrity: they return once the data is on storage (`O_DSYNC`).
        const DSYNC = 1 << 1;
        /// Non-blocking mode: what would wait fails with `EAGAIN` (`O_NONBLOCK`).
        const NONBLOCK = 1 << 2;
        /// Synchronized reads: they return once pending writes of the same data are on storage
        /// (`O_RSYNC`).
        const RSYNC = 1 << 3;
        /// Writes with synchronized file integrity: as `DSYNC`, and the file's attributes with the data
        /// (`O_SYNC`).
        const SYNC = 1 << 4;
    }
}

bitflags! {
    /// `oflags`—Open flags of `path_open`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Oflags: u16 {
        /// Create the file if it does not exist (`O_CREAT`).
        const CREAT = 1 << 0;
        /// Fail with `ENOTDIR` if it is not a directory (`O_DIRECTORY`).
        const DIRECTORY = 1 << 1;
        /// With `CREAT`: fail with `EEXIST` if it exists (`O_EXCL`).
        const EXCL = 1 << 2;
        /// Truncate the file to size 0 (`O_TRUNC`).
        const TRUNC = 1 << 3;
    }
}

bitflags! {
    /// `lookupflags`—Flags of path resolution.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Lookupflags: u32 {
        /// If the last component is a symbolic link, follow it.
        const SYMLINK_FOLLOW = 1 << 0;
    }
}

bitflags! {
    /// `fstflags`—Which timestamps of a file to set, and to which time.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Fstflags: u16 {
        /// Set the time of the last data access to the argument `atim`.
        const ATIM = 1 << 0;
        /// Set the time of the last data access to that of the realtime clock.
        const ATIM_NOW = 1 << 1;
        /// Set the time of the last data modification to the argument `mtim`.
        const MTIM = 1 << 2;
        /// Set the time of the last data modification to that of the realtime clock.
        const MTIM_NOW = 1 << 3;
    }
}

bitflags! {
    /// `riflags`—Flags of `sock_recv`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Riflags: u16 {
        /// Return the message without removing it from the receive queue (`MSG_PEEK`).
        const RECV_PEEK = 1 << 0;
        /// On a stream, wait until the buffers are full (`MSG_WAITALL`).
        const RECV_WAITALL = 1 << 1;
    }
}

bitflags! {
    /// `roflags`—Flags that `sock_recv` returns.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Roflags: u16 {
        /// The message was longer than the buffers, and its rest was discarded (`MSG_TRUNC`).
        const RECV_DATA_TRUNCATED = 1 << 0;
    }
}

bitflags! {
    /// `siflags`—Flags of `sock_send`. The witx defines none: any bit is unknown.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Siflags: u16 {}
}

bitflags! {
    /// `sdflags`—Which channels of a connection `sock_shutdown` shuts down.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Sdflags: u8 {
        /// Further receptions are disabled (`SHUT_RD`).
        const RD = 1 << 0;
        /// Further transmissions are disabled (`SHUT_WR`).
        const WR = 1 << 1;
    }
}

bitflags! {
    /// `subclockflags`—Flags of a subscription to a clock.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Subclockflags: u16 {
        /// The timeout is an absolute time on the clock of the subscription; without this flag it is
        /// relative to now.
        const SUBSCRIPTION_CLOCK_ABSTIME = 1 << 0;
    }
}

bitflags! {
    /// `eventrwflags`—State of the descriptor in an event of type `fd_read` or `fd_write`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Eventrwflags: u16 {
        /// The peer of this stream or socket has closed or disconnected.
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
