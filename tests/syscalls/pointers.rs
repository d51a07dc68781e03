//! Where memory ends, for every pointer of every call: a pointer that leads outside is refused before
//! anything else is looked at, and nothing is written.

use std::collections::BTreeSet;

use wasi_rs::abi::Errno::{Badf, Overflow};
use wasi_rs::syscalls::SYSCALLS;

use crate::support::{END, Guest};

/// A parameter of a call.
#[derive(Clone, Copy)]
enum Param {
    /// A descriptor; there is none with the number that is passed.
    Fd,
    /// A pointer to so many bytes.
    To(u64),
    /// A pointer to as many bytes as the next parameter says, and that parameter.
    Bytes,
    /// A pointer to as many lists of buffers as the next parameter says, and that parameter.
    Iovs,
    /// Anything else.
    Value,
}

use Param::{Bytes, Fd, Iovs, To, Value};

const CALLS: [(&str, &[Param]); 46] = [
    ("args_get", &[To(4), To(8)]),
    ("args_sizes_get", &[To(4), To(4)]),
    ("clock_res_get", &[Value, To(8)]),
    ("clock_time_get", &[Value, Value, To(8)]),
    ("environ_get", &[To(4), To(11)]),
    ("environ_sizes_get", &[To(4), To(4)]),
    ("fd_advise", &[Fd, Value, Value, Value]),
    ("fd_allocate", &[Fd, Value, Value]),
    ("fd_close", &[Fd]),
    ("fd_datasync", &[Fd]),
    ("fd_fdstat_get", &[Fd, To(24)]),
    ("fd_fdstat_set_flags", &[Fd, Value]),
    ("fd_fdstat_set_rights", &[Fd, Value, Value]),
    ("fd_filestat_get", &[Fd, To(64)]),
    ("fd_filestat_set_size", &[Fd, Value]),
    ("fd_filestat_set_times", &[Fd, Value, Value, Value]),
    ("fd_pread", &[Fd, Iovs, Value, To(4)]),
    ("fd_prestat_dir_name", &[Fd, Bytes]),
    ("fd_prestat_get", &[Fd, To(8)]),
    ("fd_pwrite", &[Fd, Iovs, Value, To(4)]),
    ("fd_read", &[Fd, Iovs, To(4)]),
    ("fd_readdir", &[Fd, Bytes, Value, To(4)]),
    ("fd_renumber", &[Fd, Value]),
    ("fd_seek", &[Fd, Value, Value, To(8)]),
    ("fd_sync", &[Fd]),
    ("fd_tell", &[Fd, To(8)]),
    ("fd_write", &[Fd, Iovs, To(4)]),
    ("path_create_directory", &[Fd, Bytes]),
    ("path_filestat_get", &[Fd, Value, Bytes, To(64)]),
    (
        "path_filestat_set_times",
        &[Fd, Value, Bytes, Value, Value, Value],
    ),
    ("path_link", &[Fd, Value, Bytes, Fd, Bytes]),
    (
        "path_open",
        &[Fd, Value, Bytes, Value, Value, Value, Value, To(4)],
    ),
    ("path_readlink", &[Fd, Bytes, Bytes, To(4)]),
    ("path_remove_directory", &[Fd, Bytes]),
    ("path_rename", &[Fd, Bytes, Fd, Bytes]),
    ("path_symlink", &[Bytes, Fd, Bytes]),
    ("path_unlink_file", &[Fd, Bytes]),
    ("poll_oneoff", &[To(48), To(32), Value, To(4)]),
    ("proc_exit", &[Value]),
    ("proc_raise", &[Value]),
    ("random_get", &[Bytes]),
    ("sched_yield", &[]),
    ("sock_accept", &[Fd, Value, To(4)]),
    ("sock_recv", &[Fd, Iovs, Value, To(4), To(2)]),
    ("sock_send", &[Fd, Iovs, Value, To(4)]),
    ("sock_shutdown", &[Fd, Value]),
];

#[test]
fn no_row_of_the_table_is_left_out() {
    let here: BTreeSet<_> = CALLS.iter().map(|(name, _)| *name).collect();
    let table: BTreeSet<_> = SYSCALLS.iter().map(|syscall| syscall.name).collect();
    assert_eq!(here, table);
}

