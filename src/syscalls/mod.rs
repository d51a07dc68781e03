//! The 46 calls of preview1: integers, a guest's memory and its context in, an errno out.
//!
//! There is one function for each call, named as in the witx, in files by prefix; [`SYSCALLS`] is the table of
//! all. A few are generic over the [`Layout`](crate::abi::Layout) of their arguments or results: [`SNAPSHOT0`]
//! has the functions for guests of snapshot 0. Every function checks in the same order: pointers outside memory
//! ([`Trap::OutOfBounds`], for the guest `EOVERFLOW`), a descriptor that is not open
//! ([`Errno::Badf`](crate::abi::Errno::Badf)), missing rights
//! ([`Errno::Notcapable`](crate::abi::Errno::Notcapable)), invalid values, and at last the errors of the host.
//! Where node:wasi checks a value earlier, so does the function. Results are written only when everything else
//! has succeeded.
//!
//! This module knows neither Node-API nor an operating system.

mod args;
pub mod capability;
mod clock;
mod environ;
mod fd_dir;
mod fd_io;
mod fd_stat;
mod fd_table;
mod param;
mod path;
mod path_name;
mod path_open;
mod path_stat;
mod poll;
mod proc;
mod random;
mod sched;
mod sock;
mod table;

pub use args::*;
pub use clock::*;
pub use environ::*;
pub use fd_dir::*;
pub use fd_io::*;
pub use fd_stat::*;
pub use fd_table::*;
pub use param::{GuestRange, Output, ParamType, Parameter, Role};
pub use path_name::*;
pub use path_open::*;
pub use path_stat::*;
pub use poll::*;
pub use proc::*;
pub use random::*;
pub use sched::*;
pub use sock::*;
pub use table::{COUNT, MAX_PARAMS, SNAPSHOT0, SYSCALLS, Syscall, Trap};
pub(crate) use table::{FUNCTIONS, Row, WAITING, for_each_syscall, function};
