//! `struct stat` and `struct timespec`, as [`Filestat`] and [`Timestamp`].

use std::io;
use std::os::fd::BorrowedFd;
use std::path::Path;

use rustix::fs::{
    AtFlags, FileType, Mode, RawMode, Stat, Timespec, Timestamps, UTIME_NOW, UTIME_OMIT,
};

use crate::abi::{Filestat, Filetype, Timestamp};
use crate::host::{Name, Permissions, SetTime};

const NANOS: u64 = 1_000_000_000;

/// `fstat(2)`.
pub(super) fn fstat(fd: BorrowedFd<'_>) -> io::Result<Filestat> {
    filestat(&rustix::fs::fstat(fd)?, fd)
}

/// `lstat(2)` of a path of the embedder.
pub fn stat_ambient(path: &Path) -> io::Result<Filestat> {
    filestat(&rustix::fs::lstat(path)?, rustix::fs::CWD)
}

/// `fstatat(2)` with `AT_SYMLINK_NOFOLLOW`.
pub(super) fn stat_at(dir: BorrowedFd<'_>, name: Name<'_>) -> io::Result<Filestat> {
    let stat = rustix::fs::statat(dir, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW)?;
    filestat(&stat, dir)
}

/// The permissions by `fstatat(2)` with `AT_SYMLINK_NOFOLLOW`.
#[allow(
    clippy::useless_conversion,
    reason = "the width of a mode differs from system to system"
)]
pub(super) fn permissions_at(dir: BorrowedFd<'_>, name: Name<'_>) -> io::Result<Permissions> {
    let stat = rustix::fs::statat(dir, name.as_bytes(), AtFlags::SYMLINK_NOFOLLOW)?;
    Ok(Permissions::of_mode(stat.st_mode.into()))
}

/// Permissions as a mode.
pub(super) fn mode(permissions: Permissions) -> Mode {
    Mode::from_bits_truncate(permissions.bits() as RawMode)
}

/// `futimens(2)`.
pub(super) fn set_times(fd: BorrowedFd<'_>, atim: SetTime, mtim: SetTime) -> io::Result<()> {
    Ok(rustix::fs::futimens(fd, &timestamps(atim, mtim))?)
}

/// `utimensat(2)` with `AT_SYMLINK_NOFOLLOW`.
pub(super) fn set_times_at(
    dir: BorrowedFd<'_>,
    name: &[u8],
    atim: SetTime,
    mtim: SetTime,
) -> io::Result<()> {
    let times = timestamps(atim, mtim);
    Ok(rustix::fs::utimensat(
        dir,
        name,
        &times,
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}

/// Converts a `struct stat`. `fd` is asked for the type of a socket, if it is open.
#[allow(
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    reason = "the widths and signs of these fields differ from system to system"
)]
fn filestat(stat: &Stat, fd: BorrowedFd<'_>) -> io::Result<Filestat> {
    let filetype = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Socket => super::socket::filetype(fd),
        other => filetype(other),
    };
    Ok(Filestat {
        dev: stat.st_dev as u64,
        ino: stat.st_ino as u64,
        filetype,
        nlink: stat.st_nlink as u64,
        size: stat.st_size as u64,
        atim: timestamp(stat.st_atime.into(), stat.st_atime_nsec as u64),
        mtim: timestamp(stat.st_mtime.into(), stat.st_mtime_nsec as u64),
        ctim: timestamp(stat.st_ctime.into(), stat.st_ctime_nsec as u64),
    })
}

/// The [`Filetype`] of a `st_mode`. The witx has none for a FIFO, which is a stream socket as in
/// node:wasi.
pub(super) fn filetype(filetype: FileType) -> Filetype {
    match filetype {
        FileType::RegularFile => Filetype::RegularFile,
        FileType::Directory => Filetype::Directory,
        FileType::Symlink => Filetype::SymbolicLink,
        FileType::CharacterDevice => Filetype::CharacterDevice,
        FileType::BlockDevice => Filetype::BlockDevice,
        FileType::Fifo | FileType::Socket => Filetype::SocketStream,
        _ => Filetype::Unknown,
    }
}

/// A `struct timespec` in nanoseconds since 1970: 0 if it is before, [`u64::MAX`] if it is too late.
fn timestamp(seconds: i64, nanos: u64) -> Timestamp {
    u64::try_from(seconds).map_or(0, |seconds| {
        seconds.saturating_mul(NANOS).saturating_add(nanos)
    })
}

fn timestamps(atim: SetTime, mtim: SetTime) -> Timestamps {
    Timestamps {
        last_access: timespec(atim),
        last_modification: timespec(mtim),
    }
}

fn timespec(time: SetTime) -> Timespec {
    let (tv_sec, tv_nsec) = match time {
        SetTime::Omit => (0, UTIME_OMIT as _),
        SetTime::Now => (0, UTIME_NOW as _),
        SetTime::At(nanos) => ((nanos / NANOS) as _, (nanos % NANOS) as _),
    };
    Timespec { tv_sec, tv_nsec }
}

#[cfg(test)]
mod tests {
    use super::timestamp;

    #[test]
    fn times_out_of_range_are_the_nearest() {
        assert_eq!(timestamp(1, 5), 1_000_000_005);
        assert_eq!(timestamp(0, 999_999_999), 999_999_999);
        assert_eq!(timestamp(-1, 999_999_999), 0);
        assert_eq!(timestamp(i64::MIN, 0), 0);
        assert_eq!(timestamp(18_446_744_073, 709_551_615), u64::MAX);
        assert_eq!(timestamp(18_446_744_073, 709_551_616), u64::MAX);
        assert_eq!(timestamp(i64::MAX, 0), u64::MAX);
    }
}
