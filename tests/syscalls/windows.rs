//! What links of Windows lead to: the same as on POSIX, whichever of the two kinds they are. Not every user may
//! create links, so these tests try that first.

use std::os::windows::fs::{symlink_dir, symlink_file};

use wasi_rs::abi::Errno::{Loop, Notcapable, Notdir, Success};
use wasi_rs::abi::{Oflags, Rights};

use crate::support::{FOLLOW, Guest, OUT, Open, PREOPEN, Way, args};

/// `ERROR_PRIVILEGE_NOT_HELD`
const MAY_NOT: i32 = 1314;

fn guest() -> Option<Guest> {
    let scratch = tempfile::tempdir().unwrap();
    match symlink_file("target", scratch.path().join("link")) {
        Err(error) if error.raw_os_error() == Some(MAY_NOT) => None,
        result => {
            result.unwrap();
            Some(Guest::with_way(Way::Host, |_| {}))
        }
    }
}

#[test]
fn a_link_of_either_kind_is_a_way_through_to_what_is_there() {
    let Some(guest) = guest() else { return };
    let at = |path| guest.scratch.host_path(path);
    symlink_file("dir", at("file_kind")).unwrap();
    symlink_dir("dir", at("dir_kind")).unwrap();
    symlink_dir("file", at("dir_kind_to_file")).unwrap();
    for link in ["file_kind", "dir_kind"] {
        let file = guest.open(&format!("{link}/nested"), Open::READ);
        assert_eq!(guest.read(file), "nested", "{link}");
        guest.open(link, Open::DIR);
        guest.ok(
            "path_create_directory",
            guest.at(PREOPEN, &format!("{link}/{link}"), &[]),
        );
        assert!(guest.scratch.is_dir(&format!("dir/{link}")));
    }
    let file = guest.open("dir_kind_to_file", Open::READ);
    assert_eq!(guest.read(file), "0123456789");
    let through = guest.open_args(PREOPEN, "dir_kind_to_file/x", Open::READ);
    assert_eq!(guest.errno("path_open", through), Notdir);
}

#[test]
fn links_are_counted_as_everywhere() {
    let Some(guest) = guest() else { return };
    let at = |path: &str| guest.scratch.host_path(path);
    symlink_file("file", at("1")).unwrap();
    for link in 2..=41 {
        symlink_file((link - 1).to_string(), at(&link.to_string())).unwrap();
    }
    symlink_file("b", at("a")).unwrap();
    symlink_file("a", at("b")).unwrap();
    for (path, errno) in [("40", Success), ("41", Loop), ("a", Loop), ("a/x", Loop)] {
        let open = guest.open_args(PREOPEN, path, Open::READ);
        assert_eq!(guest.errno("path_open", open), errno, "{path}");
        let stat = args(&[&[PREOPEN, FOLLOW], &guest.store(path), &[OUT]]);
        assert_eq!(guest.errno("path_filestat_get", stat), errno, "{path}");
    }
}

#[test]
fn what_is_behind_the_target_of_a_link_makes_no_way_out() {
    let Some(guest) = guest() else { return };
    let at = |path: &str| guest.scratch.host_path(path);
    for (link, target) in [
        ("slash", "dir\\"),
        ("dot", "dir\\."),
        ("up", "dir\\sub\\.."),
    ] {
        symlink_dir(target, at(link)).unwrap();
        let file = guest.open(&format!("{link}/nested"), Open::READ);
        assert_eq!(guest.read(file), "nested", "{link}");
    }
    let outside = guest.scratch.host_path("../outside");
    let outside = outside.to_str().unwrap();
    let before = guest.scratch.tree_of("../outside");
    for (link, target) in [
        ("out", "..\\outside"),
        ("out_slash", "..\\outside\\"),
        ("out_dot", "..\\outside\\."),
        ("out_up", "..\\outside\\dir\\.."),
        ("out_absolute", outside),
    ] {
        symlink_dir(target, at(link)).unwrap();
        let write = Open {
            base: Rights::FD_WRITE.bits(),
            ..Open::READ
        };
        for open in [
            Open::READ,
            Open::DIR,
            write,
            write.oflags(Oflags::CREAT),
            write.oflags(Oflags::TRUNC),
        ] {
            for path in [link.to_owned(), format!("{link}/secret")] {
                let open = guest.open_args(PREOPEN, &path, open);
                assert_eq!(guest.errno("path_open", open), Notcapable, "{path}");
            }
        }
    }
    assert_eq!(guest.scratch.tree_of("../outside"), before);
}
