use wasi_rs::abi::Errno::{self, Badf, Inval, Notcapable, Overflow};
use wasi_rs::abi::{Fdflags, Oflags, Rights};

use crate::support::{CLOSED, END, Guest, OUT, Open, PREOPEN, args};

/// The refusals of all four calls; `offset` is the additional argument of positional ones.
fn refuses(name: &str, right: Rights, offset: &[u64]) {
    for guest in Guest::every_backend(|_| {}) {
        let fd = guest.open("file", Open::FILE);
        let good = guest.iovs(&[guest.store("ab"), guest.store("c")]);
        let list = |bufs: &[[u64; 2]]| guest.iovs(bufs);
        let call = |fd: u64, iovs: [u64; 2], result: u64| args(&[&[fd], &iovs, offset, &[result]]);
        let with =
            |row: &'static str, iovs: [u64; 2], errno: Errno| (row, call(fd, iovs, OUT), errno);
        let lacking = guest.file_without(right);
        let [at, _] = good;
        guest.refuses(
            name,
            &[
                ("not open", call(CLOSED, good, OUT), Badf),
                (
                    "not open, the result beyond memory",
                    call(CLOSED, good, END - 3),
                    Overflow,
                ),
                (
                    "not open, a buffer beyond memory",
                    call(CLOSED, list(&[[END, 1]]), OUT),
                    Overflow,
                ),
                ("without the right", call(lacking, good, OUT), Notcapable),
                ("a directory", call(PREOPEN, good, OUT), Notcapable),
                (
                    "the result beyond memory",
                    call(fd, good, END - 3),
                    Overflow,
                ),
                with("the list beyond memory", [END - 15, 2], Overflow),
                with("the empty list at the end of memory", [END, 0], Overflow),
                with("a length that wraps 32 bits", [at, 0x2000_0000], Overflow),
                with(
                    "a length that wraps 32 bits to one",
                    [at, 0x2000_0001],
                    Overflow,
                ),
                with("the longest list", [at, u32::MAX.into()], Overflow),
                with(
                    "a buffer beyond memory",
                    list(&[[0, 1], [END - 1, 2]]),
                    Overflow,
                ),
                with("a buffer at the end", list(&[[0, 1], [END, 0]]), Overflow),
                with(
                    "a buffer that wraps 32 bits",
                    list(&[[u32::MAX.into(), 2]]),
                    Overflow,
                ),
                with(
                    "a buffer as long as can be",
                    list(&[[1, u32::MAX.into()]]),
                    Overflow,
                ),
                with("too many buffers", [0, 1025], Inval),
            ],
        );
        assert_eq!(guest.read(fd), "0123456789", "the offset stays too");
    }
}

pub mod fd_read {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let [one, two, three] = [guest.alloc(3), guest.alloc(0), guest.alloc(5)];
            let [iovs, iovs_len] = guest.iovs(&[[one, 3], [two, 0], [three, 5]]);
            let read = || guest.call("fd_read", [fd, iovs, iovs_len, OUT]);
            read().wrote(&[(one, b"012"), (three, b"34567"), (OUT, &[8, 0, 0, 0])]);
            read().wrote(&[(one, b"89"), (OUT, &[2, 0, 0, 0])]);
            read().wrote(&[(OUT, &[0, 0, 0, 0])]);
        }
    }

    #[test]
    pub fn refusals() {
        refuses("fd_read", Rights::FD_READ, &[]);
    }

    #[test]
    fn no_buffers_read_nothing() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let empty = guest.iovs(&[[0, 0], [9, 0]]);
            for [iovs, iovs_len] in [[0, 0], empty] {
                guest
                    .call("fd_read", [fd, iovs, iovs_len, OUT])
                    .wrote(&[(OUT, &[0; 4])]);
            }
            assert_eq!(guest.read(fd), "0123456789");
        }
    }

    #[test]
    fn buffers_reach_to_the_last_byte() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let [iovs, iovs_len] = guest.iovs(&[[END - 1, 1], [END - 4, 3]]);
            let outcome = guest.call("fd_read", [fd, iovs, iovs_len, OUT]);
            outcome.wrote(&[(END - 4, b"1230"), (OUT, &[4, 0, 0, 0])]);
        }
    }

    #[test]
    fn as_many_buffers_as_the_limit_are_served() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let buf = guest.alloc(1024);
            let bufs: Vec<_> = (0..1024).map(|index| [buf + index, 1]).collect();
            let [iovs, iovs_len] = guest.iovs(&bufs);
            let outcome = guest.call("fd_read", [fd, iovs, iovs_len, OUT]);
            outcome.wrote(&[(buf, b"0123456789"), (OUT, &[10, 0, 0, 0])]);
        }
    }

    #[test]
    fn the_embedder_can_allow_fewer_buffers() {
        for guest in Guest::every_backend(|setup| setup.limits.iovecs = 1) {
            let fd = guest.open("file", Open::FILE);
            let two = guest.iovs(&[[0, 1], [1, 1]]);
            let row = ("two", args(&[&[fd], &two, &[OUT]]), Inval);
            guest.refuses("fd_read", &[row]);
            assert_eq!(guest.read(fd), "0123456789");
        }
    }

    #[test]
    fn the_result_may_lie_in_a_buffer() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let [iovs, iovs_len] = guest.iovs(&[[OUT, 8]]);
            let outcome = guest.call("fd_read", [fd, iovs, iovs_len, OUT + 2]);
            outcome.wrote(&[(OUT, b"01\x08\0\0\x0067")]);
        }
    }

    #[test]
    fn what_is_open_for_writing_alone_is_refused() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE.base(Rights::FD_WRITE));
            let [iovs, iovs_len] = guest.iovs(&[[OUT, 1]]);
            guest.refuses(
                "fd_read",
                &[("for writing", vec![fd, iovs, iovs_len, OUT], Notcapable)],
            );
        }
    }

    #[test]
    fn a_directory_opened_without_oflags_directory_is_refused() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("dir", Open::READ);
            let [iovs, iovs_len] = guest.iovs(&[[OUT, 1]]);
            guest.refuses(
                "fd_read",
                &[("a directory", vec![fd, iovs, iovs_len, OUT], Notcapable)],
            );
        }
    }
}

