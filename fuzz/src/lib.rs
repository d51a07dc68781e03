//! Fuzzing: hostile guests, made of bytes that the fuzzer finds, against the layers below Node-API.
//!
//! Five targets:
//!
//! - `calls` plays sequences of calls against a scratch directory ([`play`]), and sees after each that
//!   the guest stayed inside what it was given.
//! - `paths` resolves a path in the two ways that there are ([`paths`]), which must agree.
//! - `archives` reads bytes as archives, writes what is in them, and reads that ([`archives`]).
//! - `records` takes bytes apart into the records of the ABI and puts them together again ([`records`]).
//! - `tmpfs` does the same in a file system in memory and in Linux's ([`tmpfs`]), which must not differ.
//!
//! `npm run fuzz` runs them all. A finding is played again, call by call, with
//!
//! ```text
//! WASI_RS_FUZZ_TRACE=1 cargo +nightly fuzz run calls fuzz/artifacts/calls/crash-…
//! ```
//!
//! With `WASI_RS_FUZZ_PORTABLE=1` the kernel denies having `openat2`, so that paths are resolved as
//! on systems without it ([`portable`]).

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
