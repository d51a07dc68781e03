//! What only the host's file system has: permissions, descriptors of this process, and other programs that
//! rename things at the same time.

#[cfg(target_os = "linux")]
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use wasi_rs::abi::Oflags;

#[cfg(target_os = "linux")]
use crate::escape::links_out;
#[cfg(target_os = "linux")]
use crate::support::{FOLLOW, OUT, PREOPEN, args};
use crate::support::{Guest, Open};

/// Modes are those of POSIX less the umask; with any usual one the owner has these permissions.
#[test]
fn a_new_file_can_be_read_and_written_but_not_run() {
    use std::os::unix::fs::PermissionsExt;
    let guest = Guest::new();
    guest.open("new", Open::FILE.oflags(Oflags::CREAT));
    let metadata = guest.scratch.host_path("new").metadata().unwrap();
    let mode = metadata.permissions().mode();
    assert_eq!(mode & 0o711, 0o600);
}

/// The host descriptors of this process that are open in this directory. None are left after the guest has been
/// dropped.
#[cfg(target_os = "linux")]
#[test]
fn what_a_guest_had_open_is_closed_with_it() {
    let guests = Guest::every_backend(|_| {}).into_iter();
    for guest in guests.filter(|guest| guest.scratch.is_on_host()) {
        let root = guest.scratch.host_path("..");
        let open = || {
            (std::fs::read_dir("/proc/self/fd").unwrap())
                .filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
                .filter(|target| target.starts_with(&root))
                .count()
        };
        assert_eq!(open(), 1, "the preopen");
        guest.open("file", Open::FILE);
        let dir = guest.open("dir", Open::DIR);
        let buf = guest.alloc(10);
        guest
            .call("fd_readdir", [dir, buf, 10, 0, OUT])
            .wrote_within(&[(buf, 10), (OUT, 4)]);
        assert!(open() >= 3);
        let Guest { ctx, scratch, .. } = guest;
        drop(ctx);
        assert_eq!(open(), 0);
        drop(scratch);
    }
}

/// One thread replaces a directory by a link out and back, another one uses paths through it.
#[cfg(target_os = "linux")]
#[test]
fn a_swap_at_the_wrong_moment_lets_nobody_out() {
    use rustix::fs::{CWD, RenameFlags, renameat_with};

    let guests = Guest::every_way(links_out).into_iter();
    for guest in guests.filter(|guest| guest.scratch.is_on_host()) {
        guest.scratch.create_dir("swap");
        guest.scratch.write("swap/secret", "inside");
        let outside = guest.scratch.tree_of("../outside");
        let [swap, out] = ["swap", "out"].map(|name| guest.scratch.host_path(name));
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Relaxed) {
                    renameat_with(CWD, &swap, CWD, &out, RenameFlags::EXCHANGE).unwrap();
                    // Otherwise this thread would hold the directory's lock all the time, and there would be no
                    // race.
                    std::thread::yield_now();
                }
            });
            for _ in 0..300 {
                guest.scoped(|| go_through_swap(&guest));
            }
            done.store(true, Relaxed);
        });
        assert_eq!(guest.scratch.tree_of("../outside"), outside);
    }
}

#[cfg(target_os = "linux")]
fn go_through_swap(guest: &Guest) {
    let create = Open::FILE.oflags(Oflags::CREAT | Oflags::TRUNC);
    for (path, open, text) in [
        ("swap/secret", Open::READ, "inside"),
        ("swap/new", create, ""),
    ] {
        let fd = match guest.call("path_open", guest.open_args(PREOPEN, path, open)) {
            opened if opened.result.is_ok() => opened.u32_at(OUT).into(),
            _ => continue,
        };
        assert_eq!(guest.read(fd), text);
        guest.ok("fd_close", [fd]);
    }
    let times = args(&[
        &[PREOPEN, FOLLOW],
        &guest.store("swap/secret"),
        &[0, 0, 0b0101],
    ]);
    guest.errno("path_filestat_set_times", times);
    for name in [
        "path_create_directory",
        "path_remove_directory",
        "path_unlink_file",
    ] {
        guest.errno(name, guest.at(PREOPEN, "swap/dir", &[]));
    }
    guest.errno("path_unlink_file", guest.at(PREOPEN, "swap/new", &[]));
    for (old, new) in [("file", "swap/file"), ("swap/file", "file")] {
        let rename = args(&[&guest.at(PREOPEN, old, &[]), &guest.at(PREOPEN, new, &[])]);
        guest.errno("path_rename", rename);
    }
}
