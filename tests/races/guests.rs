//! Two guests with one directory: one creates links and renames directories, the other uses paths.

use std::fs;
use std::sync::Arc;

use crate::Race;
use crate::arena::{Arena, INSIDE};
use crate::guest::{Guest, PREOPEN, TEXT, TEXT2};

/// A link that a guest may create, and that leads out of the sandbox once the guest has renamed it to another
/// place.
#[test]
fn one_renames_relative_links_so_that_they_would_lead_out() {
    let arena = Arena::new();
    // The target of the link at its first place.
    for dir in ["inside/outside/sub", "inside/deep/er", "inside/elsewhere"] {
        fs::create_dir_all(arena.path(dir)).unwrap();
    }
    fs::write(arena.path("inside/outside/secret"), INSIDE).unwrap();
    let (mover, user) = (Arc::new(arena.ctx()), Arc::new(arena.ctx()));
    let quiet = Race::new();
    let mover = Guest::new(&mover, &arena, &quiet);
    let (target, link) = ("../../outside", "deep/er/link");
    mover.put(TEXT, link.as_bytes());
    mover.put(TEXT2, target.as_bytes());
    let made = mover.call(
        "path_symlink",
        &[TEXT2, target.len() as u64, PREOPEN, TEXT, link.len() as u64],
    );
    assert!(made);
    let hostile = || {
        mover.try_rename("deep/er", "er");
        mover.try_rename("er", "deep/er");
        mover.try_rename("deep/er/link", "link");
        mover.try_rename("link", "deep/er/link");
        mover.try_link("deep/er/link", "elsewhere/link");
    };
    Race::run("guest-links", hostile, |race| {
        let guest = Guest::new(&user, &arena, race);
        while race.goes_on() {
            for place in [
                "deep/er/link",
                "er/link",
                "link",
                "elsewhere/link",
                "deep/er/../er/link",
            ] {
                for below in ["secret", "new", "sub", "sub/new", "link"] {
                    let path = format!("{place}/{below}");
                    guest.try_read(&path);
                    guest.try_create(&path);
                    guest.try_stat(&path);
                    guest.try_set_times(&path);
                    guest.try_readdir(&path);
                    guest.try_mkdir(&path);
                    guest.try_rmdir(&path);
                    guest.try_link("file", &path);
                    guest.try_link(&path, "linked");
                    guest.try_rename("moved", &path);
                    guest.try_rename(&path, "moved");
                    guest.try_readlink(&path);
                    guest.try_unlink(&path);
                }
                guest.try_create("outside/secret");
            }
        }
    });
    arena.assert_untouched();
}

/// Directories are exchanged under paths that go down and up again.
#[test]
fn one_moves_directories_under_paths_that_go_up() {
    let arena = Arena::new();
    for dir in ["inside/a/b/c/d", "inside/x"] {
        fs::create_dir_all(arena.path(dir)).unwrap();
    }
    let (mover, user) = (Arc::new(arena.ctx()), Arc::new(arena.ctx()));
    let quiet = Race::new();
    let mover = Guest::new(&mover, &arena, &quiet);
    let hostile = || {
        for (from, to) in [
            ("a/b/c", "x/c"),
            ("a/b", "x/b"),
            ("x/c", "c"),
            ("c", "a/b/c"),
        ] {
            mover.try_rename(from, to);
        }
        mover.try_rename("x/b", "a/b");
        mover.try_rename("c", "a/b/c");
    };
    Race::run("guest-directories", hostile, |race| {
        let guest = Guest::new(&user, &arena, race);
        while race.goes_on() {
            for up in [
                "a/b/c/d/../../../../..",
                "a/b/c/d/../../../..",
                "a/b/../../..",
                "x/c/d/../../..",
            ] {
                for below in [
                    "outside/secret",
                    "outside/new",
                    "outside/sub",
                    "outside/link",
                    "file",
                ] {
                    guest.try_all(&format!("{up}/{below}"));
                }
                guest.try_create("file");
            }
        }
    });
    arena.assert_untouched();
}
