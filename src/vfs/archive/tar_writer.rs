use super::header::{
    BLOCK, CHECKSUM, Field, GID, LINK, MAGIC, MODE, MTIME, NAME, SIZE, TYPE, UID, USTAR,
};
use crate::abi::{Errno, Timestamp};
use crate::host::Permissions;
use crate::vfs::Result;
use crate::vfs::image::Blob;
use crate::vfs::memory::{Item, ItemContent, Layer};

/// The prefix of a whiteout: an empty file that marks a name as removed, in the layers of container images.
const WHITEOUT: &[u8] = b".wh.";

/// A tar archive of a layer. Its size is computed first, so that it can be written to a buffer. It is ustar,
/// with extended headers for what does not fit. A name to remove is a whiteout; whiteouts come first.
#[derive(Debug)]
pub struct TarArchive<'l> {
    layer: &'l Layer,
    size: u64,
}

impl<'l> TarArchive<'l> {
    /// The archive of a layer.
    ///
    /// # Errors
    ///
    /// [`Errno::Fbig`]: it would have more than `limit` bytes. [`Errno::Inval`]: the layer has changes, and a
    /// name in it, removed or not, begins with `.wh.`, so that readers would take it for a whiteout.
    pub fn new(layer: &'l Layer, limit: u64) -> Result<Self> {
        let mut paths = (layer.removed.iter()).chain(layer.items.iter().map(|item| &item.path));
        if layer.is_over && paths.any(|path| is_whiteout(path)) {
            return Err(Errno::Inval);
        }
        let mut count = Count { len: 0, limit };
        write(layer, &mut count)?;
        Ok(Self {
            layer,
            size: count.len,
        })
    }

    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Writes it to a buffer of [`size`](Self::size) bytes, which must be zeros.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: a file cannot be read. [`Errno::Overflow`]: the buffer is too short.
    pub fn write(&self, zeros: &mut [u8]) -> Result<()> {
        write(self.layer, &mut Room(zeros))
    }

    /// Its bytes.
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write). [`Errno::Nospc`]: there is not enough memory.
    pub fn to_vec(&self) -> Result<Vec<u8>> {
        let size = usize::try_from(self.size).map_err(|_| Errno::Nospc)?;
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| Errno::Nospc)?;
        bytes.resize(size, 0);
        self.write(&mut bytes)?;
        Ok(bytes)
    }
}

/// What the bytes of an archive are written to.
trait Sink {
    /// Writes bytes.
    fn put(&mut self, bytes: &[u8]) -> Result<()>;

    /// Writes the content of a file.
    fn content(&mut self, content: &Blob) -> Result<()>;

    /// Writes zeros.
    fn zeros(&mut self, len: usize) -> Result<()>;
}

/// A sink that only counts.
struct Count {
    len: u64,
    limit: u64,
}

impl Count {
    fn add(&mut self, more: u64) -> Result<()> {
        let len = self.len.checked_add(more);
        self.len = len.filter(|len| *len <= self.limit).ok_or(Errno::Fbig)?;
        Ok(())
    }
}

impl Sink for Count {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.add(bytes.len() as u64)
    }

    fn content(&mut self, content: &Blob) -> Result<()> {
        self.add(content.len())
    }

    fn zeros(&mut self, len: usize) -> Result<()> {
        self.add(len as u64)
    }
}

/// A sink that fills the rest of a buffer of zeros.
struct Room<'b>(&'b mut [u8]);

impl<'b> Room<'b> {
    /// Splits off the next `len` bytes.
    fn take(&mut self, len: usize) -> Result<&'b mut [u8]> {
        self.0.split_off_mut(..len).ok_or(Errno::Overflow)
    }
}

impl Sink for Room<'_> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.take(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    fn content(&mut self, content: &Blob) -> Result<()> {
        let len = usize::try_from(content.len()).map_err(|_| Errno::Overflow)?;
        let mut rest = Room(self.take(len)?);
        let mut done = Ok(());
        content.read(0, len, &mut |piece| {
            done = done.and_then(|()| rest.put(piece));
        })?;
        done
    }

    fn zeros(&mut self, len: usize) -> Result<()> {
        self.take(len).map(drop)
    }
}

