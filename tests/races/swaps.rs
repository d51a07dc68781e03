//! A host that swaps directories, files and links under a guest's paths.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;

use wasi_rs::ctx::Limits;

use crate::Race;
use crate::arena::{Arena, INSIDE, OUTS, exchange};
use crate::guest::Guest;

/// Exchanges two files of the arena while a guest makes every call with these paths.
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
            // Restores what the attempts have removed or renamed.
            guest.try_mkdir("dir/sub");
            guest.try_create("dir/secret");
            guest.try_create("file");
            guest.try_unlink("moved");
            guest.try_rmdir("moved");
        }
    });
    arena.assert_untouched();
}

/// Paths through a directory that may just have been replaced by a link.
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

/// With a lower limit of links, no path is left to the kernel.
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
                // Calls that remove or replace the names themselves are in the next test.
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
fn a_name_is_replaced_over_and_over() {
    let arena = Arena::new();
    let ctx = Arc::new(arena.ctx());
    let name = arena.path("inside/name");
    let hostile = || {
        // Guests remove and replace it meanwhile, so any of this may fail.
        for (out, _) in OUTS {
            let _ = symlink(
                fs::read_link(arena.path("inside").join(out)).unwrap(),
                &name,
            );
            std::thread::yield_now();
            let _ = fs::remove_file(&name);
            // Created elsewhere and renamed: written by `name`, it might be written through a link.
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

/// While a directory is renamed to outside, its parent there is not above the guest's path.
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
                // An open directory may be renamed to outside, but nothing above it must be seen.
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

/// The directory that is renamed to outside is below another one. A path goes up from it to a directory that is
/// not the root by the `..` of the host, which then is that of another place.
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
                    // Only the other `dir` has the other `secret` above it.
                    guest.try_stat(&format!("{up}/dir/sub/../../secret"));
                }
            }
        },
    );
    assert_nothing_made_elsewhere(&arena);
    arena.assert_untouched();
}
