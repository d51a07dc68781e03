use std::rc::Rc;
use std::sync::Arc;

use super::memory::Memory;
use crate::ctx::WasiCtx;

/// What one `WASI` has. Its functions hold on to it, so that each of them works for as long as
/// anybody can call it.
pub struct Instance {
    pub ctx: Arc<WasiCtx>,
    pub memory: Memory,
    /// Whether `proc_exit` ends the guest alone, and not the process.
    pub return_on_exit: bool,
}

/// Where an [`Instance`] is shared: it belongs to one JavaScript thread.
pub type Shared = Rc<Instance>;
