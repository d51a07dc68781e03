use super::param::GuestRange;
use super::table::{Trap, needs};
use crate::abi::{Errno, Fd, Filedelta, Filesize, Iovec, Layout, Size, Whence};
use crate::ctx::WasiCtx;
use crate::host::SeekFrom;
use crate::memory::{GuestMemory, GuestPtr};

/// `fd_read(fd, iovs) -> nread`—Reads, like `readv`.
///
/// At `iovs` are `iovs_len` records, each the address and length of a buffer to fill:
///
/// ```text
///   iovs              iovs + 8
///   | buf  | buf_len  | buf  | buf_len  | …       buf: | what was read, filled in order | …
/// ```
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: a pointer or a buffer leads outside memory. [`Errno::Badf`]: not open.
/// [`Errno::Notcapable`]: without `FD_READ`, as directories are. [`Errno::Inval`]: too many buffers.
/// What `readv(2)` says.
pub fn fd_read(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    iovs: GuestRange<Iovec>,
    nread: GuestPtr<Size>,
) -> Result<(), Trap> {
    let nread = memory.place(nread)?;
    let iovs = memory.iovecs(iovs.ptr, iovs.len, ctx.limits.iovecs)?;
    let entry = ctx.get(fd, needs::fd_read)?;
    nread.write(entry.read(&iovs, ctx.interrupt())? as Size);
    Ok(())
}

/// `fd_write(fd, ciovs) -> nwritten`—Writes, like `writev`.
///
/// At `ciovs` are `ciovs_len` records, each the address and length of a buffer to write:
///
/// ```text
///   ciovs             ciovs + 8
///   | buf  | buf_len  | buf  | buf_len  | …       buf: | what to write | …
/// ```
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: a pointer or a buffer leads outside memory. [`Errno::Badf`]: not open.
/// [`Errno::Notcapable`]: without `FD_WRITE`, as directories are. [`Errno::Inval`]: too many buffers.
/// What `writev(2)` says.
pub fn fd_write(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    ciovs: GuestRange<Iovec>,
    nwritten: GuestPtr<Size>,
) -> Result<(), Trap> {
    let nwritten = memory.place(nwritten)?;
    let ciovs = memory.iovecs(ciovs.ptr, ciovs.len, ctx.limits.iovecs)?;
    let entry = ctx.get(fd, needs::fd_write)?;
    nwritten.write(entry.write(ciovs, ctx.interrupt())? as Size);
    Ok(())
}

/// `fd_pread(fd, iovs, offset) -> nread`—Reads at an offset, like `preadv`, and does not move the offset of the
/// descriptor. The buffers are passed as to [`fd_read`].
///
/// # Errors
///
/// As [`fd_read`], but needs `FD_READ` and `FD_SEEK`. [`Errno::Inval`]: the offset is 2^63 or more.
/// [`Errno::Spipe`]: a pipe, a socket or a terminal.
///
/// # Parity
///
/// For those Node returns `ENOTCAPABLE`, which makes a guest give up; after `ESPIPE`, programs read without an
/// offset.
pub fn fd_pread(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    iovs: GuestRange<Iovec>,
    offset: Filesize,
    nread: GuestPtr<Size>,
) -> Result<(), Trap> {
    let nread = memory.place(nread)?;
    let iovs = memory.iovecs(iovs.ptr, iovs.len, ctx.limits.iovecs)?;
    check_offset(offset)?;
    // `get_at_offset` checks the other right, `FD_SEEK`.
    let [read, _] = needs::fd_pread;
    let entry = ctx.get_at_offset(fd, read)?;
    nread.write(entry.read_at(&iovs, offset, ctx.interrupt())? as Size);
    Ok(())
}

