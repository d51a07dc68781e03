use super::Trap;
use crate::abi::{Clockid, Errno, Timestamp};
use crate::ctx::WasiCtx;
use crate::memory::{GuestMemory, GuestPtr};

/// `clock_res_get(id) -> resolution`—Writes the resolution of a clock in nanoseconds, like
/// `clock_getres`.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `resolution` leads outside memory. [`Errno::Inval`]: no such clock.
pub fn clock_res_get(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    id: u32,
    resolution: GuestPtr<Timestamp>,
) -> Result<(), Trap> {
    let resolution = memory.place(resolution)?;
    let id = Clockid::from_raw(id).ok_or(Errno::Inval)?;
    resolution.write(ctx.clocks().resolution(id)?);
    Ok(())
}

/// `clock_time_get(id, precision) -> time`—Writes the time of a clock in nanoseconds, like
/// `clock_gettime`. Every clock is as precise as it can be, whatever `precision` allows.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `time` leads outside memory. [`Errno::Inval`]: no such clock.
pub fn clock_time_get(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    id: u32,
    _precision: Timestamp,
    time: GuestPtr<Timestamp>,
) -> Result<(), Trap> {
    let time = memory.place(time)?;
    let id = Clockid::from_raw(id).ok_or(Errno::Inval)?;
    time.write(ctx.clocks().read(id)?);
    Ok(())
}
