use crate::abi::{Errno, Size};
use crate::ctx::WasiCtx;
use crate::memory::{GuestMemory, GuestPtr};

/// As many bytes are made at a time, whatever the guest asks for.
const CHUNK: usize = 4096;

/// `random_get(buf, buf_len)`—Fills `buf` with random bytes that nobody can predict.
///
/// # Errors
///
/// [`Errno::Overflow`]: `buf` leads outside memory.
pub fn random_get(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    buf: GuestPtr<u8>,
    buf_len: Size,
) -> Result<(), Errno> {
    let mut rest = memory.region(buf, buf_len)?;
    let mut chunk = [0; CHUNK];
    while !rest.is_empty() {
        let chunk = &mut chunk[..rest.len().min(CHUNK)];
        ctx.random(chunk)?;
        rest = rest.skip(rest.write(chunk));
    }
    Ok(())
}
