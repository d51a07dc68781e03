//! Paths that are walked, deep and long ones: how many descriptors a walk opens, how many steps it takes, and
//! that it goes up only through directories that it came down.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use wasi_rs::abi::{Errno, Oflags};

use crate::support::{FOLLOW, Guest, NO_FOLLOW, OUT, Open, PREOPEN, Scratch, Way, args};

/// Deeper than `holds_few_descriptors` has descriptors, but not so deep that the host could not remove it by a
/// path.
const DEPTH: usize = 500;

/// Nested directories. They are removed one by one, as removing all at once may take a descriptor for each.
struct Deep(Arc<Scratch>);

impl Deep {
    fn new(guest: &Guest) -> Self {
        guest.scratch.create_dir(&Self::path(DEPTH));
        Self(Arc::clone(&guest.scratch))
    }

    fn path(depth: usize) -> String {
        "d/".repeat(depth).trim_end_matches('/').to_owned()
    }
}

impl Drop for Deep {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.0.remove("d/back");
        for depth in (1..=DEPTH).rev() {
            self.0.remove(&Self::path(depth));
        }
    }
}

/// A guest whose paths the host resolves if it can, and one whose paths are walked, each with a root that a
/// path can climb to.
fn guests() -> Vec<Guest> {
    Guest::every_way(|setup| setup.preopens = vec![("/", "inside")])
}

#[test]
fn goes_down_and_up_again_however_deep() {
    for guest in guests() {
        let _deep = Deep::new(&guest);
        let leaf = format!("{}/leaf", Deep::path(DEPTH));
        guest.scratch.write(&leaf, "leaf");
        guest.scratch.link("far", "d/".repeat(DEPTH));
        guest.scratch.link("d/back", "../".repeat(DEPTH));
        let [down, up] = ["d/", "../"].map(|step| step.repeat(DEPTH));
        for (path, text) in [
            (format!("{down}leaf"), "leaf"),
            (format!("../{down}leaf"), "leaf"),
            (format!("{down}{up}file"), "0123456789"),
            (format!("../{down}{up}file"), "0123456789"),
            (format!("../{down}../../d/d/leaf"), "leaf"),
            (format!("../far/{up}far/leaf"), "leaf"),
            ("../d/back/far/leaf".into(), "leaf"),
            // Up to the root, down by another way, and up again.
            (format!("../{down}{up}dir/sub/../nested"), "nested"),
        ] {
            let fd = guest.open(&path, Open::READ);
            assert_eq!(guest.read(fd), text, "{path}");
            guest.ok("fd_close", [fd]);
        }
        // A call with two paths has the descriptors of two walks.
        let rename = args(&[
            &guest.at(PREOPEN, &format!("../{down}leaf"), &[]),
            &guest.at(PREOPEN, &format!("../{down}../moved"), &[]),
        ]);
        guest.ok("path_rename", rename);
        guest.ok(
            "path_unlink_file",
            guest.at(PREOPEN, &format!("../{down}../moved"), &[]),
        );
    }
}

/// Otherwise a guest could take all descriptors of the process during a call, though its own are limited.
#[cfg(target_os = "linux")]
#[test]
fn holds_few_descriptors() {
    use crate::portable::again;
    let args = ["walk::goes_down_and_up_again_however_deep"];
    for profile in [
        None,
        again::profile("linux-4.4"),
        again::profile("docker-19.03"),
    ] {
        again::with_few_descriptors(48, profile, &args);
    }
}

/// Links with targets of the maximum length, each leading to the next: 160 KiB for one path.
fn long(guest: &Guest, links: usize, step: &str) -> String {
    let fill = |target: &str| {
        format!(
            "{target}/{}",
            step.repeat((4090 - target.len()) / step.len())
        )
    };
    for link in 1..links {
        guest
            .scratch
            .link(&format!("l{link}"), fill(&format!("l{}", link - 1)));
    }
    guest.scratch.link("l0", fill("dir"));
    format!("../l{}/nested", links - 1)
}

/// How many times a thread checks for an interruption during a call, and the errno of the call.
fn looks(guest: &Guest, path: &str, stop_after: usize) -> (usize, Errno) {
    let looks = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&looks);
    let guest = guest.interruptible(move || counted.fetch_add(1, Relaxed) >= stop_after);
    let stat = args(&[&[PREOPEN, FOLLOW], &guest.store(path), &[OUT]]);
    let errno = std::thread::scope(|scope| {
        let call = move || guest.errno("path_filestat_get", stat);
        scope.spawn(call).join().unwrap()
    });
    (looks.load(Relaxed), errno)
}

/// A walk whose length the guest chooses can be interrupted.
#[test]
fn ends_when_the_thread_is_asked_to_stop() {
    for guest in guests() {
        let path = long(&guest, 38, "./");
        assert_eq!(looks(&guest, &path, 3), (4, Errno::Intr));
        assert_eq!(looks(&guest, &path, usize::MAX).1, Errno::Success);
    }
}

/// Twice the text takes twice the steps: nothing is walked twice.
#[cfg_attr(windows, ignore = "of the host's files alone")]
#[test]
fn takes_a_step_for_each_component() {
    let (relative, climbing) = ("./", "sub/../");
    for (way, step) in [
        (Way::HostWalked, relative),
        (Way::HostWalked, climbing),
        (Way::Forwarding, relative),
        (Way::Forwarding, climbing),
    ] {
        let [once, twice] = [16, 32].map(|links| {
            let guest = Guest::with_way(way, |setup| setup.preopens = vec![("/", "inside")]);
            let path = long(&guest, links, step);
            let (looks, errno) = looks(&guest, &path, usize::MAX);
            assert_eq!(errno, Errno::Success, "{step}");
            looks
        });
        let components = 4090 / step.len() * step.matches('/').count();
        assert!(once >= 16 * components / 64, "{step}: {once}");
        assert!(twice.abs_diff(2 * once) <= 1, "{step}: {once} and {twice}");
    }
}

/// The parent of a directory that the host has moved is not where the path came from.
#[test]
fn does_not_go_up_from_where_a_directory_was_moved() {
    for guest in guests() {
        let dir = guest.open("dir", Open::DIR);
        guest.scratch.rename("dir", "../outside/moved");
        // It is open, and what is below it still belongs to the guest.
        let stat = |path: &str| args(&[&[dir, NO_FOLLOW], &guest.store(path), &[OUT]]);
        assert_eq!(
            guest.errno("path_filestat_get", stat("sub/../nested")),
            Errno::Success
        );
        for path in ["..", "sub/../..", "sub/../../secret", "../secret"] {
            let errno = guest.errno("path_filestat_get", stat(path));
            assert_eq!(errno, Errno::Notcapable, "{path}");
        }
        let create = guest.open_args(dir, "sub/../../new", Open::FILE.oflags(Oflags::CREAT));
        guest.refuses("path_open", &[("above", create, Errno::Notcapable)]);
    }
}
