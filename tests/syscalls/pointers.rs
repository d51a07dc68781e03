//! The end of memory, for every pointer of every call: a pointer that leads outside is refused before anything
//! else is checked, and nothing is written.

use wasi_rs::abi::Errno::{Badf, Overflow};
use wasi_rs::abi::{Event, RawSubscription, Record};
use wasi_rs::syscalls::{Parameter, Role, SYSCALLS};

use crate::support::{END, Guest};

/// The kind of a parameter, by its pointers.
#[derive(Clone, Copy)]
enum Param {
    /// A descriptor. The number that is passed is not open.
    Fd,
    /// A pointer to so many bytes.
    To(u64),
    /// A pointer to bytes, and their number.
    Bytes,
    /// A pointer to a list of buffers, and their number.
    Iovs,
    /// Flags, all of them 0: some are checked before the descriptor.
    Flags,
    /// Anything else.
    Value,
}

use Param::{Bytes, Fd, Flags, Iovs, To, Value};

fn param(guest: &Guest, role: Role) -> Param {
    match role {
        Role::Fd => Fd,
        Role::Path | Role::Buf => Bytes,
        Role::Iovs | Role::Ciovs => Iovs,
        Role::Out(output) => To(output.size(guest.snapshot) as u64),
        Role::Argv => To(4 * u64::from(guest.ctx.args.len())),
        Role::ArgvBuf => To(guest.ctx.args.buf_size().into()),
        Role::Environ => To(4 * u64::from(guest.ctx.environ.len())),
        Role::EnvironBuf => To(guest.ctx.environ.buf_size().into()),
        Role::Subscriptions => To(ONE * RawSubscription::SIZE as u64),
        Role::Events => To(ONE * Event::SIZE as u64),
        Role::Fdflags | Role::Siflags => Flags,
        _ => Value,
    }
}

/// The parameters of a call.
fn params(guest: &Guest, params: &[Parameter]) -> Vec<Param> {
    params.iter().map(|each| param(guest, each.role)).collect()
}

/// A descriptor number that is not open: pointers are checked before it.
const NONE: u64 = 99;
/// The number of subscriptions of `poll_oneoff`, and the value of all other parameters.
const ONE: u64 = 1;

/// Arguments with valid pointers, each to its own memory.
fn valid_args(guest: &Guest, params: &[Param]) -> Vec<u64> {
    (params.iter())
        .flat_map(|param| match param {
            Fd => vec![NONE],
            Flags => vec![0],
            Value => vec![ONE],
            To(size) => vec![guest.alloc(*size)],
            Bytes => guest.store("text").to_vec(),
            Iovs => guest.ciovs("text").to_vec(),
        })
        .collect()
}

/// Pointers and lengths that lead outside; the length is `None` if the parameter has none.
fn outside(param: Param) -> Vec<[Option<u64>; 2]> {
    let max = u64::from(u32::MAX);
    let list = |rows: &[(u64, u64)]| {
        rows.iter()
            .map(|(at, len)| [Some(*at), Some(*len)])
            .collect()
    };
    match param {
        Fd | Flags | Value => vec![],
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

/// The same with one pointer or length replaced by each that leads outside.
fn invalid_args(guest: &Guest, params: &[Param]) -> Vec<Vec<u64>> {
    let valid = valid_args(guest, params);
    let mut calls = Vec::new();
    let mut at = 0;
    for param in params {
        for [pointer, len] in outside(*param) {
            let mut args = valid.clone();
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
    for syscall in SYSCALLS {
        let (name, guest) = (syscall.name, Guest::new());
        for args in invalid_args(&guest, &params(&guest, syscall.params)) {
            guest.call(name, args).is_refused(Overflow, name);
        }
    }
}

/// With valid pointers, the same calls get as far as the descriptor: so the others are refused for their
/// pointers alone.
#[test]
fn pointers_inside_lead_on_to_the_descriptor() {
    for syscall in SYSCALLS {
        let name = syscall.name;
        if matches!(
            name,
            "poll_oneoff" | "proc_exit" | "proc_raise" | "fd_renumber"
        ) {
            continue;
        }
        let guest = Guest::new();
        let params = params(&guest, syscall.params);
        let outcome = guest.call(name, valid_args(&guest, &params));
        if params.iter().any(|param| matches!(param, Fd)) {
            outcome.is_refused(Badf, name);
        } else {
            assert_eq!(outcome.result, Ok(()), "{name}");
        }
    }
}

/// As with a memory of no pages: no pointer leads into it.
#[test]
fn memory_of_no_pages_has_no_inside() {
    use wasi_rs::memory::LinearMemory;
    use wasi_rs::syscalls::{MAX_PARAMS, Trap};

    let guest = Guest::new();
    for syscall in SYSCALLS {
        if (params(&guest, syscall.params).iter())
            .any(|param| matches!(param, To(_) | Bytes | Iovs))
        {
            let memory = LinearMemory::empty();
            let result = (syscall.call)(&guest.ctx, memory.guest(), &[0; MAX_PARAMS]);
            assert_eq!(result, Err(Trap::OutOfBounds), "{}", syscall.name);
        }
    }
}
