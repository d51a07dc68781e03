//! The only module that knows Node-API: what the class `WASI` calls, its options, its errors, and the way from
//! a guest's call to a syscall.
//!
//! - [`adapter`]: modules between a guest and the addon.
//! - [`addon`]: loads the addon.
//! - [`arg_buffer`]: the arguments of a call, shared by JavaScript and the native functions.
//! - [`block`]: the arguments of a call, shared by adapters and the native functions.
//! - [`closures`]: the JavaScript functions that call the native functions.
//! - [`determinism`]: clocks and random bytes of the embedder.
//! - [`directory`]: handles of directories that can be mounted.
//! - [`environment`]: the state of a JavaScript environment (the main thread, a worker).
//! - [`exports`]: the functions that `index.js` calls.
//! - [`files`]: the native half of `wasi.fs`.
//! - [`guest`]: guests that are prepared in one thread and run in another.
//! - [`held`]: native values that take memory and belong to JavaScript objects.
//! - [`instance`]: the state of a `WASI`, and the instances that can still be called.
//! - [`js_fs`]: file systems in JavaScript.
//! - [`memory`]: the guest's memory, looked up again when it has grown.
//! - [`memory_fs`]: the native half of `MemoryFS`.
//! - [`options`]: the options of `WASI`.
//! - [`signatures`]: the table of the calls as data, for JavaScript.
//! - [`stdio`]: standard streams that are not descriptors.
//! - [`suspension`]: what suspended calls wait for.
//! - [`trampoline`]: the native functions that the closures call.
//! - [`weak`]: references to JavaScript values.
//! - [`glue`], `glue.js`: functions that need JavaScript.

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
