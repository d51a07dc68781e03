use wasi_rs::abi::Errno::{Badf, Fbig, Inval, Notcapable, Overflow};
use wasi_rs::abi::{Fdflags, Fdstat, Filestat, Filetype, Fstflags, Oflags, Rights};

use crate::support::{
    ALL, CLOSED, DIR_RIGHTS, END, FILE_RIGHTS, Guest, INHERITABLE, OUT, Open, PREOPEN,
};

pub fn fdstat(guest: &Guest, fd: u64) -> Fdstat {
    guest.record("fd_fdstat_get", &[fd])
}

fn fs_flags(guest: &Guest, fd: u64) -> Fdflags {
    Fdflags::from_bits(fdstat(guest, fd).fs_flags).unwrap()
}

pub mod fd_fdstat_get {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE.fdflags(Fdflags::APPEND));
            guest.call("fd_fdstat_get", [fd, OUT]).wrote(&[(
                OUT,
                &[
                    4, // fs_filetype: regular_file
                    0, // padding
                    1, 0, // fs_flags: append
                    0, 0, 0, 0, // padding
                    0xff, 0x01, 0xe0, 0x08, 0, 0, 0, 0, // fs_rights_base
                    0, 0, 0, 0, 0, 0, 0, 0, // fs_rights_inheriting
                ],
            )]);
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            guest.refuses(
                "fd_fdstat_get",
                &[
                    ("not open", vec![CLOSED, OUT], Badf),
                    ("not open, beyond memory", vec![CLOSED, END - 23], Overflow),
                    ("beyond memory", vec![PREOPEN, END - 23], Overflow),
                ],
            );
        }
    }

    #[test]
    fn a_preopen_is_a_directory_without_flags() {
        for guest in Guest::every_backend(|_| {}) {
            let fdstat = fdstat(&guest, PREOPEN);
            assert_eq!(fdstat.fs_filetype, Filetype::Directory);
            assert_eq!(fdstat.fs_flags, 0);
        }
    }

    #[test]
    fn flags_are_those_of_the_open() {
        for guest in Guest::every_backend(|_| {}) {
            for fdflags in [
                Fdflags::empty(),
                Fdflags::APPEND,
                Fdflags::NONBLOCK,
                Fdflags::DSYNC,
            ] {
                let fd = guest.open("file", Open::FILE.fdflags(fdflags));
                assert_eq!(fs_flags(&guest, fd), fdflags);
            }
            for fdflags in [Fdflags::SYNC, Fdflags::RSYNC] {
                let fd = guest.open("file", Open::FILE.fdflags(fdflags));
                assert!(fs_flags(&guest, fd).contains(fdflags), "{fdflags:?}");
            }
        }
    }
}

pub mod fd_fdstat_set_flags {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            for fdflags in [
                Fdflags::APPEND | Fdflags::NONBLOCK,
                Fdflags::NONBLOCK,
                Fdflags::all(),
                Fdflags::empty(),
            ] {
                guest.ok("fd_fdstat_set_flags", [fd, fdflags.bits().into()]);
                assert_eq!(fs_flags(&guest, fd), fdflags);
            }
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let lacking = guest.file_without(Rights::FD_FDSTAT_SET_FLAGS);
            let dir = guest.dir_without(Rights::FD_FDSTAT_SET_FLAGS);
            guest.refuses(
                "fd_fdstat_set_flags",
                &[
                    ("not open", vec![CLOSED, 0], Badf),
                    ("without the right", vec![lacking, 0], Notcapable),
                    ("a directory without the right", vec![dir, 0], Notcapable),
                ],
            );
            assert_eq!(fs_flags(&guest, lacking), Fdflags::empty());
        }
    }

    #[test]
    fn bits_without_a_meaning_are_ignored() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            guest.ok("fd_fdstat_set_flags", [fd, 0xffff_ffe1]);
            assert_eq!(fs_flags(&guest, fd), Fdflags::APPEND);
        }
    }

    #[test]
    fn a_directory_takes_them() {
        for guest in Guest::every_backend(|_| {}) {
            guest.ok(
                "fd_fdstat_set_flags",
                [PREOPEN, Fdflags::NONBLOCK.bits().into()],
            );
            assert_eq!(fs_flags(&guest, PREOPEN), Fdflags::NONBLOCK);
        }
    }

    #[test]
    fn descriptors_of_one_file_have_their_own() {
        for guest in Guest::every_backend(|_| {}) {
            let [one, other] = [0, 1].map(|_| guest.open("file", Open::FILE));
            guest.ok("fd_fdstat_set_flags", [one, Fdflags::APPEND.bits().into()]);
            assert_eq!(fs_flags(&guest, other), Fdflags::empty());
        }
    }
}

