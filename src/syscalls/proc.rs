use super::Trap;
use crate::abi::{Errno, Exitcode};
use crate::ctx::WasiCtx;
use crate::memory::GuestMemory;

/// `proc_exit(rval)`—Ends the guest, like `_Exit`. Does not return.
///
/// # Errors
///
/// [`Trap::Exit`], always.
pub fn proc_exit(_: &WasiCtx, _: GuestMemory<'_>, rval: Exitcode) -> Result<(), Trap> {
    Err(Trap::Exit(rval))
}

/// `proc_raise(sig)`—Would send a signal to the process, which is the host, not the guest.
///
/// # Errors
///
/// [`Errno::Notsup`], always.
///
/// # Parity
///
/// Node sends it to its own process.
pub fn proc_raise(_: &WasiCtx, _: GuestMemory<'_>, _sig: u32) -> Result<(), Errno> {
    Err(Errno::Notsup)
}
