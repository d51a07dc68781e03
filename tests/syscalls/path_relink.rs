use wasi_rs::abi::Errno::{
    self, Badf, Busy, Exist, Inval, Isdir, Loop, Nametoolong, Noent, Notcapable, Notdir, Notempty,
    Overflow, Perm,
};
use wasi_rs::abi::Rights;

use crate::support::{CLOSED, END, FOLLOW, Guest, NO_FOLLOW, Open, PREOPEN, args};

/// One of the two paths of a call, with the right that it needs.
#[derive(Clone, Copy)]
enum Side {
    Old,
    New,
}

/// The arguments of `path_link` (with flags) or `path_rename` (without).
fn two(guest: &Guest, flags: &[u64], old: (u64, &str), new: (u64, &str)) -> Vec<u64> {
    args(&[
        &[old.0],
        flags,
        &guest.store(old.1),
        &[new.0],
        &guest.store(new.1),
    ])
}

/// The refusals that `path_link` and `path_rename` have for both paths.
fn refuses_either(name: &str, flags: &[u64], source: Rights, target: Rights) {
    for (side, right) in [(Side::Old, source), (Side::New, target)] {
        for guest in Guest::every_way(|_| {}) {
            let lacking = guest.dir_without(right);
            let file = guest.open("file", Open::FILE);
            let long_name = "n".repeat(256);
            let call = |fd: u64, path: &str| match side {
                Side::Old => two(&guest, flags, (fd, path), (PREOPEN, "new")),
                Side::New => two(&guest, flags, (PREOPEN, "file"), (fd, path)),
            };
            let preopen = |path: &str| call(PREOPEN, path);
            let good = match side {
                Side::Old => "file",
                Side::New => "new",
            };
            guest.refuses(
                name,
                &[
                    ("not open", call(CLOSED, good), Badf),
                    ("not open, no path", call(CLOSED, ""), Badf),
                    ("without the right", call(lacking, good), Notcapable),
                    ("without the right, no path", call(lacking, ""), Notcapable),
                    ("not in a directory", call(file, good), Notcapable),
                    ("not in a directory, a device", call(0, good), Notdir),
                    ("no path", preopen(""), Inval),
                    ("a NUL", preopen("new\0"), Inval),
                    ("absolute", preopen("/sandbox/file"), Notcapable),
                    ("above", preopen(".."), Notcapable),
                    ("above and back", preopen("../inside/new"), Notcapable),
                    ("in nothing", preopen("nothing/new"), Noent),
                    ("in a file", preopen("file/new"), Notdir),
                    ("in a link to itself", preopen("loop/new"), Loop),
                    ("a name too long", preopen(&long_name), Nametoolong),
                    ("too long", preopen(&"a/".repeat(2048)), Nametoolong),
                ],
            );
            let mut beyond = call(PREOPEN, good);
            let path = match side {
                Side::Old => beyond.len() - 5,
                Side::New => beyond.len() - 2,
            };
            beyond[path] = END - 2;
            guest.refuses(name, &[("beyond memory", beyond.clone(), Overflow)]);
            beyond[0] = CLOSED;
            guest.refuses(name, &[("beyond memory, not open", beyond, Overflow)]);
        }
    }
}

/// Asserts that these pairs of old and new path, both relative to the preopen, are refused with these errnos.
fn refuses_pairs(guest: &Guest, name: &str, flags: &[u64], rows: &[(&str, &str, Errno)]) {
    for (old, new, errno) in rows {
        let args = two(guest, flags, (PREOPEN, old), (PREOPEN, new));
        guest.refuses(name, &[(&format!("{old} to {new}"), args, *errno)]);
    }
}

