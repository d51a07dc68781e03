use std::io;

use rustix::fs::FileType;

use super::{Dir, stat};
use crate::abi::Filetype;
use crate::host::{Block, Listing, Name, Position};

/// The largest buffer in bytes that is on the stack.
#[cfg(any(target_os = "linux", target_os = "android"))]
const FEW: usize = 8 << 10;

/// A directory stream by `getdents64(2)` on the directory's own descriptor, whose offset is used for nothing
/// else.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[derive(Debug, Default)]
pub struct Entries;

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Listing for Entries {
    type Dir = Dir;

    // `d_off` stays valid when entries are created or removed.
    const SEEKS: bool = true;

    const SIZE: usize = 0;

    fn read(&mut self, dir: &Dir, len: usize, block: &mut Block) -> io::Result<()> {
        use rustix::io::Errno;
        use std::mem::MaybeUninit;

        let mut few = [MaybeUninit::uninit(); FEW];
        let mut many = Vec::new();
        let buf = if len > FEW {
            many.reserve_exact(len);
            many.spare_capacity_mut()
        } else {
            &mut few
        };
        let mut entries = rustix::fs::RawDir::new(dir, buf);
        loop {
            match entries.next() {
                Some(Ok(entry)) => {
                    let name = entry.file_name().to_bytes();
                    let filetype = filetype(dir, entry.file_type(), name);
                    let position = Position(entry.next_entry_cookie());
                    block.push(name, entry.ino(), filetype, position);
                }
                Some(Err(Errno::INTR)) => continue,
                // The directory was removed: it has no entries.
                None | Some(Err(Errno::NOENT)) => return Ok(()),
                Some(Err(error)) => return Err(error.into()),
            }
            if entries.is_buffer_empty() {
                return Ok(());
            }
        }
    }

    fn seek(&mut self, dir: &Dir, position: Position) -> io::Result<()> {
        rustix::fs::seek(dir, rustix::fs::SeekFrom::Start(position.0))?;
        Ok(())
    }
}

/// Approximate size in bytes of an entry without its name.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const HEAD: usize = 24;

/// A directory stream of libc. Its `telldir(3)` positions end with the stream, so they are not used.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[derive(Debug, Default)]
pub struct Entries(Option<rustix::fs::Dir>);

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Listing for Entries {
    type Dir = Dir;

    const SEEKS: bool = false;

    // The buffer of macOS's libc; a descriptor is held as well.
    const SIZE: usize = 16 << 10;

    fn read(&mut self, dir: &Dir, len: usize, block: &mut Block) -> io::Result<()> {
        let Some(entries) = &mut self.0 else {
            return Ok(());
        };
        let mut left = len;
        while left > 0
            && let Some(entry) = entries.read()
        {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            left = left.saturating_sub(HEAD + name.len());
            let filetype = filetype(dir, entry.file_type(), name);
            block.push(name, entry.ino(), filetype, Position::of_name(name));
        }
        Ok(())
    }

    fn seek(&mut self, dir: &Dir, _: Position) -> io::Result<()> {
        match &mut self.0 {
            Some(entries) => entries.rewind(),
            None => self.0 = Some(rustix::fs::Dir::read_from(dir)?),
        }
        Ok(())
    }

    fn close(&mut self) {
        self.0 = None;
    }
}

/// The type of an entry: `d_type`, or by `fstatat(2)` on file systems that have it `DT_UNKNOWN`.
fn filetype(dir: &Dir, told: FileType, name: &[u8]) -> Filetype {
    if told != FileType::Unknown {
        return stat::filetype(told);
    }
    let Some(name) = Name::new(name) else {
        return Filetype::Directory;
    };
    dir.stat_at(name)
        .map_or(Filetype::Unknown, |stat| stat.filetype)
}
