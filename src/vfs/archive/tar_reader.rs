use std::ops::Range;
use std::sync::Arc;

use super::header::{BLOCK, Header, LINK, MAGIC, MTIME, NAME, PREFIX, SIZE, TYPE, USTAR};
use super::members::Members;
use super::pax::{self, Pax, SPARSE};
use super::{ArchiveError, ArchiveLimits, Result, wrong};
use crate::abi::Timestamp;
use crate::vfs::MAX_PATH;
use crate::vfs::image::{Image, Slice};

/// Makes an image of a tar archive: ustar, pax, or GNU's. The contents of its files are parts of the archive,
/// and are not copied. Devices and FIFOs are left out.
///
/// # Errors
///
/// It is no tar archive, or is cut off; or a member is refused.
pub fn read_tar(archive: Vec<u8>, limits: ArchiveLimits) -> Result<Image> {
    let mut reader = Reader {
        archive: Arc::new(archive),
        at: 0,
        extended: Pax::default(),
        members: Members::new(limits),
    };
    while reader.read_member()? {}
    Ok(reader.members.finish())
}

struct Reader {
    archive: Arc<Vec<u8>>,
    /// The offset of the next header.
    at: usize,
    /// What extended headers said of the next member.
    extended: Pax,
    members: Members,
}

impl Reader {
    /// Reads one header and its data. False at the end.
    fn read_member(&mut self) -> Result<bool> {
        let archive = Arc::clone(&self.archive);
        let block = archive[self.at..].first_chunk();
        let header = Header(block.ok_or_else(|| ArchiveError::new("the archive is cut off"))?);
        if header.is_end() {
            return Ok(false);
        }
        if !header.is_valid() {
            return wrong(match self.at {
                0 => "it is no tar archive",
                _ => "a header of the archive is damaged",
            });
        }
        let path = match &self.extended.path {
            Some(path) => path.clone(),
            None => path(header),
        };
        self.take(header, &path).map_err(|error| error.of(&path))?;
        Ok(true)
    }

    fn take(&mut self, header: Header<'_>, path: &[u8]) -> Result<()> {
        let kind = header.0[TYPE];
        match kind {
            b'x' | b'X' => {
                let data = self.pass(header.number(SIZE)?)?;
                return self.extended.read(&self.archive[data]);
            }
            b'g' => return self.take_global(header),
            b'L' | b'K' => {
                let size = header.number(SIZE)?;
                // With the NUL.
                if size > MAX_PATH as u64 + 1 {
                    return wrong(pax::TOO_LONG);
                }
                let data = self.pass(size)?;
                let text = self.archive[data].split(|byte| *byte == 0).next();
                let text = text.map(<[u8]>::to_vec);
                match kind {
                    b'L' => self.extended.path = text,
                    _ => self.extended.link = text,
                }
                return Ok(());
            }
            _ => {}
        }
        let said = std::mem::take(&mut self.extended);
        let mtim = match said.mtim {
            Some(mtim) => mtim,
            None => header.seconds(MTIME)?.saturating_mul(1_000_000_000),
        };
        let link = said.link.unwrap_or_else(|| header.text(LINK).to_vec());
        let size = match said.size {
            Some(size) => size,
            None => header.number(SIZE)?,
        };
        self.add_member(kind, (path, mtim), &link, size)
    }

    /// Refuses a global extended header that would change the names, targets or sizes of the members after it.
    fn take_global(&mut self, header: Header<'_>) -> Result<()> {
        let data = self.pass(header.number(SIZE)?)?;
        let mut global = Pax::default();
        global.read(&self.archive[data])?;
        if global.path.is_some() || global.link.is_some() || global.size.is_some() {
            return wrong("gives one name or size to all members that follow");
        }
        Ok(())
    }

    /// Adds a member. Only files have data behind their header.
    fn add_member(
        &mut self,
        kind: u8,
        (path, mtim): (&[u8], Timestamp),
        link: &[u8],
        size: u64,
    ) -> Result<()> {
        // Before there was a type for directories, their names ended in a slash.
        let is_dir = kind == b'5' || matches!(kind, b'0' | 0) && path.ends_with(b"/");
        match kind {
            _ if is_dir => {
                self.pass(0)?;
                self.members.dir(path, mtim)
            }
            b'0' | 0 | b'7' => {
                let data = self.pass(size)?;
                let content = Slice::new(&self.archive, data).ok_or_else(cut_off)?;
                self.members.file(path, mtim, content.into())
            }
            b'1' => {
                self.pass(0)?;
                self.members.hard_link(path, mtim, link)
            }
            b'2' => {
                self.pass(0)?;
                self.members.symlink(path, mtim, link)
            }
            b'3' | b'4' | b'6' => self.pass(0).map(drop),
            // GNU's volume label is no file. GNU's directory of an incremental archive has a list of names as
            // data.
            b'V' => self.pass(size).map(drop),
            b'D' => {
                self.pass(size)?;
                self.members.dir(path, mtim)
            }
            b'S' => wrong(SPARSE),
            kind => wrong(format!("is of an unknown type, {:?}", char::from(kind))),
        }
    }

    /// The range of `size` bytes of data after the header. Goes to the next header, which is after them.
    fn pass(&mut self, size: u64) -> Result<Range<usize>> {
        let start = self.at + BLOCK;
        let len = usize::try_from(size).ok();
        let end = len.and_then(|len| start.checked_add(len));
        let end = end.filter(|end| *end <= self.archive.len());
        let end = end.ok_or_else(cut_off)?;
        // The last block may be short: only padding is missing then.
        self.at = end.next_multiple_of(BLOCK).min(self.archive.len());
        Ok(start..end)
    }
}

fn cut_off() -> ArchiveError {
    ArchiveError::new("is cut off")
}

/// The name in a header. POSIX has a second field, for the start of long ones.
fn path(header: Header<'_>) -> Vec<u8> {
    let name = header.text(NAME);
    match header.text(PREFIX) {
        prefix if !prefix.is_empty() && header.field(MAGIC) == USTAR => {
            [prefix, b"/", name].concat()
        }
        _ => name.to_vec(),
    }
}