pub mod fd_fdstat_set_rights {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let dir = guest.open("dir", Open::DIR);
            for (base, inheriting) in [
                (DIR_RIGHTS, INHERITABLE),
                (
                    Rights::PATH_OPEN.bits() | Rights::FD_READDIR.bits(),
                    INHERITABLE,
                ),
                (Rights::PATH_OPEN.bits(), Rights::FD_READ.bits()),
                (0, 0),
            ] {
                guest.set_rights(dir, base, inheriting);
                let fdstat = fdstat(&guest, dir);
                assert_eq!(
                    (fdstat.fs_rights_base, fdstat.fs_rights_inheriting),
                    (base, inheriting)
                );
            }
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let shrunk = guest.file_without(Rights::FD_READ);
            guest.refuses(
                "fd_fdstat_set_rights",
                &[
                    ("not open", vec![CLOSED, 0, 0], Badf),
                    ("not open, more", vec![CLOSED, ALL, ALL], Badf),
                    (
                        "a right of directories",
                        vec![fd, Rights::PATH_OPEN.bits(), 0],
                        Notcapable,
                    ),
                    ("every right", vec![fd, ALL, 0], Notcapable),
                    ("bits of no right", vec![fd, 1 << 63, 0], Notcapable),
                    ("every bit", vec![fd, u64::MAX, u64::MAX], Notcapable),
                    ("one to hand down", vec![fd, FILE_RIGHTS, 1], Notcapable),
                    (
                        "one that was given up",
                        vec![shrunk, FILE_RIGHTS, 0],
                        Notcapable,
                    ),
                    (
                        "that one alone",
                        vec![shrunk, Rights::FD_READ.bits(), 0],
                        Notcapable,
                    ),
                    (
                        "files' of a preopen",
                        vec![PREOPEN, Rights::FD_READ.bits(), 0],
                        Notcapable,
                    ),
                    ("sockets' of a preopen", vec![PREOPEN, 0, ALL], Notcapable),
                ],
            );
            assert_eq!(fdstat(&guest, fd).fs_rights_base, FILE_RIGHTS);
            assert_eq!(fdstat(&guest, PREOPEN).fs_rights_inheriting, INHERITABLE);
        }
    }
}

pub mod fd_filestat_get {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            guest.scratch.hard_link("file", "again");
            for (fd, path, filetype) in [
                (PREOPEN, ".", Filetype::Directory),
                (
                    guest.open("file", Open::FILE),
                    "file",
                    Filetype::RegularFile,
                ),
                (guest.open("dir", Open::DIR), "dir", Filetype::Directory),
                (
                    guest.open("dir", Open::READ.base(Rights::FD_FILESTAT_GET)),
                    "dir",
                    Filetype::Directory,
                ),
            ] {
                let filestat: Filestat = guest.record("fd_filestat_get", &[fd]);
                assert_eq!(filestat.filetype, filetype, "{path}");
                assert_eq!(filestat, guest.scratch.stat(path), "{path}");
            }
            let null: Filestat = guest.record("fd_filestat_get", &[0]);
            assert_eq!(null.filetype, Filetype::CharacterDevice);
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let lacking = guest.file_without(Rights::FD_FILESTAT_GET);
            guest.refuses(
                "fd_filestat_get",
                &[
                    ("not open", vec![CLOSED, OUT], Badf),
                    ("not open, beyond memory", vec![CLOSED, END - 63], Overflow),
                    ("beyond memory", vec![PREOPEN, END - 63], Overflow),
                    ("without the right", vec![lacking, OUT], Notcapable),
                ],
            );
        }
    }
}

