use super::header::{
    BLOCK, CHECKSUM, Field, GID, LINK, MAGIC, MODE, MTIME, NAME, SIZE, TYPE, UID, USTAR,
};
use crate::abi::{Errno, Timestamp};
use crate::vfs::Result;
use crate::vfs::image::Blob;
use crate::vfs::memory::{Item, ItemContent, Layer};

/// What stands before the name of a file that is not there any more, in the layers of container images.
const WHITEOUT: &[u8] = b".wh.";

/// A tar archive of files: ustar, with an extended header where that has no room. What is to be removed is
/// an empty file with `.wh.` before its name, as in the layers of container images, before all others.
///
/// # Errors
///
/// [`Errno::Fbig`]: it would have more than `limit` bytes. [`Errno::Inval`]: it is to be laid over something, and
/// a name in it begins with `.wh.`, whoever made that. [`Errno::Nospc`]: there is not as much memory. [`Errno::Io`]: a
/// file cannot be read.
pub fn write_tar(layer: &Layer, limit: u64) -> Result<Vec<u8>> {
    let mut writer = Writer {
        bytes: Vec::new(),
        limit,
    };
    let items = layer.items.iter().map(|item| &item.path);
    if layer.is_over
        && layer
            .removed
            .iter()
            .chain(items)
            .any(|path| is_whiteout(path))
    {
        return Err(Errno::Inval);
    }
    for path in &layer.removed {
        writer.header(&whiteout(path), 0, b'0', 0, b"")?;
    }
    for item in &layer.items {
        writer.item(item, &layer.items)?;
    }
    writer.reserve(2 * BLOCK as u64)?;
    writer.bytes.resize(writer.bytes.len() + 2 * BLOCK, 0);
    Ok(writer.bytes)
}

/// The last name of a path.
fn name(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    &path[slash.map_or(0, |slash| slash + 1)..]
}

/// Whether a name of a path is what readers of layers take for a whiteout.
fn is_whiteout(path: &[u8]) -> bool {
    let mut names = path.split(|byte| *byte == b'/');
    names.any(|name| name.starts_with(WHITEOUT))
}

fn whiteout(path: &[u8]) -> Vec<u8> {
    let name = name(path);
    let above = &path[..path.len() - name.len()];
    [above, WHITEOUT, name].concat()
}

struct Writer {
    bytes: Vec<u8>,
    limit: u64,
}

impl Writer {
    /// Makes room for so many bytes more.
    fn reserve(&mut self, more: u64) -> Result<()> {
        let total = more.checked_add(self.bytes.len() as u64);
        if total.is_none_or(|total| total > self.limit) {
            return Err(Errno::Fbig);
        }
        let more = usize::try_from(more).map_err(|_| Errno::Fbig)?;
        self.bytes.try_reserve(more).map_err(|_| Errno::Nospc)
    }

    fn item(&mut self, item: &Item, all: &[Item]) -> Result<()> {
        match &item.content {
            ItemContent::Dir => {
                let path = [&*item.path, b"/"].concat();
                self.header(&path, item.mtim, b'5', 0, b"")
            }
            ItemContent::Link(target) => self.header(&item.path, item.mtim, b'2', 0, target),
            ItemContent::Again(first) => {
                let first = &all[*first];
                self.header(&item.path, first.mtim, b'1', 0, &first.path)
            }
            ItemContent::File(content) => {
                self.header(&item.path, item.mtim, b'0', content.len(), b"")?;
                self.content(content)
            }
        }
    }

    fn content(&mut self, content: &Blob) -> Result<()> {
        let size = content.len();
        self.reserve(
            size.checked_next_multiple_of(BLOCK as u64)
                .ok_or(Errno::Fbig)?,
        )?;
        let size = usize::try_from(size).map_err(|_| Errno::Fbig)?;
        let bytes = &mut self.bytes;
        content.read(0, size, &mut |piece| bytes.extend_from_slice(piece))?;
        self.pad();
        Ok(())
    }

    fn pad(&mut self) {
        self.bytes
            .resize(self.bytes.len().next_multiple_of(BLOCK), 0);
    }

    fn header(
        &mut self,
        path: &[u8],
        mtim: Timestamp,
        kind: u8,
        size: u64,
        link: &[u8],
    ) -> Result<()> {
        let mut records = Vec::new();
        let mut header = [0; BLOCK];
        text(&mut header, NAME, path, b"path", &mut records);
        text(&mut header, LINK, link, b"linkpath", &mut records);
        let (seconds, nanoseconds) = (mtim / 1_000_000_000, mtim % 1_000_000_000);
        let time = format!("{seconds}.{nanoseconds:09}");
        if nanoseconds > 0 || !number(&mut header, MTIME, seconds) {
            records.extend(record(b"mtime", time.as_bytes()));
        }
        if !number(&mut header, SIZE, size) {
            records.extend(record(b"size", size.to_string().as_bytes()));
        }
        if !records.is_empty() {
            let mut extended = [0; BLOCK];
            put(&mut extended, NAME, b"././@PaxHeader");
            number(&mut extended, SIZE, records.len() as u64);
            self.finish(extended, b'x')?;
            self.reserve(records.len().next_multiple_of(BLOCK) as u64)?;
            self.bytes.extend(records);
            self.pad();
        }
        self.finish(header, kind)
    }

    fn finish(&mut self, mut header: [u8; BLOCK], kind: u8) -> Result<()> {
        let mode = if kind == b'5' { 0o755 } else { 0o644 };
        number(&mut header, MODE, mode);
        number(&mut header, UID, 0);
        number(&mut header, GID, 0);
        put(&mut header, MAGIC, USTAR);
        header[TYPE] = kind;
        put(&mut header, CHECKSUM, b"        ");
        let sum = header.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        put(&mut header, CHECKSUM, format!("{sum:06o}\0 ").as_bytes());
        self.reserve(BLOCK as u64)?;
        self.bytes.extend(header);
        Ok(())
    }
}

fn put(header: &mut [u8; BLOCK], (start, len): Field, text: &[u8]) {
    let len = text.len().min(len);
    header[start..start + len].copy_from_slice(&text[..len]);
}

/// Puts a text; what is too long becomes a record as well.
fn text(header: &mut [u8; BLOCK], field: Field, text: &[u8], key: &[u8], records: &mut Vec<u8>) {
    put(header, field, text);
    if text.len() > field.1 {
        records.extend(record(key, text));
    }
}

/// Puts a number in octal digits and a NUL, if there is room.
fn number(header: &mut [u8; BLOCK], field: Field, number: u64) -> bool {
    let width = field.1 - 1;
    let digits = format!("{number:0width$o}");
    let fits = digits.len() == width;
    put(header, field, if fits { digits.as_bytes() } else { b"0" });
    fits
}

/// A record of an extended header, whose length counts its own digits.
fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = [b" ", key, b"=", value, b"\n"].concat();
    let mut len = rest.len();
    loop {
        let digits = len.to_string();
        if digits.len() + rest.len() == len {
            return [digits.as_bytes(), &rest].concat();
        }
        len = digits.len() + rest.len();
    }
}
