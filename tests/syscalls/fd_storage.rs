use wasi_rs::abi::Errno::{Badf, Fbig, Inval, Notcapable};
use wasi_rs::abi::Rights;

use crate::support::{CLOSED, Guest, Open, PREOPEN};

const NORMAL: u64 = 0;
const NO_ADVICE: [u64; 2] = [6, 255];

pub mod fd_advise {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            // Only the lowest byte of `advice` is used.
            for advice in (0..=5).chain([256, 0x0105]) {
                for (offset, len) in [(0, 0), (3, 4), (i64::MAX as u64, 0), (100, i64::MAX as u64)]
                {
                    guest.ok("fd_advise", [fd, offset, len, advice]);
                }
            }
            assert_eq!(guest.read(fd), "0123456789");
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let lacking = guest.file_without(Rights::FD_ADVISE);
            let listed = guest.dir_without(Rights::FD_ADVISE);
            guest.refuses(
                "fd_advise",
                &[
                    ("not open", vec![CLOSED, 0, 0, NORMAL], Badf),
                    ("a directory", vec![PREOPEN, 0, 0, NORMAL], Badf),
                    ("without the right", vec![lacking, 0, 0, NORMAL], Notcapable),
                    (
                        "a directory without the right",
                        vec![listed, 0, 0, NORMAL],
                        Notcapable,
                    ),
                    ("an offset from 2^63", vec![fd, 1 << 63, 0, NORMAL], Inval),
                    (
                        "an offset, the greatest",
                        vec![fd, u64::MAX, 0, NORMAL],
                        Inval,
                    ),
                    ("a length from 2^63", vec![fd, 0, 1 << 63, NORMAL], Inval),
                ],
            );
            for advice in NO_ADVICE {
                guest.refuses(
                    "fd_advise",
                    &[
                        ("no advice", vec![fd, 0, 0, advice], Inval),
                        ("no advice, not open", vec![CLOSED, 0, 0, advice], Inval),
                        (
                            "no advice, without the right",
                            vec![lacking, 0, 0, advice],
                            Inval,
                        ),
                    ],
                );
            }
        }
    }

    #[test]
    fn a_directory_opened_without_oflags_directory_is_one() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open(
                "dir",
                Open {
                    base: Rights::FD_ADVISE.bits(),
                    ..Open::READ
                },
            );
            guest.refuses(
                "fd_advise",
                &[("a directory", vec![fd, 0, 0, NORMAL], Badf)],
            );
        }
    }

    #[test]
    fn a_device_takes_any() {
        Guest::new().ok("fd_advise", [0, 0, 0, NORMAL]);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_has_not_the_right() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let guest = Guest::with_stdin(reader);
        guest.refuses(
            "fd_advise",
            &[("a pipe", vec![0, 0, 0, NORMAL], Notcapable)],
        );
    }
}

pub mod fd_allocate {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            for (offset, len, expected) in [
                (0, 5, "0123456789"),
                (8, 4, "0123456789\0\0"),
                (0, 0, "0123456789\0\0"),
                (13, 1, "0123456789\0\0\0\0"),
                (15, 0, "0123456789\0\0\0\0\0"),
            ] {
                guest.ok("fd_allocate", [fd, offset, len]);
                assert_eq!(guest.scratch.text("file"), expected, "{len} at {offset}");
            }
            assert_eq!(guest.read(fd), "0123456789\0\0\0\0\0", "the offset stays");
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let lacking = guest.file_without(Rights::FD_ALLOCATE);
            guest.refuses(
                "fd_allocate",
                &[
                    ("not open", vec![CLOSED, 0, 1], Badf),
                    ("not open, too far", vec![CLOSED, u64::MAX, 1], Badf),
                    ("without the right", vec![lacking, 0, 1], Notcapable),
                    ("a directory", vec![PREOPEN, 0, 1], Notcapable),
                    ("a length from 2^63", vec![fd, 0, 1 << 63], Fbig),
                    ("an end from 2^63", vec![fd, i64::MAX as u64, 1], Fbig),
                    ("a sum that wraps 64 bits", vec![fd, u64::MAX, 10], Fbig),
                    (
                        "further than a file system reaches",
                        vec![fd, 0, 1 << 62],
                        Fbig,
                    ),
                ],
            );
        }
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_has_no_room_to_allocate() {
    let (reader, _writer) = std::io::pipe().unwrap();
    let guest = Guest::with_stdin(reader);
    guest.refuses("fd_allocate", &[("a pipe", vec![0, 0, 1], Notcapable)]);
}

pub mod fd_datasync {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            guest.write(fd, "ab");
            guest.ok("fd_datasync", [fd]);
            assert_eq!(guest.scratch.text("file"), "ab23456789");
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let lacking = guest.file_without(Rights::FD_DATASYNC);
            guest.refuses(
                "fd_datasync",
                &[
                    ("not open", vec![CLOSED], Badf),
                    ("without the right", vec![lacking], Notcapable),
                    ("a directory", vec![PREOPEN], Notcapable),
                    ("what has nothing to synchronise", vec![0], Inval),
                ],
            );
        }
    }
}

pub mod fd_sync {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            guest.write(fd, "ab");
            guest.ok("fd_sync", [fd]);
            assert_eq!(guest.scratch.text("file"), "ab23456789");
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let lacking = guest.file_without(Rights::FD_SYNC);
            guest.refuses(
                "fd_sync",
                &[
                    ("not open", vec![CLOSED], Badf),
                    ("without the right", vec![lacking], Notcapable),
                    ("what has nothing to synchronise", vec![0], Inval),
                ],
            );
        }
    }

    #[test]
    fn directories_are_synchronised() {
        for guest in Guest::every_backend(|_| {}) {
            let opened = [
                PREOPEN,
                guest.open("dir", Open::DIR),
                guest.open(
                    "dir",
                    Open {
                        base: Rights::FD_SYNC.bits(),
                        ..Open::READ
                    },
                ),
            ];
            for fd in opened {
                guest.ok("fd_sync", [fd]);
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_as_standard_stream_is_synchronised() {
        let guest = Guest::with(|setup| {
            let file = std::fs::File::options()
                .write(true)
                .open(setup.scratch.host_path("file"));
            setup.stdio[1] = file.unwrap().into();
        });
        guest.write(1, "ab");
        for name in ["fd_sync", "fd_datasync"] {
            guest.ok(name, [1]);
        }
        assert_eq!(guest.scratch.text("file"), "ab23456789");
    }
}
