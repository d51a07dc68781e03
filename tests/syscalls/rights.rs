//! The rights that each call needs, in one table: with these alone it is not refused for rights, and without
//! any one of them it is.

use std::collections::BTreeSet;

use wasi_rs::abi::Errno::Notcapable;
use wasi_rs::abi::{Errno, Oflags, Rights, RightsPair};
use wasi_rs::syscalls::{SYSCALLS, Trap};

use crate::foreign;
use crate::support::{
    ALL, BUF, DIR_RIGHTS, FILE_RIGHTS, Guest, INHERITABLE, OUT, Open, PREOPEN, args,
};

/// The file that a call is made on.
#[derive(Clone, Copy)]
enum On {
    File,
    Dir,
    Socket,
}

/// A call, the rights that it needs, and a function that makes its arguments for a descriptor.
type Row = (&'static str, On, Rights, fn(&Guest, u64) -> Vec<u64>);

fn iovs(guest: &Guest, fd: u64, rest: &[u64]) -> Vec<u64> {
    args(&[&[fd], &guest.iovs(&[[BUF, 1]]), rest])
}

fn linked(guest: &Guest, old: u64, new: u64, flags: &[u64]) -> Vec<u64> {
    args(&[
        &[old],
        flags,
        &guest.store("file"),
        &[new],
        &guest.store("new"),
    ])
}

const OPEN: Open = Open {
    base: 0,
    ..Open::READ
};

const ROWS: [Row; 37] = {
    use On::{Dir, File, Socket};
    const SOCKET: Rights = RightsPair::SOCKET.base;
    [
        ("fd_advise", File, Rights::FD_ADVISE, |_, fd| {
            vec![fd, 0, 0, 0]
        }),
        ("fd_allocate", File, Rights::FD_ALLOCATE, |_, fd| {
            vec![fd, 0, 1]
        }),
        ("fd_datasync", File, Rights::FD_DATASYNC, |_, fd| vec![fd]),
        (
            "fd_fdstat_set_flags",
            File,
            Rights::FD_FDSTAT_SET_FLAGS,
            |_, fd| vec![fd, 0],
        ),
        ("fd_filestat_get", File, Rights::FD_FILESTAT_GET, |_, fd| {
            vec![fd, OUT]
        }),
        (
            "fd_filestat_set_size",
            File,
            Rights::FD_FILESTAT_SET_SIZE,
            |_, fd| vec![fd, 1],
        ),
        (
            "fd_filestat_set_times",
            File,
            Rights::FD_FILESTAT_SET_TIMES,
            |_, fd| vec![fd, 0, 0, 0],
        ),
        (
            "fd_pread",
            File,
            Rights::FD_READ.union(Rights::FD_SEEK),
            |guest, fd| iovs(guest, fd, &[0, OUT]),
        ),
        (
            "fd_pwrite",
            File,
            Rights::FD_WRITE.union(Rights::FD_SEEK),
            |guest, fd| iovs(guest, fd, &[0, OUT]),
        ),
        ("fd_read", File, Rights::FD_READ, |guest, fd| {
            iovs(guest, fd, &[OUT])
        }),
        ("fd_seek", File, Rights::FD_SEEK, |_, fd| {
            vec![fd, 0, 0, OUT]
        }),
        ("fd_sync", File, Rights::FD_SYNC, |_, fd| vec![fd]),
        ("fd_tell", File, Rights::FD_TELL, |_, fd| vec![fd, OUT]),
        ("fd_write", File, Rights::FD_WRITE, |guest, fd| {
            iovs(guest, fd, &[OUT])
        }),
        ("fd_advise", Dir, Rights::FD_ADVISE, |_, fd| {
            vec![fd, 0, 0, 0]
        }),
        ("fd_filestat_get", Dir, Rights::FD_FILESTAT_GET, |_, fd| {
            vec![fd, OUT]
        }),
        (
            "fd_filestat_set_times",
            Dir,
            Rights::FD_FILESTAT_SET_TIMES,
            |_, fd| vec![fd, 0, 0, 0],
        ),
        ("fd_readdir", Dir, Rights::FD_READDIR, |_, fd| {
            vec![fd, BUF, 100, 0, OUT]
        }),
        ("fd_sync", Dir, Rights::FD_SYNC, |_, fd| vec![fd]),
        (
            "path_create_directory",
            Dir,
            Rights::PATH_CREATE_DIRECTORY,
            |guest, fd| guest.at(fd, "new", &[]),
        ),
        (
            "path_filestat_get",
            Dir,
            Rights::PATH_FILESTAT_GET,
            |guest, fd| args(&[&[fd, 0], &guest.store("file"), &[OUT]]),
        ),
        (
            "path_filestat_set_times",
            Dir,
            Rights::PATH_FILESTAT_SET_TIMES,
            |guest, fd| args(&[&[fd, 0], &guest.store("file"), &[0, 0, 0]]),
        ),
        ("path_link", Dir, Rights::PATH_LINK_SOURCE, |guest, fd| {
            linked(guest, fd, PREOPEN, &[0])
        }),
        ("path_link", Dir, Rights::PATH_LINK_TARGET, |guest, fd| {
            linked(guest, PREOPEN, fd, &[0])
        }),
        ("path_open", Dir, Rights::PATH_OPEN, |guest, fd| {
            guest.open_args(fd, "file", OPEN)
        }),
        (
            "path_open",
            Dir,
            Rights::PATH_OPEN.union(Rights::PATH_CREATE_FILE),
            |guest, fd| guest.open_args(fd, "new", OPEN.oflags(Oflags::CREAT)),
        ),
        (
            "path_open",
            Dir,
            Rights::PATH_OPEN.union(Rights::PATH_FILESTAT_SET_SIZE),
            |guest, fd| guest.open_args(fd, "file", OPEN.oflags(Oflags::TRUNC)),
        ),
        ("path_readlink", Dir, Rights::PATH_READLINK, |guest, fd| {
            guest.at(fd, "link", &[BUF, 100, OUT])
        }),
        (
            "path_remove_directory",
            Dir,
            Rights::PATH_REMOVE_DIRECTORY,
            |guest, fd| guest.at(fd, "dir/sub", &[]),
        ),
        (
            "path_rename",
            Dir,
            Rights::PATH_RENAME_SOURCE,
            |guest, fd| linked(guest, fd, PREOPEN, &[]),
        ),
        (
            "path_rename",
            Dir,
            Rights::PATH_RENAME_TARGET,
            |guest, fd| linked(guest, PREOPEN, fd, &[]),
        ),
        ("path_symlink", Dir, Rights::PATH_SYMLINK, |guest, fd| {
            args(&[&guest.store("file"), &guest.at(fd, "new", &[])])
        }),
        (
            "path_unlink_file",
            Dir,
            Rights::PATH_UNLINK_FILE,
            |guest, fd| guest.at(fd, "file", &[]),
        ),
        // As in Node, all rights of a socket are needed.
        ("sock_accept", Socket, SOCKET, |_, fd| vec![fd, 4, OUT]),
        ("sock_recv", Socket, SOCKET, |guest, fd| {
            iovs(guest, fd, &[0, OUT, OUT + 8])
        }),
        ("sock_send", Socket, SOCKET, |guest, fd| {
            iovs(guest, fd, &[0, OUT])
        }),
        ("sock_shutdown", Socket, SOCKET, |_, fd| vec![fd, 2]),
    ]
};

/// Calls that need no right. `poll_oneoff` reports a missing one in an event.
const WITHOUT: [&str; 17] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_close",
    "fd_fdstat_get",
    "fd_fdstat_set_rights",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_renumber",
    "poll_oneoff",
    "proc_exit",
    "proc_raise",
    "random_get",
    "sched_yield",
];

