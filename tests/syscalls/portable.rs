//! Where the kernel cannot keep a path below its directory in one call, paths are walked step by step,
//! and lead to the same places: the tests of paths again, in processes to which `openat2` is refused.

#[path = "../seccomp/again.rs"]
pub mod again;

use again::{ENOSYS, EPERM};

#[test]
fn paths_lead_to_the_same_places_without_openat2() {
    let paths = ["path_", "resolve::", "readdir::", "--skip", "escape::"];
    again::without_openat2(ENOSYS, &paths);
}

#[test]
fn paths_lead_to_the_same_places_where_openat2_is_not_permitted() {
    again::without_openat2(EPERM, &["path_open::", "resolve::"]);
}