pub mod path_link {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_way(|_| {}) {
            let dir = guest.open("dir", Open::DIR);
            for (old, new) in [
                ((PREOPEN, "file"), (PREOPEN, "new")),
                ((PREOPEN, "file"), (dir, "sub/new")),
                ((dir, "nested"), (PREOPEN, "dirlink/other")),
            ] {
                let inside = |(fd, path): (u64, &str)| {
                    let prefix = if fd == dir { "dir/" } else { "" };
                    guest.scratch.stat(&format!("{prefix}{path}"))
                };
                guest.ok("path_link", two(&guest, &[NO_FOLLOW], old, new));
                assert_eq!(inside(old), inside(new));
            }
        }
    }

    #[test]
    pub fn refusals() {
        let (source, target) = (Rights::PATH_LINK_SOURCE, Rights::PATH_LINK_TARGET);
        refuses_either("path_link", &[NO_FOLLOW], source, target);
        for guest in Guest::every_way(|_| {}) {
            refuses_pairs(
                &guest,
                "path_link",
                &[NO_FOLLOW],
                &[
                    ("nothing", "new", Noent),
                    ("file", "file", Exist),
                    ("file", "empty", Exist),
                    ("file", "dir", Exist),
                    ("file", "dir/", Exist),
                    ("file", "link", Exist),
                    ("file", "dangling", Exist),
                    ("file", ".", Exist),
                    ("file", "new/", Noent),
                    ("file/", "new", Notdir),
                    ("dir", "new", Perm),
                    ("dirlink/", "new", Perm),
                    (".", "new", Perm),
                ],
            );
            refuses_pairs(
                &guest,
                "path_link",
                &[FOLLOW],
                &[
                    ("dangling", "new", Noent),
                    ("loop", "new", Loop),
                    ("dirlink", "new", Perm),
                ],
            );
        }
    }

    #[test]
    fn a_link_is_linked_itself_unless_it_is_to_be_followed() {
        for guest in Guest::every_way(|_| {}) {
            for (flags, new, is_link) in [(NO_FOLLOW, "itself", true), (FOLLOW, "target", false)] {
                guest.ok(
                    "path_link",
                    two(&guest, &[flags], (PREOPEN, "link"), (PREOPEN, new)),
                );
                assert_eq!(guest.scratch.is_link(new), is_link);
            }
        }
    }

    #[test]
    fn flags_without_a_meaning_are_ignored() {
        for guest in Guest::every_way(|_| {}) {
            guest.ok(
                "path_link",
                two(&guest, &[0xffff_fffe], (PREOPEN, "link"), (PREOPEN, "new")),
            );
            assert!(guest.scratch.is_link("new"));
        }
    }
}

pub mod path_rename {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_way(|_| {}) {
            let dir = guest.open("dir", Open::DIR);
            let steps = [
                ((PREOPEN, "file"), (PREOPEN, "new"), "new"),
                ((PREOPEN, "new"), (dir, "new"), "dir/new"),
                ((dir, "new"), (PREOPEN, "dirlink/sub/new"), "dir/sub/new"),
                ((PREOPEN, "dir/sub/new"), (PREOPEN, "empty"), "empty"),
                ((PREOPEN, "empty"), (PREOPEN, "empty"), "empty"),
            ];
            for (old, new, path) in steps {
                guest.ok("path_rename", two(&guest, &[], old, new));
                assert_eq!(guest.scratch.text(path), "0123456789");
            }
            for (old, new) in [
                ("dir/sub", "moved"),
                ("moved/", "again/"),
                ("link", "renamed"),
            ] {
                guest.ok(
                    "path_rename",
                    two(&guest, &[], (PREOPEN, old), (PREOPEN, new)),
                );
                assert!(!guest.scratch.exists(old));
            }
            assert!(guest.scratch.is_dir("again"));
            assert!(
                guest.scratch.is_link("renamed"),
                "a link moves, not its target"
            );
        }
    }

    #[test]
    pub fn refusals() {
        let (source, target) = (Rights::PATH_RENAME_SOURCE, Rights::PATH_RENAME_TARGET);
        refuses_either("path_rename", &[], source, target);
        for guest in Guest::every_way(|_| {}) {
            guest.scratch.create_dir("other");
            refuses_pairs(
                &guest,
                "path_rename",
                &[],
                &[
                    ("nothing", "new", Noent),
                    ("file", "dir", Isdir),
                    ("dir", "file", Notdir),
                    ("other", "dir", Notempty),
                    ("dir", "dir/sub/new", Inval),
                    ("file/", "new", Notdir),
                    ("file", "new/", Notdir),
                    ("link/", "new", Notdir),
                    ("dirlink/", "new", Notdir),
                    (".", "new", Busy),
                    ("./", "new", Busy),
                    ("dir/.", "new", Busy),
                    ("dir/..", "new", Busy),
                    ("dir", ".", Busy),
                    ("dir", "other/.", Busy),
                ],
            );
        }
    }

    #[test]
    fn a_directory_replaces_an_empty_one() {
        for guest in Guest::every_way(|_| {}) {
            guest.scratch.create_dir("other");
            guest.ok(
                "path_rename",
                two(&guest, &[], (PREOPEN, "dir"), (PREOPEN, "other")),
            );
            assert_eq!(guest.scratch.text("other/nested"), "nested");
        }
    }

    #[test]
    fn the_root_of_a_guest_stays() {
        for guest in Guest::every_way(|setup| setup.preopens = vec![("/", "inside")]) {
            for root in [".", "..", "../..", "dir/.."] {
                let old = two(&guest, &[], (PREOPEN, root), (PREOPEN, "new"));
                let new = two(&guest, &[], (PREOPEN, "dir"), (PREOPEN, root));
                let rows = [("moved", old, Busy), ("replaced", new, Busy)];
                guest.refuses("path_rename", &rows);
            }
        }
    }
}
