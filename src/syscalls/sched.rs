use crate::abi::Errno;
use crate::ctx::WasiCtx;
use crate::host;
use crate::memory::GuestMemory;

/// `sched_yield()`—Yields the processor to other threads, like `sched_yield`.
///
/// # Errors
///
/// None.
pub fn sched_yield(_: &WasiCtx, _: GuestMemory<'_>) -> Result<(), Errno> {
    host::sched_yield();
    Ok(())
}
