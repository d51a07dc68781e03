//! Refuses system calls to a process and its children, as old kernels and containers do.
//!
//! Only the standard library is used, so that `rustc` alone can build the launcher beside this file.

use std::ffi::{c_int, c_ulong};
use std::io;

use Refused::{Between, Since, WithFlag};

/// The error of a kernel that does not have a system call.
const ENOSYS: u32 = 38;
/// The error of the filters of some containers for system calls that they do not know.
const EPERM: u32 = 1;
/// The error of gVisor for flags that it does not know.
const EOPNOTSUPP: u32 = 95;

/// The system calls that a kernel or a container does not have, with its errors.
pub struct Profile {
    pub name: &'static str,
    rules: &'static [(Refused, u32)],
}

/// System calls, by their numbers.
enum Refused {
    /// All from this number on, except one, which C libraries need to start threads.
    Since(u32, Option<u32>),
    /// Those between these two numbers, and these.
    Between(u32, u32),
    /// A system call with a flag in an argument: its number, the index of the argument, the flag.
    WithFlag(u32, u32, u32),
}

/// Numbers that differ between architectures. Those from 424 on do not.
#[cfg(target_arch = "x86_64")]
mod number {
    pub const COPY_FILE_RANGE: u32 = 326;
    pub const PREADV2: u32 = 327;
    pub const PWRITEV2: u32 = 328;
    pub const PKEY_MPROTECT: u32 = 329;
    pub const PKEY_FREE: u32 = 331;
    pub const RSEQ: u32 = 334;
}
#[cfg(target_arch = "aarch64")]
mod number {
    pub const COPY_FILE_RANGE: u32 = 285;
    pub const PREADV2: u32 = 286;
    pub const PWRITEV2: u32 = 287;
    pub const PKEY_MPROTECT: u32 = 288;
    pub const PKEY_FREE: u32 = 290;
    pub const RSEQ: u32 = 293;
}

use number::{COPY_FILE_RANGE, PKEY_FREE, PKEY_MPROTECT, PREADV2, PWRITEV2, RSEQ};

/// The first of the common numbers: `pidfd_send_signal`, of Linux 5.1.
const NUMBERED_ALIKE: u32 = 424;
const CLONE3: u32 = 435;
const CLOSE_RANGE: u32 = 436;
const OPENAT2: u32 = 437;

const RWF_NOWAIT: u32 = 8;

/// The profiles. Some containers refuse `clone3` with EPERM; here it is allowed, as no program with threads
/// would start, unless its C library is as old as the filter.
pub const PROFILES: &[Profile] = &[
    // By a filter. After ENOSYS a process would not try again.
    Profile {
        name: "no-openat2",
        rules: &[(Between(OPENAT2, OPENAT2), EPERM)],
    },
    // Everything that is younger: copy_file_range, preadv2, pwritev2, pkey_*, statx, io_pgetevents, rseq, and
    // all with common numbers.
    Profile {
        name: "linux-4.4",
        rules: &[
            (Between(COPY_FILE_RANGE, RSEQ), ENOSYS),
            (Since(NUMBERED_ALIKE, None), ENOSYS),
        ],
    },
    // The same, with the error of a filter of that time.
    Profile {
        name: "filter-of-linux-4.4",
        rules: &[
            (Between(COPY_FILE_RANGE, RSEQ), EPERM),
            (Since(NUMBERED_ALIKE, Some(CLONE3)), EPERM),
        ],
    },
    Profile {
        name: "docker-19.03",
        rules: &[
            (Between(PKEY_MPROTECT, PKEY_FREE), EPERM),
            (Between(RSEQ, RSEQ), EPERM),
            (Since(NUMBERED_ALIKE, Some(CLONE3)), EPERM),
        ],
    },
    // With a libseccomp that does not know newer calls.
    Profile {
        name: "docker-20.10",
        rules: &[(Since(CLOSE_RANGE, None), EPERM)],
    },
    Profile {
        name: "gvisor",
        rules: &[
            (Between(COPY_FILE_RANGE, COPY_FILE_RANGE), ENOSYS),
            (WithFlag(PREADV2, 5, RWF_NOWAIT), EOPNOTSUPP),
            (WithFlag(PWRITEV2, 5, RWF_NOWAIT), EOPNOTSUPP),
            (Between(OPENAT2, OPENAT2), ENOSYS),
        ],
    },
];

/// The profile with this name.
pub fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}

const PR_SET_SECCOMP: c_int = 22;
const PR_SET_NO_NEW_PRIVS: c_int = 38;
const SECCOMP_MODE_FILTER: c_ulong = 2;
const SECCOMP_RET_ALLOW: u32 = 0x7fff_0000;
const SECCOMP_RET_ERRNO: u32 = 0x0005_0000;

const BPF_LOAD_WORD: u16 = 0x20;
const BPF_JUMP_IF_EQUAL: u16 = 0x15;
const BPF_JUMP_IF_GREATER_OR_EQUAL: u16 = 0x35;
const BPF_JUMP_IF_ANY: u16 = 0x45;
const BPF_RETURN: u16 = 0x06;

/// The offset of the number of the call in `struct seccomp_data`, and those of its arguments, lower halves
/// first.
const NUMBER: u32 = 0;
const ARGUMENTS: u32 = 16;

/// `struct sock_filter`: one instruction.
#[repr(C)]
pub struct Instruction {
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

fn step(code: u16, if_true: u8, if_false: u8, operand: u32) -> Instruction {
    Instruction {
        code,
        if_true,
        if_false,
        operand,
    }
}

impl Profile {
    /// The BPF program of this profile.
    pub fn program(&self) -> Vec<Instruction> {
        let mut program = vec![];
        for (refused, errno) in self.rules {
            let number = step(BPF_LOAD_WORD, 0, 0, NUMBER);
            let refuse = step(BPF_RETURN, 0, 0, SECCOMP_RET_ERRNO | errno);
            program.push(number);
            match *refused {
                Since(first, None) => {
                    program.extend([step(BPF_JUMP_IF_GREATER_OR_EQUAL, 0, 1, first), refuse])
                }
                Since(first, Some(but)) => program.extend([
                    step(BPF_JUMP_IF_GREATER_OR_EQUAL, 0, 2, first),
                    step(BPF_JUMP_IF_EQUAL, 1, 0, but),
                    refuse,
                ]),
                Between(first, last) => program.extend([
                    step(BPF_JUMP_IF_GREATER_OR_EQUAL, 0, 2, first),
                    step(BPF_JUMP_IF_GREATER_OR_EQUAL, 1, 0, last + 1),
                    refuse,
                ]),
                WithFlag(call, argument, flag) => program.extend([
                    step(BPF_JUMP_IF_EQUAL, 0, 3, call),
                    step(BPF_LOAD_WORD, 0, 0, ARGUMENTS + 8 * argument),
                    step(BPF_JUMP_IF_ANY, 0, 1, flag),
                    refuse,
                ]),
            }
        }
        program.push(step(BPF_RETURN, 0, 0, SECCOMP_RET_ALLOW));
        program
    }
}

/// Installs a filter for this thread and all that it starts.
///
/// It allocates nothing, so a child can call it between `fork` and `exec`.
pub fn install(instructions: &[Instruction]) -> io::Result<()> {
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
