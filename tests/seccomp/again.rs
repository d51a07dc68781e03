//! Runs tests of this very program again, in a process to which `openat2` is refused.

#[path = "filter.rs"]
mod filter;

use std::os::unix::process::CommandExt;
use std::process::Command;

pub use filter::{ENOSYS, EPERM};

/// What the tests print that these arguments of the test program choose, all of which must pass.
#[track_caller]
pub fn without_openat2(errno: u16, args: &[&str]) -> String {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(args).args(["--nocapture", "--test-threads=2"]);
    // SAFETY: the filter is installed without allocating or taking locks.
    unsafe { again.pre_exec(move || filter::refuse_openat2(errno)) };
    let output = again.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}\n{stderr}");
    assert!(!stdout.contains("running 0 tests"), "{args:?} chooses none");
    stdout
}
