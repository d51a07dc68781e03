//! Takes `openat2` away from a process and all that it starts, as old kernels and some containers do.
//!
//! Only the standard library is used, so that `rustc` alone can build the launcher beside this file.

use std::ffi::{c_int, c_ulong};
use std::io;

/// What an old kernel says of a system call that it does not have.
pub const ENOSYS: u16 = 38;
/// What the filters of some containers say of a system call that they do not know.
pub const EPERM: u16 = 1;

/// Its number is the same on every architecture.
const SYS_OPENAT2: u32 = 437;

const PR_SET_SECCOMP: c_int = 22;
const PR_SET_NO_NEW_PRIVS: c_int = 38;
const SECCOMP_MODE_FILTER: c_ulong = 2;
const SECCOMP_RET_ALLOW: u32 = 0x7fff_0000;
const SECCOMP_RET_ERRNO: u32 = 0x0005_0000;

const BPF_LOAD_WORD: u16 = 0x20;
const BPF_JUMP_IF_EQUAL: u16 = 0x15;
const BPF_RETURN: u16 = 0x06;

/// `struct sock_filter`: one instruction.
#[repr(C)]
struct Instruction {
    code: u16,
    if_true: u8,
    if_false: u8,
    operand: u32,
}

/// `struct sock_fprog`.
#[repr(C)]
struct Program {
    len: u16,
    instructions: *const Instruction,
}

unsafe extern "C" {
    fn prctl(option: c_int, ...) -> c_int;
}

/// From now on `openat2` fails with this error, in this thread and what comes of it.
///
/// Nothing is allocated, so that a child between `fork` and `exec` can call it.
pub fn refuse_openat2(errno: u16) -> io::Result<()> {
    let [load, compare, refuse, allow] = [
        // The number of the call is the first field of what a filter is shown.
        (BPF_LOAD_WORD, 0, 0),
        (BPF_JUMP_IF_EQUAL, 1, SYS_OPENAT2),
        (BPF_RETURN, 0, SECCOMP_RET_ERRNO | u32::from(errno)),
        (BPF_RETURN, 0, SECCOMP_RET_ALLOW),
    ]
    .map(|(code, if_false, operand)| Instruction {
        code,
        if_true: 0,
        if_false,
        operand,
    });
    let instructions = [load, compare, refuse, allow];
    let program = Program {
        len: instructions.len() as u16,
        instructions: instructions.as_ptr(),
    };
    let zero: c_ulong = 0;
    let one: c_ulong = 1;
    // SAFETY: the first call takes integers; the second reads the program, which outlives it.
    let failed = unsafe {
        prctl(PR_SET_NO_NEW_PRIVS, one, zero, zero, zero) != 0
            || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &raw const program) != 0
    };
    if failed {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}
