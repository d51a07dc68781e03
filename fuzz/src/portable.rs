//! A kernel without `openat2`, so that paths are resolved as on systems that do not have it.

use libc::{
    BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO,
    sock_filter, sock_fprog,
};

/// Makes the kernel refuse `openat2` to this thread and those that it starts, if the environment variable is
/// set.
pub fn deny_openat2_if_asked() {
    if std::env::var_os("WASI_RS_FUZZ_PORTABLE").is_some() {
        deny_openat2();
    }
}

fn deny_openat2() {
    let step = |code, jt, jf, k| sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    // The number of the call is the first word of `struct seccomp_data`.
    let mut filter = [
        step(BPF_LD | BPF_W | BPF_ABS, 0, 0, 0),
        step(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, libc::SYS_openat2 as u32),
        step(
            BPF_RET | BPF_K,
            0,
            0,
            SECCOMP_RET_ERRNO | libc::ENOSYS as u32,
        ),
        step(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW),
    ];
    let program = sock_fprog {
        len: filter.len() as u16,
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: the kernel copies the program, whose steps live until the call is over.
    let denied = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0
    };
    assert!(denied, "{}", std::io::Error::last_os_error());
    // SAFETY: a call without arguments that could be followed.
    let result = unsafe { libc::syscall(libc::SYS_openat2, -1, 0, 0, 0) };
    assert_eq!(result, -1);
    assert_eq!(
        std::io::Error::last_os_error().raw_os_error(),
        Some(libc::ENOSYS)
    );
}