#[test]
fn no_row_of_the_table_is_left_out() {
    let here: BTreeSet<_> = ROWS.iter().map(|row| row.0).chain(WITHOUT).collect();
    let table: BTreeSet<_> = SYSCALLS.iter().map(|syscall| syscall.name).collect();
    assert_eq!(here, table);
}

/// A capability for a single call comes with the rights of its row.
#[test]
fn the_rows_name_the_rights_that_are_needed() {
    for syscall in SYSCALLS {
        let rows = ROWS.iter().filter(|row| row.0 == syscall.name);
        let mut needed = rows.fold(Rights::empty(), |rights, row| rights | row.2);
        if needed == RightsPair::SOCKET.base {
            // A socket is granted by the rights that nothing else has.
            needed = Rights::SOCKET_ONLY;
        } else if syscall.name == "poll_oneoff" {
            needed = Rights::POLL_FD_READWRITE;
        }
        assert_eq!(syscall.rights, needed, "{}", syscall.name);
    }
}

/// A guest with a descriptor for the call, and the rights of that.
fn given(on: On) -> (Guest, u64, u64, u64) {
    match on {
        On::File => {
            let guest = Guest::new();
            let fd = guest.open("file", Open::FILE);
            (guest, fd, FILE_RIGHTS, 0)
        }
        On::Dir => {
            let guest = Guest::new();
            let fd = guest.open(".", Open::DIR);
            (guest, fd, DIR_RIGHTS, INHERITABLE)
        }
        On::Socket => {
            let guest = Guest::new();
            let fd = foreign::source(&guest, "x");
            (guest, fd, RightsPair::SOCKET.base.bits(), ALL)
        }
    }
}

