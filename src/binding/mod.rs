//! The only module that knows Node-API: what the class `WASI` calls, its options, its errors, and the
//! way from a guest's call to a syscall.
//!
//! - [`adapter`]: modules between a guest and the addon.
//! - [`addon`]: what Node calls when it loads this.
//! - [`arg_buffer`]: the arguments of a call, as JavaScript and the native functions see them.
//! - [`block`]: the arguments of a call, as adapters and the native functions see them.
//! - [`closures`]: what calls the native functions, in JavaScript.
//! - [`determinism`]: clocks and random bytes that are not the host's.
//! - [`directory`]: what can be mounted, on its way through JavaScript.
//! - [`environment`]: what one JavaScript environment (the main thread, a worker) has once.
//! - [`exports`]: the functions that `index.js` calls.
//! - [`files`]: what `wasi.fs` calls.
//! - [`guest`]: guests that are prepared in one thread and run in another.
//! - [`held`]: what takes memory, and goes with an object of JavaScript.
//! - [`instance`]: what one `WASI` has, and which of them can still be called.
//! - [`js_fs`]: file systems of JavaScript.
//! - [`memory`]: the guest's memory, looked up again when it has grown.
//! - [`memory_fs`]: the native half of `MemoryFS`.
//! - [`options`]: what `WASI` is made of.
//! - [`signatures`]: the table of the calls as data, for JavaScript.
//! - [`stdio`]: standard streams that are no descriptors.
//! - [`suspension`]: calls that were suspended where they would wait.
//! - [`trampoline`]: the native functions behind `wasiImport`.
//! - [`weak`]: references that do not keep what they refer to.
//! - [`glue`], `glue.js`: what takes JavaScript to say.

mod adapter;
mod addon;
mod arg_buffer;
mod block;
mod closures;
mod determinism;
mod directory;
mod environment;
mod error;
mod exports;
mod files;
mod given_socket;
mod glue;
mod guest;
mod held;
mod image;
mod instance;
mod js_fs;
mod memory;
mod memory_fs;
mod options;
mod signatures;
mod stdio;
mod suspension;
mod trampoline;
mod weak;
