use wasi_rs::abi::Errno::{
    Badf, Exist, Inval, Isdir, Loop, Nametoolong, Noent, Notcapable, Notdir, Overflow,
};
use wasi_rs::abi::{Fdflags, Fdstat, Filetype, Oflags, Rights};

use crate::support::{
    ALL, CLOSED, DIR_RIGHTS, END, FILE_RIGHTS, Guest, INHERITABLE, OUT, Open, PREOPEN,
};

const CREAT: Open = Open::FILE.oflags(Oflags::CREAT);
const EXCLUSIVE: Open = Open::FILE.oflags(Oflags::CREAT.union(Oflags::EXCL));
const TRUNC: Open = Open::FILE.oflags(Oflags::TRUNC);

fn fdstat(guest: &Guest, fd: u64) -> Fdstat {
    guest.record("fd_fdstat_get", &[fd])
}

/// Asserts that without these rights of the directory, these openings are refused.
fn refuses_without(base: Rights, inheriting: Rights, opens: &[(&str, Open)]) {
    for guest in Guest::every_way(|_| {}) {
        let dir = guest.open(".", Open::DIR);
        guest.set_rights(
            dir,
            DIR_RIGHTS & !base.bits(),
            INHERITABLE & !inheriting.bits(),
        );
        for (path, open) in opens {
            let args = guest.open_args(dir, path, *open);
            guest.refuses("path_open", &[("without the right", args, Notcapable)]);
        }
    }
}

pub mod path_open {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_way(|_| {}) {
            for (path, open, text) in [
                ("file", Open::FILE, "0123456789"),
                ("./dir//nested", Open::READ, "nested"),
                ("link", Open::READ, "0123456789"),
                ("dirlink/nested", Open::READ.no_follow(), "nested"),
                ("dir/../file", Open::READ, "0123456789"),
                ("new", CREAT, ""),
                ("dir/new", EXCLUSIVE, ""),
                ("file", CREAT, "0123456789"),
                ("file", Open::FILE.oflags(Oflags::EXCL), "0123456789"),
                ("file", TRUNC, ""),
            ] {
                let args = guest.open_args(PREOPEN, path, open);
                guest.call("path_open", args).wrote(&[(OUT, &[4, 0, 0, 0])]);
                assert_eq!(guest.read(4), text, "{path}");
                guest.ok("fd_close", [4]);
            }
            for path in ["dir", "dir/", "./dirlink", "dirlink/", ".", "dir/sub/../.."] {
                let fd = guest.open(path, Open::DIR);
                assert_eq!(
                    fdstat(&guest, fd).fs_filetype,
                    Filetype::Directory,
                    "{path}"
                );
            }
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_way(|_| {}) {
            let lacking = guest.dir_without(Rights::PATH_OPEN);
            let file = guest.open("file", Open::FILE);
            let preopen = |path: &str, open: Open| guest.open_args(PREOPEN, path, open);
            let at = |fd: u64, path: &str| guest.open_args(fd, path, Open::READ);
            let at_args = |fd: u64, path: [u64; 2], result: u64| {
                vec![
                    fd,
                    0,
                    path[0],
                    path[1],
                    0,
                    Rights::FD_READ.bits(),
                    0,
                    0,
                    result,
                ]
            };
            let name = guest.store("file");
            let unknown = Open {
                base: 1 << 40,
                ..Open::READ
            };
            let everything = Open {
                base: u64::MAX,
                inheriting: u64::MAX,
                ..Open::READ
            };
            let read = Open::READ;
            let directory = read.oflags(Oflags::DIRECTORY);
            guest.refuses(
                "path_open",
                &[
                    ("not open", at(CLOSED, "file"), Badf),
                    ("not open, no path", at(CLOSED, ""), Badf),
                    (
                        "path beyond memory",
                        at_args(CLOSED, [END - 3, 4], OUT),
                        Overflow,
                    ),
                    (
                        "result beyond memory",
                        at_args(CLOSED, name, END - 3),
                        Overflow,
                    ),
                    ("without the right", at(lacking, "file"), Notcapable),
                    ("without the right, no path", at(lacking, ""), Notcapable),
                    ("not in a directory", at(file, "file"), Notcapable),
                    ("not in a directory, a device", at(0, "file"), Notdir),
                    ("a right that is none", preopen("file", unknown), Notcapable),
                    ("every bit", preopen("file", everything), Notcapable),
                    (
                        "a right that is none, no path",
                        preopen("", unknown),
                        Notcapable,
                    ),
                    ("no path", preopen("", read), Inval),
                    ("a NUL", preopen("file\0", read), Inval),
                    (
                        "a NUL and what is there",
                        preopen("file\0.txt", CREAT),
                        Inval,
                    ),
                    ("absolute", preopen("/sandbox/file", read), Notcapable),
                    ("above", preopen("..", read), Notcapable),
                    (
                        "above and back",
                        preopen("../inside/file", read),
                        Notcapable,
                    ),
                    (
                        "above, to create",
                        preopen("../outside/new", CREAT),
                        Notcapable,
                    ),
                    ("nothing", preopen("nothing", read), Noent),
                    ("in nothing", preopen("nothing/file", CREAT), Noent),
                    ("in a file", preopen("file/file", read), Notdir),
                    ("too long", preopen(&"a/".repeat(2048), read), Nametoolong),
                    (
                        "name too long",
                        preopen(&"n".repeat(256), CREAT),
                        Nametoolong,
                    ),
                    ("in a link to itself", preopen("loop/file", read), Loop),
                    ("a link to itself", preopen("loop", read), Loop),
                    (
                        "a link, not to be followed",
                        preopen("link", read.no_follow()),
                        Loop,
                    ),
                    (
                        "a dangling link, not to be followed",
                        preopen("dangling", CREAT.no_follow()),
                        Loop,
                    ),
                    ("a dangling link", preopen("dangling", read), Noent),
                    (
                        "a dangling link, slashed",
                        preopen("dangling/", read),
                        Noent,
                    ),
                    ("a file that must be new", preopen("file", EXCLUSIVE), Exist),
                    (
                        "a link that must be new",
                        preopen("dangling", EXCLUSIVE),
                        Exist,
                    ),
                    (
                        "a directory that must be new",
                        preopen("dir", EXCLUSIVE),
                        Exist,
                    ),
                    ("a file as a directory", preopen("file", directory), Notdir),
                    ("a file, slashed", preopen("file/", read), Notdir),
                    (
                        "a file, slashed, to truncate",
                        preopen("file/", TRUNC),
                        Notdir,
                    ),
                    ("a link to a file, slashed", preopen("link/", read), Notdir),
                    ("a new file, slashed", preopen("new/", CREAT), Isdir),
                    ("a directory to write", preopen("dir", Open::FILE), Isdir),
                    ("a directory to truncate", preopen("dir", TRUNC), Isdir),
                    ("a directory to create", preopen("dir", CREAT), Isdir),
                    (
                        "a directory to make",
                        preopen("new", read.oflags(Oflags::CREAT | Oflags::DIRECTORY)),
                        Inval,
                    ),
                ],
            );
        }
    }

