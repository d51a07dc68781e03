use std::fs;
use std::io;
use std::mem::offset_of;
use std::os::windows::io::AsHandle;

use windows_sys::Win32::Foundation::{
    ERROR_FILE_NOT_FOUND, ERROR_INVALID_PARAMETER, ERROR_NO_MORE_FILES, ERROR_NOT_SUPPORTED,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FULL_DIR_INFO, FILE_ID_BOTH_DIR_INFO, FILE_INFO_BY_HANDLE_CLASS, FileFullDirectoryInfo,
    FileFullDirectoryRestartInfo, FileIdBothDirectoryInfo, FileIdBothDirectoryRestartInfo,
};

use super::errno::is;
use super::{Dir, query, stat};
use crate::abi::Dircookie;
use crate::host::{self, DirEntry, ReadDir};

/// What the kernel lists of a directory, which it tells in blocks.
///
/// A cookie counts the entries before it. What Windows lists, `.` and `..` among it, is in the order of
/// the names on most file systems, so that it stays where it is when others go.
pub struct Entries {
    file: fs::File,
    form: &'static Form,
    block: Box<query::Entries>,
    /// Where in `block` the next one is, if there is one.
    next: Option<usize>,
    /// Whether the next question to the kernel is for the first entries.
    restart: bool,
}

impl std::fmt::Debug for Entries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (f.debug_struct("Entries").field("file", &self.file)).finish_non_exhaustive()
    }
}

/// A form in which the kernel lists a directory.
struct Form {
    first: FILE_INFO_BY_HANDLE_CLASS,
    more: FILE_INFO_BY_HANDLE_CLASS,
    /// Where in an entry the number of the file is.
    file_id: Option<usize>,
    name: usize,
}

static WITH_ID: Form = Form {
    first: FileIdBothDirectoryRestartInfo,
    more: FileIdBothDirectoryInfo,
    file_id: Some(offset_of!(FILE_ID_BOTH_DIR_INFO, FileId)),
    name: offset_of!(FILE_ID_BOTH_DIR_INFO, FileName),
};

/// For file systems that do not number their files.
static WITHOUT_ID: Form = Form {
    first: FileFullDirectoryRestartInfo,
    more: FileFullDirectoryInfo,
    file_id: None,
    name: offset_of!(FILE_FULL_DIR_INFO, FileName),
};

// What is not in `Form` is in the same place in both.
const NEXT: usize = offset_of!(FILE_ID_BOTH_DIR_INFO, NextEntryOffset);
const ATTRIBUTES: usize = offset_of!(FILE_ID_BOTH_DIR_INFO, FileAttributes);
const NAME_LEN: usize = offset_of!(FILE_ID_BOTH_DIR_INFO, FileNameLength);
/// Of a file that has a reparse tag this is the tag.
const EA_SIZE: usize = offset_of!(FILE_ID_BOTH_DIR_INFO, EaSize);
const _: () = {
    assert!(NEXT == offset_of!(FILE_FULL_DIR_INFO, NextEntryOffset));
    assert!(ATTRIBUTES == offset_of!(FILE_FULL_DIR_INFO, FileAttributes));
    assert!(NAME_LEN == offset_of!(FILE_FULL_DIR_INFO, FileNameLength));
    assert!(EA_SIZE == offset_of!(FILE_FULL_DIR_INFO, EaSize));
};

pub(super) fn open(dir: &Dir) -> io::Result<ReadDir> {
    let entries = Entries {
        file: dir.open_to_list()?,
        form: &WITH_ID,
        block: Box::default(),
        next: None,
        restart: true,
    };
    Ok(ReadDir::new(entries, None))
}

impl host::Listing for Entries {
    fn fetch(&mut self, at: Dircookie) -> Option<io::Result<DirEntry>> {
        let start = match self.next.take() {
            Some(start) => start,
            None => match self.ask() {
                Ok(true) => 0,
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            },
        };
        let entry = &self.block.0[start..];
        self.next = match number(entry, NEXT) {
            0 => None,
            len => Some(start + len as usize),
        };
        Some(Ok(self.form.parse(entry, at + 1)))
    }

    fn seek(&mut self, _: Dircookie) -> io::Result<Dircookie> {
        self.next = None;
        self.restart = true;
        Ok(0)
    }
}

impl Entries {
    /// Asks the kernel for more entries. False where there are none.
    fn ask(&mut self) -> io::Result<bool> {
        loop {
            let class = if self.restart {
                self.form.first
            } else {
                self.form.more
            };
            match query::read_directory(self.file.as_handle(), class, &mut self.block) {
                Ok(()) => {
                    self.restart = false;
                    return Ok(true);
                }
                Err(error) if is(&error, ERROR_NO_MORE_FILES) => return Ok(false),
                // What is said of a directory without even a `.`, as that of a drive can be.
                Err(error) if is(&error, ERROR_FILE_NOT_FOUND) && self.restart => return Ok(false),
                Err(error)
                    if self.restart
                        && self.form.file_id.is_some()
                        && (is(&error, ERROR_INVALID_PARAMETER)
                            || is(&error, ERROR_NOT_SUPPORTED)) =>
                {
                    self.form = &WITHOUT_ID;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl Form {
    fn parse(&self, entry: &[u8], next: Dircookie) -> DirEntry {
        let name = &entry[self.name..][..number(entry, NAME_LEN) as usize];
        let (units, _) = name.as_chunks::<2>();
        let name: Vec<_> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        let ino = self.file_id.map_or(0, |at| {
            u64::from(number(entry, at)) | u64::from(number(entry, at + 4)) << 32
        });
        DirEntry {
            // A name that is no Unicode cannot be told, and could not be opened.
            name: String::from_utf16_lossy(&name).into_bytes(),
            ino,
            filetype: stat::filetype(number(entry, ATTRIBUTES), number(entry, EA_SIZE)),
            next,
        }
    }
}

/// The 32-bit number in this place of an entry.
fn number(entry: &[u8], at: usize) -> u32 {
    let bytes = entry[at..].first_chunk::<4>();
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Filetype;

    #[test]
    fn an_entry_is_taken_apart() {
        let mut entry = vec![0; WITH_ID.name];
        entry[NAME_LEN] = 4;
        entry[ATTRIBUTES + 1] = 0x04;
        entry[EA_SIZE..][..4].copy_from_slice(&0xA000_000C_u32.to_le_bytes());
        entry[WITH_ID.file_id.unwrap()] = 7;
        entry[WITH_ID.file_id.unwrap() + 7] = 1;
        entry.extend(b"a\0\xe4\0more");
        let entry = WITH_ID.parse(&entry, 3);
        assert_eq!(entry.name, "aä".as_bytes());
        assert_eq!(entry.ino, 1 << 56 | 7);
        assert_eq!(entry.filetype, Filetype::SymbolicLink);
        assert_eq!(entry.next, 3);
    }
}
