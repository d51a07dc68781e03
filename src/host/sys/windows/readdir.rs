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
use crate::host::{Block, Listing, Position};

/// A directory stream: the kernel lists a directory by blocks of entries, for a handle of its own.
///
/// The entries, `.` and `..` among them, are in the order of their names on most file systems.
#[derive(Debug, Default)]
pub struct Entries(Option<Open>);

#[derive(Debug)]
struct Open {
    file: fs::File,
    layout: &'static DirInfoLayout,
    /// Whether the next call begins at the first entry.
    restart: bool,
}

/// A format in which the kernel lists a directory.
#[derive(Debug)]
struct DirInfoLayout {
    first: FILE_INFO_BY_HANDLE_CLASS,
    more: FILE_INFO_BY_HANDLE_CLASS,
    /// The offset of the file number in an entry.
    file_id: Option<usize>,
    name: usize,
}

static WITH_ID: DirInfoLayout = DirInfoLayout {
    first: FileIdBothDirectoryRestartInfo,
    more: FileIdBothDirectoryInfo,
    file_id: Some(offset_of!(FILE_ID_BOTH_DIR_INFO, FileId)),
    name: offset_of!(FILE_ID_BOTH_DIR_INFO, FileName),
};

/// For file systems without file numbers.
static WITHOUT_ID: DirInfoLayout = DirInfoLayout {
    first: FileFullDirectoryRestartInfo,
    more: FileFullDirectoryInfo,
    file_id: None,
    name: offset_of!(FILE_FULL_DIR_INFO, FileName),
};

// Fields that are not in `DirInfoLayout` have the same offsets in both formats.
const NEXT: usize = offset_of!(FILE_ID_BOTH_DIR_INFO, NextEntryOffset);
const ATTRIBUTES: usize = offset_of!(FILE_ID_BOTH_DIR_INFO, FileAttributes);
const NAME_LEN: usize = offset_of!(FILE_ID_BOTH_DIR_INFO, FileNameLength);
/// For a file with a reparse tag, this is the tag.
const EA_SIZE: usize = offset_of!(FILE_ID_BOTH_DIR_INFO, EaSize);
const _: () = {
    assert!(NEXT == offset_of!(FILE_FULL_DIR_INFO, NextEntryOffset));
    assert!(ATTRIBUTES == offset_of!(FILE_FULL_DIR_INFO, FileAttributes));
    assert!(NAME_LEN == offset_of!(FILE_FULL_DIR_INFO, FileNameLength));
    assert!(EA_SIZE == offset_of!(FILE_FULL_DIR_INFO, EaSize));
};

impl Listing for Entries {
    type Dir = Dir;

    const SEEKS: bool = false;

    // The memory of a handle.
    const SIZE: usize = 1 << 10;

    fn read(&mut self, _: &Dir, _: usize, block: &mut Block) -> io::Result<()> {
        let Some(open) = &mut self.0 else {
            return Ok(());
        };
        let mut entries = Box::default();
        if !open.ask(&mut entries)? {
            return Ok(());
        }
        let mut start = 0;
        loop {
            let entry = &entries.0[start..];
            open.layout.parse(entry, block);
            match number(entry, NEXT) {
                0 => return Ok(()),
                len => start += len as usize,
            }
        }
    }

    fn seek(&mut self, dir: &Dir, _: Position) -> io::Result<()> {
        match &mut self.0 {
            Some(open) => open.restart = true,
            None => {
                self.0 = Some(Open {
                    file: dir.open_to_list()?,
                    layout: &WITH_ID,
                    restart: true,
                });
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        self.0 = None;
    }
}

impl Open {
    /// Reads more entries from the kernel. False at the end.
    fn ask(&mut self, entries: &mut query::Entries) -> io::Result<bool> {
        loop {
            let class = if self.restart {
                self.layout.first
            } else {
                self.layout.more
            };
            match query::read_directory(self.file.as_handle(), class, entries) {
                Ok(()) => {
                    self.restart = false;
                    return Ok(true);
                }
                Err(error) if is(&error, ERROR_NO_MORE_FILES) => return Ok(false),
                // The error for a directory without even a `.`, such as the root of a drive.
                Err(error) if is(&error, ERROR_FILE_NOT_FOUND) && self.restart => return Ok(false),
                Err(error)
                    if self.restart
                        && self.layout.file_id.is_some()
                        && (is(&error, ERROR_INVALID_PARAMETER)
                            || is(&error, ERROR_NOT_SUPPORTED)) =>
                {
                    self.layout = &WITHOUT_ID;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

impl DirInfoLayout {
    fn parse(&self, entry: &[u8], block: &mut Block) {
        let name = &entry[self.name..][..number(entry, NAME_LEN) as usize];
        let (units, _) = name.as_chunks::<2>();
        let name: Vec<_> = units.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        let ino = self.file_id.map_or(0, |at| {
            u64::from(number(entry, at)) | u64::from(number(entry, at + 4)) << 32
        });
        // A name that is not valid Unicode cannot be passed on, and could not be opened.
        let name = String::from_utf16_lossy(&name).into_bytes();
        let filetype = stat::filetype(number(entry, ATTRIBUTES), number(entry, EA_SIZE));
        block.push(&name, ino, filetype, Position::of_name(&name));
    }
}

/// The 32-bit number at an offset of an entry.
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
        let mut block = Block::new(0, Position::START);
        WITH_ID.parse(&entry, &mut block);
        block.read(4);
        let entry = block.last().unwrap();
        assert_eq!(entry.name, "aä".as_bytes());
        assert_eq!(entry.ino, 1 << 56 | 7);
        assert_eq!(entry.filetype, Filetype::SymbolicLink);
        assert_eq!(entry.next, 4);
    }
}