#[test]
fn a_call_needs_its_rights_and_no_others() {
    for (name, on, needed, call) in ROWS {
        let (guest, fd, _, inheriting) = given(on);
        guest.set_rights(fd, needed.bits(), inheriting);
        let result = guest.call(name, call(&guest, fd)).result;
        assert_ne!(
            result,
            Err(Trap::Errno(Notcapable)),
            "{name} with {needed:?}"
        );
        for lacking in needed {
            let (guest, fd, all, inheriting) = given(on);
            guest.set_rights(fd, all & !lacking.bits(), inheriting);
            let row = format!("without {lacking:?}");
            guest.refuses(name, &[(&row, call(&guest, fd), Notcapable)]);
        }
    }
}

/// The rights that `path_open` is passed choose the access mode, and limit nothing else.
#[test]
fn a_call_needs_no_right_that_was_asked_for() {
    const WRITING: Rights = Rights::FD_WRITE
        .union(Rights::FD_ALLOCATE)
        .union(Rights::FD_FILESTAT_SET_SIZE);
    for (name, on, needed, call) in ROWS {
        let (path, open) = match on {
            On::File if needed.intersects(WRITING) => ("file", OPEN.base(Rights::FD_WRITE)),
            On::File => ("file", OPEN),
            On::Dir => (".", OPEN.oflags(Oflags::DIRECTORY)),
            On::Socket => continue,
        };
        let guest = Guest::new();
        let fd = guest.open(path, open);
        let result = guest.call(name, call(&guest, fd)).result;
        // The call may fail for other reasons, such as a directory that exists: only missing rights matter.
        assert_ne!(result, Err(Trap::Errno(Notcapable)), "{name}: {needed:?}");
    }
}

#[test]
fn the_access_mode_excludes_the_other_direction() {
    let guest = Guest::new();
    for (base, excluded) in [
        (
            Rights::FD_READ,
            &[
                "fd_write",
                "fd_pwrite",
                "fd_allocate",
                "fd_filestat_set_size",
            ][..],
        ),
        (Rights::FD_WRITE, &["fd_read", "fd_pread"]),
        (Rights::FD_READ | Rights::FD_WRITE, &[]),
    ] {
        let fd = guest.open("file", OPEN.base(base));
        for (name, _, _, call) in ROWS.iter().filter(|row| matches!(row.1, On::File)) {
            let result = guest.call(name, call(&guest, fd)).result;
            let refused = result == Err(Trap::Errno(Notcapable));
            assert_eq!(refused, excluded.contains(name), "{name} with {base:?}");
        }
    }
}