fn write(layer: &Layer, to: &mut impl Sink) -> Result<()> {
    for path in &layer.removed {
        write_header(to, &whiteout(path), EMPTY, b"")?;
    }
    for item in &layer.items {
        write_item(to, item, &layer.items)?;
    }
    to.zeros(2 * BLOCK)
}

/// The last component of a path.
fn name(path: &[u8]) -> &[u8] {
    let slash = path.iter().rposition(|byte| *byte == b'/');
    &path[slash.map_or(0, |slash| slash + 1)..]
}

/// Whether readers of layers would take a component of this path for a whiteout.
fn is_whiteout(path: &[u8]) -> bool {
    let mut names = path.split(|byte| *byte == b'/');
    names.any(|name| name.starts_with(WHITEOUT))
}

fn whiteout(path: &[u8]) -> Vec<u8> {
    let name = name(path);
    let above = &path[..path.len() - name.len()];
    [above, WHITEOUT, name].concat()
}

/// The values of a header except its names.
#[derive(Clone, Copy)]
struct Member {
    kind: u8,
    mtim: Timestamp,
    size: u64,
    mode: u32,
}

/// An empty file.
const EMPTY: Member = Member {
    kind: b'0',
    mtim: 0,
    size: 0,
    mode: 0o644,
};

impl Member {
    fn new(kind: u8, item: &Item) -> Self {
        let mode = if kind == b'5' { 0o755 } else { 0o644 };
        Self {
            kind,
            mtim: item.mtim,
            mode: item.permissions.map_or(mode, Permissions::bits),
            ..EMPTY
        }
    }
}

fn write_item(to: &mut impl Sink, item: &Item, all: &[Item]) -> Result<()> {
    match &item.content {
        ItemContent::Dir => {
            let path = [&*item.path, b"/"].concat();
            write_header(to, &path, Member::new(b'5', item), b"")
        }
        ItemContent::Link(target) => write_header(to, &item.path, Member::new(b'2', item), target),
        ItemContent::Again(first) => {
            let first = &all[*first];
            write_header(to, &item.path, Member::new(b'1', first), &first.path)
        }
        ItemContent::File(content) => {
            let size = content.len();
            let member = Member {
                size,
                ..Member::new(b'0', item)
            };
            write_header(to, &item.path, member, b"")?;
            to.content(content)?;
            pad(to, size)
        }
    }
}

/// Fills the last block of `len` bytes of data with zeros.
fn pad(to: &mut impl Sink, len: u64) -> Result<()> {
    let block = BLOCK as u64;
    to.zeros(((block - len % block) % block) as usize)
}

fn write_header(to: &mut impl Sink, path: &[u8], member: Member, link: &[u8]) -> Result<()> {
    let Member { mtim, size, .. } = member;
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
        let member = Member {
            kind: b'x',
            ..EMPTY
        };
        to.put(&finished(extended, member))?;
        to.put(&records)?;
        pad(to, records.len() as u64)?;
    }
    to.put(&finished(header, member))
}

/// Completes a header with the fields that are the same in all, and its checksum.
fn finished(mut header: [u8; BLOCK], member: Member) -> [u8; BLOCK] {
    number(&mut header, MODE, member.mode.into());
    number(&mut header, UID, 0);
    number(&mut header, GID, 0);
    put(&mut header, MAGIC, USTAR);
    header[TYPE] = member.kind;
    put(&mut header, CHECKSUM, b"        ");
    let sum = header.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    put(&mut header, CHECKSUM, format!("{sum:06o}\0 ").as_bytes());
    header
}

fn put(header: &mut [u8; BLOCK], (start, len): Field, text: &[u8]) {
    let len = text.len().min(len);
    header[start..start + len].copy_from_slice(&text[..len]);
}

/// Writes a text to a field. If it is too long, adds a record as well.
fn text(header: &mut [u8; BLOCK], field: Field, text: &[u8], key: &[u8], records: &mut Vec<u8>) {
    put(header, field, text);
    if text.len() > field.1 {
        records.extend(record(key, text));
    }
}

/// Writes a number to a field, as octal digits and a NUL. False if it does not fit.
fn number(header: &mut [u8; BLOCK], field: Field, number: u64) -> bool {
    let width = field.1 - 1;
    let digits = format!("{number:0width$o}");
    let fits = digits.len() == width;
    put(header, field, if fits { digits.as_bytes() } else { b"0" });
    fits
}

/// A record of an extended header. Its length counts the digits of the length too.
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
