use super::fd_stat::times;
use super::param::GuestRange;
use super::path::{GuestPath, PathBytes};
use super::table::{Trap, needs};
#[allow(unused_imports, reason = "the docs name it")]
use crate::abi::Errno;
use crate::abi::{Fd, Filestat, Layout, Lookupflags, Timestamp};
use crate::ctx::WasiCtx;
use crate::memory::{GuestMemory, GuestPtr};

fn follows(lookupflags: u32) -> bool {
    Lookupflags::from_bits_truncate(lookupflags).contains(Lookupflags::SYMLINK_FOLLOW)
}

/// `path_filestat_get(fd, flags, path) -> filestat`—Writes the attributes of what a path names, like
/// `fstatat`.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: a pointer leads outside memory. [`Errno::Badf`]: `fd` is not open.
/// [`Errno::Notcapable`]: without `PATH_FILESTAT_GET`, or the path leads out.
/// [`Errno::Inval`]: the path is empty or has a NUL. [`Errno::Nametoolong`], [`Errno::Loop`]: it is
/// beyond the limits. What `fstatat(2)` says.
pub fn path_filestat_get<L: Layout>(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    flags: u32,
    path: GuestRange<u8>,
    filestat: GuestPtr<Filestat>,
) -> Result<(), Trap> {
    let path = memory.region(path.ptr, path.len)?;
    let filestat = memory.place(filestat.cast::<L::Filestat>())?;
    let bytes = &mut PathBytes::new();
    let path = GuestPath::new(ctx, fd, needs::path_filestat_get, path, bytes)?;
    filestat.write(L::filestat(&path.stat(ctx, follows(flags))?));
    Ok(())
}

/// `path_filestat_set_times(fd, flags, path, atim, mtim, fst_flags)`—Sets the timestamps of what a path names,
/// in nanoseconds, like `utimensat`. `fst_flags` says which ones to set, and whether to the argument or to the
/// present time.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `path` leads outside memory. [`Errno::Badf`]: `fd` is not open.
/// [`Errno::Notcapable`]: without `PATH_FILESTAT_SET_TIMES`, or the path leads out.
/// [`Errno::Inval`]: `fst_flags` has both flags of one time, or an unknown one; or the path is empty or has a
/// NUL. [`Errno::Nametoolong`], [`Errno::Loop`]: it is beyond the limits. What `utimensat(2)` says.
#[expect(clippy::too_many_arguments, reason = "the witx has as many")]
pub fn path_filestat_set_times(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    flags: u32,
    path: GuestRange<u8>,
    atim: Timestamp,
    mtim: Timestamp,
    fst_flags: u32,
) -> Result<(), Trap> {
    let path = memory.region(path.ptr, path.len)?;
    let bytes = &mut PathBytes::new();
    let path = GuestPath::new(ctx, fd, needs::path_filestat_set_times, path, bytes)?;
    let (atim, mtim) = times(atim, mtim, fst_flags)?;
    let place = path.resolve_existing(ctx, follows(flags))?;
    Ok(place.set_times(atim, mtim)?)
}
