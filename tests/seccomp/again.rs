//! Runs tests of this program again, in a process to which system calls are refused, or which may open few
//! descriptors.

#[allow(dead_code, reason = "each test uses some of it")]
#[path = "filter.rs"]
mod filter;

use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};

#[allow(unused_imports, reason = "each test uses some of it")]
pub use filter::{PROFILES, Profile, install, profile};

/// The variable with the name of the profile, in a process to which system calls are refused.
pub const UNDER_PROFILE: &str = "WASI_TESTS_PROFILE";

/// Runs the tests that these arguments of the test program select, all of which must pass. Returns their
/// output. [`UNDER_PROFILE`] is set for them.
#[track_caller]
pub fn under(profile: &Profile, args: &[&str]) -> String {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(args).args(["--nocapture", "--test-threads=2"]);
    again.env(UNDER_PROFILE, profile.name);
    let program = profile.program();
    // SAFETY: the filter is installed without allocating or taking locks.
    unsafe { again.pre_exec(move || filter::install(&program)) };
    passes(profile.name, again, args)
}

/// The same, one test at a time, in a process that may have at most `limit` descriptors open; with or without a
/// profile.
#[track_caller]
#[allow(dead_code, reason = "not all that run tests again limit them")]
pub fn with_few_descriptors(limit: u64, profile: Option<&Profile>, args: &[&str]) {
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(args).args(["--nocapture", "--test-threads=1"]);
    let limits = Rlimit {
        current: Some(limit),
        maximum: Some(limit),
    };
    if let Some(profile) = profile {
        again.env(UNDER_PROFILE, profile.name);
    }
    let program = profile.map(Profile::program);
    // SAFETY: both make system calls, and neither allocates or takes locks.
    unsafe {
        again.pre_exec(move || {
            setrlimit(Resource::Nofile, limits)?;
            program
                .as_ref()
                .map_or(Ok(()), |program| filter::install(program))
        });
    }
    passes(
        profile.map_or("no filter", |profile| profile.name),
        again,
        args,
    );
}

#[track_caller]
fn passes(name: &str, mut again: Command, args: &[&str]) -> String {
    let output = again.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {stdout}\n{stderr}");
    assert!(!stdout.contains("running 0 tests"), "{args:?} chooses none");
    stdout
}
