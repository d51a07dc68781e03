//! Preopens below others: one with fewer rights has them by whichever way it is reached; and what one guest
//! does to its directories does not decide which directory the next guest gets.

use wasi_rs::abi::Errno::{self, Busy, Exist, Notcapable, Success};
use wasi_rs::abi::{Filestat, Oflags, Rights};

use crate::support::{BUF, DIR_RIGHTS, FOLLOW, Guest, NO_FOLLOW, OUT, Open, PREOPEN, Setup, args};

/// The descriptors of the outer preopen, with all rights, and of the inner one.
const OUTER: u64 = PREOPEN;
const INNER: u64 = PREOPEN + 1;

/// `inside` as `/` with all rights, and `inside/area/config` read-only as `/config`.
fn setup(setup: &mut Setup) {
    setup.scratch.create_dir("area/config/sub");
    setup.scratch.write("area/config/kept", "kept");
    setup.scratch.link("short", "area/config");
    setup.scratch.link("absolute", "/config");
    setup.preopens = vec![("/", "inside"), ("/config", "inside/area/config")];
    setup.rights = vec![Rights::all(), Rights::READ_ONLY];
}

fn guests() -> Vec<Guest> {
    Guest::every_way(setup)
}

fn directory(base: u64) -> Open {
    Open { base, ..Open::DIR }
}

/// Descriptors and paths by which a guest reaches the inner directory.
fn ways(guest: &Guest) -> Vec<(u64, String)> {
    let open = |path: &str| guest.open(path, directory(DIR_RIGHTS));
    let (area, config) = (open("area"), open("area/config"));
    [
        (INNER, "."),
        (OUTER, "area/config"),
        (OUTER, "./area//config/."),
        (OUTER, "../area/config"),
        (OUTER, "area/config/sub/.."),
        (OUTER, "area/config/../config"),
        (OUTER, "short"),
        (OUTER, "absolute"),
        (area, "config"),
        (config, "."),
        (config, "sub/.."),
    ]
    .map(|(fd, path)| (fd, path.to_owned()))
    .into()
}

/// The calls that would change something in the inner directory, reached by `fd` and `path`.
fn changes(guest: &Guest, fd: u64, path: &str) -> Vec<(&'static str, Vec<u64>)> {
    let at = |name: &str| guest.at(fd, &format!("{path}/{name}"), &[]);
    let open = |name: &str, open: Open| {
        let path = format!("{path}/{name}");
        ("path_open", guest.open_args(fd, &path, open))
    };
    let both =
        |old: Vec<u64>, flags: &[u64], new: Vec<u64>| args(&[&old[..1], flags, &old[1..], &new]);
    let outside = |name: &str| guest.at(OUTER, name, &[]);
    let kept = at("kept");
    vec![
        open("kept", Open::FILE),
        open("kept", Open::FILE.base(Rights::FD_ALLOCATE)),
        open("kept", Open::READ.oflags(Oflags::TRUNC)),
        open("new", Open::READ.oflags(Oflags::CREAT)),
        open("sub/new", Open::FILE.oflags(Oflags::CREAT)),
        ("path_create_directory", at("new")),
        ("path_create_directory", at("sub/new")),
        ("path_remove_directory", at("sub")),
        ("path_unlink_file", at("kept")),
        ("path_symlink", args(&[&guest.store("kept"), &at("new")])),
        (
            "path_filestat_set_times",
            args(&[&kept[..1], &[FOLLOW], &kept[1..], &[0, 0, 0b0101]]),
        ),
        ("path_rename", both(at("kept"), &[], at("new"))),
        ("path_rename", both(at("kept"), &[], outside("new"))),
        ("path_rename", both(outside("file"), &[], at("new"))),
        ("path_link", both(at("kept"), &[NO_FOLLOW], outside("new"))),
        ("path_link", both(outside("file"), &[NO_FOLLOW], at("new"))),
    ]
}

#[track_caller]
fn stays_as_it_is(guest: &Guest, fd: u64, path: &str) {
    let guest = guest.fresh();
    for (name, call) in changes(&guest, fd, path) {
        guest.refuses(name, &[(path, call, Notcapable)]);
    }
}

#[test]
fn what_is_for_reading_stays_so_whichever_way_it_is_reached() {
    for guest in guests() {
        for (fd, path) in ways(&guest) {
            stays_as_it_is(&guest, fd, &path);
            let kept = guest.open_at(fd, &format!("{path}/kept"), Open::READ);
            assert_eq!(guest.read(kept), "kept", "{path}");
            guest.ok("fd_close", [kept]);
        }
        let times = args(&[
            &[OUTER, FOLLOW],
            &guest.store("area/config"),
            &[0, 0, 0b0101],
        ]);
        guest.refuses("path_filestat_set_times", &[("itself", times, Notcapable)]);
    }
}

