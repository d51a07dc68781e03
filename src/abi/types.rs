//! Scalars and enumerations of the witx.

/// `fd`—A descriptor number of the guest, never the host's.
pub type Fd = u32;
/// `size`—A length or a count in guest memory.
pub type Size = u32;
/// `filesize`—A length or a position in a file.
pub type Filesize = u64;
/// `filedelta`—A signed distance in a file.
pub type Filedelta = i64;
/// `timestamp`—Nanoseconds.
pub type Timestamp = u64;
/// `userdata`—What the guest attaches to a subscription, and gets back with its event.
pub type Userdata = u64;
/// `dircookie`—A place in a directory listing; 0 is its start.
pub type Dircookie = u64;
/// `dirnamlen`—The length of a directory entry's name.
pub type Dirnamlen = u32;
/// `device`—Which file system a file is on.
pub type Device = u64;
/// `inode`—A file's number, unique on its device.
pub type Inode = u64;
/// `linkcount`—How many names a file has. 32 bits wide in snapshot 0.
pub type Linkcount = u64;
/// `exitcode`—What the guest hands to `proc_exit`.
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

            /// The number in guest memory.
            pub const fn raw(self) -> $tag {
                self as $tag
            }

            /// The value that a guest's argument means, or `None`.
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
    /// `filetype`—What a descriptor or a path refers to.
    pub enum Filetype: u8 {
        /// None of the others, or not known.
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
        /// A stream socket. Node says so of a pipe too, for which the witx has no value.
        SocketStream,
        /// A symbolic link.
        SymbolicLink,
    }
}

enumeration! {
    /// `whence`—From where `fd_seek` counts. Snapshot 0 numbers it differently:
    /// [`snapshot0::whence`](super::snapshot0::whence).
    pub enum Whence: u8 {
        /// From the start.
        Set,
        /// From the current position.
        Cur,
        /// From the end.
        End,
    }
}

enumeration! {
    /// `advice`—How the guest means to use a part of a file, as in `posix_fadvise`.
    pub enum Advice: u8 {
        /// In no particular way.
        Normal,
        /// From front to back.
        Sequential,
        /// In any order.
        Random,
        /// Soon.
        Willneed,
        /// Not soon.
        Dontneed,
        /// Once.
        Noreuse,
    }
}

enumeration! {
    /// `clockid`—Which clock.
    pub enum Clockid: u32 {
        /// Time since 1970-01-01T00:00:00Z.
        Realtime,
        /// Time since some moment, never set back.
        Monotonic,
        /// CPU time of the process.
        ProcessCputimeId,
        /// CPU time of the calling thread.
        ThreadCputimeId,
    }
}

enumeration! {
    /// `eventtype`—What a subscription waits for. Also the tag of its union.
    pub enum Eventtype: u8 {
        /// A clock reaches a time.
        Clock,
        /// A descriptor can be read.
        FdRead,
        /// A descriptor can be written.
        FdWrite,
    }
}

enumeration! {
    /// `preopentype`—What kind of thing a preopen is. Also the tag of `prestat`.
    pub enum Preopentype: u8 {
        /// A directory.
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
