//! What paths lead to: links of every kind, `..`, several preopens. That none leads out is tested in `escape`.

use wasi_rs::abi::Errno::{self, Loop, Noent, Notcapable, Notdir, Success};
use wasi_rs::abi::{Filestat, Rights};
use wasi_rs::vfs::DirRef;

use crate::support::{FOLLOW, Guest, NO_FOLLOW, OUT, Open, PREOPEN, args};

/// Asserts that each path leads to the text of a file, or is refused, in three calls that resolve it.
#[track_caller]
fn check_paths(guest: &Guest, fd: u64, rows: &[(&str, Result<&str, Errno>)]) {
    for (path, expected) in rows {
        let open = guest.call("path_open", guest.open_args(fd, path, Open::READ));
        match expected {
            Ok(text) => {
                open.wrote_within(&[(OUT, 4)]);
                assert_eq!(guest.read(open.u32_at(OUT).into()), *text, "{path}");
            }
            Err(errno) => open.is_refused(*errno, path),
        }
        let stat = guest.errno("path_filestat_get", stat_args(guest, fd, path));
        assert_eq!(
            stat,
            expected.err().unwrap_or(Success),
            "path_filestat_get of {path}"
        );
        if expected.is_ok() {
            // A directory cannot be created over a file, but the call must get as far as that.
            let path = guest.at(fd, path, &[]);
            assert_eq!(guest.errno("path_create_directory", path), Errno::Exist);
        }
    }
}

fn stat_args(guest: &Guest, fd: u64, path: &str) -> Vec<u64> {
    args(&[&[fd, FOLLOW], &guest.store(path), &[OUT]])
}

fn guests(preopens: &[(&'static str, &'static str)], links: &[(&str, &str)]) -> Vec<Guest> {
    Guest::every_way(|setup| {
        setup.preopens = preopens.to_vec();
        for (name, target) in links {
            setup.scratch.link(name, target);
        }
    })
}

#[test]
fn relative_links_lead_on_from_where_they_are() {
    let links = [
        ("dir/up", "../file"),
        ("dir/here", "./nested"),
        ("dir/sub/two", "../../file"),
        ("twice", "link"),
        ("through", "dirlink/nested"),
        ("dir/around", "../dirlink/../dir/sub/../nested"),
        ("slashed", "dir/"),
        ("dir/parent", ".."),
        ("doubled", "dir//nested"),
    ];
    for guest in guests(&[("/sandbox", "inside")], &links) {
        let (file, nested) = (Ok("0123456789"), Ok("nested"));
        check_paths(
            &guest,
            PREOPEN,
            &[
                ("dir/up", file),
                ("dirlink/up", file),
                ("dir/here", nested),
                ("dir/sub/two", file),
                ("twice", file),
                ("through", nested),
                ("dir/around", nested),
                ("slashed/nested", nested),
                ("dir/parent/file", file),
                ("dir/parent/dir/parent/link", file),
                ("doubled", nested),
                ("./././/dir/./nested", nested),
                ("dangling", Err(Noent)),
                ("loop", Err(Loop)),
                ("loop/file", Err(Loop)),
                ("link/file", Err(Notdir)),
                ("twice/", Err(Notdir)),
                ("through/", Err(Notdir)),
            ],
        );
    }
}

#[test]
fn absolute_links_are_paths_of_the_guest() {
    let links = [
        ("absolute", "/sandbox/file"),
        ("slashes", "//sandbox///dir//nested"),
        ("dir/sub/far", "/sandbox/dir/nested"),
        ("root", "/sandbox"),
        ("rootslash", "/sandbox/"),
        ("chain", "dir/sub/far"),
        ("absolute_chain", "/sandbox/absolute"),
        ("up", "/sandbox/dir/../file"),
        ("toomuch", "/sandbox/../sandbox/file"),
        ("other", "/elsewhere/file"),
        ("almost", "/sandboxfile"),
        ("above", "/"),
        ("nothing_there", "/sandbox/nothing"),
        ("circle", "/sandbox/circle"),
        ("circle_one", "/sandbox/circle_two"),
        ("circle_two", "circle_one"),
    ];
    for guest in guests(&[("/sandbox", "inside")], &links) {
        let (file, nested) = (Ok("0123456789"), Ok("nested"));
        check_paths(
            &guest,
            PREOPEN,
            &[
                ("absolute", file),
                ("slashes", nested),
                ("dir/sub/far", nested),
                ("dirlink/sub/far", nested),
                ("root/file", file),
                ("root/root/root/absolute", file),
                ("rootslash/dir/nested", nested),
                ("chain", nested),
                ("absolute_chain", file),
                ("up", file),
                ("absolute/", Err(Notdir)),
                ("absolute/file", Err(Notdir)),
                ("toomuch", Err(Notcapable)),
                ("root/..", Err(Notcapable)),
                ("other", Err(Notcapable)),
                ("almost", Err(Notcapable)),
                ("above", Err(Notcapable)),
                ("above/sandbox/file", Err(Notcapable)),
                ("nothing_there", Err(Noent)),
                ("circle", Err(Loop)),
                ("circle_one", Err(Loop)),
                ("circle/file", Err(Loop)),
            ],
        );
    }
}

