//! The same as a user whom permissions bind, where the tests are run by one whom they do not.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// `nobody`, on most systems; whoever it is must only be somebody else.
const SOMEBODY_ELSE: u32 = 65534;

#[test]
fn all_of_it_as_somebody_whom_permissions_bind() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // The program may be where only its owner comes.
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
    .uid(SOMEBODY_ELSE)
    .gid(SOMEBODY_ELSE)
    .output()
    .unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{stdout}");
    assert!(stdout.contains("3 passed"), "{stdout}");
}
