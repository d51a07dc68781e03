//! Tests again, in processes to which the system calls of certain kernels and containers are refused: without
//! `openat2` paths are walked, and lead to the same places; other missing calls are replaced.

#[path = "../seccomp/again.rs"]
pub mod again;

#[test]
fn paths_lead_to_the_same_places_without_openat2() {
    let paths = ["path_", "readdir::", "--skip", "escape::"];
    again::under(again::profile("linux-4.4").unwrap(), &paths);
}

/// The tests of calls that may be refused.
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
