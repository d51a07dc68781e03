//! A host for WASI programs, preview1 and its predecessor, that keeps a guest inside of what it was given.
//!
//! The crate is the native half of the npm package `wasi-rs`. The modules in the order of their layers; each
//! may import from those before it, never from those after it:
//!
//! - [`abi`] (L0): preview1 as data—errno, rights, flags, record layouts.
//! - [`memory`] (L1): guest memory—bounds, byte order, iovecs.
//! - [`host`] (L1): the operating system, in the terms of POSIX.
//! - [`module`] (L1): the binary format of WebAssembly: limits, parameters, where the code is.
//! - [`source_lines`] (L1): the source lines of a module's code, by DWARF.
//! - [`vfs`] (L1): the contracts of directories, files and streams; open file descriptions; file systems in
//!   memory.
//! - [`ctx`] (L2): the state of a guest—descriptors, preopens, strings, limits.
//! - [`syscalls`] (L3): the 46 calls of preview1, over integers, a memory and a context.
//! - `binding` (L4): Node-API.

#![deny(unsafe_code)]
#![warn(missing_docs)]

// Code that unit tests share with the tests of the crate names the crate as those do.
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
