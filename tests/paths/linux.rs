//! Makes calls as Linux does.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;

use rustix::fs::{self, AtFlags, FileType, OFlags, Stat, Timespec, Timestamps};
use wasi_rs::abi::{Errno, Filetype, Oflags};

use crate::arena::{Arena, TIME};
use crate::calls::{Call, Found, Mode};

/// Makes a call, with paths relative to the given directory.
pub fn make(arena: &Arena, call: &Call) -> Result<Found, Errno> {
    let dir = File::open(&arena.given).unwrap();
    Ok(try_make(dir.as_fd(), call)?)
}

fn try_make(dir: std::os::fd::BorrowedFd<'_>, call: &Call) -> io::Result<Found> {
    match call {
        Call::CreateDirectory(path) => fs::mkdirat(dir, path, fs::Mode::from_raw_mode(0o777))?,
        Call::RemoveDirectory(path) => fs::unlinkat(dir, path, AtFlags::REMOVEDIR)?,
        Call::UnlinkFile(path) => fs::unlinkat(dir, path, AtFlags::empty())?,
        Call::Readlink(path) => {
            let target = fs::readlinkat(dir, path, Vec::new())?;
            return Ok(Found::Target(target.into_bytes()));
        }
        Call::FilestatGet(path, follow) => {
            return Ok(node(&fs::statat(dir, path, unless(*follow))?, None));
        }
        Call::FilestatSetTimes(path, follow) => {
            let time = Timespec {
                tv_sec: (TIME / 1_000_000_000) as _,
                tv_nsec: 0,
            };
            let times = Timestamps {
                last_access: time,
                last_modification: time,
            };
            fs::utimensat(dir, path, &times, unless(*follow))?;
        }
        Call::Open(path, follow, oflags, mode) => {
            let how = oflags_of(*oflags, *follow, *mode);
            let mut file = File::from(fs::openat(dir, path, how, fs::Mode::from(0o666))?);
            let stat = fs::fstat(&file)?;
            let mut text = vec![];
            let text = match file.read_to_end(&mut text) {
                Ok(_) => Some(text),
                Err(_) => None,
            };
            return Ok(node(&stat, text));
        }
        Call::Link(old, follow, new) => {
            let flags = match follow {
                true => AtFlags::SYMLINK_FOLLOW,
                false => AtFlags::empty(),
            };
            fs::linkat(dir, old, dir, new, flags)?;
        }
        Call::Rename(old, new) => fs::renameat(dir, old, dir, new)?,
        Call::Symlink(target, path) => fs::symlinkat(target, dir, path)?,
    }
    Ok(Found::Nothing)
}

fn unless(follow: bool) -> AtFlags {
    match follow {
        true => AtFlags::empty(),
        false => AtFlags::SYMLINK_NOFOLLOW,
    }
}

fn oflags_of(oflags: Oflags, follow: bool, mode: Mode) -> OFlags {
    let mut how = match mode {
        Mode::Read => OFlags::RDONLY,
        Mode::Write => OFlags::WRONLY,
        Mode::ReadWrite => OFlags::RDWR,
    };
    how.set(OFlags::NOFOLLOW, !follow);
    how.set(OFlags::CREATE, oflags.contains(Oflags::CREAT));
    how.set(OFlags::DIRECTORY, oflags.contains(Oflags::DIRECTORY));
    how.set(OFlags::EXCL, oflags.contains(Oflags::EXCL));
    how.set(OFlags::TRUNC, oflags.contains(Oflags::TRUNC));
    how | OFlags::CLOEXEC
}

#[allow(
    clippy::unnecessary_cast,
    reason = "the types are not the same on every processor"
)]
fn node(stat: &Stat, text: Option<Vec<u8>>) -> Found {
    let filetype = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => Filetype::Directory,
        FileType::RegularFile => Filetype::RegularFile,
        FileType::Symlink => Filetype::SymbolicLink,
        other => panic!("no call makes a {other:?}"),
    };
    let size =
        (filetype != Filetype::Directory).then_some((stat.st_nlink as u64, stat.st_size as u64));
    Found::Node {
        filetype,
        size,
        text,
    }
}
