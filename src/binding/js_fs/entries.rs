//! Decodes the entries of a directory and the attributes of a file, which `lib/js-file-system/` encodes.

use crate::abi::{Errno, Filetype};
use crate::vfs::Result;
use crate::vfs::by_path::{Attributes, Entry};

/// The size of an entry without its name, in bytes: inode number (8), length of the name (2), type (1).
const HEAD: usize = 11;

/// How many numbers the attributes of a file are: type, inode number or 0, links, size, and three times.
pub const ATTRIBUTES: usize = 7;

/// The type with this number of WASI's; unknown if there is none.
fn filetype(number: u64) -> Filetype {
    use Filetype::{
        BlockDevice, CharacterDevice, Directory, RegularFile, SocketStream, SymbolicLink, Unknown,
    };
    let all = [
        BlockDevice,
        CharacterDevice,
        Directory,
        RegularFile,
        SocketStream,
        SymbolicLink,
    ];
    (all.into_iter())
        .find(|filetype| u64::from(filetype.raw()) == number)
        .unwrap_or(Unknown)
}

/// Decodes attributes.
pub fn attributes(numbers: [u64; ATTRIBUTES]) -> Attributes {
    let [number, ino, nlink, size, atim, mtim, ctim] = numbers;
    Attributes {
        filetype: filetype(number),
        ino: (ino != 0).then_some(ino),
        nlink,
        size,
        atim,
        mtim,
        ctim,
    }
}

/// Decodes entries, which follow each other:
///
/// ```text
///   | inode number or 0: u64 | length of the name: u16 | type: u8 | name | …
/// ```
///
/// # Errors
///
/// [`Errno::Io`]: one of them is cut off.
pub fn read(mut bytes: &[u8]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (head, rest) = bytes.split_first_chunk::<HEAD>().ok_or(Errno::Io)?;
        let [i0, i1, i2, i3, i4, i5, i6, i7, low, high, number] = *head;
        let ino = u64::from_le_bytes([i0, i1, i2, i3, i4, i5, i6, i7]);
        let len = usize::from(u16::from_le_bytes([low, high]));
        let (name, rest) = rest.split_at_checked(len).ok_or(Errno::Io)?;
        entries.push(Entry {
            name: name.into(),
            filetype: filetype(number.into()),
            ino: (ino != 0).then_some(ino),
        });
        bytes = rest;
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(ino: u64, len: u16, number: u8, name: &[u8]) -> Vec<u8> {
        let mut bytes = ino.to_le_bytes().to_vec();
        bytes.extend(len.to_le_bytes());
        bytes.push(number);
        bytes.extend(name);
        bytes
    }

    #[test]
    fn entries_lie_one_behind_the_other() {
        let bytes = [entry(7, 1, 4, b"a"), entry(0, 3, 99, b"b/c")].concat();
        let entries = read(&bytes).unwrap();
        let expected = [
            (&b"a"[..], Filetype::RegularFile, Some(7)),
            (b"b/c", Filetype::Unknown, None),
        ];
        assert_eq!(entries.len(), expected.len());
        for (entry, (name, filetype, ino)) in entries.iter().zip(expected) {
            assert_eq!(
                (&entry.name[..], entry.filetype, entry.ino),
                (name, filetype, ino)
            );
        }
        assert_eq!(read(&[]), Ok(Vec::new()));
    }

    #[test]
    fn an_entry_that_is_cut_is_none() {
        let whole = entry(0, 3, 4, b"abc");
        for len in 1..whole.len() {
            assert_eq!(read(&whole[..len]), Err(Errno::Io), "{len}");
        }
    }
}
