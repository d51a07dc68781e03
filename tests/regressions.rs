//! Faults that fuzzing found, each with the shortest way to it.

#[allow(dead_code, reason = "the helpers of other tests")]
#[allow(unused_imports, reason = "the helpers of other tests")]
#[path = "syscalls/support/mod.rs"]
mod support;

#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "the helpers of other tests")]
#[path = "seccomp/filter.rs"]
mod filter;

use support::{Guest, OUT, PREOPEN, args};
use wasi_rs::abi::Errno::Notdir;
use wasi_rs::abi::{Errno, Filestat, Filetype};

/// A guest whose directory has a link to another preopen, and a link in that which leads back: paths through
/// these are walked, not resolved by the host.
fn guest() -> Guest {
    let guest = Guest::new();
    guest.scratch.link("dir/link", "sub");
    guest.scratch.link("dir/up", "..");
    guest.scratch.link("guestdir", "/sandbox/dir");
    guest
}

/// A slash after a link asks for its target. On paths through an absolute link, `path_remove_directory` removed
/// the target, and `path_rename` renamed it.
#[test]
fn slashes_behind_a_link_mean_the_same_however_a_path_is_resolved() {
    for through in ["dir", "guestdir"] {
        let guest = guest();
        let link = format!("{through}/link/");
        let there = |name, rest: &[u64], errno| {
            let call = args(&[&guest.at(PREOPEN, &link, &[]), rest]);
            guest.refuses(name, &[(&link, call, errno)]);
        };
        there("path_remove_directory", &[], Notdir);
        there("path_unlink_file", &[], Notdir);
        there("path_create_directory", &[], Errno::Exist);
        there("path_rename", &guest.at(PREOPEN, "moved", &[]), Notdir);
        assert!(guest.scratch.is_dir("dir/sub"));
        // Calls that look at the file itself follow the link.
        let stat = guest.at(PREOPEN, &link, &[OUT]);
        let stat = args(&[&stat[..1], &[0], &stat[1..]]);
        let outcome = guest.call("path_filestat_get", stat);
        let stat: Filestat = outcome.wrote_within(&[(OUT, 64)]).record_at(OUT);
        assert_eq!(stat.filetype, Filetype::Directory);
    }
}

/// Without `openat2`, a link to a directory was not followed where a directory was asked for: as a parent
/// directory, and by `path_open` with `OFLAGS_DIRECTORY`.
#[test]
#[cfg(target_os = "linux")]
fn a_link_to_a_directory_is_one_without_openat2() {
    // The filter applies to this thread alone.
    let refused = std::thread::spawn(|| {
        filter::install(&filter::profile("no-openat2").unwrap().program()).unwrap();
        links_lead_to_directories(&guest());
    });
    refused.join().unwrap();
    links_lead_to_directories(&guest());
}

#[cfg(target_os = "linux")]
fn links_lead_to_directories(guest: &Guest) {
    use support::Open;

    for path in [
        "dirlink/nested",
        "dir/up/dir/nested",
        "dirlink/up/dirlink/nested",
    ] {
        assert_eq!(guest.read(guest.open(path, Open::READ)), "nested");
        let stat = args(&[&[PREOPEN, 0], &guest.store(path), &[OUT]]);
        assert_eq!(guest.errno("path_filestat_get", stat), Errno::Success);
    }
    for (path, dir) in [
        ("dirlink", "dir"),
        ("dirlink/", "dir"),
        ("dir/link", "dir/sub"),
        ("dir/up", "."),
    ] {
        let fd = guest.open(path, Open::DIR);
        let stat: Filestat = guest.record("fd_filestat_get", &[fd]);
        assert_eq!(stat.ino, guest.scratch.stat(dir).ino, "{path}");
        guest.ok("fd_sync", [fd]);
        guest.ok("fd_close", [fd]);
    }
    let refused = |path, errno| {
        let open = guest.open_args(PREOPEN, path, Open::DIR.no_follow());
        guest.refuses("path_open", &[(path, open, errno)]);
    };
    refused("dirlink", Notdir);
    refused("file", Notdir);
    refused("link", Notdir);
    guest.ok(
        "path_create_directory",
        guest.at(PREOPEN, "dirlink/new", &[]),
    );
    guest.ok(
        "path_remove_directory",
        guest.at(PREOPEN, "dir/up/dir/new", &[]),
    );
}