pub mod fd_write {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let [iovs, iovs_len] =
                guest.iovs(&[guest.store("ab"), guest.store(""), guest.store("c")]);
            let write = || guest.call("fd_write", [fd, iovs, iovs_len, OUT]);
            write().wrote(&[(OUT, &[3, 0, 0, 0])]);
            assert_eq!(guest.scratch.text("file"), "abc3456789");
            write().wrote(&[(OUT, &[3, 0, 0, 0])]);
            assert_eq!(guest.scratch.text("file"), "abcabc6789");
        }
    }

    #[test]
    pub fn refusals() {
        refuses("fd_write", Rights::FD_WRITE, &[]);
    }

    #[test]
    fn no_buffers_write_nothing() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let empty = guest.iovs(&[[0, 0], [9, 0]]);
            for [iovs, iovs_len] in [[0, 0], empty] {
                guest
                    .call("fd_write", [fd, iovs, iovs_len, OUT])
                    .wrote(&[(OUT, &[0; 4])]);
            }
            assert_eq!(guest.scratch.text("file"), "0123456789");
        }
    }

    #[test]
    fn append_writes_at_the_end() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE.fdflags(Fdflags::APPEND));
            guest.write(fd, "ab");
            guest.write(fd, "c");
            assert_eq!(guest.scratch.text("file"), "0123456789abc");
        }
    }

    #[test]
    fn append_can_come_and_go() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            guest.ok("fd_fdstat_set_flags", [fd, Fdflags::APPEND.bits().into()]);
            guest.write(fd, "ab");
            guest.ok("fd_fdstat_set_flags", [fd, 0]);
            guest
                .call("fd_seek", [fd, 0, 0, OUT])
                .wrote(&[(OUT, &[0; 8])]);
            guest.write(fd, "c");
            assert_eq!(guest.scratch.text("file"), "c123456789ab");
        }
    }

    #[test]
    fn synchronous_flags_write_all_the_same() {
        for guest in Guest::every_backend(|_| {}) {
            for flags in [Fdflags::DSYNC, Fdflags::RSYNC, Fdflags::SYNC] {
                let opened = Open::FILE.oflags(Oflags::TRUNC).fdflags(flags);
                let opened = Open {
                    inheriting: 0,
                    ..opened
                };
                let fd = guest.open("empty", opened);
                guest.write(fd, "ab");
                let later = guest.open("empty", Open::FILE);
                guest.ok("fd_fdstat_set_flags", [later, flags.bits().into()]);
                guest.write(later, "c");
                assert_eq!(guest.scratch.text("empty"), "cb");
            }
        }
    }

    #[test]
    fn what_is_open_for_reading_alone_is_refused() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::READ);
            let [ciovs, ciovs_len] = guest.ciovs("x");
            guest.refuses(
                "fd_write",
                &[("for reading", vec![fd, ciovs, ciovs_len, OUT], Notcapable)],
            );
        }
    }
}

