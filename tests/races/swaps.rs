//! A host that swaps directories, files and links under a guest's paths.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use wasi_rs::ctx::Limits;

use crate::Race;
use crate::arena::{Arena, INSIDE, OUTS, exchange};
use crate::guest::Guest;

/// Exchanges two files of the arena while a guest uses paths with every call.
fn swap(name: &str, one: &str, other: &str, paths: &[&str]) {
    swap_with(Limits::default(), name, one, other, paths);
}

fn swap_with(limits: Limits, name: &str, one: &str, other: &str, paths: &[&str]) {
    let arena = Arena::new();
    let ctx = Arc::new(arena.ctx_with(limits));
    let [first, second] = [one, other].map(|below| arena.path(below));
    let hostile = || exchange(&first, &second);
    Race::run(name, hostile, |race| {
        let guest = Guest::new(&ctx, &arena, race);
        while race.goes_on() {
            for path in paths {
                guest.try_all(path);
            }
            // What the attempts removed or moved away.
            guest.try_mkdir("dir/sub");
            guest.try_create("dir/secret");
            guest.try_create("file");
            guest.try_unlink("moved");
            guest.try_rmdir("moved");
        }
    });
    arena.assert_untouched();
}

/// Paths through a directory that may just have become a link.
const THROUGH: [&str; 7] = [
    "dir/secret",
    "dir/new",
    "dir/sub",
    "dir/sub/",
    "dir/sub/new",
    "dir/sub/../secret",
    "dir/link",
];

#[test]
fn a_directory_becomes_a_link() {
    swap("directory-link", "inside/dir", "inside/out", &THROUGH);
}

/// With a limit of its own, no path of a guest is left to the kernel.
#[test]
fn a_directory_becomes_a_link_where_links_are_counted() {
    let limits = Limits {
        symlink_hops: 39,
        ..Limits::default()
    };
    let (one, other) = ("inside/dir", "inside/out");
    swap_with(limits, "directory-counted-link", one, other, &THROUGH);
}

#[test]
fn a_directory_becomes_a_link_with_a_slash_behind_it() {
    swap(
        "directory-slashed-link",
        "inside/dir",
        "inside/out_slashed",
        &THROUGH,
    );
}

#[test]
fn a_directory_becomes_an_absolute_link() {
    swap(
        "directory-absolute-link",
        "inside/dir",
        "inside/out_absolute",
        &THROUGH,
    );
}

#[test]
fn a_directory_becomes_a_chain_of_links() {
    swap(
        "directory-chain",
        "inside/dir",
        "inside/out_chain",
        &THROUGH,
    );
}

#[test]
fn a_directory_in_the_middle_becomes_a_link() {
    let paths = [
        "dir/sub/secret",
        "dir/sub/new",
        "dir/sub/link",
        "dir/sub/sub",
    ];
    swap("middle-link", "inside/dir/sub", "inside/dir/out", &paths);
}

#[test]
fn a_file_becomes_a_link() {
    let arena = Arena::new();
    let ctx = Arc::new(arena.ctx());
    let [file, leak] = ["inside/file", "inside/leak"].map(|below| arena.path(below));
    Race::run(
        "file-link",
        || exchange(&file, &leak),
        |race| {
            let guest = Guest::new(&ctx, &arena, race);
            while race.goes_on() {
                // What removes or replaces the names themselves is left to the next test.
                for path in ["file", "leak", "dir/../file"] {
                    guest.try_read(path);
                    guest.try_create(path);
                    guest.try_stat(path);
                    guest.try_set_times(path);
                    guest.try_link(path, "linked");
                    guest.try_readlink(path);
                }
            }
        },
    );
    arena.assert_untouched();
}

