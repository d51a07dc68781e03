//! The only module that knows Node-API: the class `WASI`, its options, its errors, and the way from a
//! guest's call to a syscall.
//!
//! - [`block`]: where JavaScript leaves the arguments of a call.
//! - [`class`]: `WASI`, as napi-rs makes it.
//! - [`environment`]: what one JavaScript environment (the main thread, a worker) has once.
//! - [`instance`]: what one `WASI` has, and what its functions hold on to.
//! - [`memory`]: the guest's memory, found anew when it has grown.
//! - [`options`]: what `WASI` is made of.
//! - [`trampoline`]: the native functions behind `wasiImport`.
//! - `glue.js`: what takes JavaScript to say.

mod block;
mod class;
mod environment;
mod error;
mod instance;
mod memory;
mod options;
mod trampoline;
