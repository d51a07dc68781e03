use crate::abi::Size;
use crate::ctx::WasiCtx;
use crate::memory::{GuestMemory, GuestPtr, OutOfBounds};

/// `environ_get(environ, environ_buf)`—Writes the environment, as
/// [`args_get`](super::args_get) does the arguments.
///
/// # Errors
///
/// [`OutOfBounds`]: a pointer leads outside memory.
pub fn environ_get(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    environ: GuestPtr<u32>,
    environ_buf: GuestPtr<u8>,
) -> Result<(), OutOfBounds> {
    ctx.environ.copy_to(memory, environ, environ_buf)
}

/// `environ_sizes_get(environc, environ_buf_size)`—Writes the number of variables, and their size in bytes
/// together with their NULs.
///
/// # Errors
///
/// [`OutOfBounds`]: a pointer leads outside memory.
pub fn environ_sizes_get(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    environc: GuestPtr<Size>,
    environ_buf_size: GuestPtr<Size>,
) -> Result<(), OutOfBounds> {
    ctx.environ.sizes_to(memory, environc, environ_buf_size)
}
