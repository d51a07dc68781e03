//! The file system in memory behaves as Linux's tmpfs: the operations of the input are done in both, and their
//! results are compared, as in the test `tmpfs` of the crate.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use wasi_rs::host;
use wasi_rs::vfs::Dir;
use wasi_rs::vfs::memory::{MemoryFs, MemoryFsLimits, Usage};

use crate::input::{Source, split};
use crate::scratch::make_root;

#[path = "../../tests/tmpfs/both.rs"]
mod both;
#[path = "../../tests/tmpfs/calls.rs"]
mod calls;
#[path = "../../tests/support/iovecs.rs"]
mod iovecs;
#[path = "../../tests/tmpfs/world.rs"]
mod world;

use both::{Both, clear};
use calls::Choices;
use world::World;

impl Choices for Source<'_> {
    fn below(&mut self, end: u64) -> u64 {
        match end {
            0..=256 => u64::from(self.byte()) % end,
            _ => u64::from(self.number::<u32>()) % end,
        }
    }
}

/// A directory of tmpfs, used for one input after the other.
pub struct Tmpfs(PathBuf);

impl Default for Tmpfs {
    fn default() -> Self {
        Self::new()
    }
}

impl Tmpfs {
    /// # Panics
    ///
    /// There is no tmpfs at `/dev/shm`.
    pub fn new() -> Self {
        let root = make_root();
        assert!(root.starts_with("/dev/shm"), "there is no /dev/shm");
        Self(root)
    }

    /// Does the operations of an input. The head says after how many the file system is exchanged for one over
    /// an image of it.
    ///
    /// # Panics
    ///
    /// The two differ, or usage remains in the one in memory after everything was removed.
    pub fn check(&self, data: &[u8]) {
        let (head, calls) = split(data);
        let round = usize::from(head[0]) + 1;
        let mut fs = MemoryFs::new(MemoryFsLimits::default());
        let mut both = self.both(&fs);
        for (number, call) in (1..).zip(calls) {
            both.make(&mut Source::new(&call));
            if number % round == 0 {
                both.check_trees();
                drop(both);
                let image = Arc::new(fs.snapshot().unwrap());
                fs = MemoryFs::over(image, MemoryFsLimits::default());
                both = self.both(&fs);
            }
        }
        both.check_trees();
        drop(both);
        clear(&*fs.root());
        assert_eq!(fs.usage(), Usage::default());
        self.clear();
    }

    fn both(&self, fs: &MemoryFs) -> Both {
        let tmpfs = host::Dir::open_ambient(&self.0).unwrap();
        Both {
            memory: World::new(Dir::Other(fs.root())),
            tmpfs: World::new(Dir::Host(tmpfs)),
        }
    }

    fn clear(&self) {
        fs::remove_dir_all(&self.0).unwrap();
        fs::create_dir(&self.0).unwrap();
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::MAX_LEN;

    #[test]
    fn the_two_do_the_same() {
        let tmpfs = Tmpfs::new();
        let mut number = 1_u32;
        for _ in 0..200 {
            let bytes = std::iter::repeat_with(|| {
                number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (number >> 24) as u8
            });
            tmpfs.check(&bytes.take(MAX_LEN).collect::<Vec<_>>());
        }
    }
}
