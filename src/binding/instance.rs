use std::sync::Arc;

use super::memory::Memory;
use crate::ctx::WasiCtx;

/// What one `WASI` has, on one JavaScript thread.
pub struct Instance {
    pub ctx: Arc<WasiCtx>,
    pub memory: Memory,
    /// Whether `proc_exit` ends the guest alone, and not the process.
    pub return_on_exit: bool,
}
