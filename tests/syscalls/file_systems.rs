//! Guests with directories of several file systems, and what happens to those that are not the host's.

use wasi_rs::abi::Errno::{Noent, Notcapable, Success, Xdev};
use wasi_rs::abi::{Filestat, Rights};
use wasi_rs::ctx::Preopen;

use crate::support::{FOLLOW, Fixture, Guest, NO_FOLLOW, OUT, Open, PREOPEN, Way, args};

const OTHER: u64 = PREOPEN + 1;

/// Guests with the host's `inside` as `/sandbox`, and a directory of another file system as `/other`, which has
/// `theirs` and `back`, a link to `/sandbox`.
fn guests(rights: Rights) -> Vec<(Guest, Box<dyn Fixture>)> {
    let guest = |way: Way| {
        let other = Way::Forwarding.fixture();
        other.write("theirs", b"theirs");
        other.symlink("/sandbox", "back");
        let guest = Guest::with_way(way, |setup| {
            setup.scratch.link("there", "/other");
            setup.other_preopens.push(Preopen {
                mapped_path: "/other".into(),
                source: other.preopen(""),
                rights,
            });
        });
        (guest, other)
    };
    Way::on_host().map(guest).collect()
}

#[test]
fn links_lead_from_one_to_the_other_and_back() {
    for (guest, _other) in guests(Rights::all()) {
        for (fd, path, text) in [
            (PREOPEN, "there/theirs", "theirs"),
            (OTHER, "back/file", "0123456789"),
            (OTHER, "back/there/back/there/theirs", "theirs"),
            (PREOPEN, "dir/../there/back/dir/nested", "nested"),
        ] {
            assert_eq!(guest.read(guest.open_at(fd, path, Open::READ)), text);
        }
    }
}

#[test]
fn no_name_is_moved_from_one_to_the_other() {
    for (guest, _other) in guests(Rights::all()) {
        let [ours, theirs] =
            [(PREOPEN, "file"), (OTHER, "theirs")].map(|(fd, path)| guest.at(fd, path, &[]));
        let to_theirs = [
            guest.at(OTHER, "new", &[]),
            guest.at(PREOPEN, "there/new", &[]),
        ];
        let to_ours = [
            guest.at(PREOPEN, "new", &[]),
            guest.at(OTHER, "back/new", &[]),
        ];
        for (old, news) in [(ours, to_theirs), (theirs, to_ours)] {
            for new in news {
                let link = args(&[&old[..1], &[NO_FOLLOW], &old[1..], &new]);
                guest.refuses("path_link", &[("across", link, Xdev)]);
                guest.refuses("path_rename", &[("across", args(&[&old, &new]), Xdev)]);
            }
        }
    }
}

/// Rights that are withheld there are withheld by every way that leads there.
#[test]
fn each_has_its_own_rights() {
    for (guest, other) in guests(Rights::READ_ONLY) {
        for (fd, path) in [(OTHER, "new"), (PREOPEN, "there/new")] {
            let new = guest.at(fd, path, &[]);
            guest.refuses("path_create_directory", &[(path, new, Notcapable)]);
        }
        assert!(other.stat("new").is_none());
        guest.ok("path_create_directory", guest.at(PREOPEN, "new", &[]));
    }
}

/// The host's paths take no additional system calls for it, as none leads there except through a link.
#[cfg_attr(windows, ignore = "of the host's files alone")]
#[test]
fn the_paths_of_the_host_are_left_to_it() {
    let (guest, _other) = guests(Rights::READ_ONLY).swap_remove(0);
    assert!(guest.ctx.host_may_resolve());
}

/// A preopen of the host is opened again by its path after the command has exited; one without a path stays
/// open.
#[test]
fn a_directory_without_a_path_is_kept_when_the_command_is_over() {
    for (guest, _other) in guests(Rights::all()) {
        guest.ctx.end();
        let stat = |fd: u64, path: &str| {
            let path = guest.store(path);
            guest.errno("path_filestat_get", args(&[&[fd, FOLLOW], &path, &[OUT]]))
        };
        guest.scratch.rename(".", "../moved");
        assert_eq!(stat(PREOPEN, "file"), Noent);
        guest.scratch.rename("../moved", ".");
        assert_eq!(stat(PREOPEN, "file"), Success);
        assert_eq!(stat(OTHER, "theirs"), Success);
    }
    for guest in Guest::every_backend(|_| {}).iter().skip(1) {
        guest.ctx.end();
        guest.scratch.rename(".", "../moved");
        let file = guest.open("file", Open::READ);
        let stat: Filestat = guest.record("fd_filestat_get", &[file]);
        assert_eq!(stat.ino, guest.scratch.stat("../moved/file").ino);
    }
}
