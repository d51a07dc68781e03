//! The host on Windows: files through cap-std and std, sockets through rustix, and Windows' own calls where the
//! kernel reads or writes guest memory itself, or where a name in a directory is changed without a path.
//!
//! Differences from POSIX are explained where they matter: [`mod@name`] for names that are not valid,
//! [`mod@file`] for the position of a file, [`crt`] for the embedder's descriptors, [`mod@poll`] for waiting.

mod clock;
mod crt;
mod dir;
mod disk;
mod errno;
mod event;
mod file;
mod interruptible;
mod io;
mod lent;
mod listen;
mod name;
mod named_pipe;
mod nt;
mod pipe;
mod poll;
mod query;
mod readdir;
mod socket;
mod stat;
#[cfg(test)]
mod tests;
mod thread_clock;
mod wait;

pub use clock::{clock_res, clock_time, sched_yield};
pub use dir::{Dir, may_be_same};
pub use errno::errno_of_os;
pub use event::Event;
pub use file::File;
pub use listen::{listen_at_path, listen_tcp};
pub use pipe::{OtherEnd, pipe};
pub use poll::poll;
pub use readdir::Entries;
pub use stat::stat_ambient;
pub use thread_clock::ThreadClock;

/// False: Windows does not tell.
pub fn is_first_thread() -> bool {
    false
}

/// 0: Windows has no `fork`.
pub fn fork_generation() -> u64 {
    0
}

/// Does nothing: Windows has no signal for a file that grows too large.
pub fn ignore_file_size_signal() {}

/// How many descriptors this process may have: there is no limit.
pub fn max_descriptors() -> u64 {
    u64::MAX
}

/// Windows does not limit the mappings of a process.
pub fn take_mappings(_: usize, _: usize) -> std::io::Result<()> {
    Ok(())
}