#[test]
fn a_link_that_need_not_be_followed_is_none_to_be_refused() {
    for guest in guests(
        &[("/sandbox", "inside")],
        &[("other", "/elsewhere"), ("up", "..")],
    ) {
        for path in ["other", "up"] {
            let stat = args(&[&[PREOPEN, NO_FOLLOW], &guest.store(path)]);
            guest.record::<Filestat>("path_filestat_get", &stat);
            guest.ok("path_unlink_file", guest.at(PREOPEN, path, &[]));
        }
    }
}

#[test]
fn above_a_root_is_the_root() {
    let links = [
        ("up", ".."),
        ("dir/far", "../../../../file"),
        ("absolute", "/file"),
        ("absolute_up", "/../../dir/nested"),
        ("root", "/"),
        ("rootdot", "/."),
    ];
    for guest in guests(&[("/", "inside")], &links) {
        let (file, nested) = (Ok("0123456789"), Ok("nested"));
        check_paths(
            &guest,
            PREOPEN,
            &[
                ("../file", file),
                ("../../../file", file),
                ("dir/../../dir/../../file", file),
                ("up/file", file),
                ("up/up/../file", file),
                ("dir/far", file),
                ("absolute", file),
                ("absolute_up", nested),
                ("root/dir/nested", nested),
                ("rootdot/root/file", file),
                ("../outside/secret", Err(Noent)),
                ("../../outside/secret", Err(Noent)),
            ],
        );
        for path in ["..", "dir/../../..", "up", "root/"] {
            guest.open(path, Open::DIR);
        }
        guest.ok("path_create_directory", guest.at(PREOPEN, "../new", &[]));
        assert!(guest.scratch.is_dir("new"));
    }
}

#[test]
fn dotdot_above_a_preopen_that_is_no_root_is_refused() {
    for name in ["/sandbox", "", ".", "sandbox"] {
        for guest in guests(&[(name, "inside")], &[]) {
            let rows = [("..", Err(Notcapable)), ("../inside/file", Err(Notcapable))];
            check_paths(&guest, PREOPEN, &rows);
        }
    }
}

#[test]
fn a_directory_that_the_guest_opened_is_left_by_absolute_links_alone() {
    let links = [
        ("dir/up", "../file"),
        ("dir/sub/inner", "../nested"),
        ("dir/absolute", "/sandbox/file"),
        ("dir/back", "/sandbox/dir/nested"),
    ];
    for (mapped_path, absolute) in [("/sandbox", Ok("0123456789")), ("/", Err(Noent))] {
        for guest in guests(&[(mapped_path, "inside")], &links) {
            let dir = guest.open("dir", Open::DIR);
            check_paths(
                &guest,
                dir,
                &[
                    ("nested", Ok("nested")),
                    ("sub/../nested", Ok("nested")),
                    ("sub/inner", Ok("nested")),
                    ("..", Err(Notcapable)),
                    ("../file", Err(Notcapable)),
                    ("sub/../../file", Err(Notcapable)),
                    ("up", Err(Notcapable)),
                    ("absolute", absolute),
                    ("back", absolute.map(|_| "nested")),
                ],
            );
        }
    }
}

#[test]
fn an_absolute_link_leads_to_the_preopen_with_the_longest_name() {
    let preopens = [
        ("/", "inside"),
        ("/mnt/data", "outside"),
        ("/mnt", "inside/dir"),
        ("relative", "outside/dir"),
        ("/mnt/data/", "outside/dir"),
    ];
    let links = [
        ("one", "/file"),
        ("two", "/mnt/nested"),
        ("three", "/mnt/data/secret"),
        ("four", "/mnt/../file"),
        ("five", "/mnt/./data/secret"),
        ("six", "/mntfile"),
        ("seven", "/mnt/data"),
        ("eight", "//mnt//data//secret"),
        ("nine", "/relative"),
        ("dir/ten", "/file"),
    ];
    for guest in guests(&preopens, &links) {
        let (file, secret) = (Ok("0123456789"), Ok("secret"));
        // Above a mount is the directory of its mount point; above a directory of the host there is nothing.
        let is_mounted = matches!(guest.ctx.entry(4).unwrap().dir(), Ok(DirRef::Other(_)));
        let above = Err(if is_mounted { Noent } else { Notcapable });
        check_paths(
            &guest,
            PREOPEN,
            &[
                ("one", file),
                ("two", Ok("nested")),
                ("three", secret),
                ("seven/secret", secret),
                ("seven/../secret", above),
                ("eight", secret),
                // Resolved by the text of the target, not as the host would resolve it.
                ("four", if is_mounted { file } else { Err(Notcapable) }),
                ("five", secret),
                ("six", Err(Noent)),
                ("nine", Err(Noent)),
            ],
        );
        check_paths(&guest, 5, &[("ten", file)]);
    }
}