#[test]
fn what_is_around_it_can_be_changed() {
    for guest in guests() {
        for path in ["area/new", "area/config/../other", "short/../third"] {
            guest.ok("path_create_directory", guest.at(OUTER, path, &[]));
        }
        let file = guest.open("area/file", Open::FILE.oflags(Oflags::CREAT));
        guest.write(file, "written");
        assert_eq!(guest.scratch.text("area/file"), "written");
    }
}

/// A directory above it can be renamed, also into another preopen.
#[test]
fn it_stays_so_wherever_the_guest_moves_it() {
    let more = |setup: &mut Setup| {
        self::setup(setup);
        setup.preopens.push(("/other", "outside"));
    };
    for guest in Guest::every_way(more) {
        let area = guest.open("area", directory(DIR_RIGHTS));
        let elsewhere = guest.at(PREOPEN + 2, "area", &[]);
        let moved = args(&[
            &guest.at(OUTER, "area", &[]),
            &guest.at(OUTER, "moved", &[]),
        ]);
        guest.ok("path_rename", moved);
        stays_as_it_is(&guest, OUTER, "moved/config");
        stays_as_it_is(&guest, area, "config");
        let moved = args(&[&guest.at(OUTER, "moved", &[]), &elsewhere]);
        guest.ok("path_rename", moved);
        stays_as_it_is(&guest, PREOPEN + 2, "area/config");
        stays_as_it_is(&guest, area, "config");
    }
}

#[test]
fn it_stays_so_when_its_descriptor_is_closed() {
    for guest in guests() {
        guest.ok("fd_close", [INNER]);
        stays_as_it_is(&guest, OUTER, "area/config");
    }
}

/// As a mount point, it cannot be removed or replaced.
#[test]
fn its_name_stays_its_own() {
    for guest in guests() {
        guest.scratch.create_dir("empty_dir");
        for entry in ["kept", "sub"] {
            guest.scratch.remove(&format!("area/config/{entry}"));
        }
        let at = |path: &str| guest.at(OUTER, path, &[]);
        let rename = |old: &str, new: &str| args(&[&at(old), &at(new)]);
        for path in ["area/config", "area/config/", "short/../config"] {
            guest.refuses("path_remove_directory", &[(path, at(path), Busy)]);
            guest.refuses(
                "path_rename",
                &[
                    ("away", rename(path, "area/away"), Busy),
                    ("replaced", rename("empty_dir", path), Busy),
                ],
            );
            guest.refuses("path_create_directory", &[(path, at(path), Exist)]);
            let unlink = guest.errno("path_unlink_file", at(path));
            assert_eq!(unlink, Errno::Isdir, "{path}");
        }
    }
}

/// The rights of a preopen apply below it, not those of the preopen above: so an embedder can make one
/// directory of a read-only tree writable.
#[test]
fn one_with_more_rights_has_them() {
    let more = |setup: &mut Setup| {
        self::setup(setup);
        setup.rights = vec![Rights::READ_ONLY, Rights::all()];
    };
    for guest in Guest::every_way(more) {
        guest.ok("path_create_directory", guest.at(INNER, "new", &[]));
        let file = guest.open_at(INNER, "kept", Open::FILE);
        guest.write(file, "over");
        stays_as_it_is(&guest, OUTER, "area/config");
    }
}

/// A directory under two names with different rights has the rights of the name by which it is reached.
#[test]
fn one_directory_under_two_names_has_the_rights_of_each() {
    let twice = |setup: &mut Setup| {
        self::setup(setup);
        setup.preopens = vec![("/", "inside/area/config"), ("/ro", "inside/area/config")];
    };
    for guest in Guest::every_way(twice) {
        let dir = guest.open(".", directory(DIR_RIGHTS));
        guest.ok("path_create_directory", guest.at(dir, "new", &[]));
        guest.ok(
            "path_create_directory",
            guest.at(OUTER, "sub/../another", &[]),
        );
        let new = guest.at(INNER, "third", &[]);
        guest.refuses("path_create_directory", &[("for reading", new, Notcapable)]);
    }
    // Reached from above, it has the fewest rights of all.
    let thrice = |setup: &mut Setup| {
        self::setup(setup);
        setup.preopens.push(("/rw", "inside/area/config"));
    };
    for guest in Guest::every_way(thrice) {
        stays_as_it_is(&guest, OUTER, "area/config");
        let dir = guest.open_at(PREOPEN + 2, ".", directory(DIR_RIGHTS));
        guest.ok("path_create_directory", guest.at(dir, "new", &[]));
    }
}

