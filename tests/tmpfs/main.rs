//! The file system in memory behaves as Linux's tmpfs: random operations are done in both, and their results
//! are compared: errnos, attributes without times and inode numbers, listings, contents.
//!
//! `TMPFS_CALLS` and `TMPFS_SEED` set the number of operations, and the seed.

#![cfg(target_os = "linux")]

mod both;
mod calls;
#[path = "../support/iovecs.rs"]
mod iovecs;
mod world;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::process::Command;
use std::str::FromStr;
use std::sync::Arc;

use both::{Both, clear};
use calls::Choices;
use tempfile::TempDir;
use wasi_rs::host;
use wasi_rs::vfs::Dir;
use wasi_rs::vfs::memory::{MemoryFs, MemoryFsLimits, Usage};
use world::{Said, Tree, World};

fn from_env<T: FromStr>(name: &str, default: T) -> T {
    match env::var(name) {
        Ok(text) => (text.parse().ok()).expect("a number"),
        Err(_) => default,
    }
}

/// Pseudo-random numbers: xorshift.
struct Random(u64);

impl Random {
    /// With the seed `TMPFS_SEED`, which a failure prints.
    fn from_env() -> Self {
        let seed = from_env("TMPFS_SEED", 0x2545_f491_4f6c_dd1d_u64);
        println!("TMPFS_SEED={seed}");
        Self(seed.max(1))
    }
}

impl Choices for Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// Does so many operations in both, and compares all files every now and then.
fn run(both: &mut Both, random: &mut Random, calls: u32) {
    for number in 1..=calls {
        both.make(random);
        if number % 500 == 0 || number == calls {
            both.check_trees();
        }
    }
}

/// The files in a directory of tmpfs.
fn world_of_tmpfs(scratch: &TempDir) -> World {
    World::new(Dir::Host(open(scratch)))
}

fn both(memory_fs: &MemoryFs, scratch: &TempDir) -> Both {
    Both {
        memory: World::new(Dir::Other(memory_fs.root())),
        tmpfs: world_of_tmpfs(scratch),
    }
}

fn open(scratch: &TempDir) -> host::Dir {
    host::Dir::open_ambient(scratch.path()).unwrap()
}

/// A tree without link counts, which a copy need not have.
fn without_links(tree: &Tree) -> BTreeMap<&str, String> {
    let without = tree.iter().map(|(path, said)| {
        let said = match said {
            Ok(Said::Stat(filetype, _, size)) => format!("{filetype:?} {size}"),
            said => format!("{said:?}"),
        };
        (path.as_str(), said)
    });
    without.collect()
}

fn scratch() -> TempDir {
    TempDir::new_in("/dev/shm").expect("a tmpfs at /dev/shm")
}

fn calls() -> u32 {
    from_env("TMPFS_CALLS", 6000)
}

#[test]
fn the_file_system_in_memory_says_what_tmpfs_says() {
    let scratch = scratch();
    let fs = MemoryFs::new(MemoryFsLimits::default());
    let mut both = both(&fs, &scratch);
    run(&mut both, &mut Random::from_env(), calls());
    // Everything is closed and removed, and its usage given back.
    drop(both);
    clear(&*fs.root());
    assert_eq!(fs.usage(), Usage::default());
}

/// After each round everything is closed, and the next round is made over an image of all files.
#[test]
fn one_over_an_image_says_what_tmpfs_says() {
    const ROUND: u32 = 200;
    let scratch = scratch();
    let mut random = Random::from_env();
    let mut fs = MemoryFs::new(MemoryFsLimits::default());
    for _ in 0..calls().div_ceil(ROUND) {
        let mut both = both(&fs, &scratch);
        run(&mut both, &mut random, ROUND);
        let now = both.memory.tree();
        drop(both);
        // An image does not change, whatever is done from now on.
        let image = Arc::new(fs.snapshot().unwrap());
        fs = MemoryFs::over(Arc::clone(&image), MemoryFsLimits::default());
        assert!(World::new(Dir::Other(fs.root())).tree() == now);
        assert_eq!(fs.usage(), Usage::default());
        let other = MemoryFs::over(image, MemoryFsLimits::default());
        clear(&*other.root());
        assert_eq!(other.usage(), Usage::default());
    }
}

/// Each round is made over a copy of the directory, and its changes are applied to the directory in the end.
#[test]
fn one_over_a_directory_says_what_tmpfs_says() {
    const ROUND: u32 = 200;
    let (scratch, lower) = (scratch(), scratch());
    let mut random = Random::from_env();
    for _ in 0..(calls() / 4).div_ceil(ROUND) {
        let copied = Command::new("cp")
            .args(["-a", "-T"])
            .args([scratch.path(), lower.path()])
            .status();
        assert!(copied.unwrap().success());
        let memory_fs = MemoryFs::over_host(open(&lower), MemoryFsLimits::default()).unwrap();
        let mut both = both(&memory_fs, &scratch);
        run(&mut both, &mut random, ROUND);
        let now = both.memory.tree();
        drop(both);
        // A snapshot is a copy, whatever happens to the directory.
        let image = memory_fs.snapshot().unwrap();
        memory_fs
            .changed()
            .unwrap()
            .apply_to(&open(&lower))
            .unwrap();
        let changed = world_of_tmpfs(&lower).tree();
        assert!(without_links(&changed) == without_links(&now));
        let copy = MemoryFs::over(Arc::new(image), MemoryFsLimits::default());
        let copy = World::new(Dir::Other(copy.root())).tree();
        assert!(without_links(&copy) == without_links(&now));
        for left in fs::read_dir(lower.path()).unwrap() {
            let left = left.unwrap().path();
            match left.is_dir() && !left.is_symlink() {
                true => fs::remove_dir_all(left).unwrap(),
                false => fs::remove_file(left).unwrap(),
            }
        }
    }
}
