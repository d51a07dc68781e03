//! Adapters: modules of WebAssembly between a guest and the addon.
//!
//! If a guest calls JavaScript functions directly, the engine compiles each that is called often, and a wrapper
//! for its types, somewhere within the first few thousand calls. An adapter has a function for each call of
//! WASI that a guest imports: it writes the arguments to the [block](super::block), which is a memory for it,
//! and calls one function without parameters, which returns the errno. So only one wrapper and one function are
//! compiled, whatever a guest calls.
//!
//! A second kind of module has the calls that may block, for guests that can be suspended. A call that does not
//! block passes through it unchanged. If one would block, the module calls `wait`, which suspends the guest,
//! and then makes the call again. This happens on the guest's own stack, so nothing has been read or written if
//! the guest cannot be suspended.

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::block::{FIRST_ARGUMENT, FUNCTION_SLOT, SLOT};
use super::signatures::snapshot_of;
use super::trampoline::SUSPENDED;
use crate::syscalls::{ParamType, Row, SYSCALLS, Syscall, WAITING, function};

/// Numbers of the binary format that these modules use.
mod op {
    pub const FUNC: u8 = 0x60;
    pub const I32: u8 = 0x7f;
    pub const I64: u8 = 0x7e;
    pub const F64: u8 = 0x7c;
    pub const VOID: u8 = 0x40;
    pub const FUNCTION: u8 = 0;
    pub const MEMORY: u8 = 2;
    pub const HAS_MAXIMUM: u8 = 1;
    pub const LOOP: u8 = 0x03;
    pub const IF: u8 = 0x04;
    pub const END: u8 = 0x0b;
    pub const BR: u8 = 0x0c;
    pub const CALL: u8 = 0x10;
    pub const DROP: u8 = 0x1a;
    pub const LOCAL_GET: u8 = 0x20;
    pub const LOCAL_SET: u8 = 0x21;
    pub const LOCAL_TEE: u8 = 0x22;
    pub const I64_STORE: u8 = 0x37;
    pub const I32_CONST: u8 = 0x41;
    pub const I64_CONST: u8 = 0x42;
    pub const I32_GE_U: u8 = 0x4f;
    pub const I64_EXTEND_I32_U: u8 = 0xad;
    /// The alignment of an access, as an exponent of 2.
    pub const ALIGN_8: u8 = 3;
}

/// The bytes of a module that exports these calls, as guests of this version of WASI make them. `calls` has
/// their names, separated by spaces. The module imports `memory` and `call` from a module with an empty name.
///
/// # Errors
///
/// There is no call of that name.
#[napi]
pub fn adapter_module<'env>(
    env: &'env Env,
    calls: String,
    version: String,
) -> Result<BufferSlice<'env>> {
    let snapshot = snapshot_of(&version);
    let rows = calls.split(' ').map(|name| {
        (SYSCALLS.iter().position(|syscall| syscall.name == name))
            .ok_or_else(|| Error::from_reason(format!("there is no call {name}")))
    });
    let rows: Vec<_> = rows.collect::<Result<_>>()?;
    let call = Import::Function("call", Type(vec![], Some(op::I32)));
    let exports = rows.into_iter().map(|row| {
        let syscall = &SYSCALLS[row];
        let result = has_result(row).then_some(op::I32);
        let of = Type(params(syscall), result);
        (syscall.name, of, body(function(snapshot, row), syscall))
    });
    BufferSlice::copy_from(env, module(&[Import::Memory("memory"), call], exports))
}

/// The bytes of a module that exports the calls that may block. From a module with an empty name it imports the
/// calls, each with its start time as an additional argument, and `wait`, which returns the start time of the
/// call that is to be made again.
///
/// # Errors
///
/// The engine has no memory for them.
#[napi]
pub fn suspending_module(env: &Env) -> Result<BufferSlice<'_>> {
    let wait = Import::Function("wait", Type(vec![], Some(op::F64)));
    let waiting = WAITING.map(|row| &SYSCALLS[row as usize]);
    let calls = waiting.map(|syscall| {
        let mut params = params(syscall);
        params.push(op::F64);
        Import::Function(syscall.name, Type(params, Some(op::I32)))
    });
    let imports: Vec<_> = [wait].into_iter().chain(calls).collect();
    let exports = waiting.into_iter().zip(1..).map(|(syscall, call)| {
        let of = Type(params(syscall), Some(op::I32));
        (syscall.name, of, suspending_body(syscall.types.len(), call))
    });
    BufferSlice::copy_from(env, module(&imports, exports))
}

/// The type of a function: its parameters, and its result if it has one.
struct Type(Vec<u8>, Option<u8>);