/// In any order, and by any path of the host.
#[test]
fn preopens_are_known_to_be_nested() {
    for (outer, inner) in [
        ("inside", "inside/area/config"),
        ("inside", "alias"),
        ("alias_of_inside", "inside/area/config"),
        ("inside", "alias_of_inside/area/config"),
        ("inside/area/../../inside", "inside/dir/../area/config"),
        ("inside", "inside/short"),
    ] {
        for reversed in [false, true] {
            for guest in Guest::every_way_of_host(|setup| {
                self::setup(setup);
                setup.scratch.link("../alias", "inside/area/config");
                let absolute = setup.scratch.absolute(".");
                setup.scratch.link("../alias_of_inside", absolute);
                setup.preopens = vec![("/", outer), ("/config", inner)];
                if reversed {
                    setup.preopens.reverse();
                    setup.rights.reverse();
                }
            }) {
                let outer = if reversed { INNER } else { OUTER };
                let new = guest.at(outer, "area/config/new", &[]);
                guest.refuses("path_create_directory", &[(inner, new, Notcapable)]);
            }
        }
    }
}

/// If no preopen has fewer rights than one above it, no directory on the way is checked: paths are resolved in
/// one call.
#[cfg_attr(windows, ignore = "of the host's files alone")]
#[test]
fn others_are_not_looked_for() {
    let unlike = |setup: &mut Setup| {
        setup.preopens = vec![("/", "inside"), ("/other", "outside")];
        setup.rights = vec![Rights::all(), Rights::READ_ONLY];
    };
    let alike = |setup: &mut Setup| {
        setup.preopens = vec![("/", "inside"), ("/dir", "inside/dir")];
    };
    assert!(Guest::with(unlike).ctx.host_may_resolve());
    assert!(Guest::with(alike).ctx.host_may_resolve());
    assert!(!Guest::with(setup).ctx.host_may_resolve());
}

/// The guest with these preopens, after an earlier one with the same has replaced the inner directory by a
/// link.
fn next(target: &str, rights: Rights) -> Result<Guest, Errno> {
    Guest::try_with(|setup| {
        self::setup(setup);
        setup.scratch.rename("area/config", "was_config");
        let top = format!("{}/", setup.scratch.absolute(".."));
        setup.scratch.link("area/config", target.replace('@', &top));
        setup.rights = vec![rights, Rights::all()];
    })
}

#[cfg_attr(windows, ignore = "of the host's files alone")]
#[test]
fn a_link_in_its_place_does_not_lead_the_next_guest_out() {
    for target in [
        "../../outside",
        "../../outside/",
        "../../outside/dir",
        "@outside",
        "../../inside/../outside",
        "..",
        "../..",
        "/",
    ] {
        for rights in [Rights::all(), Rights::READ_ONLY | Rights::PATH_SYMLINK] {
            let refused = next(target, rights).err();
            // This target is a directory between both, so it stays inside.
            let within = target == "..";
            assert_eq!(refused, (!within).then_some(Notcapable), "{target}");
        }
    }
}

#[cfg_attr(windows, ignore = "of the host's files alone")]
#[test]
fn a_link_in_its_place_that_stays_is_followed() {
    for (target, dir) in [
        ("../was_config", "was_config"),
        ("../dir", "dir"),
        ("@inside/dir", "dir"),
        ("../../inside/dir", "dir"),
    ] {
        let guest = next(target, Rights::all()).unwrap();
        let stat: Filestat = guest.record("fd_filestat_get", &[INNER]);
        assert_eq!(stat.ino, guest.scratch.stat(dir).ino, "{target}");
        guest.ok("path_create_directory", guest.at(INNER, "new", &[]));
        let listed = [INNER, BUF, 1000, 0, OUT];
        assert_eq!(guest.errno("fd_readdir", listed), Success);
        guest.ok("fd_sync", [INNER]);
    }
}

/// In a directory in which no guest can create links, links are the host's, and followed.
#[cfg_attr(windows, ignore = "of the host's files alone")]
#[test]
fn a_link_of_the_host_is_followed() {
    let guest = next("../../outside", Rights::READ_ONLY).unwrap();
    let secret = guest.open_at(INNER, "secret", Open::READ);
    assert_eq!(guest.read(secret), "secret");
}
