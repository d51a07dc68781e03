use wasi_rs::abi::Errno::{
    Badf, Exist, Inval, Loop, Nametoolong, Noent, Notcapable, Notdir, Overflow, Perm,
};
use wasi_rs::abi::Rights;

use crate::support::{BUF, CLOSED, END, Guest, OUT, Open, PREOPEN, args};

pub mod path_symlink {
    use super::*;

    fn symlink(guest: &Guest, target: &str, fd: u64, path: &str) -> Vec<u64> {
        args(&[&guest.store(target), &guest.at(fd, path, &[])])
    }

    #[test]
    pub fn works() {
        for guest in Guest::every_way(|_| {}) {
            let dir = guest.open("dir", Open::DIR);
            for (target, fd, path, host) in [
                ("file", PREOPEN, "new", "new"),
                ("nothing/at/all", PREOPEN, "dirlink/new", "dir/new"),
                ("../file", PREOPEN, "dir/up", "dir/up"),
                ("..", PREOPEN, "dir/above", "dir/above"),
                ("../nested", dir, "sub/new", "dir/sub/new"),
                ("a//b/", dir, "./odd", "dir/odd"),
            ] {
                guest.ok("path_symlink", symlink(&guest, target, fd, path));
                assert_eq!(guest.scratch.target(host), target);
            }
            assert_eq!(guest.read(guest.open("dir/up", Open::READ)), "0123456789");
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_way(|_| {}) {
            let lacking = guest.dir_without(Rights::PATH_SYMLINK);
            let [dir, file] = [guest.open("dir", Open::DIR), guest.open("file", Open::FILE)];
            let link = |target: &str, fd: u64, path: &str| symlink(&guest, target, fd, path);
            let target = |target: &str| link(target, PREOPEN, "new");
            let path = |path: &str| link("file", PREOPEN, path);
            let [at, len] = guest.store("new");
            guest.refuses(
                "path_symlink",
                &[
                    ("not open", link("file", CLOSED, "new"), Badf),
                    ("not open, absolute", link("/", CLOSED, "new"), Badf),
                    (
                        "target beyond memory",
                        vec![END - 2, 3, CLOSED, at, len],
                        Overflow,
                    ),
                    (
                        "path beyond memory",
                        vec![at, len, CLOSED, END - 2, 3],
                        Overflow,
                    ),
                    (
                        "without the right",
                        link("file", lacking, "new"),
                        Notcapable,
                    ),
                    (
                        "without the right, absolute",
                        link("/", lacking, "new"),
                        Notcapable,
                    ),
                    ("not in a directory", link("file", file, "new"), Notcapable),
                    (
                        "not in a directory, a device",
                        link("file", 0, "new"),
                        Notdir,
                    ),
                    ("absolute target", target("/file"), Perm),
                    (
                        "absolute target, a guest path",
                        target("/sandbox/file"),
                        Perm,
                    ),
                    ("no target", target(""), Inval),
                    ("a NUL in the target", target("file\0"), Inval),
                    ("target too long", target(&"a/".repeat(2048)), Nametoolong),
                    ("target above", target(".."), Notcapable),
                    (
                        "target above and back",
                        target("../inside/file"),
                        Notcapable,
                    ),
                    (
                        "target above by a detour",
                        target("dir/../../outside"),
                        Notcapable,
                    ),
                    (
                        "target above the descriptor",
                        link("../file", dir, "new"),
                        Notcapable,
                    ),
                    ("no path", path(""), Inval),
                    ("a NUL in the path", path("new\0"), Inval),
                    ("absolute path", path("/sandbox/new"), Notcapable),
                    ("path above", path("../new"), Notcapable),
                    ("path in nothing", path("nothing/new"), Noent),
                    ("path in a file", path("file/new"), Notdir),
                    ("path in a link to itself", path("loop/new"), Loop),
                    ("path too long", path(&"a/".repeat(2048)), Nametoolong),
                    ("name too long", path(&"n".repeat(256)), Nametoolong),
                    ("path slashed", path("new/"), Noent),
                    ("a file", path("file"), Exist),
                    ("a directory", path("dir"), Exist),
                    ("a directory, slashed", path("dir/"), Exist),
                    ("a link", path("link"), Exist),
                    ("a link to nothing", path("dangling"), Exist),
                    ("itself", path("."), Exist),
                ],
            );
        }
    }

    #[test]
    fn a_target_may_climb_in_a_root() {
        for guest in Guest::every_way(|setup| setup.preopens = vec![("/", "inside")]) {
            guest.ok(
                "path_symlink",
                symlink(&guest, "../../file", PREOPEN, "new"),
            );
            assert_eq!(guest.read(guest.open("new", Open::READ)), "0123456789");
        }
    }
}

pub mod path_readlink {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_way(|_| {}) {
            for (path, target) in [
                ("link", "file"),
                ("./dirlink", "dir"),
                ("dangling", "nothing"),
                ("loop", "loop"),
                ("dirlink/../link", "file"),
            ] {
                let outcome =
                    guest.call("path_readlink", guest.at(PREOPEN, path, &[BUF, 100, OUT]));
                outcome.wrote(&[
                    (BUF, target.as_bytes()),
                    (OUT, &(target.len() as u32).to_le_bytes()),
                ]);
            }
        }
    }

