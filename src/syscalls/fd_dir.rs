use super::param::GuestRange;
use super::table::{Trap, needs};
use crate::abi::{Dircookie, Dirent, Errno, Fd, Preopentype, Prestat, Record, Size};
use crate::ctx::{FdEntry, Listing, WasiCtx};
use crate::memory::{GuestMemory, GuestPtr, GuestSlice};

/// `fd_prestat_get(fd) -> prestat`—Writes the length of the name of a preopen.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `prestat` leads outside memory. [`Errno::Badf`]: not open; or a socket that the guest
/// has from the start: C libraries look for preopens until they get this error. [`Errno::Inval`]: not a
/// preopen.
pub fn fd_prestat_get(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    prestat: GuestPtr<Prestat>,
) -> Result<(), Trap> {
    let prestat = memory.place(prestat)?;
    let entry = ctx.entry(fd)?;
    let mapped_path = entry.mapped_path().ok_or(if entry.is_given_socket() {
        Errno::Badf
    } else {
        Errno::Inval
    })?;
    prestat.write(Prestat {
        tag: Preopentype::Dir,
        name_len: mapped_path.len() as Size,
    });
    Ok(())
}

/// `fd_prestat_dir_name(fd, path, path_len)`—Writes the name of a preopen, without a NUL, to the `path_len`
/// bytes at `path`.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `path` leads outside memory. [`Errno::Badf`]: not open, or not a preopen.
/// [`Errno::Nametoolong`]: the name is longer.
///
/// # Parity
///
/// Node returns `ENOBUFS`, which the official test suite does not accept.
pub fn fd_prestat_dir_name(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    path: GuestRange<u8>,
) -> Result<(), Trap> {
    let path = memory.region(path.ptr, path.len)?;
    let entry = ctx.entry(fd)?;
    let mapped_path = entry.mapped_path().ok_or(Errno::Badf)?;
    if mapped_path.len() > path.len() {
        return Err(Errno::Nametoolong.into());
    }
    path.write(mapped_path);
    Ok(())
}

/// `fd_readdir(fd, buf, cookie) -> bufused`—Writes the entries of a directory from `cookie` on, like
/// `getdents`. 0 is the start, and `d_next` of an entry is the cookie of the next one. Cookies are small, and
/// stay valid while entries are added and removed. A cookie that was never returned is an index; beyond the
/// last entry, it is the end.
///
/// ```text
///   buf
///   | d_next: u64 | d_ino: u64 | d_namlen: u32 | d_type: u8 | 0 0 0 | name, no NUL | d_next: …
/// ```
///
/// Mount points in the directory come last, with the inode number and the type of what is mounted.
///
/// The last entry is cut off at the end of the buffer; `bufused` is `buf_len` then. If it is less, there are no
/// more entries.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: a pointer leads outside memory. [`Errno::Badf`]: not open.
/// [`Errno::Notcapable`]: without `FD_READDIR`. [`Errno::Notdir`]: it is no directory. [`Errno::Intr`]: the thread
/// is interrupted. What `getdents(2)` and `lseek(2)` say.
///
/// # Parity
///
/// Node leaves out `.` and `..`, gives every entry the inode number 0, and its cookies shift when entries are
/// added or removed.
pub fn fd_readdir(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    buf: GuestRange<u8>,
    cookie: Dircookie,
    bufused: GuestPtr<Size>,
) -> Result<(), Trap> {
    let buf = memory.region(buf.ptr, buf.len)?;
    let bufused = memory.place(bufused)?;
    let entry = ctx.get(fd, needs::fd_readdir)?;
    let mut listing = ctx.read_dir(&entry)?;
    let mut used = 0;
    let listed = (listing.seek(cookie, ctx.interrupt()))
        .and_then(|()| fill(ctx, &entry, &mut listing, buf, &mut used));
    listing.rest();
    // If entries have been written, they are returned, and the next call gets the error.
    if used == 0 {
        listed?;
    }
    bufused.write(used as Size);
    Ok(())
}

/// Fills the buffer with entries, up to its end or that of the directory. `used` is set to the number of bytes
/// that are filled, also if an error ends it.
fn fill(
    ctx: &WasiCtx,
    entry: &FdEntry,
    listing: &mut Listing<'_>,
    buf: GuestSlice<'_>,
    used: &mut usize,
) -> Result<(), Errno> {
    while *used < buf.len() {
        let Some(listed) = listing.read(ctx.interrupt())? else {
            break;
        };
        let ino = match listed.name {
            b".." => ctx.parent_ino(entry, listed.ino)?,
            _ => listed.ino,
        };
        let dirent = Dirent {
            d_next: listed.next,
            d_ino: ino,
            d_namlen: listed.name.len() as Size,
            d_type: listed.filetype,
        };
        let rest = buf.skip(*used);
        let head = rest.write(dirent.encode().as_ref());
        let name = rest.skip(head).write(listed.name);
        *used += head + name;
        if head + name < Dirent::SIZE + listed.name.len() {
            listing.unread();
        }
    }
    Ok(())
}
