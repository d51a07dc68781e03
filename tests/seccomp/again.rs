//! Runs tests of this very program again, in a process to which `openat2` is refused, or which may have
//! few descriptors open.

#[path = "filter.rs"]
mod filter;

use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};

pub use filter::{ENOSYS, EPERM};

/// What the tests print that these arguments of the test program choose, all of which must pass.
#[track_caller]
pub fn without_openat2(errno: u16, args: &[&str]) -> String {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(args).args(["--nocapture", "--test-threads=2"]);
    // SAFETY: the filter is installed without allocating or taking locks.
    unsafe { again.pre_exec(move || filter::refuse_openat2(errno)) };
    passes(again, args)
}

/// The same, one test at a time, in a process that may have no more than `limit` descriptors open.
/// `openat2` is refused with an errno, or not.
#[track_caller]
#[allow(dead_code, reason = "not all that run tests again limit them")]
pub fn with_few_descriptors(limit: u64, errno: Option<u16>, args: &[&str]) {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(args).args(["--nocapture", "--test-threads=1"]);
    let limits = Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    // SAFETY: both make system calls, and neither allocates or takes locks.
    unsafe {
        again.pre_exec(move || {
            setrlimit(Resource::Nofile, limits)?;
            errno.map_or(Ok(()), filter::refuse_openat2)
        });
    }
    passes(again, args);
}

#[track_caller]
fn passes(mut again: Command, args: &[&str]) -> String {
    let output = again.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(!stdout.contains("running 0 tests"), "{args:?} chooses none");
    stdout
}