/// An import from a module with an empty name.
enum Import {
    /// With one page.
    Memory(&'static str),
    Function(&'static str, Type),
}

/// A module with these functions, each with its name, its type and its body. Imported functions have the first
/// indices.
fn module(
    imported: &[Import],
    exported: impl Iterator<Item = (&'static str, Type, Vec<u8>)>,
) -> Vec<u8> {
    // There is one type for each function.
    let mut types = List::default();
    let mut imports = List::default();
    for import in imported {
        match import {
            Import::Memory(named) => {
                let entry = imports.entry();
                name(entry, "");
                name(entry, named);
                entry.extend([op::MEMORY, op::HAS_MAXIMUM, 1, 1]);
            }
            Import::Function(named, of) => {
                let entry = imports.entry();
                name(entry, "");
                name(entry, named);
                entry.push(op::FUNCTION);
                number(entry, types.count);
                function_type(types.entry(), of);
            }
        }
    }
    let mut functions = List::default();
    let mut exports = List::default();
    let mut bodies = List::default();
    for (named, of, body) in exported {
        let index = types.count;
        number(functions.entry(), index);
        function_type(types.entry(), &of);
        let entry = exports.entry();
        name(entry, named);
        entry.push(op::FUNCTION);
        number(entry, index);
        sized(bodies.entry(), &body);
    }
    let mut module = b"\0asm\x01\0\0\0".to_vec();
    for (id, list) in [
        (1, types),
        (2, imports),
        (3, functions),
        (7, exports),
        (10, bodies),
    ] {
        module.push(id);
        sized(&mut module, &list.bytes());
    }
    module
}

/// The entries of a section.
#[derive(Default)]
struct List {
    count: usize,
    entries: Vec<u8>,
}

impl List {
    /// Adds an entry, whose bytes are to be written to the result.
    fn entry(&mut self) -> &mut Vec<u8> {
        self.count += 1;
        &mut self.entries
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        number(&mut bytes, self.count);
        bytes.extend(&self.entries);
        bytes
    }
}

/// Whether a call has a result: `proc_exit` has none.
fn has_result(row: usize) -> bool {
    row != Row::proc_exit as usize
}

fn params(syscall: &Syscall) -> Vec<u8> {
    let of = |param: &ParamType| match param {
        ParamType::I32 => op::I32,
        ParamType::I64 => op::I64,
    };
    syscall.types.iter().map(of).collect()
}

fn function_type(types: &mut Vec<u8>, Type(params, result): &Type) {
    types.push(op::FUNC);
    sized(types, params);
    types.push(u8::from(result.is_some()));
    types.extend(result);
}

/// The body of a function that writes its number and its arguments to the block, and calls.
fn body(function: usize, syscall: &Syscall) -> Vec<u8> {
    // There are no locals but the parameters.
    let mut body = vec![0];
    body.extend([op::I32_CONST, 0, op::I64_CONST]);
    signed(&mut body, function);
    store(&mut body, FUNCTION_SLOT);
    for (local, (param, slot)) in syscall.types.iter().zip(FIRST_ARGUMENT..).enumerate() {
        body.extend([op::I32_CONST, 0]);
        with_local(&mut body, op::LOCAL_GET, local);
        if *param == ParamType::I32 {
            body.push(op::I64_EXTEND_I32_U);
        }
        store(&mut body, slot);
    }
    body.extend([op::CALL, 0]);
    if !has_result(function) {
        body.push(op::DROP);
    }
    body.push(op::END);
    body
}

/// The body of a function that makes a call until it does not block:
///
/// ```wat
/// (local $begun f64) (local $result i32)
/// (loop $again
///   (call $call (local.get 0) … (local.get $begun))
///   (if (i32.ge_u (local.tee $result) (i32.const SUSPENDED)) (then
///     (local.set $begun (call $wait))
///     (br $again))))
/// (local.get $result)
/// ```
fn suspending_body(arity: usize, call: usize) -> Vec<u8> {
    let (begun, result) = (arity, arity + 1);
    let mut body = vec![2, 1, op::F64, 1, op::I32];
    body.extend([op::LOOP, op::VOID]);
    for local in 0..=begun {
        with_local(&mut body, op::LOCAL_GET, local);
    }
    body.push(op::CALL);
    number(&mut body, call);
    with_local(&mut body, op::LOCAL_TEE, result);
    body.push(op::I32_CONST);
    signed(&mut body, SUSPENDED as usize);
    body.extend([op::I32_GE_U, op::IF, op::VOID]);
    body.extend([op::CALL, 0]);
    with_local(&mut body, op::LOCAL_SET, begun);
    body.extend([op::BR, 1, op::END, op::END]);
    with_local(&mut body, op::LOCAL_GET, result);
    body.push(op::END);
    body
}

fn with_local(body: &mut Vec<u8>, op: u8, local: usize) {
    body.push(op);
    number(body, local);
}

/// Stores 64 bits in a slot of the block.
fn store(body: &mut Vec<u8>, slot: usize) {
    body.extend([op::I64_STORE, op::ALIGN_8]);
    number(body, slot * SLOT);
}

fn name(bytes: &mut Vec<u8>, name: &str) {
    sized(bytes, name.as_bytes());
}

fn sized(bytes: &mut Vec<u8>, contents: &[u8]) {
    number(bytes, contents.len());
    bytes.extend(contents);
}

/// A number as an unsigned LEB128.
fn number(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// A number as a signed LEB128, whose last byte has the sign in its bit 6.
fn signed(bytes: &mut Vec<u8>, mut value: usize) {
    while value >= 0x40 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