    #[test]
    pub fn refusals() {
        for guest in Guest::every_way(|_| {}) {
            let lacking = guest.dir_without(Rights::PATH_READLINK);
            let file = guest.open("file", Open::FILE);
            let at = |fd: u64, path: &str| guest.at(fd, path, &[BUF, 100, OUT]);
            let preopen = |path: &str| at(PREOPEN, path);
            let result = |rest: [u64; 3]| guest.at(CLOSED, "link", &rest);
            guest.refuses(
                "path_readlink",
                &[
                    ("not open", at(CLOSED, "link"), Badf),
                    (
                        "path beyond memory",
                        vec![CLOSED, END - 3, 4, BUF, 100, OUT],
                        Overflow,
                    ),
                    (
                        "buffer beyond memory",
                        result([END - 99, 100, OUT]),
                        Overflow,
                    ),
                    (
                        "result beyond memory",
                        result([BUF, 100, END - 3]),
                        Overflow,
                    ),
                    ("without the right", at(lacking, "link"), Notcapable),
                    ("without the right, no path", at(lacking, ""), Notcapable),
                    ("not in a directory", at(file, "link"), Notcapable),
                    ("not in a directory, a device", at(0, "link"), Notdir),
                    ("no path", preopen(""), Inval),
                    ("a NUL", preopen("link\0"), Inval),
                    ("absolute", preopen("/sandbox/link"), Notcapable),
                    ("above", preopen("../inside/link"), Notcapable),
                    ("nothing", preopen("nothing"), Noent),
                    ("in a file", preopen("file/link"), Notdir),
                    ("in a link to itself", preopen("loop/link"), Loop),
                    ("too long", preopen(&"a/".repeat(2048)), Nametoolong),
                    ("name too long", preopen(&"n".repeat(256)), Nametoolong),
                    ("a file", preopen("file"), Inval),
                    ("a directory", preopen("dir"), Inval),
                    ("itself", preopen("."), Inval),
                    ("a link to a directory, slashed", preopen("dirlink/"), Inval),
                    ("a link to a file, slashed", preopen("link/"), Notdir),
                    ("a link to nothing, slashed", preopen("dangling/"), Noent),
                    ("a link to itself, slashed", preopen("loop/"), Loop),
                ],
            );
        }
    }

    #[test]
    fn a_small_buffer_gets_the_front() {
        for guest in Guest::every_way(|_| {}) {
            let target = b"nothing";
            for buf_len in 0..=8_u32 {
                let used = buf_len.min(7);
                let rest = [BUF, buf_len.into(), OUT];
                guest
                    .call("path_readlink", guest.at(PREOPEN, "dangling", &rest))
                    .wrote(&[(BUF, &target[..used as usize]), (OUT, &used.to_le_bytes())]);
            }
        }
    }

    #[test]
    fn a_target_is_given_as_it_is() {
        for guest in Guest::every_way(|_| {}) {
            for (name, target) in [
                ("absolute", "/etc/nowhere"),
                ("above", "../../x"),
                ("odd", "a//b/"),
            ] {
                guest.scratch.link(name, target);
                let outcome =
                    guest.call("path_readlink", guest.at(PREOPEN, name, &[BUF, 100, OUT]));
                outcome.wrote_within(&[(BUF, target.len() as u64), (OUT, 4)]);
                assert_eq!(
                    outcome.bytes_at(BUF, target.len() as u64),
                    target.as_bytes()
                );
            }
        }
    }
}
