//! No path leads out, whatever links an embedder, another program or the guest itself has made: every call that
//! takes a path, with every way out. Nothing outside is changed or seen.

use wasi_rs::abi::Errno::{self, Exist, Inval, Isdir, Loop, Notcapable, Notdir};
use wasi_rs::abi::{Fdflags, Oflags, Rights};

use crate::support::{
    ALL, BUF, FOLLOW, Guest, INHERITABLE, NO_FOLLOW, OUT, Open, PREOPEN, Setup, args,
};

/// Links to the directory outside: their paths in the preopen, and their targets; `@` is the scratch directory.
const LINKS_OUT: [(&str, &str); 15] = [
    ("out", "../outside"),
    ("slashed", "../outside/"),
    ("absolute", "@/outside"),
    ("absolute_slashed", "@/outside/"),
    ("absolute_around", "@/inside/dir/../../outside"),
    ("dir/out", "../../outside"),
    ("chain", "out"),
    ("chain_slashed", "out/"),
    ("chain_absolute", "absolute/"),
    ("dir/chain", "../out/."),
    ("around", "dir/../../outside"),
    ("through", "dirlink/../../outside"),
    ("back", "../inside/../outside"),
    ("dot", "./.././outside/."),
    ("parent", "dir/out/../outside"),
];

fn guests() -> Vec<Guest> {
    Guest::every_way(links_out)
}

/// Creates the links in the guest's directory.
pub fn links_out(setup: &mut Setup) {
    let top = setup.scratch.absolute("..");
    for (name, target) in LINKS_OUT {
        setup.scratch.link(name, target.replace('@', &top));
    }
    let absolute = setup.scratch.absolute("../outside/secret");
    for (name, target) in [
        ("leak", "../outside/secret"),
        ("leak_absolute", &absolute),
        ("leak_chain", "leak"),
        ("leak_new", "../outside/new"),
    ] {
        setup.scratch.link(name, target);
    }
}

/// Links to a file outside, existing or not.
const LEAKS: [&str; 4] = ["leak", "leak_absolute", "leak_chain", "leak_new"];

/// The descriptors and paths by which a guest can name a path of the preopen: relative to the preopen, and to
/// `dir` if the path is in that.
fn bases(dir: u64, path: &str) -> Vec<(u64, &str)> {
    let below = path.strip_prefix("dir/").map(|path| (dir, path));
    [(PREOPEN, path)].into_iter().chain(below).collect()
}

/// Asserts that a call is refused for every way out. `call` makes its arguments.
fn refuses_out(name: &str, suffix: &str, call: impl Fn(&Guest, u64, &str) -> Vec<u64>) {
    for guest in guests() {
        let dir = guest.open("dir", Open::DIR);
        for (way, _) in LINKS_OUT {
            for (fd, way) in bases(dir, way) {
                let guest = guest.fresh();
                let path = format!("{way}{suffix}");
                let call = call(&guest, fd, &path);
                guest.refuses(name, &[(&path, call, Notcapable)]);
            }
        }
    }
}

#[test]
fn path_open_stays_in() {
    for guest in guests() {
        let dir = guest.open("dir", Open::DIR);
        let before = guest.scratch.tree();
        let paths = LINKS_OUT.iter().flat_map(|(way, _)| {
            [
                "",
                "/",
                "/.",
                "/secret",
                "/new",
                "/dir",
                "/dir/",
                "/../outside/secret",
                "//dir/../secret",
            ]
            .map(|suffix| format!("{way}{suffix}"))
        });
        let paths: Vec<_> = paths.chain(LEAKS.map(str::to_owned)).collect();
        for path in &paths {
            for oflags in 0..16 {
                for base in [
                    Rights::FD_READ,
                    Rights::FD_WRITE,
                    Rights::FD_READ | Rights::FD_WRITE,
                ] {
                    for lookup in [FOLLOW, NO_FOLLOW] {
                        let oflags = Oflags::from_bits_retain(oflags);
                        let open = Open {
                            lookup,
                            ..Open::FILE.oflags(oflags).base(base)
                        };
                        for (fd, path) in bases(dir, path) {
                            let open = || guest.errno("path_open", guest.open_args(fd, path, open));
                            let errno = guest.scoped(open);
                            assert!(
                                may_be_refused_with(errno, oflags, lookup),
                                "{path} with {oflags:?}, {base:?}, {lookup}: {errno}"
                            );
                        }
                    }
                }
            }
            assert_eq!(guest.scratch.tree(), before, "{path}");
        }
    }
}

