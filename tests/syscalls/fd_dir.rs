use wasi_rs::abi::Errno::{Badf, Inval, Nametoolong, Overflow};
use wasi_rs::abi::{Preopentype, Prestat};

use crate::support::{CLOSED, END, Guest, OUT, Open, PREOPEN};

/// A guest with the preopen `/sandbox`, which has eight bytes.
const NAME: &[u8] = b"/sandbox";

pub mod fd_prestat_get {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            guest.call("fd_prestat_get", [PREOPEN, OUT]).wrote(&[(
                OUT,
                &[
                    0, // tag: dir
                    0, 0, 0, // padding
                    8, 0, 0, 0, // name_len
                ],
            )]);
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let [dir, file] = [guest.open("dir", Open::DIR), guest.open("file", Open::FILE)];
            guest.refuses(
                "fd_prestat_get",
                &[
                    ("not open", vec![CLOSED, OUT], Badf),
                    ("not open, beyond memory", vec![CLOSED, END - 7], Overflow),
                    ("beyond memory", vec![PREOPEN, END - 7], Overflow),
                    ("a directory that was opened", vec![dir, OUT], Inval),
                    ("a file", vec![file, OUT], Inval),
                    ("a standard stream", vec![0, OUT], Inval),
                ],
            );
        }
    }
}

pub mod fd_prestat_dir_name {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_backend(|_| {}) {
            for path_len in [8, 9, 100] {
                let outcome = guest.call("fd_prestat_dir_name", [PREOPEN, OUT, path_len]);
                outcome.wrote(&[(OUT, NAME)]);
            }
            guest
                .call("fd_prestat_dir_name", [PREOPEN, END - 8, 8])
                .wrote(&[(END - 8, NAME)]);
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_backend(|_| {}) {
            let dir = guest.open("dir", Open::DIR);
            guest.refuses(
                "fd_prestat_dir_name",
                &[
                    ("not open", vec![CLOSED, OUT, 8], Badf),
                    (
                        "not open, beyond memory",
                        vec![CLOSED, END - 7, 8],
                        Overflow,
                    ),
                    ("beyond memory", vec![PREOPEN, END - 7, 8], Overflow),
                    (
                        "beyond memory, as long as can be",
                        vec![PREOPEN, OUT, u32::MAX.into()],
                        Overflow,
                    ),
                    ("a directory that was opened", vec![dir, OUT, 8], Badf),
                    (
                        "a directory that was opened, no room",
                        vec![dir, OUT, 0],
                        Badf,
                    ),
                    ("a standard stream", vec![0, OUT, 8], Badf),
                    (
                        "room for all but one byte",
                        vec![PREOPEN, OUT, 7],
                        Nametoolong,
                    ),
                    ("no room", vec![PREOPEN, OUT, 0], Nametoolong),
                ],
            );
        }
    }

    #[test]
    fn names_come_back_as_they_were_given() {
        let names = ["/", "", ".", "/a/b/../c", "relative//", "/ü", "10"];
        for guest in Guest::every_backend(|setup| {
            setup.preopens = names.map(|name| (name, "inside")).to_vec();
        }) {
            for (fd, name) in (PREOPEN..).zip(names) {
                let prestat: Prestat = guest.record("fd_prestat_get", &[fd]);
                assert_eq!(
                    prestat,
                    Prestat {
                        tag: Preopentype::Dir,
                        name_len: name.len() as u32
                    }
                );
                let outcome = guest.call("fd_prestat_dir_name", [fd, OUT, name.len() as u64]);
                outcome.wrote(&[(OUT, name.as_bytes())]);
            }
        }
    }
}
