//! All of it again in processes to which `openat2` is refused, where paths are walked step by step.

#[path = "../seccomp/again.rs"]
mod again;

use again::{ENOSYS, EPERM};

fn all_without_openat2(errno: u16) {
    let stdout = again::without_openat2(errno, &["--skip", "portable::"]);
    for race in stdout.lines().filter(|line| line.contains("race ")) {
        println!("{race} without-openat2");
    }
}

#[test]
fn where_the_kernel_does_not_know_it() {
    all_without_openat2(ENOSYS);
}

#[test]
fn where_it_is_not_permitted() {
    all_without_openat2(EPERM);
}
