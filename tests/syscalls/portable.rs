//! Where the kernel cannot keep a path below its directory in one call, paths are walked step by step,
//! and lead to the same places; where it lacks other calls, something else does: tests again, in
//! processes to which real kernels' and containers' calls are refused.

#[path = "../seccomp/again.rs"]
pub mod again;

#[test]
fn paths_lead_to_the_same_places_without_openat2() {
    let paths = ["path_", "readdir::", "--skip", "escape::"];
    again::under(again::profile("linux-4.4").unwrap(), &paths);
}

/// What looks at calls that may be refused.
#[test]
fn nothing_else_is_seen_where_calls_are_refused() {
    for profile in again::PROFILES {
        let concerned = [
            "path_open::works",
            "resolve::",
            "stop::",
            "fd_io::",
            "random::",
        ];
        again::under(profile, &concerned);
    }
}
