//! Modules that stand between a guest and the addon.
//!
//! A guest that calls JavaScript has the engine compile, for each function that it calls often, the function and
//! a wrapper for its types, somewhere within the first few thousand calls. An adapter is a module of WebAssembly
//! with a function for each call of WASI that a guest imports: it puts the arguments into the
//! [block](super::block), which is a memory to it, and calls one function without parameters, which returns
//! the errno. So one wrapper and one function are compiled, whatever a guest calls.

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::block::{FIRST_ARGUMENT, ROW_SLOT, SLOT};
use crate::syscalls::{ParamType, Row, SYSCALLS, Syscall};

/// The binary format's numbers for what an adapter is made of.
mod op {
    pub const FUNC: u8 = 0x60;
    pub const I32: u8 = 0x7f;
    pub const I64: u8 = 0x7e;
    pub const MEMORY: u8 = 2;
    pub const HAS_MAXIMUM: u8 = 1;
    pub const CALL: u8 = 0x10;
    pub const DROP: u8 = 0x1a;
    pub const END: u8 = 0x0b;
    pub const LOCAL_GET: u8 = 0x20;
    pub const I64_STORE: u8 = 0x37;
    pub const I32_CONST: u8 = 0x41;
    pub const I64_CONST: u8 = 0x42;
    pub const I64_EXTEND_I32_U: u8 = 0xad;
    /// The exponent of what an address is a multiple of.
    pub const ALIGN_8: u8 = 3;
}

/// The bytes of a module that exports these calls, whose names are separated by spaces. It imports, from a module
/// with an empty name, `memory` and `call`.
///
/// # Errors
///
/// There is no call of that name.
#[napi]
pub fn adapter_module<'env>(env: &'env Env, calls: String) -> Result<BufferSlice<'env>> {
    let rows = calls.split(' ').map(|name| {
        (SYSCALLS.iter().position(|syscall| syscall.name == name))
            .ok_or_else(|| Error::from_reason(format!("there is no call {name}")))
    });
    let rows: Vec<_> = rows.collect::<Result<_>>()?;
    BufferSlice::copy_from(env, module(&rows))
}

/// The module for these rows of the table.
fn module(rows: &[usize]) -> Vec<u8> {
    let count = rows.len();
    let mut module = b"\0asm\x01\0\0\0".to_vec();

    // Type 0 is that of `call`; each function has a type of its own.
    let mut types = vec![op::FUNC, 0, 1, op::I32];
    let mut functions = Vec::new();
    let mut exports = Vec::new();
    let mut bodies = Vec::new();
    for (&row, index) in rows.iter().zip(1..) {
        let syscall = &SYSCALLS[row];
        function_type(&mut types, row, syscall);
        number(&mut functions, index);
        name(&mut exports, syscall.name);
        exports.push(0);
        number(&mut exports, index);
        sized(&mut bodies, &body(row, syscall));
    }
    section(&mut module, 1, count + 1, &types);

    let mut imports = Vec::new();
    name(&mut imports, "");
    name(&mut imports, "memory");
    imports.extend([op::MEMORY, op::HAS_MAXIMUM, 1, 1]);
    name(&mut imports, "");
    name(&mut imports, "call");
    imports.extend([0, 0]);
    section(&mut module, 2, 2, &imports);

    section(&mut module, 3, count, &functions);
    section(&mut module, 7, count, &exports);
    section(&mut module, 10, count, &bodies);
    module
}

/// Whether a call has a result: all but the one that never returns.
fn has_result(row: usize) -> bool {
    row != Row::proc_exit as usize
}

fn function_type(types: &mut Vec<u8>, row: usize, syscall: &Syscall) {
    types.push(op::FUNC);
    number(types, syscall.types.len());
    types.extend(syscall.types.iter().map(|param| match param {
        ParamType::I32 => op::I32,
        ParamType::I64 => op::I64,
    }));
    match has_result(row) {
        true => types.extend([1, op::I32]),
        false => types.push(0),
    }
}

/// Puts row and arguments where the native side looks for them, and calls.
fn body(row: usize, syscall: &Syscall) -> Vec<u8> {
    // No locals but the parameters.
    let mut body = vec![0];
    body.extend([op::I32_CONST, 0, op::I64_CONST]);
    signed(&mut body, row);
    store(&mut body, ROW_SLOT);
    for (local, (param, slot)) in syscall.types.iter().zip(FIRST_ARGUMENT..).enumerate() {
        body.extend([op::I32_CONST, 0, op::LOCAL_GET]);
        number(&mut body, local);
        if *param == ParamType::I32 {
            body.push(op::I64_EXTEND_I32_U);
        }
        store(&mut body, slot);
    }
    body.extend([op::CALL, 0]);
    if !has_result(row) {
        body.push(op::DROP);
    }
    body.push(op::END);
    body
}

/// Stores 64 bits in a slot of the block.
fn store(body: &mut Vec<u8>, slot: usize) {
    body.extend([op::I64_STORE, op::ALIGN_8]);
    number(body, slot * SLOT);
}

fn section(module: &mut Vec<u8>, id: u8, count: usize, entries: &[u8]) {
    let mut contents = Vec::new();
    number(&mut contents, count);
    contents.extend(entries);
    module.push(id);
    sized(module, &contents);
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