pub mod fd_filestat_set_size {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            for (size, expected) in [(4, "0123"), (6, "0123\0\0"), (0, "")] {
                guest.ok("fd_filestat_set_size", [fd, size]);
                assert_eq!(guest.scratch.text("file"), expected);
            }
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let lacking = guest.file_without(Rights::FD_FILESTAT_SET_SIZE);
            guest.refuses(
                "fd_filestat_set_size",
                &[
                    ("not open", vec![CLOSED, 0], Badf),
                    ("not open, no size", vec![CLOSED, u64::MAX], Badf),
                    ("without the right", vec![lacking, 0], Notcapable),
                    (
                        "without the right, no size",
                        vec![lacking, u64::MAX],
                        Notcapable,
                    ),
                    ("a directory", vec![PREOPEN, 0], Notcapable),
                    ("a size from 2^63", vec![fd, 1 << 63], Inval),
                    ("the greatest size", vec![fd, u64::MAX], Inval),
                    (
                        "further than a file system reaches",
                        vec![fd, 1 << 62],
                        Fbig,
                    ),
                ],
            );
        }
    }

    /// The right to truncate opens a file for writing, so a descriptor that was opened for reading alone cannot
    /// truncate it.
    #[test]
    fn truncating_takes_the_right_of_the_directory() {
        for guest in Guest::every_backend(|_| {}) {
            let dir = guest.dir_without(Rights::PATH_FILESTAT_SET_SIZE);
            let truncate = guest.open_args(dir, "file", Open::READ.oflags(Oflags::TRUNC));
            guest.refuses("path_open", &[("without the right", truncate, Notcapable)]);
        }
    }
}

/// All valid combinations of `fst_flags`, with their effect on each time.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    None,
    Given,
    Now,
}

pub fn changes() -> impl Iterator<Item = (u64, Change, Change)> {
    let each = |given: Fstflags, now: Fstflags| {
        [
            (Fstflags::empty(), Change::None),
            (given, Change::Given),
            (now, Change::Now),
        ]
    };
    each(Fstflags::ATIM, Fstflags::ATIM_NOW)
        .into_iter()
        .flat_map(move |(atim, atim_change)| {
            each(Fstflags::MTIM, Fstflags::MTIM_NOW)
                .map(|(mtim, mtim_change)| ((atim | mtim).bits().into(), atim_change, mtim_change))
        })
}

/// Values of `fst_flags` with both flags of one time, or an unknown one.
pub const NO_CHANGE: [u64; 6] = [0b0011, 0b1100, 0b1111, 0x10, 0x8001, 0xffff];

impl Change {
    #[track_caller]
    pub fn check(self, before: u64, given: u64, after: u64) {
        match self {
            Change::None => assert_eq!(after, before),
            Change::Given => assert_eq!(after, given),
            // The time before and the argument are both far in the past.
            Change::Now => assert!(after > before && after > given),
        }
    }
}

/// Times to set, with nanoseconds.
pub const ATIM: u64 = 1_000_000_000_123_456_789;
pub const MTIM: u64 = 1_000_000_007_987_654_321;

pub mod fd_filestat_set_times {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let dir = guest.open("dir", Open::DIR);
            for fd in [guest.open("file", Open::FILE), dir, PREOPEN] {
                let stat = || guest.record::<Filestat>("fd_filestat_get", &[fd]);
                for (fst_flags, atim, mtim) in changes() {
                    guest.ok("fd_filestat_set_times", [fd, 1, 2, 0b0101]);
                    guest.ok("fd_filestat_set_times", [fd, ATIM, MTIM, fst_flags]);
                    let after = stat();
                    atim.check(1, ATIM, after.atim);
                    mtim.check(2, MTIM, after.mtim);
                }
            }
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let lacking = guest.file_without(Rights::FD_FILESTAT_SET_TIMES);
            guest.refuses(
                "fd_filestat_set_times",
                &[
                    ("not open", vec![CLOSED, 0, 0, 0], Badf),
                    ("without the right", vec![lacking, 0, 0, 0], Notcapable),
                ],
            );
            for fst_flags in NO_CHANGE {
                guest.refuses(
                    "fd_filestat_set_times",
                    &[
                        ("no flags", vec![fd, 1, 2, fst_flags], Inval),
                        ("no flags, not open", vec![CLOSED, 1, 2, fst_flags], Inval),
                        (
                            "no flags, without the right",
                            vec![lacking, 1, 2, fst_flags],
                            Inval,
                        ),
                    ],
                );
            }
        }
    }

    /// Some file systems refuse or clip such times; reading the attributes afterwards must work.
    #[test]
    fn times_may_be_anything() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            for time in [0, 1 << 62, 1 << 63, u64::MAX] {
                let _ = guest.call("fd_filestat_set_times", [fd, time, time, 0b0101]);
                guest.record::<Filestat>("fd_filestat_get", &[fd]);
            }
        }
    }
}
