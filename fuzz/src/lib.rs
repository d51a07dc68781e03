//! Fuzzing: hostile guests, made of the fuzzer's bytes, against the layers below Node-API.
//!
//! Five targets:
//!
//! - `calls` plays sequences of calls in a scratch directory ([`play`]), and checks after each that the guest
//!   stayed inside of what it was given.
//! - `paths` resolves a path in both ways ([`paths`]), which must agree.
//! - `archives` reads bytes as archives, writes what is in them, and reads that again ([`archives`]).
//! - `records` decodes bytes as records of the ABI, and encodes them again ([`records`]).
//! - `tmpfs` does the same in a file system in memory and in Linux's tmpfs ([`tmpfs`]), which must agree.
//!
//! `npm run fuzz` runs them all. A finding is replayed, call by call, with
//!
//! ```text
//! WASI_RS_FUZZ_TRACE=1 cargo +nightly fuzz run calls fuzz/artifacts/calls/crash-…
//! ```
//!
//! With `WASI_RS_FUZZ_PORTABLE=1` the kernel refuses `openat2`, so that paths are resolved as on systems
//! without it ([`portable`]).

pub mod archives;
pub mod arguments;
pub mod input;
pub mod paths;
pub mod play;
pub mod portable;
pub mod records;
pub mod scratch;
pub mod setup;
pub mod tmpfs;
