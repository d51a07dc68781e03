use wasi_rs::abi::Errno::{Badf, Inval, Notcapable, Overflow};
use wasi_rs::abi::Rights;

use crate::support::{CLOSED, END, Guest, OUT, Open, PREOPEN};

const SET: u64 = 0;
const CUR: u64 = 1;
const END_OF_FILE: u64 = 2;

pub mod fd_seek {
    use super::*;

    #[test]
    pub fn works() {
        let guest = Guest::new();
        let fd = guest.open("file", Open::FILE);
        for (offset, whence, newoffset, rest) in [
            (3_i64, SET, 3_u64, "3456789"),
            (-4, CUR, 6, "6789"),
            (0, CUR, 10, ""),
            (-1, END_OF_FILE, 9, "9"),
            (5, END_OF_FILE, 15, ""),
            (0, SET, 0, "0123456789"),
            (i64::MAX, SET, i64::MAX as u64, ""),
            // Only the lowest byte of `whence` counts.
            (1, 256, 1, "123456789"),
        ] {
            let outcome = guest.call("fd_seek", [fd, offset as u64, whence, OUT]);
            // Some file systems end before 2^63.
            if offset == i64::MAX && outcome.result.is_err() {
                outcome.is_refused(Inval, "the greatest offset");
                continue;
            }
            outcome.wrote(&[(OUT, &newoffset.to_le_bytes())]);
            assert_eq!(guest.read(fd), rest, "{offset} from {whence}");
        }
    }

    #[test]
    pub fn refusals() {
        let guest = Guest::new();
        let fd = guest.open("file", Open::FILE);
        let lacking = guest.file_without(Rights::FD_SEEK);
        let minus = |offset: i64| offset as u64;
        guest.refuses(
            "fd_seek",
            &[
                ("not open", vec![CLOSED, 0, SET, OUT], Badf),
                ("not open, no whence", vec![CLOSED, 0, 9, OUT], Badf),
                (
                    "not open, beyond memory",
                    vec![CLOSED, 0, 9, END - 7],
                    Overflow,
                ),
                ("beyond memory", vec![fd, 0, SET, END - 7], Overflow),
                ("without the right", vec![lacking, 0, SET, OUT], Notcapable),
                (
                    "without the right, no whence",
                    vec![lacking, 0, 9, OUT],
                    Notcapable,
                ),
                ("a directory", vec![PREOPEN, 0, SET, OUT], Notcapable),
                ("no whence", vec![fd, 0, 3, OUT], Inval),
                ("no whence, the greatest", vec![fd, 0, 255, OUT], Inval),
                ("before the start", vec![fd, minus(-1), SET, OUT], Inval),
                (
                    "before the start, relative",
                    vec![fd, minus(-1), CUR, OUT],
                    Inval,
                ),
                (
                    "before the start, from the end",
                    vec![fd, minus(-11), END_OF_FILE, OUT],
                    Inval,
                ),
                (
                    "the least offset",
                    vec![fd, minus(i64::MIN), SET, OUT],
                    Inval,
                ),
                (
                    "the least offset, relative",
                    vec![fd, minus(i64::MIN), CUR, OUT],
                    Inval,
                ),
            ],
        );
        assert_eq!(guest.read(fd), "0123456789", "the offset stays");
    }

    #[test]
    fn streams_have_no_offset_and_devices_are_always_at_the_start() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let guest = Guest::with_stdin(reader);
        guest.refuses("fd_seek", &[("a pipe", vec![0, 0, CUR, OUT], Notcapable)]);
        guest
            .call("fd_seek", [1, 5, SET, OUT])
            .wrote_within(&[(OUT, 8)]);
    }
}

pub mod fd_tell {
    use super::*;

    #[test]
    pub fn works() {
        let guest = Guest::new();
        let fd = guest.open("file", Open::FILE);
        guest.call("fd_tell", [fd, OUT]).wrote(&[(OUT, &[0; 8])]);
        guest.read(fd);
        guest
            .call("fd_tell", [fd, OUT])
            .wrote(&[(OUT, &[10, 0, 0, 0, 0, 0, 0, 0])]);
    }

    #[test]
    pub fn refusals() {
        let (reader, _writer) = std::io::pipe().unwrap();
        let guest = Guest::with_stdin(reader);
        let fd = guest.open("file", Open::FILE);
        let lacking = guest.file_without(Rights::FD_TELL);
        guest.refuses(
            "fd_tell",
            &[
                ("not open", vec![CLOSED, OUT], Badf),
                ("not open, beyond memory", vec![CLOSED, END - 7], Overflow),
                ("beyond memory", vec![fd, END - 7], Overflow),
                ("without the right", vec![lacking, OUT], Notcapable),
                ("a directory", vec![PREOPEN, OUT], Notcapable),
                ("a pipe", vec![0, OUT], Notcapable),
            ],
        );
    }
}