#[test]
fn a_name_is_now_this_and_now_that() {
    let arena = Arena::new();
    let ctx = Arc::new(arena.ctx());
    let name = arena.path("inside/name");
    let hostile = || {
        // Guests remove and replace it meanwhile: any of this can fail.
        for (out, _) in OUTS {
            let _ = symlink(
                fs::read_link(arena.path("inside").join(out)).unwrap(),
                &name,
            );
            std::thread::yield_now();
            let _ = fs::remove_file(&name);
            // Made elsewhere: through `name`, this thread might write where a link leads by now.
            let made = arena.path("made");
            let _ = fs::create_dir(&made);
            fs::write(made.join("secret"), INSIDE).unwrap();
            let _ = fs::rename(&made, &name);
            let _ = fs::remove_dir_all(&name);
            let _ = symlink("../outside/secret", &name);
            std::thread::yield_now();
            let _ = fs::remove_file(&name);
            let _ = fs::hard_link(arena.path("inside/leak"), &name);
            let _ = fs::remove_file(&name);
            let _ = symlink("../outside/new", &name);
            let _ = fs::remove_file(&name);
        }
    };
    Race::run("name", hostile, |race| {
        let guest = Guest::new(&ctx, &arena, race);
        while race.goes_on() {
            for path in [
                "name",
                "name/",
                "name/secret",
                "name/new",
                "name/link",
                "name/../name",
            ] {
                guest.try_all(path);
            }
            guest.try_create("file");
            guest.try_unlink("moved");
            guest.try_rmdir("moved");
        }
    });
    arena.assert_untouched();
}

/// While a directory is moved out, what is above it is not above the guest's path.
#[test]
fn a_directory_moves_out_and_back() {
    let paths = [
        "dir/../secret",
        "dir/sub/../../secret",
        "dir/../new",
        "dir/sub/../../sub",
    ];
    let arena = Arena::new();
    let ctx = Arc::new(arena.ctx());
    let [inside, elsewhere] = ["inside/dir", "elsewhere/dir"].map(|below| arena.path(below));
    Race::run(
        "directory-out",
        || exchange(&inside, &elsewhere),
        |race| {
            let guest = Guest::new(&ctx, &arena, race);
            while race.goes_on() {
                for path in paths {
                    guest.try_all(path);
                }
                // A directory that is held goes out as itself, with nothing above it.
                for held in ["dir", "dir/sub"] {
                    let Some(fd) = guest.hold(held) else { continue };
                    for path in ["../secret", "../../secret", "sub/../../new", "../link"] {
                        guest.below(fd).try_all(path);
                    }
                    guest.close(fd);
                }
                guest.try_create("file");
                guest.try_create("dir/secret");
            }
        },
    );
    assert_nothing_made_elsewhere(&arena);
}

fn assert_nothing_made_elsewhere(arena: &Arena) {
    for name in fs::read_dir(arena.path("elsewhere")).unwrap() {
        let name = name.unwrap().file_name();
        assert!(
            name == "secret" || name == "dir",
            "{} was made outside",
            name.display()
        );
    }
    arena.assert_untouched();
}

/// The directory that moves out is below another, and so a path goes up from it to what is no root: by
/// the `..` of the host, which then is that of another place.
#[test]
fn a_directory_below_another_moves_out_and_back() {
    let arena = Arena::new();
    fs::create_dir_all(arena.path("inside/deep/dir/sub")).unwrap();
    fs::write(arena.path("inside/deep/secret"), INSIDE).unwrap();
    let limits = Limits {
        symlink_hops: 39,
        ..Limits::default()
    };
    let ctx = Arc::new(arena.ctx_with(limits));
    let [inside, elsewhere] = ["inside/deep/dir", "elsewhere/dir"].map(|below| arena.path(below));
    Race::run(
        "directory-below-out",
        || exchange(&inside, &elsewhere),
        |race| {
            let guest = Guest::new(&ctx, &arena, race);
            while race.goes_on() {
                for up in ["deep/dir/sub/../..", "deep/dir/sub/../../dir/.."] {
                    guest.try_all(&format!("{up}/secret"));
                    guest.try_all(&format!("{up}/new"));
                    guest.try_create("deep/secret");
                    // Where the other `dir` lies is the other `secret`, and nothing else.
                    guest.try_stat(&format!("{up}/dir/sub/../../secret"));
                }
            }
        },
    );
    assert_nothing_made_elsewhere(&arena);
    arena.assert_untouched();
}
