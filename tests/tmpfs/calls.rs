use wasi_rs::abi::Oflags;

use super::world::World;

/// More than a chunk of the file system in memory.
const FAR: u64 = 150_000;

/// Pseudo-random numbers: xorshift.
pub struct Random(pub u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }

    fn name(&mut self) -> Vec<u8> {
        match self.below(40) {
            0 => vec![b'n'; 256],
            1 => vec![b'n'; 255],
            letter => vec![b'a' + (letter % 6) as u8],
        }
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = match self.below(4) {
            0 => self.below(FAR / 2),
            _ => self.below(50),
        };
        vec![b'a' + self.below(26) as u8; len as usize]
    }
}

/// An operation; numbers are those of what is open. Every one that opens takes the next of them.
#[derive(Debug)]
pub enum Call {
    CreateDir(usize, Vec<u8>),
    Open(usize, Option<Vec<u8>>, Oflags, Access),
    OpenDir(usize, Vec<u8>),
    OpenDotdot(usize),
    Unlink(usize, Vec<u8>),
    RemoveDir(usize, Vec<u8>),
    Rename(usize, Vec<u8>, usize, Vec<u8>),
    Link(usize, Option<Vec<u8>>, usize, Vec<u8>),
    Symlink(usize, Vec<u8>, Vec<u8>),
    ReadLink(usize, Vec<u8>),
    StatAt(usize, Vec<u8>),
    StatDir(usize),
    List(usize),
    StatFile(usize),
    Read(usize, u64, usize),
    Write(usize, u64, Vec<u8>),
    SetSize(usize, u64),
    Allocate(usize, u64, u64),
    CloseDir(usize),
    CloseFile(usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Access {
    Read,
    ReadWrite,
    Append,
}

/// An operation on what is open in this world, which is the same as in the other.
pub fn random_call(random: &mut Random, world: &World) -> Call {
    let dirs = world.dirs.len() as u64 + 1;
    let kinds = if world.files.is_empty() { 23 } else { 34 };
    let dir = random.below(dirs) as usize;
    let other = random.below(dirs) as usize;
    let file = random.below(world.files.len().max(1) as u64) as usize;
    match random.below(kinds) {
        0 | 1 => Call::CreateDir(dir, random.name()),
        2..=5 => random_open(random, dir),
        6 | 7 => Call::OpenDir(dir, random.name()),
        8 if has_dotdot(world, dir) => Call::OpenDotdot(dir),
        9 | 10 => Call::Unlink(dir, random.name()),
        11 | 12 => Call::RemoveDir(dir, random.name()),
        13..=15 => Call::Rename(dir, random.name(), other, random.name()),
        16 => {
            let old = (random.below(8) > 0).then(|| random.name());
            Call::Link(dir, old, other, random.name())
        }
        17 => {
            let target = [0, 1, 9, 4095, 4096][random.below(5) as usize];
            Call::Symlink(dir, vec![b't'; target], random.name())
        }
        18 => Call::ReadLink(dir, random.name()),
        19 => Call::StatAt(dir, random.name()),
        20 => Call::StatDir(dir),
        21 => Call::List(dir),
        22 | 8 if dir > 0 => Call::CloseDir(dir),
        22 | 8 => Call::List(0),
        23 => Call::StatFile(file),
        24..=26 => Call::Read(file, random.below(FAR), random.below(FAR / 2) as usize),
        27 if random.below(3) == 0 => Call::CloseFile(file),
        _ if world.files[file].1 == Access::Read => Call::StatFile(file),
        28 | 29 => Call::SetSize(file, random.below(FAR)),
        30 => Call::Allocate(file, random.below(FAR), 1 + random.below(FAR)),
        _ => Call::Write(file, random.below(FAR), random.bytes()),
    }
}

fn random_open(random: &mut Random, dir: usize) -> Call {
    let access = [Access::Read, Access::ReadWrite, Access::Append][random.below(3) as usize];
    let mut oflags = Oflags::from_bits_truncate(random.below(16) as u16);
    if oflags.contains(Oflags::CREAT) {
        // What is to be created is no directory: that is refused above file systems.
        oflags.remove(Oflags::DIRECTORY);
    }
    let name = (random.below(12) > 0).then(|| random.name());
    Call::Open(dir, name, oflags, access)
}

/// Whether both must open the same as `..`. Of a removed directory Linux still knows where it was, and the
/// root of the one lies in a directory of the host.
fn has_dotdot(world: &World, dir: usize) -> bool {
    let [root, stat] = [0, dir].map(|dir| world.dir(dir).stat().unwrap());
    stat.nlink > 0 && stat.ino != root.ino
}
