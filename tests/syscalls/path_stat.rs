use wasi_rs::abi::Errno::{Badf, Inval, Loop, Nametoolong, Noent, Notcapable, Notdir, Overflow};
use wasi_rs::abi::{Filestat, Filetype, Rights};

use crate::fd_stat::{ATIM, MTIM, NO_CHANGE, changes};
use crate::support::{CLOSED, END, FOLLOW, Guest, NO_FOLLOW, OUT, Open, PREOPEN, args};

/// The refusals of both calls. `rest` are the arguments after the path; the last one may be a buffer of
/// `result` bytes.
fn refuses(name: &str, right: Rights, rest: &[u64]) {
    for guest in Guest::every_way(|_| {}) {
        let lacking = guest.dir_without(right);
        let file = guest.open("file", Open::FILE);
        let call =
            |fd: u64, flags: u64, path: &str| args(&[&[fd, flags], &guest.store(path), rest]);
        let preopen = |path: &str| call(PREOPEN, NO_FOLLOW, path);
        guest.refuses(
            name,
            &[
                ("not open", call(CLOSED, 0, "file"), Badf),
                ("not open, no path", call(CLOSED, 0, ""), Badf),
                (
                    "path beyond memory",
                    args(&[&[CLOSED, 0, END - 3, 4], rest]),
                    Overflow,
                ),
                ("without the right", call(lacking, 0, "file"), Notcapable),
                (
                    "without the right, no path",
                    call(lacking, 0, ""),
                    Notcapable,
                ),
                ("not in a directory", call(file, 0, "file"), Notcapable),
                ("not in a directory, a device", call(0, 0, "file"), Notdir),
                ("no path", preopen(""), Inval),
                ("a NUL", preopen("file\0"), Inval),
                ("absolute", preopen("/sandbox/file"), Notcapable),
                ("above", preopen(".."), Notcapable),
                ("above and back", preopen("../inside/file"), Notcapable),
                ("nothing", preopen("nothing"), Noent),
                ("in nothing", preopen("nothing/file"), Noent),
                ("in a file", preopen("file/file"), Notdir),
                ("a file, slashed", preopen("file/"), Notdir),
                ("a link to a file, slashed", preopen("link/"), Notdir),
                ("a link to nothing, slashed", preopen("dangling/"), Noent),
                (
                    "a link to nothing, followed",
                    call(PREOPEN, FOLLOW, "dangling"),
                    Noent,
                ),
                (
                    "a link to itself, followed",
                    call(PREOPEN, FOLLOW, "loop"),
                    Loop,
                ),
                ("a link to itself, slashed", preopen("loop/"), Loop),
                ("in a link to itself", preopen("loop/file"), Loop),
                ("too long", preopen(&"a/".repeat(2048)), Nametoolong),
                ("name too long", preopen(&"n".repeat(256)), Nametoolong),
            ],
        );
    }
}

/// Paths, whether a link at their end is followed, and the type of what they lead to.
const PATHS: [(&str, u64, &str, Filetype); 13] = [
    ("file", NO_FOLLOW, "file", Filetype::RegularFile),
    ("file", FOLLOW, "file", Filetype::RegularFile),
    ("dir", NO_FOLLOW, "dir", Filetype::Directory),
    ("dir/", NO_FOLLOW, "dir", Filetype::Directory),
    (".", NO_FOLLOW, ".", Filetype::Directory),
    ("dir/..", FOLLOW, ".", Filetype::Directory),
    (
        "dirlink/nested",
        NO_FOLLOW,
        "dir/nested",
        Filetype::RegularFile,
    ),
    ("link", NO_FOLLOW, "link", Filetype::SymbolicLink),
    ("link", FOLLOW, "file", Filetype::RegularFile),
    ("dirlink", NO_FOLLOW, "dirlink", Filetype::SymbolicLink),
    ("dirlink/", NO_FOLLOW, "dir", Filetype::Directory),
    ("dangling", NO_FOLLOW, "dangling", Filetype::SymbolicLink),
    // Unknown bits are ignored.
    ("loop", 0xffff_fffe, "loop", Filetype::SymbolicLink),
];

