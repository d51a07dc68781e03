use std::sync::Arc;

use rawzip::time::ZipDateTimeKind;
use rawzip::{CompressionMethod, ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};

use super::members::Members;
use super::{ArchiveError, ArchiveLimits, Result, wrong};
use crate::abi::Timestamp;
use crate::vfs::MAX_PATH;
use crate::vfs::image::{Blob, Image, Method, Packed, Slice};

/// `S_IFMT`: the bits of a mode that are the type of the file.
const TYPE: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const DIRECTORY: u32 = 0o040_000;

/// Makes an image of a zip archive. Stored members are parts of the archive. Deflated ones are inflated when
/// they are first opened, to no more than the size in the archive's directory. Then the checksum of either is
/// checked. Devices and FIFOs are left out.
///
/// # Errors
///
/// It is no zip archive, or is cut off; or a member is refused, because it is encrypted or compressed by
/// another method, for example.
pub fn read_zip(archive: Vec<u8>, limits: ArchiveLimits) -> Result<Image> {
    let archive = Arc::new(archive);
    let zip = ZipArchive::from_slice(archive.as_slice());
    let zip = zip.map_err(|_| ArchiveError::new("it is no zip archive, or cut off"))?;
    let mut members = Members::new(limits);
    let mut entries = zip.entries();
    let mut count = 0;
    loop {
        let entry = entries.next_entry().map_err(damaged)?;
        let Some(entry) = entry else {
            break;
        };
        count += 1;
        let path = entry.file_path();
        add_member(&archive, &zip, &entry, &mut members)
            .map_err(|error| error.of(path.as_bytes()))?;
    }
    if count != zip.entries_hint() {
        return wrong("the directory of the archive is cut off");
    }
    Ok(members.finish())
}

fn damaged(error: rawzip::Error) -> ArchiveError {
    ArchiveError::new(format!("the archive is damaged: {error}"))
}

fn add_member(
    archive: &Arc<Vec<u8>>,
    zip: &ZipSliceArchive<&[u8]>,
    entry: &ZipFileHeaderRecord<'_>,
    members: &mut Members,
) -> Result<()> {
    let path = entry.file_path();
    let path = path.as_bytes();
    let mtim = mtim(entry);
    if entry.is_dir() {
        return members.dir(path, mtim);
    }
    let mode = entry.mode();
    match mode.value() & TYPE {
        0 | REGULAR => members.file(path, mtim, content(archive, zip, entry)?),
        DIRECTORY => members.dir(path, mtim),
        _ if mode.is_symlink() => {
            if entry.uncompressed_size_hint() > MAX_PATH as u64 {
                return wrong("is a symbolic link to no path");
            }
            let mut target = Vec::new();
            let content = content(archive, zip, entry)?;
            (content.read(0, content.len() as usize, &mut |piece| {
                target.extend_from_slice(piece);
            }))
            .map_err(|_| ArchiveError::new("is damaged"))?;
            members.symlink(path, mtim, &target)
        }
        _ => Ok(()),
    }
}

/// The content of a member.
fn content(
    archive: &Arc<Vec<u8>>,
    zip: &ZipSliceArchive<&[u8]>,
    entry: &ZipFileHeaderRecord<'_>,
) -> Result<Blob> {
    if entry.flags().is_encrypted() {
        return wrong("is encrypted");
    }
    let local = zip.get_entry(entry.wayfinder()).map_err(damaged)?;
    let (start, end) = local.compressed_data_range();
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let range = range.map(|(start, end)| start..end);
    let packed = range.and_then(|range| Slice::new(archive, range));
    let packed = packed.ok_or_else(|| ArchiveError::new("is cut off"))?;
    let len = usize::try_from(entry.uncompressed_size_hint());
    let len = len.map_err(|_| ArchiveError::new("is too large"))?;
    let member = |packed, method| Packed::new(packed, method, len, entry.crc32()).into();
    match entry.compression_method() {
        CompressionMethod::STORE if packed.as_bytes().len() != len => {
            wrong("is stored with another size than it has")
        }
        CompressionMethod::STORE => Ok(member(packed, Method::Stored)),
        CompressionMethod::DEFLATE => Ok(member(packed, Method::Deflated)),
        method => wrong(match method.name() {
            Some(name) => format!("is packed in a way that this does not read, {name}"),
            None => format!("is packed in an unknown way, {}", method.as_u16()),
        }),
    }
}

/// The modification time of a member. If it has no time zone, UTC is assumed.
fn mtim(entry: &ZipFileHeaderRecord<'_>) -> Timestamp {
    let seconds = match entry.last_modified() {
        ZipDateTimeKind::Utc(time) => time.to_unix(),
        ZipDateTimeKind::Local(time) => {
            let days = days_since_1970(time.year().into(), time.month().into(), time.day().into());
            let minutes = i64::from(time.hour()) * 60 + i64::from(time.minute());
            days * 86_400 + minutes * 60 + i64::from(time.second())
        }
    };
    u64::try_from(seconds).map_or(0, |seconds| seconds.saturating_mul(1_000_000_000))
}

/// The number of days from 1970 to a day of the Gregorian calendar. Years begin in March.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}
