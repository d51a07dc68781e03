use wasi_rs::abi::Errno::{
    self, Badf, Exist, Inval, Isdir, Loop, Nametoolong, Noent, Notcapable, Notdir, Notempty,
    Overflow,
};
use wasi_rs::abi::Rights;

use crate::support::{CLOSED, END, Guest, Open, PREOPEN};

/// The refusals of each call for a descriptor and a path; `good` is a valid path. Rows that are wrong in two
/// ways show the order of checks.
fn refuses(name: &str, right: Rights, good: &str) {
    for guest in Guest::every_way(|_| {}) {
        let lacking = guest.dir_without(right);
        let file = guest.open("file", Open::FILE);
        let [long, at_limit] = [4096, 4095].map(|len| "a/".repeat(len / 2) + &"b"[..len % 2]);
        let long_name = "n".repeat(256);
        let at = |fd: u64, path: &str| guest.at(fd, path, &[]);
        let preopen = |path: &str| at(PREOPEN, path);
        guest.refuses(
            name,
            &[
                ("not open", at(CLOSED, good), Badf),
                ("not open, no path", at(CLOSED, ""), Badf),
                (
                    "not open, beyond memory",
                    vec![CLOSED, END - 1, 2],
                    Overflow,
                ),
                ("beyond memory", vec![PREOPEN, END - 1, 2], Overflow),
                (
                    "no path at the end of memory",
                    vec![PREOPEN, END, 0],
                    Overflow,
                ),
                (
                    "as long as can be",
                    vec![PREOPEN, 0, u32::MAX.into()],
                    Overflow,
                ),
                ("without the right", at(lacking, good), Notcapable),
                ("without the right, no path", at(lacking, ""), Notcapable),
                ("not in a directory", at(file, good), Notcapable),
                ("not in a directory, a device", at(0, good), Notdir),
                ("no path", preopen(""), Inval),
                ("a NUL at the end", preopen(&format!("{good}\0")), Inval),
                ("a NUL at the start", preopen("\0"), Inval),
                ("absolute", preopen(&format!("/{good}")), Notcapable),
                (
                    "absolute, in the name of the preopen",
                    preopen("/sandbox/file"),
                    Notcapable,
                ),
                ("above", preopen(".."), Notcapable),
                (
                    "above and back",
                    preopen(&format!("../inside/{good}")),
                    Notcapable,
                ),
                (
                    "above, by a detour",
                    preopen("dir/sub/../../.."),
                    Notcapable,
                ),
                ("above, with slashes", preopen("..//"), Notcapable),
                ("in nothing", preopen("nothing/name"), Noent),
                ("in nothing, and back", preopen("nothing/../file"), Noent),
                ("in a file", preopen("file/name"), Notdir),
                ("in a file, and back", preopen("file/../file"), Notdir),
                ("in a link to nothing", preopen("dangling/name"), Noent),
                ("in a link to itself", preopen("loop/name"), Loop),
                ("a name too long", preopen(&long_name), Nametoolong),
                (
                    "in a name too long",
                    preopen(&format!("{long_name}/name")),
                    Nametoolong,
                ),
                ("too long", preopen(&long), Nametoolong),
                ("as long as may be", preopen(&at_limit), Noent),
            ],
        );
    }
}

pub mod path_create_directory {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_way(|_| {}) {
            for (path, made) in [
                ("new", "new"),
                ("slashed/", "slashed"),
                ("dir/new", "dir/new"),
                ("./dir//sub/./new", "dir/sub/new"),
                ("dirlink/other", "dir/other"),
                ("dir/../up", "up"),
            ] {
                guest.ok("path_create_directory", guest.at(PREOPEN, path, &[]));
                assert!(guest.scratch.is_dir(made), "{path}");
            }
        }
    }

    #[test]
    pub fn refusals() {
        refuses(
            "path_create_directory",
            Rights::PATH_CREATE_DIRECTORY,
            "new",
        );
        for guest in Guest::every_way(|_| {}) {
            let rows = [
                ("a directory", "dir"),
                ("a directory, slashed", "dir/"),
                ("a file", "file"),
                ("a link", "link"),
                ("a link to nothing", "dangling"),
                ("itself", "."),
                ("itself by a detour", "dir/.."),
            ];
            for (row, path) in rows {
                let args = guest.at(PREOPEN, path, &[]);
                guest.refuses("path_create_directory", &[(row, args, Exist)]);
            }
        }
    }
}