    #[test]
    fn a_right_must_be_handed_down_to_be_asked_for() {
        let needs = |right: Rights| {
            refuses_without(
                Rights::empty(),
                right,
                &[
                    ("file", Open::READ.base(right)),
                    (
                        "file",
                        Open {
                            inheriting: right.bits(),
                            ..Open::READ
                        },
                    ),
                ],
            );
        };
        (Rights::from_bits_retain(FILE_RIGHTS))
            .iter()
            .for_each(needs);
    }

    #[test]
    fn how_a_file_is_opened_takes_rights_of_the_directory() {
        let create = [("new", CREAT), ("file", CREAT)];
        refuses_without(Rights::PATH_CREATE_FILE, Rights::empty(), &create);
        refuses_without(
            Rights::PATH_FILESTAT_SET_SIZE,
            Rights::empty(),
            &[("file", TRUNC), ("file", Open::READ.oflags(Oflags::TRUNC))],
        );
        let synchronous = |flags| {
            [(
                "file",
                Open {
                    base: 0,
                    ..Open::READ
                }
                .fdflags(flags),
            )]
        };
        refuses_without(
            Rights::empty(),
            Rights::FD_DATASYNC,
            &synchronous(Fdflags::DSYNC),
        );
        refuses_without(
            Rights::empty(),
            Rights::FD_SYNC,
            &synchronous(Fdflags::SYNC),
        );
        refuses_without(
            Rights::empty(),
            Rights::FD_SYNC,
            &synchronous(Fdflags::RSYNC),
        );
        // Writing needs `FD_SEEK`, unless it always begins at the start or the end.
        let write = Open::FILE.base(Rights::FD_WRITE);
        refuses_without(Rights::empty(), Rights::FD_SEEK, &[("file", write)]);
        for guest in Guest::every_way(|_| {}) {
            let dir = guest.dir_without(Rights::FD_SEEK);
            guest.open_at(dir, "file", write.fdflags(Fdflags::APPEND));
            guest.open_at(dir, "file", write.oflags(Oflags::TRUNC));
        }
    }

