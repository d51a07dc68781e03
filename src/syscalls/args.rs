use crate::abi::Size;
use crate::ctx::WasiCtx;
use crate::memory::{GuestMemory, GuestPtr, OutOfBounds};

/// `args_get(argv, argv_buf)`—Writes the arguments.
///
/// At `argv` lies room for a pointer to each, at `argv_buf` for the strings, as large as
/// [`args_sizes_get`] said.
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

/// `args_sizes_get(argc, argv_buf_size)`—Writes how many arguments there are, and the bytes that they
/// are together.
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
