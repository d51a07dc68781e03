//! `rights`: the operations that a descriptor permits.

use bitflags::bitflags;

bitflags! {
    /// `rights`—Operations that a descriptor permits: each the right to invoke the named calls.
    ///
    /// `from_bits_retain` takes a guest's number: bits that the witx does not define must stay,
    /// because a request with any of them is refused. `!` drops them, so rights are removed with `-`
    /// or `difference`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct Rights: u64 {
        /// `fd_datasync`; with `PATH_OPEN`, opening with `Fdflags::DSYNC`.
        const FD_DATASYNC = 1 << 0;
        /// `fd_read`, `sock_recv`; with `FD_SEEK`, `fd_pread`.
        const FD_READ = 1 << 1;
        /// `fd_seek`, and `fd_tell` with it.
        const FD_SEEK = 1 << 2;
        /// `fd_fdstat_set_flags`.
        const FD_FDSTAT_SET_FLAGS = 1 << 3;
        /// `fd_sync`; with `PATH_OPEN`, opening with `Fdflags::RSYNC` or `Fdflags::SYNC`.
        const FD_SYNC = 1 << 4;
        /// `fd_tell`, and an `fd_seek` that stays where it is.
        const FD_TELL = 1 << 5;
        /// `fd_write`, `sock_send`; with `FD_SEEK`, `fd_pwrite`.
        const FD_WRITE = 1 << 6;
        /// `fd_advise`.
        const FD_ADVISE = 1 << 7;
        /// `fd_allocate`.
        const FD_ALLOCATE = 1 << 8;
        /// `path_create_directory`.
        const PATH_CREATE_DIRECTORY = 1 << 9;
        /// `path_open` with `Oflags::CREAT`.
        const PATH_CREATE_FILE = 1 << 10;
        /// `path_link` from this directory.
        const PATH_LINK_SOURCE = 1 << 11;
        /// `path_link` to this directory.
        const PATH_LINK_TARGET = 1 << 12;
        /// `path_open`.
        const PATH_OPEN = 1 << 13;
        /// `fd_readdir`.
        const FD_READDIR = 1 << 14;
        /// `path_readlink`.
        const PATH_READLINK = 1 << 15;
        /// `path_rename` from this directory.
        const PATH_RENAME_SOURCE = 1 << 16;
        /// `path_rename` to this directory.
        const PATH_RENAME_TARGET = 1 << 17;
        /// `path_filestat_get`.
        const PATH_FILESTAT_GET = 1 << 18;
        /// `path_open` with `Oflags::TRUNC`; there is no `path_filestat_set_size`.
        const PATH_FILESTAT_SET_SIZE = 1 << 19;
        /// `path_filestat_set_times`.
        const PATH_FILESTAT_SET_TIMES = 1 << 20;
        /// `fd_filestat_get`.
        const FD_FILESTAT_GET = 1 << 21;
        /// `fd_filestat_set_size`.
        const FD_FILESTAT_SET_SIZE = 1 << 22;
        /// `fd_filestat_set_times`.
        const FD_FILESTAT_SET_TIMES = 1 << 23;
        /// `path_symlink`.
        const PATH_SYMLINK = 1 << 24;
        /// `path_remove_directory`.
        const PATH_REMOVE_DIRECTORY = 1 << 25;
        /// `path_unlink_file`.
        const PATH_UNLINK_FILE = 1 << 26;
        /// Waiting in `poll_oneoff`: with `FD_READ` to read, with `FD_WRITE` to write.
        const POLL_FD_READWRITE = 1 << 27;
        /// `sock_shutdown`.
        const SOCK_SHUTDOWN = 1 << 28;
        /// `sock_accept`. Not in snapshot 0.
        const SOCK_ACCEPT = 1 << 29;
    }
}

impl Rights {
    /// The rights of operations that only sockets have.
    pub const SOCKET_ONLY: Rights = Rights::SOCK_SHUTDOWN.union(Rights::SOCK_ACCEPT);

    /// The rights of operations that read files and directories and change nothing. `PATH_LINK_SOURCE`
    /// is not among them: a second name below another preopen could have more rights.
    pub const READ_ONLY: Rights = Rights::FD_READ
        .union(Rights::FD_SEEK)
        .union(Rights::FD_FDSTAT_SET_FLAGS)
        .union(Rights::FD_SYNC)
        .union(Rights::FD_TELL)
        .union(Rights::FD_ADVISE)
        .union(Rights::PATH_OPEN)
        .union(Rights::FD_READDIR)
        .union(Rights::PATH_READLINK)
        .union(Rights::PATH_FILESTAT_GET)
        .union(Rights::FD_FILESTAT_GET)
        .union(Rights::POLL_FD_READWRITE);
}