/// A number that no descriptor has: what is refused for its pointers is so before that is seen.
const NONE: u64 = 99;
/// How many subscriptions `poll_oneoff` is passed, and what other values are.
const ONE: u64 = 1;

/// Arguments that fit in memory from the start on, at addresses that do not meet.
fn fitting(guest: &Guest, params: &[Param]) -> Vec<u64> {
    (params.iter())
        .flat_map(|param| match param {
            Fd => vec![NONE],
            Value => vec![ONE],
            To(size) => vec![guest.room(*size)],
            Bytes => guest.lay("text").to_vec(),
            Iovs => guest.ciovs("text").to_vec(),
        })
        .collect()
}

/// Pointers and lengths that lead outside; a length of `None` is not one to pass.
fn outside(param: Param) -> Vec<[Option<u64>; 2]> {
    let max = u64::from(u32::MAX);
    let list = |rows: &[(u64, u64)]| {
        rows.iter()
            .map(|(at, len)| [Some(*at), Some(*len)])
            .collect()
    };
    match param {
        Fd | Value => vec![],
        To(size) => [
            END - size + 1,
            END,
            END + 1,
            0x8000_0000,
            max - size + 1,
            max,
        ]
        .map(|at| [Some(at), None])
        .to_vec(),
        Bytes => list(&[
            (END, 0),
            (END, 1),
            (END - 1, 2),
            (0, END + 1),
            (0x8000_0000, 0),
            (max, 0),
            (max, 1),
            (max, max),
            (1, max),
        ]),
        Iovs => list(&[
            (END, 0),
            (END - 7, 1),
            (END - 15, 2),
            (0, 0x2001),
            (8, 0x1fff_ffff),
            (0, 0x2000_0000),
            (0, 0x2000_0001),
            (0, 0x8000_0000),
            (0, max),
            (max, 0),
            (max, 1),
        ]),
    }
}

/// A call with the parameter `index` replaced by what leads outside, for each that does.
fn misled(guest: &Guest, params: &[Param]) -> Vec<Vec<u64>> {
    let fitting = fitting(guest, params);
    let mut calls = Vec::new();
    let mut at = 0;
    for param in params {
        for [pointer, len] in outside(*param) {
            let mut args = fitting.clone();
            args[at] = pointer.unwrap();
            if let Some(len) = len {
                args[at + 1] = len;
            }
            calls.push(args);
        }
        at += if matches!(param, Bytes | Iovs) { 2 } else { 1 };
    }
    calls
}

#[test]
fn a_pointer_that_leads_outside_is_refused_before_anything_else() {
    for (name, params) in CALLS {
        let guest = Guest::new();
        for args in misled(&guest, params) {
            guest.call(name, args).is_refused(Overflow, name);
        }
    }
}

/// The same calls with every pointer inside come as far as to the descriptor, so the rows above are
/// refused for nothing but their pointers.
#[test]
fn pointers_inside_lead_on_to_the_descriptor() {
    for (name, params) in CALLS {
        if matches!(
            name,
            "poll_oneoff" | "proc_exit" | "proc_raise" | "fd_renumber"
        ) {
            continue;
        }
        let guest = Guest::new();
        let mut args = fitting(&guest, params);
        if name == "sock_accept" || name == "sock_send" {
            // No flag, for they are looked at before the descriptor.
            let flags = if name == "sock_accept" { 1 } else { 3 };
            args[flags] = 0;
        }
        let outcome = guest.call(name, args);
        if params.iter().any(|param| matches!(param, Fd)) {
            outcome.is_refused(Badf, name);
        } else {
            assert_eq!(outcome.result, Ok(()), "{name}");
        }
    }
}

/// As of a memory that a guest has not grown yet: no pointer leads into it.
#[test]
fn memory_of_no_pages_has_no_inside() {
    use wasi_rs::memory::LinearMemory;
    use wasi_rs::syscalls::{MAX_PARAMS, Stop};

    let guest = Guest::new();
    for (name, params) in CALLS {
        if params
            .iter()
            .any(|param| matches!(param, To(_) | Bytes | Iovs))
        {
            let call = crate::support::syscall(name).call;
            let result = call(&guest.ctx, LinearMemory::empty().guest(), &[0; MAX_PARAMS]);
            assert_eq!(result, Err(Stop::Errno(Overflow)), "{name}");
        }
    }
}