pub mod path_remove_directory {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_way(|_| {}) {
            for path in ["dir/sub", "dir/sub/", "dirlink/sub", "dir/./sub//"] {
                guest.ok("path_remove_directory", guest.at(PREOPEN, path, &[]));
                assert!(!guest.scratch.exists("dir/sub"), "{path}");
                guest.scratch.create_dir("dir/sub");
            }
        }
    }

    #[test]
    pub fn refusals() {
        refuses(
            "path_remove_directory",
            Rights::PATH_REMOVE_DIRECTORY,
            "dir/sub",
        );
        for guest in Guest::every_way(|_| {}) {
            guest.scratch.remove("dir/nested");
            guest.scratch.remove("dir/sub");
            guest.scratch.link("tosub", "dir");
            guest.scratch.write("dir/entry", "");
            let rows = [
                ("nothing", "nothing", Noent),
                ("nothing, slashed", "nothing/", Noent),
                ("a file", "file", Notdir),
                ("a file, slashed", "file/", Notdir),
                ("not empty", "dir", Notempty),
                ("a link to a directory", "tosub", Notdir),
                ("a link to a directory, slashed", "tosub/", Notdir),
                ("itself", ".", Inval),
                ("itself, slashed", "./", Inval),
                ("what ends in itself", "dir/.", Inval),
                ("what ends above", "dir/..", Notempty),
            ];
            for (row, path, errno) in rows {
                let args = guest.at(PREOPEN, path, &[]);
                guest.refuses("path_remove_directory", &[(row, args, errno)]);
            }
        }
    }

    #[test]
    fn the_root_of_a_guest_stays() {
        for guest in Guest::every_way(|setup| setup.preopens = vec![("/", "inside/dir/sub")]) {
            for (path, errno) in [
                (".", Inval),
                ("..", Notempty),
                ("../", Notempty),
                ("./../.", Inval),
            ] {
                let at = guest.at(PREOPEN, path, &[]);
                assert_eq!(guest.errno("path_remove_directory", at), errno, "{path}");
            }
            assert!(guest.scratch.is_dir("dir/sub"));
        }
    }
}

pub mod path_unlink_file {
    use super::*;

    #[test]
    pub fn works() {
        for guest in Guest::every_way(|_| {}) {
            for (path, name) in [
                ("dangling", "dangling"),
                ("link", "link"),
                ("dirlink", "dirlink"),
                ("loop", "loop"),
                ("./file", "file"),
                ("dir/nested", "dir/nested"),
            ] {
                guest.ok("path_unlink_file", guest.at(PREOPEN, path, &[]));
                assert!(!guest.scratch.exists(name), "{path}");
            }
            assert!(guest.scratch.is_dir("dir"), "what a link points to stays");
        }
    }

    #[test]
    pub fn refusals() {
        refuses("path_unlink_file", Rights::PATH_UNLINK_FILE, "file");
        for guest in Guest::every_way(|_| {}) {
            let rows: [(&str, &str, Errno); 10] = [
                ("nothing", "nothing", Noent),
                ("nothing, slashed", "nothing/", Noent),
                ("a directory", "dir", Isdir),
                ("a directory, slashed", "dir/", Isdir),
                ("itself", ".", Isdir),
                ("what ends above", "dir/..", Isdir),
                ("a file, slashed", "file/", Notdir),
                ("a link, slashed", "link/", Notdir),
                ("a link to a directory, slashed", "dirlink/", Notdir),
                ("a link to nothing, slashed", "dangling/", Notdir),
            ];
            for (row, path, errno) in rows {
                let args = guest.at(PREOPEN, path, &[]);
                guest.refuses("path_unlink_file", &[(row, args, errno)]);
            }
        }
    }

    #[test]
    fn an_open_file_loses_its_name_alone() {
        for guest in Guest::every_way(|_| {}) {
            let fd = guest.open("file", Open::FILE);
            guest.ok("path_unlink_file", guest.at(PREOPEN, "file", &[]));
            assert_eq!(guest.read(fd), "0123456789");
        }
    }
}