/// The errnos that are allowed for a path that leads out: ENOTCAPABLE, or an error of the request whatever the
/// path is.
fn may_be_refused_with(errno: Errno, oflags: Oflags, lookup: u64) -> bool {
    match errno {
        Notcapable => true,
        Inval => oflags.contains(Oflags::CREAT | Oflags::DIRECTORY),
        Isdir => oflags.contains(Oflags::CREAT),
        Exist => oflags.contains(Oflags::CREAT | Oflags::EXCL),
        Loop | Notdir => lookup == NO_FOLLOW,
        _ => false,
    }
}

#[test]
fn path_create_directory_stays_in() {
    refuses_out("path_create_directory", "/new", |guest, fd, path| {
        guest.at(fd, path, &[])
    });
    refuses_out("path_create_directory", "/dir/new/", |guest, fd, path| {
        guest.at(fd, path, &[])
    });
}

#[test]
fn path_filestat_get_stays_in() {
    for suffix in ["", "/", "/.", "/secret", "/dir", "/dir/"] {
        refuses_out("path_filestat_get", suffix, |guest, fd, path| {
            args(&[&[fd, FOLLOW], &guest.store(path), &[OUT]])
        });
    }
    refuses_out("path_filestat_get", "/", |guest, fd, path| {
        args(&[&[fd, NO_FOLLOW], &guest.store(path), &[OUT]])
    });
}

#[test]
fn path_filestat_set_times_stays_in() {
    for suffix in ["", "/", "/.", "/secret", "/dir", "/dir/"] {
        refuses_out("path_filestat_set_times", suffix, |guest, fd, path| {
            args(&[&[fd, FOLLOW], &guest.store(path), &[0, 0, 0b0101]])
        });
    }
    refuses_out("path_filestat_set_times", "/", |guest, fd, path| {
        args(&[&[fd, NO_FOLLOW], &guest.store(path), &[0, 0, 0b0101]])
    });
}

#[test]
fn path_link_stays_in() {
    for flags in [FOLLOW, NO_FOLLOW] {
        refuses_out("path_link", "/secret", |guest, fd, path| {
            args(&[
                &[fd, flags],
                &guest.store(path),
                &[PREOPEN],
                &guest.store("new"),
            ])
        });
        refuses_out("path_link", "/new", |guest, fd, path| {
            args(&[
                &[PREOPEN, flags],
                &guest.store("file"),
                &[fd],
                &guest.store(path),
            ])
        });
    }
}

#[test]
fn path_readlink_stays_in() {
    for suffix in ["/link", "/secret", "/"] {
        refuses_out("path_readlink", suffix, |guest, fd, path| {
            guest.at(fd, path, &[BUF, 100, OUT])
        });
    }
}

#[test]
fn path_remove_directory_stays_in() {
    for suffix in ["/dir", "/dir/", "/."] {
        refuses_out("path_remove_directory", suffix, |guest, fd, path| {
            guest.at(fd, path, &[])
        });
    }
}

#[test]
fn path_rename_stays_in() {
    for suffix in ["/secret", "/dir", "/dir/"] {
        refuses_out("path_rename", suffix, |guest, fd, path| {
            args(&[&[fd], &guest.store(path), &[PREOPEN], &guest.store("new")])
        });
    }
    refuses_out("path_rename", "/new", |guest, fd, path| {
        args(&[&[PREOPEN], &guest.store("file"), &[fd], &guest.store(path)])
    });
    refuses_out("path_rename", "/new/", |guest, fd, path| {
        args(&[&[PREOPEN], &guest.store("dir"), &[fd], &guest.store(path)])
    });
}

#[test]
fn path_symlink_stays_in() {
    refuses_out("path_symlink", "/new", |guest, fd, path| {
        args(&[&guest.store("secret"), &guest.at(fd, path, &[])])
    });
}

#[test]
fn path_unlink_file_stays_in() {
    for suffix in ["/secret", "/dir"] {
        refuses_out("path_unlink_file", suffix, |guest, fd, path| {
            guest.at(fd, path, &[])
        });
    }
}

