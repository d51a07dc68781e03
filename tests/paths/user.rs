//! The same as a user without privileges, if the tests are run by root: permissions do not apply to root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The user and the group `nobody` of most systems. They need no entry in the system's list.
const NOBODY: u32 = 65534;

#[test]
fn all_of_it_as_an_unprivileged_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // In a directory of its own, as the program may be in one that only root can search.
    let scratch = tempfile::tempdir().unwrap();
    let program = scratch.path().join("paths");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    for path in [scratch.path(), &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = (Command::new(&program).args([
        "--skip",
        "user::",
        "--skip",
        "where_the_kernel_is_old",
        "--test-threads=2",
    ]))
    .current_dir("/")
    .uid(NOBODY)
    .gid(NOBODY)
    .output()
    .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}");
    assert!(stdout.contains("3 passed"), "{stdout}");
}
