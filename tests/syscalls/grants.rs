//! What an embedder withholds, for good or until it is granted: calls, and rights for a preopen or a stream.

use wasi_rs::abi::Errno::{self, Notcapable, Success};
use wasi_rs::abi::{Oflags, Rights};
use wasi_rs::ctx::Grant;
use wasi_rs::syscalls::{MAX_PARAMS, SYSCALLS, Trap};

use crate::support::{
    ALL, BUF, DIR_RIGHTS, FILE_RIGHTS, FOLLOW, Guest, INHERITABLE, OUT, Open, PREOPEN, args,
};

/// Every call with invalid arguments: without its capability it is refused before these are checked.
#[test]
fn a_call_that_is_withheld_is_refused_whatever_its_arguments() {
    let senseless = |guest: &Guest, row: usize| {
        guest.result(
            SYSCALLS[row].name,
            &[u64::MAX; MAX_PARAMS][..SYSCALLS[row].types.len()],
        )
    };
    for (row, syscall) in SYSCALLS.iter().enumerate() {
        let guest = Guest::with(|setup| setup.grant.calls = !(1 << row));
        let refused = Err(Trap::Errno(Notcapable));
        assert_eq!(senseless(&guest, row), refused, "{}", syscall.name);
        guest.ctx.grant(Grant {
            calls: 1 << row,
            ..Grant::NONE
        });
        assert_ne!(senseless(&guest, row), refused, "{}", syscall.name);
    }
}

/// A guest with `inside` read-only, and `outside` with all rights as `/other`.
fn read_only() -> Vec<Guest> {
    Guest::every_way(|setup| {
        setup.preopens = vec![("/sandbox", "inside"), ("/other", "outside")];
        setup.rights = vec![Rights::READ_ONLY];
        setup.scratch.link("to_other", "/other");
        setup.scratch.link("../outside/back", "/sandbox");
    })
}

const OTHER: u64 = PREOPEN + 1;
const CREAT: Oflags = Oflags::CREAT;

#[test]
fn what_is_for_reading_can_be_read() {
    for guest in read_only() {
        // As language runtimes do: with every right that a directory passes on.
        let everything = Open {
            base: 0,
            inheriting: INHERITABLE,
            ..Open::READ
        };
        for base in [
            Rights::FD_READ.bits(),
            Rights::READ_ONLY.bits() & INHERITABLE,
        ] {
            let fd = guest.open("file", Open { base, ..everything });
            assert_eq!(guest.read(fd), "0123456789");
            guest.ok("fd_close", [fd]);
        }
        let dir = guest.open(
            "dir",
            Open {
                base: DIR_RIGHTS,
                ..Open::DIR
            },
        );
        assert_eq!(
            guest.read(guest.open_at(dir, "nested", Open::READ)),
            "nested"
        );
        assert_eq!(guest.errno("fd_readdir", [dir, BUF, 100, 0, OUT]), Success);
        let stat = args(&[&[PREOPEN, FOLLOW], &guest.store("link"), &[OUT]]);
        assert_eq!(guest.errno("path_filestat_get", stat), Success);
        let link = guest.at(PREOPEN, "link", &[BUF, 100, OUT]);
        assert_eq!(guest.errno("path_readlink", link), Success);
    }
}

/// From the preopen, from a directory that was opened through it, and through a link from another one.
#[test]
fn what_is_for_reading_cannot_be_changed() {
    for guest in read_only() {
        let dir = guest.open(
            ".",
            Open {
                base: DIR_RIGHTS,
                ..Open::DIR
            },
        );
        for (fd, prefix) in [(PREOPEN, ""), (dir, ""), (OTHER, "back/")] {
            let guest = guest.fresh();
            let path = |name: &str| format!("{prefix}{name}");
            let at = |name: &str| guest.at(fd, &path(name), &[]);
            let open =
                |name: &str, open: Open| ("path_open", guest.open_args(fd, &path(name), open));
            let both = |old: Vec<u64>, flags: &[u64], new: Vec<u64>| {
                args(&[&old[..1], flags, &old[1..], &new])
            };
            let to_other = guest.at(OTHER, "new", &[]);
            let from_other = guest.at(OTHER, "secret", &[]);
            let times = args(&[&[fd, FOLLOW], &guest.store(path("file")), &[0, 0, 0b0101]]);
            for (name, args) in [
                open("file", Open::FILE),
                open("file", Open::FILE.base(Rights::FD_ALLOCATE)),
                open("file", Open::FILE.base(Rights::FD_FILESTAT_SET_SIZE)),
                open("file", Open::READ.oflags(Oflags::TRUNC)),
                open("new", Open::READ.oflags(CREAT)),
                open("new", Open::FILE.oflags(CREAT)),
                ("path_create_directory", at("new")),
                ("path_remove_directory", at("dir/sub")),
                ("path_unlink_file", at("file")),
                ("path_filestat_set_times", times),
                ("path_symlink", args(&[&guest.store("file"), &at("new")])),
                ("path_rename", both(at("file"), &[], at("new"))),
                // A name in a writable directory would be a way to write.
                ("path_rename", both(at("file"), &[], to_other.clone())),
                ("path_rename", both(from_other.clone(), &[], at("new"))),
                ("path_link", both(at("file"), &[0], to_other)),
                ("path_link", both(from_other, &[0], at("new"))),
            ] {
                guest.refuses(name, &[(prefix, args, Notcapable)]);
            }
        }
    }
}

