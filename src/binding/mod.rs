//! The only module that knows Node-API: what the class `WASI` calls, its options, its errors, and the
//! way from a guest's call to a syscall.
//!
//! - [`block`]: where JavaScript leaves the arguments of a call.
//! - [`environment`]: what one JavaScript environment (the main thread, a worker) has once.
//! - [`exports`]: the functions that `index.js` calls.
//! - [`instance`]: what one `WASI` has, and which of them can still be called.
//! - [`memory`]: the guest's memory, looked up again when it has grown.
//! - [`options`]: what `WASI` is made of.
//! - [`trampoline`]: the native functions behind `wasiImport`.
//! - `glue.js`: what takes JavaScript to say.

mod block;
mod environment;
mod error;
mod exports;
mod instance;
mod memory;
mod options;
mod trampoline;