pub mod fd_pread {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let [one, two] = [guest.alloc(2), guest.alloc(3)];
            let [iovs, iovs_len] = guest.iovs(&[[one, 2], [two, 3]]);
            let read = |at| guest.call("fd_pread", [fd, iovs, iovs_len, at, OUT]);
            read(4).wrote(&[(one, b"45"), (two, b"678"), (OUT, &[5, 0, 0, 0])]);
            read(7).wrote(&[(one, b"78"), (two, b"9"), (OUT, &[3, 0, 0, 0])]);
            read(10).wrote(&[(OUT, &[0; 4])]);
            read(1 << 40).wrote(&[(OUT, &[0; 4])]);
            assert_eq!(guest.read(fd), "0123456789", "the offset stays");
        }
    }

    #[test]
    pub fn refusals() {
        refuses("fd_pread", Rights::FD_READ, &[0]);
        refuses("fd_pread", Rights::FD_SEEK, &[0]);
        negative_offsets("fd_pread");
    }

    #[test]
    fn no_buffers_read_nothing() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            guest
                .call("fd_pread", [fd, 0, 0, 3, OUT])
                .wrote(&[(OUT, &[0; 4])]);
        }
    }
}

pub mod fd_pwrite {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            let [iovs, iovs_len] = guest.iovs(&[guest.store("ab"), guest.store("c")]);
            let write = |at| guest.call("fd_pwrite", [fd, iovs, iovs_len, at, OUT]);
            write(4).wrote(&[(OUT, &[3, 0, 0, 0])]);
            assert_eq!(guest.scratch.text("file"), "0123abc789");
            write(12).wrote(&[(OUT, &[3, 0, 0, 0])]);
            assert_eq!(guest.read(fd), "0123abc789\0\0abc", "the offset stays");
        }
    }

    /// On Linux, `pwrite(2)` with `O_APPEND` appends, whatever the offset.
    #[cfg(target_os = "linux")]
    #[test]
    fn writes_of_an_appending_descriptor_go_to_the_end() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE.fdflags(Fdflags::APPEND));
            let [iovs, iovs_len] = guest.iovs(&[guest.store("ab"), guest.store("c")]);
            let write = |at| guest.call("fd_pwrite", [fd, iovs, iovs_len, at, OUT]);
            write(4).wrote(&[(OUT, &[3, 0, 0, 0])]);
            assert_eq!(guest.scratch.text("file"), "0123456789abc");
            assert_eq!(guest.read(fd), "0123456789abc", "the offset stays");
            guest.ok("fd_fdstat_set_flags", [fd, 0]);
            write(4).wrote(&[(OUT, &[3, 0, 0, 0])]);
            assert_eq!(guest.scratch.text("file"), "0123abc789abc");
        }
    }

    #[test]
    pub fn refusals() {
        refuses("fd_pwrite", Rights::FD_WRITE, &[0]);
        refuses("fd_pwrite", Rights::FD_SEEK, &[0]);
        negative_offsets("fd_pwrite");
    }

    #[test]
    fn no_buffers_write_nothing() {
        for guest in Guest::every_backend(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            guest
                .call("fd_pwrite", [fd, 0, 0, 30, OUT])
                .wrote(&[(OUT, &[0; 4])]);
            assert_eq!(guest.scratch.text("file"), "0123456789");
        }
    }
}

#[cfg(unix)]
#[test]
fn streams_have_no_offset_to_read_or_write_at() {
    use wasi_rs::abi::Errno::Spipe;

    let (reader, writer) = std::io::pipe().unwrap();
    let guest =
        Guest::with(|setup| setup.stdio = [reader.into(), writer.into(), crate::support::null()]);
    let [iovs, iovs_len] = guest.ciovs("x");
    guest.refuses(
        "fd_pread",
        &[("a pipe", vec![0, iovs, iovs_len, 0, OUT], Spipe)],
    );
    guest.refuses(
        "fd_pwrite",
        &[("a pipe", vec![1, iovs, iovs_len, 0, OUT], Spipe)],
    );
    guest
        .call("fd_pwrite", [2, iovs, iovs_len, 0, OUT])
        .wrote(&[(OUT, &[1, 0, 0, 0])]);
}

/// No file has such an offset, so the descriptor is not checked.
fn negative_offsets(name: &str) {
    for guest in Guest::every_backend(|_| {}) {
        let fd = guest.open("file", Open::FILE);
        let [iovs, iovs_len] = guest.ciovs("x");
        for offset in [1 << 63, u64::MAX] {
            guest.refuses(
                name,
                &[
                    (
                        "an offset from 2^63",
                        vec![fd, iovs, iovs_len, offset, OUT],
                        Inval,
                    ),
                    (
                        "and not open",
                        vec![CLOSED, iovs, iovs_len, offset, OUT],
                        Inval,
                    ),
                    (
                        "and beyond memory",
                        vec![fd, iovs, iovs_len, offset, END],
                        Overflow,
                    ),
                ],
            );
        }
    }
}
