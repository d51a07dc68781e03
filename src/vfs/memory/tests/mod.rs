//! Names, files and limits, as POSIX has them. `tests/tmpfs.rs` compares the same with Linux.

mod building;
mod files;
mod limits;
mod listing;
mod names;
mod over;
mod threads;

use super::*;
use crate::abi::{Errno, Fdflags, Filestat, Filetype, Oflags};
use crate::vfs::{Dir, FileHandle, Name, OpenHow, Opened, Result, SetTime};

const NONE: Oflags = Oflags::empty();

fn fresh() -> MemoryFs {
    MemoryFs::new(MemoryFsLimits::default())
}

fn name(text: &str) -> Name<'_> {
    Name::new(text.as_bytes()).unwrap()
}

fn how(oflags: Oflags, write: bool) -> OpenHow {
    OpenHow {
        read: true,
        write,
        oflags,
        fdflags: Fdflags::empty(),
        follow: false,
    }
}

/// Opens a file to read and write it.
fn open(dir: &dyn Directory, file: &str, oflags: Oflags) -> Result<FileHandle> {
    match dir.open_at(Some(name(file)), how(oflags, true))? {
        Opened::File(file) => Ok(file),
        other => panic!("{other:?} is no file"),
    }
}

/// Makes an empty file.
fn create(dir: &dyn Directory, file: &str) -> FileHandle {
    open(dir, file, Oflags::CREAT | Oflags::EXCL).unwrap()
}

fn as_directory(dir: Dir) -> Arc<dyn Directory> {
    match dir {
        Dir::Other(dir) => dir,
        Dir::Host(dir) => panic!("{dir:?} is the host's"),
    }
}

fn enter(dir: &dyn Directory, name_of_dir: &str) -> Arc<dyn Directory> {
    as_directory(dir.open_dir_at(name(name_of_dir)).unwrap())
}

/// Makes a directory, and opens it.
fn make_dir(dir: &dyn Directory, name_of_dir: &str) -> Arc<dyn Directory> {
    dir.create_dir_at(name(name_of_dir)).unwrap();
    enter(dir, name_of_dir)
}

fn stat(dir: &dyn Directory, file: &str) -> Filestat {
    dir.stat_at(name(file)).unwrap()
}

/// The names in a directory, in the order in which they are listed.
fn list(dir: &dyn Directory) -> Vec<String> {
    let mut stream = dir.read_dir().unwrap();
    let mut names = Vec::new();
    let mut cookie = 0;
    while let Some(entry) = stream.read(cookie).unwrap() {
        names.push(String::from_utf8(entry.name.to_vec()).unwrap());
        cookie = entry.next;
    }
    names
}
