//! A host for WASI programs, preview1 and its predecessor, that keeps a guest inside what it was given.
//!
//! The crate is the native half of the npm package `wasi-rs`. Modules in the order of their layers;
//! each may import from those before it, never from those behind it:
//!
//! - [`abi`] (L0): preview1 as data—errno, rights, flags, record layouts.
//! - [`memory`] (L1): guest memory—bounds, byte order, iovecs.
//! - [`host`] (L1): the operating system in POSIX words.
//! - [`module`] (L1): the binary format of WebAssembly, as far as a module's memory is concerned.
//! - [`source_lines`] (L1): which lines of its source a module's code is of.
//! - [`vfs`] (L1): what directories, files and streams are, the host's or another file system's; and the open
//!   file description.
//! - [`ctx`] (L2): what a guest has—descriptors, preopens, strings, limits.
//! - [`syscalls`] (L3): the 46 calls of preview1, over integers, a memory and a context.
//! - `binding` (L4): Node-API.

#![deny(unsafe_code)]
#![warn(missing_docs)]

// Helpers that unit tests and the tests of the crate share name it as those do.
#[cfg(test)]
extern crate self as wasi_rs;

pub mod abi;
#[cfg_attr(
    test,
    allow(dead_code, reason = "napi-derive exports nothing from a test build")
)]
mod binding;
pub mod ctx;
pub mod host;
#[cfg(test)]
#[path = "../tests/support/iovecs.rs"]
mod iovecs;
pub mod memory;
pub mod module;
pub mod source_lines;
pub mod syscalls;
pub mod vfs;
