use super::Trap;
#[allow(unused_imports, reason = "the docs name it")]
use crate::abi::Errno;
use smallvec::smallvec;

use super::param::GuestRange;
use crate::ctx::WasiCtx;
use crate::memory::GuestMemory;

/// A buffer for random bytes. Requests as short as a seed need no allocation.
type Chunk = smallvec::SmallVec<[u8; 64]>;

/// `random_get(buf, buf_len)`—Fills `buf` with unpredictable random bytes.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: `buf` leads outside memory. [`Errno::Intr`]: the thread is interrupted.
pub fn random_get(ctx: &WasiCtx, memory: GuestMemory<'_>, buf: GuestRange<u8>) -> Result<(), Trap> {
    let mut rest = memory.region(buf.ptr, buf.len)?;
    let mut chunk: Chunk = smallvec![0; rest.len().min(ctx.limits.random_chunk.max(1))];
    loop {
        chunk.truncate(rest.len());
        ctx.random(&mut chunk)?;
        rest = rest.skip(rest.write(&chunk));
        if rest.is_empty() {
            return Ok(());
        }
        ctx.interrupt().check()?;
    }
}
