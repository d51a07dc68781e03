//! Mounting while the guest runs, and unmounting.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use super::*;

#[test]
fn what_is_mounted_later_is_there_at_once_and_gone_when_unmounted() {
    for guest in plain() {
        let usr = guest.open("usr", Open::DIR);
        reads(&guest, ROOT, &[("usr/lib/hidden", "hidden")]);
        guest.ctx.mount(at("/usr/lib", &library()), true).unwrap();
        reads(
            &guest,
            ROOT,
            &[("usr/lib/theirs", "theirs"), ("to_lib/own", "deep")],
        );
        reads(&guest, usr, &[("lib/theirs", "theirs")]);
        assert_eq!(stat_errno(&guest, ROOT, "usr/lib/hidden"), Noent);
        assert_eq!(guest.errno("fd_prestat_get", [usr + 1, OUT]), Errno::Badf);
        let open = guest.open("usr/lib/theirs", Open::READ);
        let dir = guest.open("usr/lib/sub", Open::DIR);
        guest.ctx.unmount("usr//./lib/", true).unwrap();
        reads(&guest, ROOT, &[("usr/lib/hidden", "hidden")]);
        reads(&guest, usr, &[("lib/hidden", "hidden")]);
        assert_eq!(stat_errno(&guest, ROOT, "usr/lib/theirs"), Noent);
        // Open descriptors stay valid.
        assert_eq!(guest.read(open), "theirs");
        reads(&guest, dir, &[("deep", "deep")]);
        assert_eq!(guest.ctx.unmount("/usr/lib", true), Err(Inval));
    }
}

#[test]
fn the_later_one_hides_the_earlier() {
    for guest in plain() {
        let second = MemoryFs::new(MemoryFsLimits::default());
        second.file(b"second", b"second", None).unwrap();
        guest.ctx.mount(at("/usr/lib", &library()), true).unwrap();
        guest.ctx.mount(at("/usr/lib", &second), true).unwrap();
        reads(
            &guest,
            ROOT,
            &[("usr/lib/second", "second"), ("usr/lib/../share", "share")],
        );
        assert_eq!(stat_errno(&guest, ROOT, "usr/lib/theirs"), Noent);
        assert_eq!(names(&guest, ROOT, "usr"), ["lib", "lib_here", "share"]);
        guest.ctx.unmount("/usr/lib", true).unwrap();
        reads(&guest, ROOT, &[("usr/lib/theirs", "theirs")]);
        guest.ctx.unmount("/usr/lib", true).unwrap();
        reads(&guest, ROOT, &[("usr/lib/hidden", "hidden")]);
    }
}

#[test]
fn a_mount_may_lie_in_another() {
    for guest in plain() {
        guest.ctx.mount(at("/usr/lib", &library()), true).unwrap();
        guest
            .ctx
            .mount(at("/usr/lib/sub", &library()), true)
            .unwrap();
        guest
            .ctx
            .mount(at("/usr/lib/sub/new/er", &library()), true)
            .unwrap();
        reads(
            &guest,
            ROOT,
            &[
                ("usr/lib/sub/theirs", "theirs"),
                ("usr/lib/sub/sub/deep", "deep"),
                ("usr/lib/sub/new/er/theirs", "theirs"),
                ("usr/lib/sub/new/er/../../../../share", "share"),
            ],
        );
        assert_eq!(stat_errno(&guest, ROOT, "usr/lib/sub/deep"), Noent);
    }
}

/// A C library in the guest finds the descriptor by its name.
#[test]
fn what_is_mounted_over_a_preopen_is_what_its_paths_begin_at() {
    for guest in plain() {
        for path in ["/", "."] {
            guest.ctx.mount(at(path, &library()), true).unwrap();
            reads(
                &guest,
                ROOT,
                &[("theirs", "theirs"), ("../sub/deep", "deep")],
            );
            assert_eq!(stat_errno(&guest, ROOT, "file"), Noent);
            assert_eq!(
                names(&guest, ROOT, "."),
                ["absolute", "out", "own", "sub", "theirs"]
            );
            guest.ctx.unmount("/", true).unwrap();
            reads(&guest, ROOT, &[("file", "0123456789")]);
        }
        guest
            .ctx
            .mount(read_only(at("/", &library())), true)
            .unwrap();
        let new = guest.at(ROOT, "new", &[]);
        guest.refuses("path_create_directory", &[("for reading", new, Notcapable)]);
    }
}

