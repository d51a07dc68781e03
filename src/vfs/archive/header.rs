use super::{Result, wrong};

/// The size of a block in bytes. A header is one block.
pub(super) const BLOCK: usize = 512;

/// A field of a tar header: its offset and its length in bytes.
pub(super) type Field = (usize, usize);

pub(super) const NAME: Field = (0, 100);
pub(super) const MODE: Field = (100, 8);
pub(super) const UID: Field = (108, 8);
pub(super) const GID: Field = (116, 8);
pub(super) const SIZE: Field = (124, 12);
pub(super) const MTIME: Field = (136, 12);
pub(super) const CHECKSUM: Field = (148, 8);
pub(super) const TYPE: usize = 156;
pub(super) const LINK: Field = (157, 100);
pub(super) const MAGIC: Field = (257, 8);
pub(super) const PREFIX: Field = (345, 155);

/// The magic number and version of POSIX.
pub(super) const USTAR: &[u8] = b"ustar\x0000";

/// The first byte of a negative number in the base-256 of GNU tar.
const NEGATIVE: u8 = 0xff;

/// A header.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header<'a>(pub &'a [u8; BLOCK]);

impl<'a> Header<'a> {
    pub fn field(self, (start, len): Field) -> &'a [u8] {
        &self.0[start..start + len]
    }

    /// A field with text, up to a NUL if it has one.
    pub fn text(self, field: Field) -> &'a [u8] {
        let field = self.field(field);
        let end = field.iter().position(|byte| *byte == 0);
        &field[..end.unwrap_or(field.len())]
    }

    /// A field with a number: octal digits, or the base-256 of GNU tar.
    ///
    /// # Errors
    ///
    /// It is not a number, is negative, or has more than 64 bits.
    pub fn number(self, field: Field) -> Result<u64> {
        let bytes = self.field(field);
        match bytes[0] {
            NEGATIVE => wrong("has a number that is below 0"),
            0x80 => match bytes[1..].split_at(bytes.len() - 9) {
                (high, low) if high.iter().all(|byte| *byte == 0) => {
                    Ok((low.iter()).fold(0, |number, byte| number << 8 | u64::from(*byte)))
                }
                _ => wrong("has a number that is too large"),
            },
            _ => octal(bytes),
        }
    }

    /// A field with a time in seconds since 1970. A negative one is 0.
    ///
    /// # Errors
    ///
    /// As [`Header::number`].
    pub fn seconds(self, field: Field) -> Result<u64> {
        match self.field(field)[0] {
            NEGATIVE => Ok(0),
            _ => self.number(field),
        }
    }

    /// Whether this is a block of zeros, which ends an archive.
    pub fn is_end(self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Whether the checksum is right. It is a sum of unsigned bytes; some old writers took them as signed.
    pub fn is_valid(self) -> bool {
        let bytes = (self.0.iter().enumerate()).map(|(index, byte)| {
            let (start, len) = CHECKSUM;
            match (start..start + len).contains(&index) {
                true => b' ',
                false => *byte,
            }
        });
        let unsigned: i64 = bytes.clone().map(i64::from).sum();
        let signed: i64 = bytes.map(|byte| i64::from(byte as i8)).sum();
        let said = octal(self.field(CHECKSUM)).ok();
        said.is_some_and(|said| [unsigned, signed].contains(&(said as i64)))
    }
}

/// Octal digits, with spaces around them and a NUL at the end, all optional. No digits are 0.
fn octal(bytes: &[u8]) -> Result<u64> {
    let is_blank = |byte: &u8| matches!(*byte, b' ' | 0);
    let start = bytes.iter().position(|byte| !is_blank(byte));
    let digits = &bytes[start.unwrap_or(bytes.len())..];
    let end = digits.iter().position(is_blank).unwrap_or(digits.len());
    (digits[..end].iter()).try_fold(0, |number, digit| match digit {
        b'0'..=b'7' => Ok(number << 3 | u64::from(digit - b'0')),
        _ => wrong("has a number that is none"),
    })
}