/// The rights of a descriptor, and those that descriptors opened through it can have.
///
/// The constants are the maximum for each kind of file. `path_open` grants those of the requested
/// rights that are in it.
///
/// # Parity
///
/// The constants are Node's, so that `fd_fdstat_get` tells the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RightsPair {
    /// `fs_rights_base`: rights of the descriptor.
    pub base: Rights,
    /// `fs_rights_inheriting`: maximum rights of a descriptor that is opened through it.
    pub inheriting: Rights,
}

impl RightsPair {
    /// Every right.
    pub const ALL: RightsPair = RightsPair {
        base: Rights::all(),
        inheriting: Rights::all(),
    };

    /// A regular file.
    pub const REGULAR_FILE: RightsPair = RightsPair {
        base: Rights::FD_DATASYNC
            .union(Rights::FD_READ)
            .union(Rights::FD_SEEK)
            .union(Rights::FD_FDSTAT_SET_FLAGS)
            .union(Rights::FD_SYNC)
            .union(Rights::FD_TELL)
            .union(Rights::FD_WRITE)
            .union(Rights::FD_ADVISE)
            .union(Rights::FD_ALLOCATE)
            .union(Rights::FD_FILESTAT_GET)
            .union(Rights::FD_FILESTAT_SET_SIZE)
            .union(Rights::FD_FILESTAT_SET_TIMES)
            .union(Rights::POLL_FD_READWRITE),
        inheriting: Rights::empty(),
    };

    /// A directory, preopened or not. A directory or a regular file can be opened through it.
    pub const DIRECTORY: RightsPair = {
        let base = Rights::FD_FDSTAT_SET_FLAGS
            .union(Rights::FD_SYNC)
            .union(Rights::FD_ADVISE)
            .union(Rights::PATH_CREATE_DIRECTORY)
            .union(Rights::PATH_CREATE_FILE)
            .union(Rights::PATH_LINK_SOURCE)
            .union(Rights::PATH_LINK_TARGET)
            .union(Rights::PATH_OPEN)
            .union(Rights::FD_READDIR)
            .union(Rights::PATH_READLINK)
            .union(Rights::PATH_RENAME_SOURCE)
            .union(Rights::PATH_RENAME_TARGET)
            .union(Rights::PATH_FILESTAT_GET)
            .union(Rights::PATH_FILESTAT_SET_SIZE)
            .union(Rights::PATH_FILESTAT_SET_TIMES)
            .union(Rights::FD_FILESTAT_GET)
            .union(Rights::FD_FILESTAT_SET_TIMES)
            .union(Rights::PATH_SYMLINK)
            .union(Rights::PATH_REMOVE_DIRECTORY)
            .union(Rights::PATH_UNLINK_FILE)
            .union(Rights::POLL_FD_READWRITE);
        RightsPair {
            base,
            inheriting: base.union(RightsPair::REGULAR_FILE.base),
        }
    };

    /// A terminal, which cannot seek.
    pub const TTY: RightsPair = RightsPair {
        base: Rights::FD_READ
            .union(Rights::FD_FDSTAT_SET_FLAGS)
            .union(Rights::FD_WRITE)
            .union(Rights::FD_FILESTAT_GET)
            .union(Rights::POLL_FD_READWRITE),
        inheriting: Rights::empty(),
    };

    /// A socket or a pipe. The descriptors that `sock_accept` makes inherit from it.
    pub const SOCKET: RightsPair = RightsPair {
        base: RightsPair::TTY
            .base
            .union(Rights::SOCK_SHUTDOWN)
            .union(Rights::SOCK_ACCEPT),
        inheriting: Rights::all(),
    };

    /// A character device that is not a terminal, or a block device.
    pub const DEVICE: RightsPair = RightsPair::ALL;
}

#[cfg(test)]
mod tests {
    use super::{Rights, RightsPair};

    #[test]
    fn pairs_are_nodes_numbers() {
        let bits = |pair: RightsPair| (pair.base.bits(), pair.inheriting.bits());
        assert_eq!(bits(RightsPair::REGULAR_FILE), (0x08e0_01ff, 0));
        assert_eq!(bits(RightsPair::DIRECTORY), (0x0fbf_fe98, 0x0fff_ffff));
        assert_eq!(bits(RightsPair::TTY), (0x0820_004a, 0));
        assert_eq!(bits(RightsPair::SOCKET), (0x3820_004a, 0x3fff_ffff));
        assert_eq!(bits(RightsPair::DEVICE), (0x3fff_ffff, 0x3fff_ffff));
    }

    #[test]
    fn unknown_bits_survive() {
        let asked = Rights::from_bits_retain(u64::MAX);
        assert_eq!(asked.bits(), u64::MAX);
        assert!(!Rights::all().contains(asked));
        assert_eq!((asked - Rights::FD_READ).bits(), u64::MAX - 2);
        assert_eq!(asked & Rights::all(), Rights::all());
    }
}