#[test]
fn before_the_start_it_is_a_preopen_as_well() {
    for guest in plain() {
        guest.ctx.mount(at("/usr/lib", &library()), false).unwrap();
        guest.ctx.mount(at("data", &library()), false).unwrap();
        reads(&guest, LIB, &[("theirs", "theirs"), ("../share", "share")]);
        reads(
            &guest,
            ROOT,
            &[("usr/lib/theirs", "theirs"), ("data/theirs", "theirs")],
        );
        assert_eq!(name_of(&guest, LIB), "/usr/lib");
        assert_eq!(name_of(&guest, LIB + 1), "/data");
        guest.ctx.unmount("/usr/lib", false).unwrap();
        assert_eq!(name_of(&guest, LIB), "/data");
        assert_eq!(guest.errno("fd_prestat_get", [LIB + 1, OUT]), Errno::Badf);
        reads(&guest, ROOT, &[("usr/lib/hidden", "hidden")]);
    }
}

fn name_of(guest: &Guest, fd: u64) -> String {
    let prestat: wasi_rs::abi::Prestat = guest.record("fd_prestat_get", &[fd]);
    let len = u64::from(prestat.name_len);
    let outcome = guest.call("fd_prestat_dir_name", [fd, OUT, len]);
    String::from_utf8(outcome.bytes_at(OUT, len)).unwrap()
}

#[test]
fn refusals() {
    for guest in Guest::every_way(|setup| {
        lower(setup);
        setup.preopens = vec![("/sandbox", "inside")];
    }) {
        let mount = |path: &str| guest.ctx.mount(at(path, &library()), true);
        let errno = |errno: Errno| Err(MountError::Errno(errno));
        for path in ["", "/a/../b", "..", "a\0b"] {
            assert_eq!(mount(path), errno(Inval), "{path:?}");
            assert_eq!(guest.ctx.unmount(path, true), Err(Inval), "{path:?}");
        }
        for path in ["/data", "/", "/sandboxes", "data/sandbox"] {
            assert_eq!(mount(path), Err(MountError::Unreachable), "{path}");
        }
        assert_eq!(mount("/sandbox/file/x"), errno(Notdir));
        assert_eq!(mount("/sandbox/dangling/x"), errno(Noent));
        assert_eq!(mount("/sandbox/loop/x"), errno(Errno::Loop));
        assert_eq!(guest.ctx.mount(file("/sandbox", ""), true), errno(Notdir));
        assert_eq!(
            guest.ctx.mount(file("/data/f", ""), true),
            Err(MountError::Unreachable)
        );
        assert_eq!(mount("/sandbox/new"), Ok(()));
        assert_eq!(guest.ctx.unmount("/sandbox/dir", true), Err(Inval));
        // The mount point would lie in itself.
        let fs = library();
        assert_eq!(guest.ctx.mount(at("/sandbox/new", &fs), true), Ok(()));
        for path in ["/sandbox/new/x", "/sandbox/new/sub/x"] {
            assert_eq!(
                guest.ctx.mount(at(path, &fs), true),
                errno(Errno::Loop),
                "{path}"
            );
        }
    }
}

/// Nothing can be mounted for a guest that has ended or been closed.
#[test]
fn it_goes_with_the_guest() {
    for guest in plain() {
        let fs = library();
        let root = fs.root();
        let before = Arc::strong_count(&root);
        guest.ctx.mount(of("/m", Arc::clone(&root)), true).unwrap();
        guest.ctx.close_all();
        assert_eq!(Arc::strong_count(&root), before);
    }
}

/// A path is resolved either in the old namespace or in the new one.
#[test]
fn a_guest_that_runs_meanwhile_sees_one_or_the_other() {
    const ROUNDS: usize = 300;
    for guest in plain() {
        let other = guest.thread();
        let (is_over, begin) = (AtomicBool::new(false), Barrier::new(2));
        let (theirs, hidden) = thread::scope(|scope| {
            let (is_over, begin) = (&is_over, &begin);
            let asks = scope.spawn(move || {
                let mut seen = [[0; 2]; 2];
                begin.wait();
                loop {
                    for (seen, path) in seen.iter_mut().zip(["usr/lib/theirs", "to_lib/hidden"]) {
                        match other.scoped(|| stat_errno(&other, ROOT, path)) {
                            Errno::Success => seen[0] += 1,
                            Noent => seen[1] += 1,
                            errno => panic!("{path}: {errno:?}"),
                        }
                    }
                    if is_over.load(Relaxed) {
                        break (seen[0], seen[1]);
                    }
                }
            });
            begin.wait();
            for _ in 0..ROUNDS {
                guest.ctx.mount(at("/usr/lib", &library()), true).unwrap();
                thread::yield_now();
                guest.ctx.unmount("/usr/lib", true).unwrap();
            }
            is_over.store(true, Relaxed);
            asks.join().unwrap()
        });
        assert!(theirs.iter().chain(&hidden).sum::<usize>() > 0);
        reads(&guest, ROOT, &[("usr/lib/hidden", "hidden")]);
    }
}