fn stat(guest: &Guest, flags: u64, path: &str) -> Filestat {
    guest.record(
        "path_filestat_get",
        &args(&[&[PREOPEN, flags], &guest.store(path)]),
    )
}

pub mod path_filestat_get {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_way(|_| {}) {
            for (path, flags, host, filetype) in PATHS {
                let filestat = stat(&guest, flags, path);
                assert_eq!(filestat.filetype, filetype, "{path}");
                let expected = guest.scratch.stat(host);
                // Reading a link, or following it, may set its access time.
                assert_eq!(
                    Filestat {
                        atim: expected.atim,
                        ..filestat
                    },
                    expected,
                    "{path}"
                );
            }
        }
    }

    #[test]
    pub fn refusals() {
        refuses("path_filestat_get", Rights::PATH_FILESTAT_GET, &[OUT]);
        for guest in Guest::every_way(|_| {}) {
            let call = |fd: u64, result: u64| args(&[&[fd, 0], &guest.store("file"), &[result]]);
            guest.refuses(
                "path_filestat_get",
                &[
                    ("result beyond memory", call(PREOPEN, END - 63), Overflow),
                    (
                        "result beyond memory, not open",
                        call(CLOSED, END - 63),
                        Overflow,
                    ),
                ],
            );
        }
    }
}

pub mod path_filestat_set_times {
    use super::*;

    fn set(guest: &Guest, (path, flags): (&str, u64), (atim, mtim): (u64, u64), fst_flags: u64) {
        let path = guest.store(path);
        let args = args(&[&[PREOPEN, flags], &path, &[atim, mtim, fst_flags]]);
        guest.ok("path_filestat_set_times", args);
    }

    #[test]
    pub fn works() {
        for guest in Guest::every_way(|_| {}) {
            for (path, flags, host, _) in PATHS {
                for (fst_flags, atim, mtim) in changes() {
                    set(&guest, (path, flags), (1, 2), 0b0101);
                    set(&guest, (path, flags), (ATIM, MTIM), fst_flags);
                    let after = guest.scratch.stat(host);
                    atim.check(1, ATIM, after.atim);
                    mtim.check(2, MTIM, after.mtim);
                }
            }
        }
    }

    #[test]
    pub fn refusals() {
        let right = Rights::PATH_FILESTAT_SET_TIMES;
        refuses("path_filestat_set_times", right, &[ATIM, MTIM, 0b0101]);
        for guest in Guest::every_way(|_| {}) {
            let lacking = guest.dir_without(right);
            for fst_flags in NO_CHANGE {
                let call = |fd: u64, path: &str| {
                    args(&[&[fd, 0], &guest.store(path), &[ATIM, MTIM, fst_flags]])
                };
                guest.refuses(
                    "path_filestat_set_times",
                    &[
                        ("no flags", call(PREOPEN, "file"), Inval),
                        ("no flags, nothing there", call(PREOPEN, "nothing"), Inval),
                        ("no flags, not open", call(CLOSED, "file"), Badf),
                        (
                            "no flags, without the right",
                            call(lacking, "file"),
                            Notcapable,
                        ),
                    ],
                );
            }
        }
    }

    #[test]
    fn what_a_link_points_to_stays() {
        for guest in Guest::every_way(|_| {}) {
            let before = guest.scratch.stat("file");
            set(&guest, ("link", NO_FOLLOW), (1, 2), 0b0101);
            let after = guest.scratch.stat("file");
            assert_eq!(before, after);
        }
    }

    #[test]
    fn a_refused_call_leaves_the_descriptor_usable() {
        for guest in Guest::every_way(|_| {}) {
            let both = args(&[&[PREOPEN, 0], &guest.store("file"), &[0, 0, 0b0011]]);
            guest.refuses("path_filestat_set_times", &[("both of one", both, Inval)]);
            assert_eq!(stat(&guest, NO_FOLLOW, "file").size, 10);
        }
    }
}
