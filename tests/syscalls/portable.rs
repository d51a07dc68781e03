//! Where the kernel cannot keep a path below its directory in one call, paths are walked step by step,
//! and lead to the same places; where it lacks other calls, something else does: tests again, in
//! processes to which real kernels' and containers' calls are refused.

#[path = "../seccomp/again.rs"]
pub mod again;

/// What looks at the calls that may be refused.
const CONCERNED: &[&str] = &[
    "path_",
    "resolve::",
    "readdir::",
    "stop::",
    "fd_stat::",
    "fd_io::",
    "stdio::",
    "random::",
    "--skip",
    "escape::",
    "--skip",
    "portable::",
];

#[test]
fn nothing_else_is_seen_where_calls_are_refused() {
    for profile in again::PROFILES {
        again::under(profile, CONCERNED);
    }
}
