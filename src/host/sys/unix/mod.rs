//! The host on Unix: system calls through rustix and, where guest memory is read or written by the
//! kernel itself, libc.

mod abandon;
mod clock;
mod dir;
mod errno;
mod event;
#[cfg(target_os = "linux")]
mod fifo;
mod file;
mod interruptible;
mod io;
mod lent;
mod limit;
mod listen;
#[cfg(target_os = "linux")]
mod mappings;
mod pipe;
mod poll;
mod readdir;
mod reopen;
mod socket;
mod stat;
mod thread;
mod thread_clock;
mod wait;

pub use clock::{clock_res, clock_time, sched_yield};
pub use dir::{Dir, may_be_same};
pub use errno::errno_of_os;
pub use event::Event;
pub use file::File;
pub use io::{fork_generation, ignore_file_size_signal};
pub use limit::max_descriptors;
pub use listen::{listen_at_path, listen_tcp};
#[cfg(target_os = "linux")]
pub use mappings::take_mappings;
pub use pipe::{OtherEnd, pipe};
pub use poll::poll;
pub use readdir::Entries;
pub use stat::stat_ambient;
pub use thread::is_first_thread;
pub use thread_clock::ThreadClock;

/// No other system limits the mappings of a process.
#[cfg(not(target_os = "linux"))]
pub fn take_mappings(_: usize, _: usize) -> std::io::Result<()> {
    Ok(())
}