    #[test]
    fn reported_rights_are_the_requested_ones_that_the_type_has() {
        for guest in Guest::every_way(|_| {}) {
            let [read, write, seek] = [Rights::FD_READ, Rights::FD_WRITE, Rights::FD_SEEK];
            let both = DIR_RIGHTS | FILE_RIGHTS;
            for (path, base, expected) in [
                ("file", FILE_RIGHTS, FILE_RIGHTS),
                ("file", both, FILE_RIGHTS),
                ("file", 0, 0),
                ("file", (read | seek).bits(), (read | seek).bits()),
                ("file", write.bits(), write.bits()),
                // A file that was opened for writing alone cannot be read, and the other way round.
                (
                    "file",
                    Rights::FD_ALLOCATE.bits(),
                    Rights::FD_ALLOCATE.bits(),
                ),
                ("dir", DIR_RIGHTS, DIR_RIGHTS),
                (
                    "dir",
                    (read | Rights::FD_READDIR).bits(),
                    Rights::FD_READDIR.bits(),
                ),
            ] {
                let fd = guest.open(
                    path,
                    Open {
                        base,
                        inheriting: INHERITABLE,
                        ..Open::READ
                    },
                );
                let fdstat = fdstat(&guest, fd);
                let inheriting = if path == "dir" { INHERITABLE } else { 0 };
                let rights = (fdstat.fs_rights_base, fdstat.fs_rights_inheriting);
                assert_eq!(rights, (expected, inheriting), "{path} with {base:#x}");
            }
        }
    }

    /// Every right may be requested, even those that only sockets have.
    #[test]
    fn rights_that_a_file_cannot_have_may_be_requested() {
        for guest in Guest::every_way(|_| {}) {
            for (base, inheriting) in [(ALL, 0), (0, ALL), (ALL, ALL)] {
                let open = Open {
                    base,
                    inheriting,
                    ..Open::READ
                };
                let fdstat = fdstat(&guest, guest.open("file", open));
                let rights = (fdstat.fs_rights_base, fdstat.fs_rights_inheriting);
                assert_eq!(rights, (base & FILE_RIGHTS, 0));
            }
        }
    }

    #[test]
    fn bits_of_flags_without_a_meaning_are_ignored() {
        for guest in Guest::every_way(|_| {}) {
            let mut args = guest.open_args(PREOPEN, "file", Open::READ);
            args[1] = 0xffff_ffff;
            args[4] = 0xffff_fff0;
            args[7] = 0xffff_ffe0;
            guest.call("path_open", args).wrote(&[(OUT, &[4, 0, 0, 0])]);
        }
    }

    #[test]
    fn creating_through_a_dangling_link_makes_its_target() {
        for guest in Guest::every_way(|_| {}) {
            let fd = guest.open("dangling", CREAT);
            guest.write(fd, "made");
            assert_eq!(guest.scratch.text("nothing"), "made");
            assert!(guest.scratch.is_link("dangling"));
        }
    }

    #[test]
    fn a_file_is_created_through_a_directory_that_the_guest_opened() {
        for guest in Guest::every_way(|_| {}) {
            let dir = guest.open("dir", Open::DIR);
            guest.write(guest.open_at(dir, "new", EXCLUSIVE), "made");
            guest.write(guest.open_at(dir, "sub/new", CREAT), "too");
            assert_eq!(guest.scratch.text("dir/new"), "made");
            assert_eq!(guest.scratch.text("dir/sub/new"), "too");
        }
    }

    #[test]
    fn a_directory_is_itself_wherever_it_goes() {
        for guest in Guest::every_way(|_| {}) {
            let dir = guest.open("dir", Open::DIR);
            guest.scratch.rename("dir", "moved");
            guest.scratch.create_dir("dir");
            assert_eq!(
                guest.read(guest.open_at(dir, "nested", Open::READ)),
                "nested"
            );
            guest.open_at(dir, "new", CREAT);
            assert!(guest.scratch.exists("moved/new"));
        }
    }

    #[test]
    fn nothing_is_created_in_a_directory_that_was_removed() {
        for guest in Guest::every_way(|_| {}) {
            let dir = guest.open("dir/sub", Open::DIR);
            guest.scratch.remove("dir/sub");
            let new = guest.open_args(dir, "new", CREAT);
            guest.refuses("path_open", &[("removed", new, Noent)]);
        }
    }
}
