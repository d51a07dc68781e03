//! Attributes and timestamps of files, as [`Filestat`] and [`Timestamp`].

use std::fs::{self, FileTimes};
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::AsHandle;
use std::path::Path;
use std::time::{Duration, SystemTime};

use windows_sys::Win32::Foundation::ERROR_ACCESS_DENIED;
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS,
    FILE_FLAG_OPEN_REPARSE_POINT, FILE_READ_ATTRIBUTES,
};
use winx::file::{AccessMode, Flags, ShareMode, reopen_file};
use winx::winapi_util::file::information;

use super::{errno::is, query};
use crate::abi::{Filestat, Filetype, Timestamp};
use crate::host::SetTime;

/// The time from 1601 to 1970, in Windows' units of 100 ns.
const UNIX_EPOCH: i128 = 116_444_736_000_000_000;

/// The bit of a reparse tag for files that stand for another one: symbolic links and junctions.
const NAME_SURROGATE: u32 = 1 << 29;

/// `fstat(2)`. For a symbolic link that was opened itself, the size is 0.
pub(super) fn fstat(file: &fs::File) -> io::Result<Filestat> {
    let information = information(file)?;
    let attributes = information.file_attributes() as u32;
    let filetype = match attributes & FILE_ATTRIBUTE_REPARSE_POINT {
        0 => filetype(attributes, 0),
        _ if file.metadata()?.is_symlink() => Filetype::SymbolicLink,
        _ => filetype(attributes, 0),
    };
    let mtim = timestamp(information.last_write_time());
    Ok(Filestat {
        dev: information.volume_serial_number(),
        ino: information.file_index(),
        filetype,
        nlink: information.number_of_links(),
        size: match filetype {
            Filetype::RegularFile => information.file_size(),
            _ => 0,
        },
        atim: timestamp(information.last_access_time()),
        mtim,
        // Not every file system has it.
        ctim: match query::change_time(file.as_handle()) {
            Ok(0) | Err(_) => mtim,
            Ok(time) => timestamp(time.try_into().ok()),
        },
    })
}

/// `lstat(2)` of a path of the embedder. The size of a symbolic link is 0.
pub fn stat_ambient(path: &Path) -> io::Result<Filestat> {
    let mut options = fs::OpenOptions::new();
    options
        .access_mode(FILE_READ_ATTRIBUTES)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT);
    fstat(&options.open(path)?)
}

/// The attributes of a file that is not on a disk.
pub(super) fn of_stream(filetype: Filetype) -> Filestat {
    Filestat {
        dev: 0,
        ino: 0,
        filetype,
        nlink: 1,
        size: 0,
        atim: 0,
        mtim: 0,
        ctim: 0,
    }
}

/// The type by these attributes, and by this reparse tag if the attributes say that there is one.
pub(super) fn filetype(attributes: u32, tag: u32) -> Filetype {
    let has = |attribute: u32| attributes & attribute != 0;
    if has(FILE_ATTRIBUTE_REPARSE_POINT) && tag & NAME_SURROGATE != 0 {
        Filetype::SymbolicLink
    } else if has(FILE_ATTRIBUTE_DIRECTORY) {
        Filetype::Directory
    } else {
        Filetype::RegularFile
    }
}

/// Nanoseconds since 1970: 0 if it is before, [`u64::MAX`] if it is too late.
fn timestamp(time: Option<u64>) -> Timestamp {
    let units = i128::from(time.unwrap_or(0)) - UNIX_EPOCH;
    (units * 100).clamp(0, u64::MAX.into()) as Timestamp
}

/// `futimens(2)`, in units of 100 ns.
pub(super) fn set_times(file: &fs::File, atim: SetTime, mtim: SetTime) -> io::Result<()> {
    let now = SystemTime::now();
    let mut times = FileTimes::new();
    if let Some(atim) = system_time(atim, now) {
        times = times.set_accessed(atim);
    }
    if let Some(mtim) = system_time(mtim, now) {
        times = times.set_modified(mtim);
    }
    match file.set_times(times) {
        // Unlike POSIX, Windows requires a handle with write access to the attributes.
        Err(error) if is(&error, ERROR_ACCESS_DENIED) => {
            let access = AccessMode::FILE_WRITE_ATTRIBUTES;
            let flags = Flags::FILE_FLAG_BACKUP_SEMANTICS;
            reopen_file(file.as_handle(), access, ShareMode::all(), flags)?.set_times(times)
        }
        result => result,
    }
}

fn system_time(time: SetTime, now: SystemTime) -> Option<SystemTime> {
    match time {
        SetTime::Omit => None,
        SetTime::Now => Some(now),
        SetTime::At(nanos) => Some(SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_begin_in_1970() {
        assert_eq!(timestamp(None), 0);
        assert_eq!(timestamp(Some(0)), 0);
        assert_eq!(timestamp(Some(UNIX_EPOCH as u64)), 0);
        assert_eq!(timestamp(Some(UNIX_EPOCH as u64 + 1)), 100);
        assert_eq!(timestamp(Some(u64::MAX)), u64::MAX);
    }
}
