use super::table::{Trap, needs};
use crate::abi::{
    Advice, Errno, Fd, Fdflags, Fdstat, Filesize, Filestat, Filetype, Fstflags, Layout, Rights,
    RightsPair, Timestamp,
};
use crate::ctx::WasiCtx;
use crate::host::SetTime;
use crate::memory::{GuestMemory, GuestPtr};

/// `fd_advise(fd, offset, len, advice)`—Announces how a part of a file will be used, like `posix_fadvise`.
///
/// # Errors
///
/// [`Errno::Inval`]: `advice` is not a value of the witx, or an offset or length is 2^63 or more.
/// [`Errno::Badf`]: not open, or a directory. [`Errno::Notcapable`]: without `FD_ADVISE`.
pub fn fd_advise(
    ctx: &WasiCtx,
    _: GuestMemory<'_>,
    fd: Fd,
    offset: Filesize,
    len: Filesize,
    advice: u32,
) -> Result<(), Errno> {
    let advice = Advice::from_raw(advice).ok_or(Errno::Inval)?;
    let entry = ctx.get(fd, needs::fd_advise)?;
    if entry.filetype()? == Filetype::Directory {
        return Err(Errno::Badf);
    }
    entry.descriptor().advise(offset, len, advice)
}

/// `fd_allocate(fd, offset, len)`—Reserves room in a file, which grows to contain it, like `posix_fallocate`.
///
/// # Errors
///
/// [`Errno::Badf`]: not open. [`Errno::Notcapable`]: without `FD_ALLOCATE`. [`Errno::Fbig`]: beyond the maximum
/// size of a file. What `fallocate(2)` says.
pub fn fd_allocate(
    ctx: &WasiCtx,
    _: GuestMemory<'_>,
    fd: Fd,
    offset: Filesize,
    len: Filesize,
) -> Result<(), Errno> {
    let entry = ctx.get(fd, needs::fd_allocate)?;
    entry.descriptor().allocate(offset, len)
}

/// `fd_fdstat_get(fd) -> fdstat`—Writes the type, flags and rights of a descriptor.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `fdstat` leads outside memory. [`Errno::Badf`]: not open.
pub fn fd_fdstat_get(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    fdstat: GuestPtr<Fdstat>,
) -> Result<(), Trap> {
    let fdstat = memory.place(fdstat)?;
    let entry = ctx.entry(fd)?;
    let rights = entry.rights()?;
    fdstat.write(Fdstat {
        fs_filetype: entry.filetype()?,
        fs_flags: (entry.fdflags() | entry.host_fdflags()?).bits(),
        fs_rights_base: rights.base.bits(),
        fs_rights_inheriting: rights.inheriting.bits(),
    });
    Ok(())
}

/// `fd_fdstat_set_flags(fd, fdflags)`—Sets the flags of a descriptor, like `fcntl(F_SETFL)`. Unknown bits are
/// ignored.
///
/// # Errors
///
/// [`Errno::Badf`]: not open. [`Errno::Notcapable`]: without `FD_FDSTAT_SET_FLAGS`.
///
/// # Parity
///
/// Node sets the flags of a standard stream on the host's open file description, which other processes may
/// share. Here they apply to the guest alone.
pub fn fd_fdstat_set_flags(
    ctx: &WasiCtx,
    _: GuestMemory<'_>,
    fd: Fd,
    fdflags: u32,
) -> Result<(), Errno> {
    let entry = ctx.get(fd, needs::fd_fdstat_set_flags)?;
    entry.set_fdflags(Fdflags::from_bits_truncate(fdflags as u16), ctx.interrupt())
}

/// `fd_fdstat_set_rights(fd, rights_base, rights_inheriting)`—Removes rights of a descriptor.
///
/// # Errors
///
/// [`Errno::Badf`]: not open. [`Errno::Notcapable`]: the descriptor does not have one of these rights.
pub fn fd_fdstat_set_rights(
    ctx: &WasiCtx,
    _: GuestMemory<'_>,
    fd: Fd,
    rights_base: u64,
    rights_inheriting: u64,
) -> Result<(), Errno> {
    ctx.entry(fd)?.set_rights(RightsPair {
        base: Rights::from_bits_retain(rights_base),
        inheriting: Rights::from_bits_retain(rights_inheriting),
    })
}

/// `fd_filestat_get(fd) -> filestat`—Writes the attributes of the open file, like `fstat`.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `filestat` leads outside memory. [`Errno::Badf`]: not open.
/// [`Errno::Notcapable`]: without `FD_FILESTAT_GET`.
pub fn fd_filestat_get<L: Layout>(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    filestat: GuestPtr<Filestat>,
) -> Result<(), Trap> {
    let filestat = memory.place(filestat.cast::<L::Filestat>())?;
    let stat = ctx.entry(fd)?.stat_with(needs::fd_filestat_get)?;
    filestat.write(L::filestat(&stat));
    Ok(())
}

/// `fd_filestat_set_size(fd, size)`—Cuts off a file, or grows it with zeros, like `ftruncate`.
///
/// # Errors
///
/// [`Errno::Badf`]: not open. [`Errno::Notcapable`]: without `FD_FILESTAT_SET_SIZE`.
/// [`Errno::Inval`]: the size is 2^63 or more. What `ftruncate(2)` says.
pub fn fd_filestat_set_size(
    ctx: &WasiCtx,
    _: GuestMemory<'_>,
    fd: Fd,
    size: Filesize,
) -> Result<(), Errno> {
    let entry = ctx.get(fd, needs::fd_filestat_set_size)?;
    entry.descriptor().set_size(size)
}

/// `fd_filestat_set_times(fd, atim, mtim, fst_flags)`—Sets the timestamps of the open file, in nanoseconds,
/// like `futimens`. `fst_flags` says which ones to set, and whether to the argument or to the present time.
///
/// # Errors
///
/// [`Errno::Inval`]: `fst_flags` has both flags of one time, or an unknown one. [`Errno::Badf`]: not open.
/// [`Errno::Notcapable`]: without `FD_FILESTAT_SET_TIMES`.
pub fn fd_filestat_set_times(
    ctx: &WasiCtx,
    _: GuestMemory<'_>,
    fd: Fd,
    atim: Timestamp,
    mtim: Timestamp,
    fst_flags: u32,
) -> Result<(), Errno> {
    let (atim, mtim) = times(atim, mtim, fst_flags)?;
    let entry = ctx.get(fd, needs::fd_filestat_set_times)?;
    entry.descriptor().set_times(atim, mtim)
}

/// The times that `fst_flags` asks for.
pub(super) fn times(
    atim: Timestamp,
    mtim: Timestamp,
    fst_flags: u32,
) -> Result<(SetTime, SetTime), Errno> {
    let fst_flags = Fstflags::from_bits(fst_flags as u16).ok_or(Errno::Inval)?;
    let time = |set: Fstflags, now: Fstflags, time: Timestamp| match (
        fst_flags.contains(set),
        fst_flags.contains(now),
    ) {
        (false, false) => Ok(SetTime::Omit),
        (true, false) => Ok(SetTime::At(time)),
        (false, true) => Ok(SetTime::Now),
        (true, true) => Err(Errno::Inval),
    };
    Ok((
        time(Fstflags::ATIM, Fstflags::ATIM_NOW, atim)?,
        time(Fstflags::MTIM, Fstflags::MTIM_NOW, mtim)?,
    ))
}
