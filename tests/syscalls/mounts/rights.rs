//! The rights of what is mounted.

use super::*;

/// Descriptors and paths by which a guest reaches what is mounted read-only at `/ro`.
fn ways(guest: &Guest, opened_before: u64) -> Vec<(u64, &'static str)> {
    let dir = guest.open("dir", Open::DIR);
    guest.scratch.link("ro_link", "ro");
    guest.scratch.link("absolute", "/ro");
    let ro = guest.open(
        "ro",
        Open {
            base: DIR_RIGHTS,
            ..Open::DIR
        },
    );
    let _ = dir;
    vec![
        (ROOT, "ro"),
        (ROOT, "dir/../ro"),
        (ROOT, "ro_link"),
        (ROOT, "absolute"),
        (ROOT, "ro/sub/.."),
        (opened_before, "ro"),
        (opened_before, "dir/../ro/../ro"),
        (ro, "."),
        (ro, "sub/.."),
    ]
}

fn changes(guest: &Guest, fd: u64, path: &str) -> Vec<(&'static str, Vec<u64>)> {
    let at = |name: &str| guest.at(fd, &format!("{path}/{name}"), &[]);
    let open = |name: &str, open: Open| {
        (
            "path_open",
            guest.open_args(fd, &format!("{path}/{name}"), open),
        )
    };
    let ours = |name: &str| guest.at(ROOT, name, &[]);
    let theirs = at("theirs");
    vec![
        open("theirs", Open::FILE),
        open("theirs", Open::READ.oflags(Oflags::TRUNC)),
        open("new", Open::READ.oflags(Oflags::CREAT)),
        open("sub/deep", Open::FILE.base(Rights::FD_ALLOCATE)),
        ("path_create_directory", at("new")),
        ("path_remove_directory", at("sub")),
        ("path_unlink_file", at("theirs")),
        ("path_symlink", args(&[&guest.store("theirs"), &at("new")])),
        (
            "path_filestat_set_times",
            args(&[&theirs[..1], &[FOLLOW], &theirs[1..], &[0, 0, 0b0101]]),
        ),
        ("path_rename", args(&[&at("theirs"), &at("new")])),
        ("path_rename", args(&[&at("theirs"), &ours("new")])),
        ("path_rename", args(&[&ours("file"), &at("new")])),
        ("path_link", both(at("theirs"), &[NO_FOLLOW], ours("new"))),
        ("path_link", both(ours("file"), &[NO_FOLLOW], at("new"))),
    ]
}

/// A guest with all rights in `/`, and a descriptor of `/` that it had opened before something was mounted
/// there read-only.
#[test]
fn what_is_mounted_for_reading_stays_so() {
    for guest in Guest::every_way(|setup| {
        lower(setup);
        setup.scratch.create_dir("ro");
        setup.scratch.write("ro/theirs", "covered");
        setup.preopens = vec![("/", "inside")];
    }) {
        let before = guest.open(".", Open::DIR);
        let fs = library();
        guest.ctx.mount(read_only(at("/ro", &fs)), true).unwrap();
        for (fd, path) in ways(&guest, before) {
            let guest = guest.fresh();
            for (name, call) in changes(&guest, fd, path) {
                let errno = guest.errno(name, &call);
                let refused = [Notcapable, Xdev];
                assert!(refused.contains(&errno), "{name} {path}: {errno:?}");
            }
            reads(&guest, fd, &[(&format!("{path}/theirs"), "theirs")]);
        }
        assert_eq!(guest.scratch.text("ro/theirs"), "covered");
        // No rename or link leads around it.
        let at = |path: &str| guest.at(ROOT, path, &[]);
        assert_eq!(
            guest.errno("path_rename", args(&[&at("ro"), &at("rw")])),
            Busy
        );
        assert_eq!(guest.errno("path_remove_directory", at("ro")), Busy);
        guest.ok("path_create_directory", at("up"));
        let moved = args(&[&at("dir"), &at("up/dir")]);
        guest.ok("path_rename", moved);
        let new = guest.open_args(
            ROOT,
            "up/dir/../../ro/new",
            Open::FILE.oflags(Oflags::CREAT),
        );
        assert_eq!(guest.errno("path_open", new), Notcapable);
    }
}

/// As in a container: a read-only root, with directories in it that can be written.
#[test]
fn what_is_mounted_for_everything_can_be_written_below_what_cannot() {
    for guest in Guest::every_way(|setup| {
        lower(setup);
        setup.rights = vec![Rights::READ_ONLY];
    }) {
        guest.ctx.mount(at("/out", &library()), true).unwrap();
        for path in ["out/new", "dir/../out/second", "out/sub/../third"] {
            let fd = guest.open(path, Open::FILE.oflags(Oflags::CREAT));
            guest.write(fd, "x");
            guest.ok("path_unlink_file", guest.at(ROOT, path, &[]));
        }
        guest.ok("path_create_directory", guest.at(ROOT, "out/dir", &[]));
        for path in ["new", "dir/new", "out/../new", "nothing/new", "file/new"] {
            let new = guest.at(ROOT, path, &[]);
            guest.refuses("path_create_directory", &[(path, new, Notcapable)]);
            let open = guest.open_args(ROOT, path, Open::FILE.oflags(Oflags::CREAT));
            guest.refuses("path_open", &[(path, open, Notcapable)]);
        }
        let outward = args(&[
            &guest.at(ROOT, "out/theirs", &[]),
            &guest.at(ROOT, "new", &[]),
        ]);
        guest.refuses("path_rename", &[("out", outward, Notcapable)]);
        guest.ctx.unmount("/out", true).unwrap();
        let new = guest.at(ROOT, "out/new", &[]);
        guest.refuses("path_create_directory", &[("unmounted", new, Notcapable)]);
    }
}

/// Rights that a guest has removed from a descriptor are missing through a mount as well.
#[test]
fn removed_rights_stay_removed() {
    for guest in guests() {
        let root = guest.dir_without(Rights::PATH_CREATE_DIRECTORY | Rights::FD_WRITE);
        let new = guest.at(root, "usr/lib/new", &[]);
        guest.refuses(
            "path_create_directory",
            &[("through a mount", new, Notcapable)],
        );
        let dir = guest.open_at(
            root,
            "usr/lib",
            Open {
                base: 0,
                inheriting: 0,
                ..Open::DIR
            },
        );
        let file = guest.open_args(dir, "theirs", Open::FILE);
        guest.refuses("path_open", &[("opened there", file, Notcapable)]);
        guest.ok("path_create_directory", guest.at(LIB, "new", &[]));
    }
}

#[test]
fn what_is_granted_later_holds_for_mounts() {
    for guest in Guest::every_way(|setup| {
        lower(setup);
        setup.grant.preopens = Rights::READ_ONLY;
    }) {
        guest.ctx.mount(at("/m", &library()), true).unwrap();
        let new = || guest.at(ROOT, "m/new", &[]);
        guest.refuses("path_create_directory", &[("not yet", new(), Notcapable)]);
        guest.ctx.grant(wasi_rs::ctx::Grant::ALL);
        guest.ok("path_create_directory", new());
    }
}
