//! Random calls, one after the other in the same tree, which they change.

use wasi_rs::abi::Oflags;

use crate::calls::{Call, Mode};

/// xorshift64: the same numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    fn pick<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// A path of up to four components, of which so few go up that it stays below the fingerprinted directory.
    fn path(&mut self) -> String {
        const NAMES: &[&str] = &[
            "file", "dir", "sub", "nested", "void", "link", "dirlink", "dangling", "newdir",
            "loop", "self", "up", "far", "twice", "new", "a", "b", "..", ".", "locked", "fixed",
            "out",
        ];
        let mut path = String::new();
        for component in 0..=self.below(4) {
            if component > 0 {
                path += self.pick(&["/", "/", "/", "//", "/./"]);
            }
            path += self.pick(NAMES);
        }
        path + self.pick(&["", "", "", "", "", "/", "/.", "//"])
    }

    fn call(&mut self) -> Call {
        match self.below(12) {
            0 => Call::CreateDirectory(self.path()),
            1 => Call::RemoveDirectory(self.path()),
            2 => Call::UnlinkFile(self.path()),
            3 => Call::Readlink(self.path()),
            4 => Call::FilestatGet(self.path(), self.coin()),
            5 => Call::FilestatSetTimes(self.path(), self.coin()),
            6 => Call::Link(self.path(), self.coin(), self.path()),
            7 => Call::Rename(self.path(), self.path()),
            8 => Call::Symlink(self.path(), self.path()),
            _ => {
                let oflags = Oflags::from_bits_truncate(self.below(16) as u16);
                let mode = [Mode::Read, Mode::Write, Mode::ReadWrite][self.below(3)];
                Call::Open(self.path(), self.coin(), oflags, mode)
            }
        }
    }
}

pub fn calls(seed: u64, calls: usize) -> Vec<Call> {
    // The seed must not be 0, which the generator never leaves.
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    (0..calls).map(|_| random.call()).collect()
}
