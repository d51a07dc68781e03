//! The 46 calls of preview1: integers, a guest's memory and its context in, an errno out.
//!
//! One function a call, named as the witx names it, in files by prefix; [`SYSCALLS`] is the table of
//! them all. A few are generic over the [`Layout`](crate::abi::Layout) of what they take or give: [`SNAPSHOT0`] has
//! them as guests of snapshot 0 make them. Every function refuses in the same order: pointers outside memory
//! ([`Trap::OutOfBounds`], to the guest `EOVERFLOW`), then a descriptor that is not open
//! ([`Errno::Badf`](crate::abi::Errno::Badf)), then rights that it lacks
//! ([`Errno::Notcapable`](crate::abi::Errno::Notcapable)), then values that mean nothing, then what
//! the host says. Where node:wasi looks at a value earlier, so does the function. Results are written
//! only when all else has succeeded.
//!
//! Things this module does not do: know Node-API, or an operating system.

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
