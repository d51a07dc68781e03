use crate::abi::{Errno, Fd};
use crate::ctx::WasiCtx;
use crate::memory::GuestMemory;

/// `fd_close(fd)`—Closes a descriptor, like `close`.
///
/// # Errors
///
/// [`Errno::Badf`]: it is not open.
///
/// # Parity
///
/// Node closes the host's descriptor of a standard stream; here it stays open.
pub fn fd_close(ctx: &WasiCtx, _: GuestMemory<'_>, fd: Fd) -> Result<(), Errno> {
    ctx.close(fd)
}

/// `fd_renumber(from, to)`—Moves a descriptor to the number of another one, which is closed, like `dup2` and
/// `close` in one atomic step.
///
/// # Errors
///
/// [`Errno::Badf`]: one of them is not open.
///
/// # Parity
///
/// As in Node, a number may be moved to itself whether it is open or not.
pub fn fd_renumber(ctx: &WasiCtx, _: GuestMemory<'_>, from: Fd, to: Fd) -> Result<(), Errno> {
    if from == to {
        return Ok(());
    }
    ctx.renumber(from, to)
}
