//! Scalars and enumerations of the witx.

/// `fd`—File descriptor: a row of the guest's table, never a descriptor of the host.
pub type Fd = u32;
/// `size`—Size or offset in guest memory, in bytes, or a number of array elements.
pub type Size = u32;
/// `filesize`—Non-negative file size, offset or length of a region, in bytes.
pub type Filesize = u64;
/// `filedelta`—Relative offset within a file, in bytes.
pub type Filedelta = i64;
/// `timestamp`—Nanoseconds since 1970-01-01T00:00:00Z (realtime clock, times of files) or since an
/// arbitrary epoch (monotonic clock); of CPU time (the other clocks); or a duration.
pub type Timestamp = u64;
/// `userdata`—Opaque value of a subscription that its event repeats.
pub type Userdata = u64;
/// `dircookie`—Position in a directory stream. 0 is the start; any other is the `d_next` of an entry.
pub type Dircookie = u64;
/// `dirnamlen`—Length of a directory entry's name, in bytes without a NUL.
pub type Dirnamlen = u32;
/// `device`—ID of the device that contains a file (`st_dev`). With the inode it identifies the file.
pub type Device = u64;
/// `inode`—Serial number of a file, unique on its device (`st_ino`).
pub type Inode = u64;
/// `linkcount`—Number of hard links to a file. 32 bits wide in snapshot 0.
pub type Linkcount = u64;
/// `exitcode`—Exit status of the guest, passed to `proc_exit`.
pub type Exitcode = u32;

macro_rules! enumeration {
    (
        $(#[$meta:meta])*
        pub enum $Name:ident: $tag:ident {
            $($(#[$variant_meta:meta])* $Variant:ident,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr($tag)]
        pub enum $Name {
            $($(#[$variant_meta])* $Variant,)*
        }

        impl $Name {
            /// Every value in the order of the witx: `ALL[n]` has the number `n`.
            pub const ALL: &[$Name] = &[$($Name::$Variant),*];

            /// The number of the case, as it lies in guest memory.
            pub const fn raw(self) -> $tag {
                self as $tag
            }

            /// The case with this number, a guest's argument, or `None`.
            ///
            #[doc = concat!("Only the bits of the witx's tag type (`", stringify!($tag), "`) count.")]
            ///
            /// # Parity
            ///
            /// Node narrows its arguments in the same way.
            pub fn from_raw(raw: u32) -> Option<Self> {
                Self::ALL.get(usize::try_from(raw as $tag).ok()?).copied()
            }
        }
    };
}

enumeration! {
    /// `filetype`—Type of a file or descriptor.
    pub enum Filetype: u8 {
        /// Unknown, or none of the others.
        Unknown,
        /// A block device.
        BlockDevice,
        /// A character device, terminals included.
        CharacterDevice,
        /// A directory.
        Directory,
        /// A regular file.
        RegularFile,
        /// A datagram socket.
        SocketDgram,
        /// A stream socket; also a pipe or FIFO, for which the witx has no value, as in Node.
        SocketStream,
        /// A symbolic link.
        SymbolicLink,
    }
}

enumeration! {
    /// `whence`—Origin of the offset that `fd_seek` is passed. Snapshot 0 numbers it differently:
    /// [`snapshot0::whence`](super::snapshot0::whence).
    pub enum Whence: u8 {
        /// The start of the file (`SEEK_SET`).
        Set,
        /// The current offset (`SEEK_CUR`).
        Cur,
        /// The end of the file (`SEEK_END`).
        End,
    }
}

enumeration! {
    /// `advice`—Access pattern of a region of a file, from `fd_advise`. A hint to the host alone.
    pub enum Advice: u8 {
        /// No particular pattern (`POSIX_FADV_NORMAL`).
        Normal,
        /// Sequential, from lower offsets to higher (`POSIX_FADV_SEQUENTIAL`).
        Sequential,
        /// Random order (`POSIX_FADV_RANDOM`).
        Random,
        /// Will be accessed soon (`POSIX_FADV_WILLNEED`).
        Willneed,
        /// Will not be accessed soon (`POSIX_FADV_DONTNEED`).
        Dontneed,
        /// Will be accessed once and not again (`POSIX_FADV_NOREUSE`).
        Noreuse,
    }
}

enumeration! {
    /// `clockid`—Identifier of a clock.
    pub enum Clockid: u32 {
        /// Time since 1970-01-01T00:00:00Z. It can be set, and so jump.
        Realtime,
        /// Time since an arbitrary epoch. It cannot be set and never goes back.
        Monotonic,
        /// CPU time used by the process of the host.
        ProcessCputimeId,
        /// CPU time used by the calling thread.
        ThreadCputimeId,
    }
}

enumeration! {
    /// `eventtype`—Type of a subscription and of its event. Also the tag of `subscription_u`.
    pub enum Eventtype: u8 {
        /// The clock of the subscription reached the timeout.
        Clock,
        /// Data can be read from the descriptor, or its end was reached.
        FdRead,
        /// Data can be written to the descriptor.
        FdWrite,
    }
}

enumeration! {
    /// `preopentype`—Type of a preopened resource. Also the tag of `prestat`.
    pub enum Preopentype: u8 {
        /// A preopened directory.
        Dir,
    }
}

#[cfg(test)]
mod tests {
    use super::{Clockid, Filetype, Whence};

    #[test]
    fn from_raw_undoes_raw() {
        for &filetype in Filetype::ALL {
            assert_eq!(Filetype::from_raw(filetype.raw().into()), Some(filetype));
        }
        assert_eq!(Filetype::from_raw(8), None);
    }

    #[test]
    fn from_raw_narrows_to_the_tag() {
        assert_eq!(Whence::from_raw(256), Some(Whence::Set));
        assert_eq!(Whence::from_raw(3), None);
        assert_eq!(Clockid::from_raw(256), None);
        assert_eq!(Clockid::from_raw(u32::MAX), None);
    }
}
