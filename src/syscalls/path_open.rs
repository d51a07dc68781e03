use super::param::GuestRange;
use super::path::{self, PathBytes};
use super::table::{Trap, needs};
use crate::abi::{Errno, Fd, Fdflags, Lookupflags, Oflags, Rights, RightsPair};
use crate::ctx::WasiCtx;
use crate::ctx::resolve::RequiredRights;
use crate::memory::{GuestMemory, GuestPtr};
use crate::vfs::OpenHow;

/// `path_open(fd, dirflags, path, oflags, rights_base, rights_inheriting, fdflags) -> opened_fd`—Opens what a
/// path names, like `openat`, and writes its descriptor: the lowest free number.
///
/// The requested rights choose the access mode: `FD_READ` and `FD_READDIR` for reading, `FD_WRITE`,
/// `FD_DATASYNC`, `FD_ALLOCATE` and `FD_FILESTAT_SET_SIZE` for writing, none of these for reading.
/// `fd_fdstat_get` reports those of them that apply to the type of the file. They limit nothing else: neither
/// what is done with the descriptor, nor what is opened through it.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: a pointer leads outside memory. [`Errno::Badf`]: `fd` is not open.
/// [`Errno::Notcapable`]: without `PATH_OPEN`, or `PATH_CREATE_FILE` to create, or `PATH_FILESTAT_SET_SIZE` to
/// truncate; or a requested right is unknown, or the guest has removed it from the inheriting rights of `fd`;
/// or the path leads out. [`Errno::Nfile`]: too many descriptors. [`Errno::Inval`]: the path is empty or has a
/// NUL. [`Errno::Nametoolong`], [`Errno::Loop`]: it is beyond the limits; or its last component is a symbolic
/// link, and `dirflags` does not say to follow it. What `openat(2)` says.
///
/// # Parity
///
/// Node takes the requested rights as a limit, which is not what toolchains mean by them.
#[expect(clippy::too_many_arguments, reason = "the witx has as many")]
pub fn path_open(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    dirflags: u32,
    path: GuestRange<u8>,
    oflags: u32,
    rights_base: u64,
    rights_inheriting: u64,
    fdflags: u32,
    opened_fd: GuestPtr<Fd>,
) -> Result<(), Trap> {
    let path = memory.region(path.ptr, path.len)?;
    let opened_fd = memory.place(opened_fd)?;
    let request = Request::new(dirflags, oflags, rights_base, rights_inheriting, fdflags);
    // The number is reserved first: without one, no file may be created.
    let (base, reserved) = ctx.entry_and_reserve(fd)?;
    ctx.check_base(&base, request.required)?;
    let bytes = &mut PathBytes::new();
    let path = path::read(ctx, path, bytes)?;
    let reserved = reserved?;
    let opened = ctx.open_path(&base, path, request.how, request.required)?;
    opened_fd.write(reserved.fill(opened.into_entry(request.how, request.rights)));
    Ok(())
}

/// The arguments of a guest.
struct Request {
    how: OpenHow,
    required: RequiredRights,
    rights: RightsPair,
}

impl Request {
    fn new(dirflags: u32, oflags: u32, base: u64, inheriting: u64, fdflags: u32) -> Self {
        let base = Rights::from_bits_retain(base);
        let inheriting = Rights::from_bits_retain(inheriting);
        let dirflags = Lookupflags::from_bits_truncate(dirflags);
        let how = OpenHow {
            read: base.intersects(Rights::FD_READ | Rights::FD_READDIR),
            write: base.intersects(
                Rights::FD_DATASYNC
                    | Rights::FD_WRITE
                    | Rights::FD_ALLOCATE
                    | Rights::FD_FILESTAT_SET_SIZE,
            ),
            oflags: Oflags::from_bits_truncate(oflags as u16),
            fdflags: Fdflags::from_bits_truncate(fdflags as u16),
            follow: dirflags.contains(Lookupflags::SYMLINK_FOLLOW),
        };
        Self {
            how,
            required: required(how, base | inheriting),
            rights: RightsPair { base, inheriting },
        }
    }
}

/// The rights of the directory that opening a file in this way needs.
fn required(how: OpenHow, passed_on: Rights) -> RequiredRights {
    let [open, create, truncate] = needs::path_open;
    let mut required = RequiredRights {
        base: open,
        inheriting: passed_on,
        write: how.write,
        refusal: Errno::Notcapable,
    };
    if how.oflags.contains(Oflags::CREAT) {
        required.base |= create;
    }
    if how.oflags.contains(Oflags::TRUNC) {
        required.base |= truncate;
    }
    if how.fdflags.contains(Fdflags::DSYNC) {
        required.inheriting |= Rights::FD_DATASYNC;
    }
    if how.fdflags.intersects(Fdflags::RSYNC | Fdflags::SYNC) {
        required.inheriting |= Rights::FD_SYNC;
    }
    let from_the_start =
        how.fdflags.contains(Fdflags::APPEND) || how.oflags.contains(Oflags::TRUNC);
    if how.write && !from_the_start {
        required.inheriting |= Rights::FD_SEEK;
    }
    required
}
