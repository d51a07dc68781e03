use wasi_rs::abi::Filetype;
use wasi_rs::vfs::{Dir, Directory};

use super::calls::{Choices, choose};
use super::world::{Said, Tree, World, as_name};

/// A file system in memory and a directory of tmpfs, with the same operations on both.
pub struct Both {
    pub memory: World,
    pub tmpfs: World,
}

impl Both {
    /// Makes one operation in both.
    ///
    /// # Panics
    ///
    /// The results differ.
    pub fn make(&mut self, choices: &mut impl Choices) {
        let call = choose(choices, &self.memory);
        let (said, told) = (self.memory.make(&call), self.tmpfs.make(&call));
        if let (Ok(Said::Bytes(said)), Ok(Said::Bytes(told))) = (&said, &told) {
            assert!(said == told, "other bytes: {call:?}");
        } else {
            assert_eq!(said, told, "{call:?}");
        }
    }

    /// Compares all files.
    ///
    /// # Panics
    ///
    /// They differ.
    pub fn check_trees(&self) {
        let [memory, tmpfs] = [&self.memory, &self.tmpfs].map(World::tree);
        let only_in = |one: &Tree, other: &Tree| {
            let mut only = one.clone();
            only.retain(|path, said| other.get(path) != Some(said));
            only
        };
        let (said, told) = (only_in(&memory, &tmpfs), only_in(&tmpfs, &memory));
        assert_eq!(said, told, "other trees");
    }
}

/// Removes everything in a directory.
pub fn clear(dir: &dyn Directory) {
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
