use crate::abi::Size;
use crate::ctx::WasiCtx;
use crate::memory::{GuestMemory, GuestPtr, OutOfBounds};

/// `args_get(argv, argv_buf)`—Writes the arguments.
///
/// `argv` has room for a pointer to each argument, `argv_buf` for the strings: as many bytes as
/// [`args_sizes_get`] returned.
///
/// ```text
///   argv                           argv_buf
///   | argv_buf | argv_buf + 3 | …  | 'l' 's' 0 | '-' 'l' 0 | …
/// ```
///
/// # Errors
///
/// [`OutOfBounds`]: a pointer leads outside memory.
pub fn args_get(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    argv: GuestPtr<u32>,
    argv_buf: GuestPtr<u8>,
) -> Result<(), OutOfBounds> {
    ctx.args.copy_to(memory, argv, argv_buf)
}

/// `args_sizes_get(argc, argv_buf_size)`—Writes the number of arguments, and their size in bytes together with
/// their NULs.
///
/// # Errors
///
/// [`OutOfBounds`]: a pointer leads outside memory.
pub fn args_sizes_get(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    argc: GuestPtr<Size>,
    argv_buf_size: GuestPtr<Size>,
) -> Result<(), OutOfBounds> {
    ctx.args.sizes_to(memory, argc, argv_buf_size)
}
