use wasi_rs::abi::Oflags;

use super::world::World;

/// More than a chunk of the file system in memory.
const FAR: u64 = 150_000;

/// A source of choices, of which operations are made.
pub trait Choices {
    /// A number below `end`.
    fn below(&mut self, end: u64) -> u64;
}

fn name(choices: &mut impl Choices) -> Vec<u8> {
    match choices.below(40) {
        0 => vec![b'n'; 256],
        1 => vec![b'n'; 255],
        letter => vec![b'a' + (letter % 6) as u8],
    }
}

fn bytes(choices: &mut impl Choices) -> Vec<u8> {
    let len = match choices.below(4) {
        0 => choices.below(FAR / 2),
        _ => choices.below(50),
    };
    vec![b'a' + choices.below(26) as u8; len as usize]
}

/// An operation. Numbers are those of open files; each operation that opens one takes the next number.
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

/// An operation on what is open in this world; the other has the same open.
pub fn choose(choices: &mut impl Choices, world: &World) -> Call {
    let dirs = world.dirs.len() as u64 + 1;
    let kinds = if world.files.is_empty() { 23 } else { 34 };
    let dir = choices.below(dirs) as usize;
    let other = choices.below(dirs) as usize;
    let file = choices.below(world.files.len().max(1) as u64) as usize;
    match choices.below(kinds) {
        0 | 1 => Call::CreateDir(dir, name(choices)),
        2..=5 => choose_open(choices, dir),
        6 | 7 => Call::OpenDir(dir, name(choices)),
        8 if has_dotdot(world, dir) => Call::OpenDotdot(dir),
        9 | 10 => Call::Unlink(dir, name(choices)),
        11 | 12 => Call::RemoveDir(dir, name(choices)),
        13..=15 => Call::Rename(dir, name(choices), other, name(choices)),
        16 => {
            let old = (choices.below(8) > 0).then(|| name(choices));
            Call::Link(dir, old, other, name(choices))
        }
        17 => {
            let target = [0, 1, 9, 4095, 4096][choices.below(5) as usize];
            Call::Symlink(dir, vec![b't'; target], name(choices))
        }
        18 => Call::ReadLink(dir, name(choices)),
        19 => Call::StatAt(dir, name(choices)),
        20 => Call::StatDir(dir),
        21 => Call::List(dir),
        22 | 8 if dir > 0 => Call::CloseDir(dir),
        22 | 8 => Call::List(0),
        23 => Call::StatFile(file),
        24..=26 => Call::Read(file, choices.below(FAR), choices.below(FAR / 2) as usize),
        27 if choices.below(3) == 0 => Call::CloseFile(file),
        _ if world.files[file].1 == Access::Read => Call::StatFile(file),
        28 | 29 => Call::SetSize(file, choices.below(FAR)),
        30 => Call::Allocate(file, choices.below(FAR), 1 + choices.below(FAR)),
        _ => Call::Write(file, choices.below(FAR), bytes(choices)),
    }
}

fn choose_open(choices: &mut impl Choices, dir: usize) -> Call {
    let access = [Access::Read, Access::ReadWrite, Access::Append][choices.below(3) as usize];
    let mut oflags = Oflags::from_bits_truncate(choices.below(16) as u16);
    if oflags.contains(Oflags::CREAT) {
        // CREAT with DIRECTORY is refused before a file system is called.
        oflags.remove(Oflags::DIRECTORY);
    }
    let file = (choices.below(12) > 0).then(|| name(choices));
    Call::Open(dir, file, oflags, access)
}

/// Whether `..` must be the same in both. Linux still knows the parent of a removed directory, and the root of
/// tmpfs has a directory of the host above it.
fn has_dotdot(world: &World, dir: usize) -> bool {
    let [root, stat] = [0, dir].map(|dir| world.dir(dir).stat().unwrap());
    stat.nlink > 0 && stat.ino != root.ino
}
