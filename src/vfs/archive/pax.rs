use super::{ArchiveError, Result, wrong};
use crate::abi::Timestamp;
use crate::vfs::MAX_PATH;

/// The values of an extended header, which replace those of the header after it.
#[derive(Clone, Debug, Default)]
pub(super) struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub mtim: Option<Timestamp>,
}

impl Pax {
    /// Reads the records of an extended header. An empty value removes an earlier one.
    ///
    /// # Errors
    ///
    /// They are not valid. A path in one is too long. One says that the member is a sparse file.
    pub fn read(&mut self, mut records: &[u8]) -> Result<()> {
        while !records.is_empty() {
            let (record, rest) = split(records).ok_or_else(|| {
                ArchiveError::new("has an extended header with a record that is none")
            })?;
            records = rest;
            let (key, value) = record;
            let text = || match value {
                value if value.len() > MAX_PATH => wrong(TOO_LONG),
                value => Ok(Some(value.to_vec()).filter(|value| !value.is_empty())),
            };
            match key {
                b"path" => self.path = text()?,
                b"linkpath" => self.link = text()?,
                b"size" => self.size = text()?.map(|size| number(&size)).transpose()?,
                b"mtime" => self.mtim = text()?.map(|time| timestamp(&time)).transpose()?,
                _ if key.starts_with(b"GNU.sparse.") => return wrong(SPARSE),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The problem of a member that has no name yet to be reported with.
pub(super) const TOO_LONG: &str = "has a name, a target or a number that is too long";

pub(super) const SPARSE: &str = "is a sparse file, of which this reads none";

type Record<'r> = (&'r [u8], &'r [u8]);

/// Splits off the first record: its length, a space, a key, `=`, a value and a newline.
fn split(records: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let space = records.iter().position(|byte| *byte == b' ')?;
    let len = usize::try_from(number(&records[..space]).ok()?).ok()?;
    let (record, rest) = records.split_at_checked(len)?;
    let record = record.get(space + 1..)?.strip_suffix(b"\n")?;
    let equals = record.iter().position(|byte| *byte == b'=')?;
    Some(((&record[..equals], &record[equals + 1..]), rest))
}

/// A decimal number.
fn number(digits: &[u8]) -> Result<u64> {
    let text = std::str::from_utf8(digits).ok();
    let number = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    match number.and_then(|text| text.parse().ok()) {
        Some(number) => Ok(number),
        None => wrong("has a number that is none"),
    }
}

/// Seconds with a fraction, as nanoseconds. Times before 1970 are 0.
fn timestamp(text: &[u8]) -> Result<Timestamp> {
    if text.starts_with(b"-") {
        return Ok(0);
    }
    let point = text.iter().position(|byte| *byte == b'.');
    let (seconds, fraction) = text.split_at(point.unwrap_or(text.len()));
    let mut digits = fraction.get(1..).unwrap_or_default().to_vec();
    digits.resize(9, b'0');
    let nanoseconds = number(seconds)?.saturating_mul(1_000_000_000);
    Ok(nanoseconds.saturating_add(number(&digits)?))
}
