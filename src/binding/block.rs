//! The block: 10 slots of 8 bytes that adapters and the native functions share.
//!
//! | slot | |
//! | --- | --- |
//! | 0 | the number of the function that is called |
//! | 1 to 9 | the arguments: an `i32` without its sign, or the bits of an `i64` |
//!
//! It is the content of a `WebAssembly.Memory`, a class that a program may have replaced before. So it is not
//! enough that the bytes existed once: right before each call the closure has seen an element of an array over
//! them, which has none once they are gone. And all of it is read before the call runs any JavaScript.

#![allow(unsafe_code, reason = "WebAssembly writes these bytes too")]

use std::cell::Cell;

use napi::bindgen_prelude::*;

use super::glue::Glue;
use super::memory::{Bytes, unusable};
use crate::syscalls::MAX_PARAMS;

/// The size of a slot in bytes.
pub const SLOT: usize = size_of::<u64>();

/// The slot of the function. Element 0 of the array of bytes is also its number: there are fewer than 256
/// functions, and WebAssembly is little-endian.
pub const FUNCTION_SLOT: usize = 0;

/// The slot of the first argument.
pub const FIRST_ARGUMENT: usize = FUNCTION_SLOT + 1;

/// The number of slots.
const LEN: usize = FIRST_ARGUMENT + MAX_PARAMS;

/// The block of an environment.
pub struct Block {
    slots: *const Cell<u64>,
    /// The `WebAssembly.Memory`, for adapters.
    pub memory: ObjectRef<false>,
    /// A `Uint8Array` over its bytes, for the closures.
    pub bytes: ObjectRef<false>,
}

impl Block {
    /// A new block; `None` if the engine has no memory for it.
    ///
    /// # Errors
    ///
    /// Its bytes are not aligned, or not those of a buffer of the engine.
    pub fn new(env: &Env, glue: &Glue) -> Result<Option<Self>> {
        let Some(memory) = glue.block.borrow_back(env)?.call(())? else {
            return Ok(None);
        };
        let view_of = glue.view_of.borrow_back(env)?;
        let view = view_of.call(FnArgs::from((memory.to_unknown(),)))?;
        let fixed = Bytes::of(env.raw(), view.raw())?.array_of_fixed_length(env.raw())?;
        // Adapters import a memory that is not shared.
        let bytes = fixed.ok_or_else(unusable)?;
        // The address is read last, as no code of the program can run any more.
        let Bytes { data, len, .. } = Bytes::of(env.raw(), bytes)?;
        if len < LEN * SLOT || data.addr() % align_of::<u64>() != 0 {
            return Err(unusable());
        }
        Ok(Some(Self {
            slots: data.cast_const().cast(),
            memory: memory.create_ref()?,
            bytes: Object::from_raw(env.raw(), bytes).create_ref()?,
        }))
    }

    /// The number of the function that is called, and the bits of its arguments.
    ///
    /// # Safety
    ///
    /// `bytes` has an element, and since that was seen no JavaScript has run in this thread.
    #[inline]
    pub unsafe fn call(&self) -> (usize, [u64; MAX_PARAMS]) {
        // SAFETY: these are the bytes behind `bytes`, an array of all of them or of none: as it has an element,
        // they are still there. Only this thread accesses them.
        let [function, arguments @ ..] = unsafe { &*self.slots.cast::<[Cell<u64>; LEN]>() };
        (function.get() as usize, arguments.each_ref().map(Cell::get))
    }
}