#[test]
fn an_absolute_link_leads_only_to_preopens_that_are_open() {
    let links = [("there", "/other/secret"), ("root", "/sandbox/file")];
    for guest in guests(&[("/sandbox", "inside"), ("/other", "outside")], &links) {
        check_paths(&guest, PREOPEN, &[("there", Ok("secret"))]);
        guest.ok("fd_close", [4]);
        check_paths(&guest, PREOPEN, &[("there", Err(Notcapable))]);
        let dir = guest.open(".", Open::DIR);
        guest.ok("fd_close", [PREOPEN]);
        check_paths(&guest, dir, &[("root", Err(Notcapable))]);
    }
}

#[test]
fn an_absolute_link_leads_only_to_preopens_with_the_rights() {
    let links = [
        ("there", "/other/secret"),
        ("thither", "/other/new"),
        ("by", "/other/dir/.."),
    ];
    for guest in guests(&[("/sandbox", "inside"), ("/other", "outside")], &links) {
        let [there, thither] = ["there", "thither"].map(|path| {
            guest.open_args(
                PREOPEN,
                path,
                Open::FILE.oflags(wasi_rs::abi::Oflags::CREAT),
            )
        });
        let by = guest.at(PREOPEN, "by/new", &[]);
        let read = Rights::FD_READ | Rights::FD_SEEK | Rights::FD_TELL;
        guest.set_rights(4, Rights::PATH_OPEN.bits(), read.bits());
        let rows = [
            ("to write", there, Notcapable),
            ("to create", thither, Notcapable),
        ];
        guest.refuses("path_open", &rows);
        guest.refuses(
            "path_create_directory",
            &[("in a directory", by, Notcapable)],
        );
        assert_eq!(guest.read(guest.open("there", Open::READ)), "secret");
        guest.refuses(
            "path_filestat_get",
            &[("stat", stat_args(&guest, 3, "there"), Notcapable)],
        );
    }
}

#[test]
fn so_many_links_are_followed_and_no_more() {
    for (prefix, limit) in [
        ("", 40),
        ("/sandbox/", 40),
        ("", 39),
        ("/sandbox/", 39),
        ("", 1),
    ] {
        for guest in Guest::every_backend(|setup| setup.limits.symlink_hops = limit) {
            // "hop1" leads through one link, "hop40" through forty.
            guest.scratch.link("hop1", format!("{prefix}file"));
            for hop in 2..=60 {
                guest
                    .scratch
                    .link(&format!("hop{hop}"), format!("{prefix}hop{}", hop - 1));
            }
            for hop in [1, 20, 38, 39, 40, 41, 60] {
                let expected = if hop <= limit {
                    Ok("0123456789")
                } else {
                    Err(Loop)
                };
                check_paths(&guest, PREOPEN, &[(&format!("hop{hop}"), expected)]);
            }
        }
    }
}

/// A slash after a link asks for a directory. Calls about the name itself still do not follow the link.
#[test]
fn a_link_with_slashes_behind_it_is_still_the_link() {
    for guest in guests(&[("/sandbox", "inside")], &[("root", "/sandbox")]) {
        guest.scratch.create_dir("empty_dir");
        guest.scratch.link("to_empty", "empty_dir");
        for path in ["to_empty/", "dir/../to_empty//", "root/to_empty/"] {
            let at = || guest.at(PREOPEN, path, &[]);
            guest.refuses("path_remove_directory", &[(path, at(), Notdir)]);
            guest.refuses("path_unlink_file", &[(path, at(), Notdir)]);
            guest.refuses("path_create_directory", &[(path, at(), Errno::Exist)]);
            let rename = args(&[&at(), &guest.at(PREOPEN, "new", &[])]);
            guest.refuses("path_rename", &[(path, rename, Notdir)]);
        }
    }
}

#[test]
fn a_link_can_grow_no_path_without_end() {
    for guest in Guest::every_way(|_| {}) {
        let long = "dir/../".repeat(500);
        guest.scratch.link("long", format!("{long}long"));
        guest
            .scratch
            .link("longer", format!("/sandbox/{long}longer"));
        check_paths(
            &guest,
            PREOPEN,
            &[("long", Err(Loop)), ("longer", Err(Loop))],
        );
    }
}

#[test]
fn names_of_the_host_mean_nothing() {
    for guest in Guest::every_way(|_| {}) {
        for name in [
            "dev/null",
            "proc/self/fd/0",
            "etc/passwd",
            "~",
            "$HOME",
            "C:",
            "file:///",
        ] {
            assert_eq!(
                guest.errno("path_filestat_get", stat_args(&guest, PREOPEN, name)),
                Noent
            );
        }
        guest.scratch.create_dir("dev");
        guest.scratch.write("dev/tty", "a file");
        check_paths(&guest, PREOPEN, &[("dev/tty", Ok("a file"))]);
    }
}