/// `fd_pwrite(fd, ciovs, offset) -> nwritten`—Writes at an offset, like `pwritev`, and does not move the offset
/// of the descriptor. The buffers are passed as to [`fd_write`].
///
/// # Errors
///
/// As [`fd_write`], but needs `FD_WRITE` and `FD_SEEK`. [`Errno::Inval`]: the offset is 2^63 or more.
/// [`Errno::Spipe`]: a pipe, a socket or a terminal, as for [`fd_pread`].
pub fn fd_pwrite(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    ciovs: GuestRange<Iovec>,
    offset: Filesize,
    nwritten: GuestPtr<Size>,
) -> Result<(), Trap> {
    let nwritten = memory.place(nwritten)?;
    let ciovs = memory.iovecs(ciovs.ptr, ciovs.len, ctx.limits.iovecs)?;
    check_offset(offset)?;
    // As in [`fd_pread`].
    let [write, _] = needs::fd_pwrite;
    let entry = ctx.get_at_offset(fd, write)?;
    nwritten.write(entry.write_at(&ciovs, offset, ctx.interrupt())? as Size);
    Ok(())
}

/// Refuses an offset that no file can have. As in Node, this comes before the checks of the descriptor.
fn check_offset(offset: Filesize) -> Result<(), Errno> {
    i64::try_from(offset).map_err(|_| Errno::Inval)?;
    Ok(())
}

/// `fd_seek(fd, offset, whence) -> newoffset`—Moves the offset of a file, like `lseek`.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `newoffset` leads outside memory. [`Errno::Badf`]: not open.
/// [`Errno::Notcapable`]: without `FD_SEEK`, as directories, terminals, pipes and sockets are.
/// [`Errno::Inval`]: `whence` is not a value of the witx, or the result would be negative.
pub fn fd_seek<L: Layout>(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    offset: Filedelta,
    whence: u32,
    newoffset: GuestPtr<Filesize>,
) -> Result<(), Trap> {
    let newoffset = memory.place(newoffset)?;
    let entry = ctx.get(fd, needs::fd_seek)?;
    let to = match L::whence(whence).ok_or(Errno::Inval)? {
        Whence::Set => SeekFrom::Start(offset.try_into().map_err(|_| Errno::Inval)?),
        Whence::Cur => SeekFrom::Current(offset),
        Whence::End => SeekFrom::End(offset),
    };
    newoffset.write(entry.descriptor().seek(to, ctx.interrupt())?);
    Ok(())
}

/// `fd_tell(fd) -> offset`—Writes the offset of a file, like `lseek(fd, 0, SEEK_CUR)`.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `offset` leads outside memory. [`Errno::Badf`]: not open.
/// [`Errno::Notcapable`]: without `FD_TELL`.
pub fn fd_tell(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    offset: GuestPtr<Filesize>,
) -> Result<(), Trap> {
    let offset = memory.place(offset)?;
    let entry = ctx.get(fd, needs::fd_tell)?;
    let here = SeekFrom::Current(0);
    offset.write(entry.descriptor().seek(here, ctx.interrupt())?);
    Ok(())
}

/// `fd_datasync(fd)`—Writes the data of a file to storage, like `fdatasync`.
///
/// # Errors
///
/// [`Errno::Badf`]: not open. [`Errno::Notcapable`]: without `FD_DATASYNC`. What `fdatasync(2)` says.
pub fn fd_datasync(ctx: &WasiCtx, _: GuestMemory<'_>, fd: Fd) -> Result<(), Errno> {
    let entry = ctx.get(fd, needs::fd_datasync)?;
    entry.descriptor().datasync()
}

/// `fd_sync(fd)`—Writes the data and metadata of a file to storage, like `fsync`.
///
/// # Errors
///
/// [`Errno::Badf`]: not open. [`Errno::Notcapable`]: without `FD_SYNC`. What `fsync(2)` says.
pub fn fd_sync(ctx: &WasiCtx, _: GuestMemory<'_>, fd: Fd) -> Result<(), Errno> {
    ctx.get(fd, needs::fd_sync)?.descriptor().sync()
}
