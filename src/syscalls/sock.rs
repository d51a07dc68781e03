use super::Trap;
use super::param::GuestRange;
use crate::abi::{Errno, Fd, Fdflags, Iovec, Riflags, Rights, RightsPair, Sdflags, Siflags, Size};
use crate::ctx::{Descriptor, FdEntry, WasiCtx};
use crate::memory::{GuestMemory, GuestPtr};
use crate::vfs::{StreamHandle, Wait};

/// `sock_accept(fd, flags) -> connected_fd`—Accepts a connection, like `accept4`, and writes its descriptor:
/// the lowest free number.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `connected_fd` leads outside memory. [`Errno::Notsup`]: a flag other than
/// `NONBLOCK`. [`Errno::Badf`]: not open. [`Errno::Notcapable`]: not a stream.
/// [`Errno::Notsock`]: not a socket. [`Errno::Nfile`]: too many descriptors. [`Errno::Again`]: no connection is
/// waiting, and the socket is non-blocking. What `accept(2)` says.
pub fn sock_accept(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    flags: u32,
    connected_fd: GuestPtr<Fd>,
) -> Result<(), Trap> {
    let connected_fd = memory.place(connected_fd)?;
    let flags = Fdflags::from_bits_retain(flags as u16);
    if !Fdflags::NONBLOCK.contains(flags) {
        return Err(Errno::Notsup.into());
    }
    let entry = ctx.socket(fd)?;
    let reserved = ctx.reserve()?;
    // As in Node, the flag makes both the call and the new socket non-blocking.
    let wait = Wait {
        nonblock: flags.contains(Fdflags::NONBLOCK) || entry.is_nonblock(),
        interrupt: ctx.interrupt(),
    };
    let socket = entry.accept(wait)?;
    let accepted = FdEntry::new(
        Descriptor::Stream(StreamHandle::Host(socket)),
        RightsPair::SOCKET,
        Rights::all(),
        Fdflags::empty(),
    );
    accepted.set_fdflags(flags, ctx.interrupt())?;
    connected_fd.write(reserved.fill(accepted));
    Ok(())
}

/// `sock_recv(fd, ri_data, ri_flags) -> (ro_datalen, ro_flags)`—Receives, like `recvmsg`. The buffers
/// are passed as to [`fd_read`](super::fd_read).
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: a pointer or a buffer leads outside memory. [`Errno::Inval`]: no buffers, or too
/// many. [`Errno::Notsup`]: an unknown flag. [`Errno::Badf`]: not open. [`Errno::Notcapable`]: not a stream.
/// [`Errno::Notsock`]: not a socket. [`Errno::Again`]: there is nothing to receive, and the socket is
/// non-blocking. What `recvmsg(2)` says.
pub fn sock_recv(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    ri_data: GuestRange<Iovec>,
    ri_flags: u32,
    ro_datalen: GuestPtr<Size>,
    ro_flags: GuestPtr<u16>,
) -> Result<(), Trap> {
    let ro_datalen = memory.place(ro_datalen)?;
    let ro_flags = memory.place(ro_flags)?;
    let ri_data = memory.iovecs(ri_data.ptr, ri_data.len, ctx.limits.iovecs)?;
    if ri_data.bufs().is_empty() {
        return Err(Errno::Inval.into());
    }
    let ri_flags = Riflags::from_bits(ri_flags as u16).ok_or(Errno::Notsup)?;
    let entry = ctx.socket(fd)?;
    let (received, roflags) = entry.recv(&ri_data, ri_flags, ctx.interrupt())?;
    ro_datalen.write(received as Size);
    ro_flags.write(roflags.bits());
    Ok(())
}

/// `sock_send(fd, si_data, si_flags) -> so_datalen`—Sends, like `sendmsg`. The buffers are passed as
/// to [`fd_write`](super::fd_write).
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: a pointer or a buffer leads outside memory. [`Errno::Inval`]: a flag (the witx has
/// none), no buffers, or too many. [`Errno::Badf`]: not open. [`Errno::Notcapable`]: not a stream.
/// [`Errno::Notsock`]: not a socket. [`Errno::Again`]: there is no room, and the socket is non-blocking. What
/// `sendmsg(2)` says.
pub fn sock_send(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    fd: Fd,
    si_data: GuestRange<Iovec>,
    si_flags: u32,
    so_datalen: GuestPtr<Size>,
) -> Result<(), Trap> {
    let so_datalen = memory.place(so_datalen)?;
    let si_data = memory.iovecs(si_data.ptr, si_data.len, ctx.limits.iovecs)?;
    Siflags::from_bits(si_flags as u16).ok_or(Errno::Inval)?;
    if si_data.bufs().is_empty() {
        return Err(Errno::Inval.into());
    }
    let entry = ctx.socket(fd)?;
    let sent = entry.send(&si_data, ctx.interrupt())?;
    so_datalen.write(sent as Size);
    Ok(())
}

/// `sock_shutdown(fd, how)`—Shuts down one direction of a connection, or both, like `shutdown`; of a standard
/// stream for the guest alone.
///
/// # Errors
///
/// [`Errno::Badf`]: not open. [`Errno::Notcapable`]: not a stream. [`Errno::Inval`]: `how` names no
/// direction. [`Errno::Notsock`]: not a socket. What `shutdown(2)` says.
pub fn sock_shutdown(ctx: &WasiCtx, _: GuestMemory<'_>, fd: Fd, how: u32) -> Result<(), Errno> {
    let entry = ctx.socket(fd)?;
    let how = Sdflags::from_bits(how as u8).ok_or(Errno::Inval)?;
    entry.shutdown(how)
}
