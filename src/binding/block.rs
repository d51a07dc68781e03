//! The block: 10 slots of 8 bytes that adapters and the native functions both see.
//!
//! | slot | |
//! | --- | --- |
//! | 0 | the number of the function that is called |
//! | 1 to 9 | the arguments: an `i32` without its sign, or the bits of an `i64` |
//!
//! It is the memory of a `WebAssembly.Memory`, and a program that was there first can have made of that class
//! what it likes. So it is not enough that the bytes were there once: right before each call the closure has
//! seen an element of an array over them, which has none once they are gone. And all that is in them is read
//! before the call runs any JavaScript.

#![allow(unsafe_code, reason = "WebAssembly writes these bytes too")]

use std::cell::Cell;

use napi::bindgen_prelude::*;

use super::glue::Glue;
use super::memory::{Bytes, unusable};
use crate::syscalls::MAX_PARAMS;

/// The bytes of a slot.
pub const SLOT: usize = size_of::<u64>();

/// The slot of the function. In the array of bytes, element 0 is its number, too: there are fewer than 256, and
/// WebAssembly is little-endian.
pub const FUNCTION_SLOT: usize = 0;

/// The slot of the first argument.
pub const FIRST_ARGUMENT: usize = FUNCTION_SLOT + 1;

/// The number of slots.
const LEN: usize = FIRST_ARGUMENT + MAX_PARAMS;

/// That of one environment, for as long as there is one.
pub struct Block {
    slots: *const Cell<u64>,
    /// The `WebAssembly.Memory`, for adapters.
    pub memory: ObjectRef<false>,
    /// A `Uint8Array` over its bytes, for the closures.
    pub bytes: ObjectRef<false>,
}

impl Block {
    /// A new one; none where the engine has no memory to give.
    ///
    /// # Errors
    ///
    /// Its bytes are not where numbers of 64 bits can be, or no buffer of the engine's own.
    pub fn new(env: &Env, glue: &Glue) -> Result<Option<Self>> {
        let Some(memory) = glue.block.borrow_back(env)?.call(())? else {
            return Ok(None);
        };
        let view_of = glue.view_of.borrow_back(env)?;
        let view = view_of.call(FnArgs::from((memory.to_unknown(),)))?;
        let fixed = Bytes::of(env.raw(), view.raw())?.array_of_fixed_length(env.raw())?;
        // Of memories that threads share, adapters take none.
        let bytes = fixed.ok_or_else(unusable)?;
        // Only now that nothing of the program's can run: where they are.
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

    /// The number of the function that is called, and the arguments.
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