/// How toolchains open directories, and files in them: the numbers are theirs.
#[test]
fn files_are_opened_through_directories_whatever_was_asked_for_those() {
    const ZIG_FILE: u64 = 0x08e0_01fe;
    for (toolchain, base, inheriting, file) in [
        ("Zig", 0x07bf_fe08, 0x07bf_fe08, ZIG_FILE),
        ("Go", 0x07b7_fe1c, 0x0fff_ffff, 0x0fff_ffff),
        ("without any", 0, 0, FILE_RIGHTS),
        ("reading alone", Rights::FD_READ.bits(), 0, FILE_RIGHTS),
    ] {
        let open = Open {
            base,
            inheriting,
            ..Open::DIR
        };
        for guest in Guest::every_way(|_| {}) {
            let dir = guest.open("dir", open);
            let sub = guest.open_at(dir, "sub", open);
            for (dir, path) in [(dir, "new"), (sub, "new"), (dir, "nested")] {
                let create = Open {
                    base: file,
                    ..Open::FILE.oflags(Oflags::CREAT)
                };
                guest.write(guest.open_at(dir, path, create), "0");
                let found = guest.open_at(dir, path, Open::READ);
                assert!(guest.read(found).starts_with('0'), "{toolchain}: {path}");
            }
            guest.ok("path_create_directory", guest.at(sub, "deep", &[]));
            guest.ok("path_unlink_file", guest.at(dir, "nested", &[]));
        }
    }
}

/// `fd_fdstat_set_rights` is a limit, also for what is opened through the directory, whatever rights are
/// requested, and however deep.
#[test]
fn rights_that_were_removed_cannot_be_added_again() {
    for guest in Guest::every_way(|_| {}) {
        let file = guest.open("file", OPEN.base(Rights::FD_READ));
        assert_eq!(guest.errno("fd_seek", [file, 0, 0, OUT]), Errno::Success);
        guest.set_rights(file, Rights::FD_READ.bits(), 0);
        let sought = vec![file, 0, 0, OUT];
        guest.refuses("fd_seek", &[("given up", sought, Notcapable)]);
        assert_eq!(guest.read(file), "0123456789");
        let more = [Rights::FD_READ | Rights::FD_SEEK, Rights::FD_WRITE];
        for rights in more {
            let args = vec![file, rights.bits(), 0];
            guest.refuses("fd_fdstat_set_rights", &[("taken back", args, Notcapable)]);
        }

        let given_up = Rights::FD_WRITE | Rights::FD_SEEK | Rights::PATH_UNLINK_FILE;
        let dir = guest.open("dir", Open::DIR);
        guest.set_rights(dir, DIR_RIGHTS, INHERITABLE & !given_up.bits());
        let none = OPEN.oflags(Oflags::DIRECTORY);
        let sub = guest.open_at(dir, ".", none);
        for dir in [dir, sub, guest.open_at(sub, "sub/..", none)] {
            let write = guest.open_args(dir, "nested", OPEN.base(Rights::FD_WRITE));
            let link = guest.open_args(dir, "sub/../nested", OPEN.base(Rights::FD_SEEK));
            let rows = [
                ("to write", write, Notcapable),
                ("to seek", link, Notcapable),
            ];
            guest.refuses("path_open", &rows);
            let nested = guest.open_at(dir, "nested", OPEN);
            let sought = vec![nested, 0, 0, OUT];
            guest.refuses("fd_seek", &[("given up", sought, Notcapable)]);
            assert_eq!(guest.read(nested), "nested");
        }
        let nested = guest.at(sub, "nested", &[]);
        guest.refuses("path_unlink_file", &[("given up", nested, Notcapable)]);
    }
}
