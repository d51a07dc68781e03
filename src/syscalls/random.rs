use smallvec::smallvec;

use crate::abi::{Errno, Size};
use crate::ctx::WasiCtx;
use crate::host::stop;
use crate::memory::{GuestMemory, GuestPtr};

/// Random bytes before a guest has them: the few of a seed need no allocation.
type Chunk = smallvec::SmallVec<[u8; 64]>;

/// `random_get(buf, buf_len)`—Fills `buf` with random bytes that nobody can predict.
///
/// # Errors
///
/// [`Errno::Overflow`]: `buf` leads outside memory. [`Errno::Intr`]: the thread is asked to stop.
pub fn random_get(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    buf: GuestPtr<u8>,
    buf_len: Size,
) -> Result<(), Errno> {
    let mut rest = memory.region(buf, buf_len)?;
    let mut chunk: Chunk = smallvec![0; rest.len().min(ctx.limits.random_chunk.max(1))];
    loop {
        chunk.truncate(rest.len());
        ctx.random(&mut chunk)?;
        rest = rest.skip(rest.write(&chunk));
        if rest.is_empty() {
            return Ok(());
        }
        stop::check()?;
    }
}