#[test]
fn a_file_for_reading_has_no_rights_to_change_it() {
    for guest in read_only() {
        let base = FILE_RIGHTS & !Rights::FD_WRITE.bits();
        let base = base & !(Rights::FD_DATASYNC | Rights::FD_ALLOCATE).bits();
        let base = base & !Rights::FD_FILESTAT_SET_SIZE.bits();
        let fd = guest.open("file", Open { base, ..Open::READ });
        let fdstat: wasi_rs::abi::Fdstat = guest.record("fd_fdstat_get", &[fd]);
        assert_eq!(fdstat.fs_rights_base & !Rights::READ_ONLY.bits(), 0);
        let [ciovs, ciovs_len] = guest.ciovs("x");
        for (name, args) in [
            ("fd_write", vec![fd, ciovs, ciovs_len, OUT]),
            ("fd_pwrite", vec![fd, ciovs, ciovs_len, 0, OUT]),
            ("fd_allocate", vec![fd, 0, 20]),
            ("fd_filestat_set_size", vec![fd, 0]),
            ("fd_filestat_set_times", vec![fd, 0, 0, 0b0101]),
            ("fd_fdstat_set_rights", vec![fd, FILE_RIGHTS, 0]),
        ] {
            guest.refuses(name, &[("for reading", args, Notcapable)]);
        }
    }
}

#[test]
fn a_path_between_preopens_needs_the_rights_where_it_begins_and_where_it_ends() {
    for guest in read_only() {
        assert_eq!(
            guest.read(guest.open("to_other/secret", Open::READ)),
            "secret"
        );
        assert_eq!(
            guest.read(guest.open_at(OTHER, "back/file", Open::READ)),
            "0123456789"
        );
        let write = Open::FILE.oflags(CREAT);
        let dir = guest.open_at(OTHER, "back/dir", Open::DIR);
        for (row, fd, path) in [
            ("begins", PREOPEN, "to_other/new"),
            ("ends", OTHER, "back/new"),
            ("ended on the way", dir, "new"),
        ] {
            let new = guest.open_args(fd, path, write);
            guest.refuses("path_open", &[(row, new, Notcapable)]);
        }
    }
}

#[test]
fn what_is_granted_later_holds_for_what_is_there_from_the_start() {
    for guest in Guest::every_way(|setup| {
        setup.grant.preopens = Rights::READ_ONLY;
        setup.grant.stdio = Rights::empty();
    }) {
        let dir = guest.open("dir", Open::DIR);
        let new = || guest.at(PREOPEN, "new", &[]);
        guest.refuses("path_create_directory", &[("not yet", new(), Notcapable)]);
        let [ciovs, ciovs_len] = guest.ciovs("x");
        let write = || guest.errno("fd_write", [1, ciovs, ciovs_len, OUT]);
        assert_eq!(write(), Notcapable);
        guest.ctx.grant(Grant {
            preopens: Rights::all(),
            stdio: Rights::all(),
            calls: 0,
        });
        guest.ok("path_create_directory", new());
        assert_eq!(write(), Success);
        let below = guest.at(dir, "new", &[]);
        guest.refuses(
            "path_create_directory",
            &[("opened before", below, Notcapable)],
        );
    }
}

#[test]
fn no_grant_is_more_than_the_preopen_was_made_with() {
    for guest in Guest::every_way(|setup| {
        setup.rights = vec![Rights::READ_ONLY];
        setup.grant.preopens = Rights::empty();
    }) {
        assert_eq!(
            guest.errno("path_open", guest.open_args(3, "file", Open::READ)),
            Notcapable
        );
        guest.ctx.grant(Grant::ALL);
        assert_eq!(guest.read(guest.open("file", Open::READ)), "0123456789");
        let new = guest.at(PREOPEN, "new", &[]);
        guest.refuses("path_create_directory", &[("for reading", new, Notcapable)]);
        assert_eq!(
            guest.errno("fd_fdstat_set_rights", [PREOPEN, ALL, ALL]),
            Errno::Notcapable
        );
    }
}
