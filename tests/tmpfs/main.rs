//! The file system in memory does as Linux's tmpfs does: one random list of operations is run on both, and
//! what each says is compared: errnos, attributes without times and numbers, listings, contents.
//!
//! `TMPFS_CALLS` and `TMPFS_SEED` say how many operations are made, and which.

#![cfg(target_os = "linux")]

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

use calls::{Random, random_call};
use tempfile::TempDir;
use wasi_rs::abi::Filetype;
use wasi_rs::host;
use wasi_rs::vfs::memory::{MemoryFs, MemoryFsLimits, Usage};
use wasi_rs::vfs::{Dir, Directory};
use world::{Answer, Said, World, as_name};

fn from_env<T: FromStr>(name: &str, default: T) -> T {
    match env::var(name) {
        Ok(text) => (text.parse().ok()).expect("a number"),
        Err(_) => default,
    }
}

/// Two worlds, in which the same is done.
struct Both {
    random: Random,
    seed: u64,
    number: u32,
}

impl Both {
    fn new() -> Self {
        let seed = from_env("TMPFS_SEED", 0x2545_f491_4f6c_dd1d_u64);
        Self {
            random: Random(seed.max(1)),
            seed,
            number: 0,
        }
    }

    /// Makes so many operations in both.
    fn run(&mut self, memory: &mut World, tmpfs: &mut World, calls: u32) {
        for _ in 0..calls {
            let Self { number, seed, .. } = self;
            let call = random_call(&mut self.random, memory);
            let (said, told) = (memory.make(&call), tmpfs.make(&call));
            if let (Ok(Said::Bytes(said)), Ok(Said::Bytes(told))) = (&said, &told) {
                assert!(said == told, "{number}, seed {seed}: other bytes: {call:?}");
            } else {
                assert_eq!(said, told, "{number}, seed {seed}: {call:?}");
            }
            if *number % 500 == 0 {
                let same = memory.tree() == tmpfs.tree();
                assert!(same, "{number}, seed {seed}: other trees");
            }
            self.number += 1;
        }
    }
}

/// A world on the disk that is none.
fn world_of_tmpfs(scratch: &TempDir) -> World {
    World::new(Dir::Host(open(scratch)))
}

fn open(scratch: &TempDir) -> host::Dir {
    host::Dir::open_ambient(scratch.path()).unwrap()
}

/// A tree without the numbers of names, which a copy need not have.
fn without_links(tree: &BTreeMap<String, Answer>) -> BTreeMap<&str, String> {
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
    let mut tmpfs = world_of_tmpfs(&scratch);
    let fs = MemoryFs::new(MemoryFsLimits::default());
    let mut memory = World::new(Dir::Other(fs.root()));
    Both::new().run(&mut memory, &mut tmpfs, calls());
    // All of it goes, and with it what it took.
    drop((memory, tmpfs));
    clear(&*fs.root());
    assert_eq!(fs.usage(), Usage::default());
}

/// After each round all is closed, and the next one is made over an image of what there is.
#[test]
fn one_over_an_image_says_what_tmpfs_says() {
    const ROUND: u32 = 200;
    let scratch = scratch();
    let mut both = Both::new();
    let mut fs = MemoryFs::new(MemoryFsLimits::default());
    for _ in 0..calls().div_ceil(ROUND) {
        let mut tmpfs = world_of_tmpfs(&scratch);
        let mut memory = World::new(Dir::Other(fs.root()));
        both.run(&mut memory, &mut tmpfs, ROUND);
        let now = memory.tree();
        drop(memory);
        // What was made before stays as it was, whatever is done from now on.
        let image = Arc::new(fs.snapshot().unwrap());
        fs = MemoryFs::over(Arc::clone(&image), MemoryFsLimits::default());
        assert!(World::new(Dir::Other(fs.root())).tree() == now);
        assert_eq!(fs.usage(), Usage::default());
        let other = MemoryFs::over(image, MemoryFsLimits::default());
        clear(&*other.root());
        assert_eq!(other.usage(), Usage::default());
    }
}

/// In each round there is a copy of what there was before, and what is done over that is laid onto it in the
/// end.
#[test]
fn one_over_a_directory_says_what_tmpfs_says() {
    const ROUND: u32 = 200;
    let (scratch, lower) = (scratch(), scratch());
    let mut both = Both::new();
    for _ in 0..(calls() / 4).div_ceil(ROUND) {
        let copied = Command::new("cp")
            .args(["-a", "-T"])
            .args([scratch.path(), lower.path()])
            .status();
        assert!(copied.unwrap().success());
        let memory_fs = MemoryFs::over_host(open(&lower), MemoryFsLimits::default()).unwrap();
        let mut tmpfs = world_of_tmpfs(&scratch);
        let mut memory = World::new(Dir::Other(memory_fs.root()));
        both.run(&mut memory, &mut tmpfs, ROUND);
        let now = memory.tree();
        drop(memory);
        // A snapshot is a copy, whatever becomes of the directory.
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

/// Removes all that is in a directory.
fn clear(dir: &dyn Directory) {
    let mut stream = dir.read_dir().unwrap();
    let mut cookie = 2;
    while let Some(entry) = stream.read(cookie).unwrap() {
        cookie = entry.next;
        let name = as_name(entry.name);
        if entry.filetype == Filetype::Directory {
            let Dir::Other(below) = dir.open_dir_at(name).unwrap() else {
                panic!("a directory of the host");
            };
            clear(&*below);
            dir.remove_dir_at(name).unwrap();
        } else {
            dir.unlink_at(name).unwrap();
        }
    }
}