#[test]
fn a_link_to_a_file_outside_is_not_followed() {
    for guest in guests() {
        for leak in LEAKS {
            let guest = guest.fresh();
            let path = guest.store(leak);
            let stat = args(&[&[PREOPEN, FOLLOW], &path, &[OUT]]);
            guest.refuses("path_filestat_get", &[(leak, stat, Notcapable)]);
            let times = args(&[&[PREOPEN, FOLLOW], &path, &[0, 0, 0b0101]]);
            guest.refuses("path_filestat_set_times", &[(leak, times, Notcapable)]);
            let link = args(&[&[PREOPEN, FOLLOW], &path, &[PREOPEN], &guest.store("new")]);
            guest.refuses("path_link", &[(leak, link, Notcapable)]);
        }
    }
}

#[test]
fn another_name_for_a_link_out_leads_no_further() {
    for guest in guests() {
        for (way, _) in LINKS_OUT {
            let guest = guest.fresh();
            guest.ok(
                "path_link",
                args(&[
                    &[PREOPEN, NO_FOLLOW],
                    &guest.store(way),
                    &[PREOPEN],
                    &guest.store("again"),
                ]),
            );
            let secret = guest.open_args(PREOPEN, "again/secret", Open::READ);
            guest.refuses("path_open", &[(way, secret, Notcapable)]);
            guest.ok("path_unlink_file", guest.at(PREOPEN, "again", &[]));
        }
    }
}

#[test]
fn a_relative_link_that_was_renamed_does_not_lead_out() {
    for guest in Guest::every_way(|_| {}) {
        let target = "../../outside/secret";
        guest.scratch.create_dir("outside");
        guest.scratch.write("outside/secret", "inside");
        guest.scratch.create_dir("dir/sub/deep");
        let link = args(&[
            &guest.store(format!("../{target}")),
            &guest.at(PREOPEN, "dir/sub/deep/l", &[]),
        ]);
        guest.ok("path_symlink", link);
        assert_eq!(
            guest.read(guest.open("dir/sub/deep/l", Open::READ)),
            "inside"
        );
        let rename = args(&[
            &guest.at(PREOPEN, "dir/sub/deep", &[]),
            &guest.at(PREOPEN, "dir/up", &[]),
        ]);
        guest.ok("path_rename", rename);
        let open = guest.open_args(PREOPEN, "dir/up/l", Open::READ);
        guest.refuses("path_open", &[("moved", open, Notcapable)]);
    }
}

#[test]
fn a_directory_moved_out_is_still_no_way_further_out() {
    for guest in Guest::every_way(|_| {}) {
        let dir = guest.open("dir", Open::DIR);
        guest.scratch.rename("dir", "../outside/moved");
        for path in ["..", "../secret", "sub/../../secret"] {
            let open = guest.open_args(dir, path, Open::READ);
            guest.refuses("path_open", &[(path, open, Notcapable)]);
        }
        assert_eq!(
            guest.read(guest.open_at(dir, "nested", Open::READ)),
            "nested"
        );
    }
}

#[test]
fn a_root_hides_what_the_host_calls_so() {
    for guest in Guest::every_way(|setup| setup.preopens = vec![("/", "inside")]) {
        guest
            .scratch
            .link("host", guest.scratch.absolute("../outside/secret"));
        let open = guest.open_args(PREOPEN, "host", Open::READ);
        guest.refuses("path_open", &[("a path of the host", open, Errno::Noent)]);
        guest.scratch.link("up", "../../outside/secret");
        let open = guest.open_args(PREOPEN, "up", Open::READ);
        guest.refuses("path_open", &[("above", open, Errno::Noent)]);
    }
}

#[test]
fn every_right_and_flag_opens_nothing_outside() {
    for guest in guests() {
        let open = |base, fdflags| Open {
            base,
            inheriting: INHERITABLE,
            fdflags: Fdflags::from_bits_retain(fdflags),
            ..Open::FILE.oflags(Oflags::CREAT)
        };
        for right in Rights::from_bits_retain(ALL).iter() {
            for fdflags in 0..32 {
                let open = open(right.bits(), fdflags);
                let errno = guest
                    .scoped(|| guest.errno("path_open", guest.open_args(PREOPEN, "out/new", open)));
                assert_eq!(errno, Notcapable);
            }
        }
        assert!(!guest.scratch.exists("../outside/new"));
    }
}
