//! The block: 10 slots of 8 bytes that adapters and the native functions both see.
//!
//! | slot | |
//! | --- | --- |
//! | 0 | the row of the table that is called |
//! | 1 to 9 | the arguments: an `i32` without its sign, or the bits of an `i64` |
//!
//! It is the memory of a `WebAssembly.Memory`, and a program that was there first can have made of that class
//! what it likes. So it is not enough that the bytes were there once: right before each call the closure has
//! seen an element of an array over them, which has none once they are gone. And all that is in them is read
//! before the call runs any JavaScript.

#![allow(unsafe_code, reason = "WebAssembly writes these bytes too")]

use std::cell::Cell;
use std::ptr;

use napi::bindgen_prelude::*;
use napi::sys;

use super::glue::Glue;
use crate::syscalls::MAX_PARAMS;

/// The bytes of a slot.
pub const SLOT: usize = size_of::<u64>();

/// The slot of the row. In the array of words, its element 0 is the row, too: WebAssembly and all that this runs on
/// are little-endian.
pub const ROW_SLOT: usize = 0;

/// The slot of the first argument.
pub const FIRST_ARGUMENT: usize = ROW_SLOT + 1;

/// The number of slots.
const LEN: usize = FIRST_ARGUMENT + MAX_PARAMS;

/// That of one environment.
pub struct Block {
    slots: *const Cell<u64>,
    /// The `WebAssembly.Memory`, for adapters.
    memory: sys::napi_ref,
    /// A `Uint32Array` over the slots, for the closures.
    words: sys::napi_ref,
}

impl Block {
    /// A new one; none where the engine has no memory to give.
    ///
    /// # Errors
    ///
    /// Its bytes are not where numbers of 64 bits can be, or no buffer of the engine's own.
    pub fn new(env: &Env, glue: &Glue) -> Result<Option<Self>> {
        let memory = glue.block.borrow_back(env)?.call(())?;
        if memory.get_type()? == ValueType::Undefined {
            return Ok(None);
        }
        let view_of = glue.view_of.borrow_back(env)?;
        let view = view_of.call(FnArgs::from((memory,)))?.raw();
        let (mut array_type, mut len, mut offset) = (0, 0, 0);
        let (mut data, mut buffer, mut words) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        // SAFETY: a live handle of this environment, of which anything but a typed array is refused, and valid
        // out-parameters.
        check_status!(unsafe {
            sys::napi_get_typedarray_info(
                env.raw(),
                view,
                &mut array_type,
                &mut len,
                &mut data,
                &mut buffer,
                &mut offset,
            )
        })?;
        let words_len = LEN * SLOT / size_of::<u32>();
        // SAFETY: live handles; a part that is not in the buffer is refused.
        check_status!(unsafe {
            let array_type = sys::TypedarrayType::uint32_array;
            sys::napi_create_typedarray(
                env.raw(),
                array_type,
                words_len,
                buffer,
                offset,
                &mut words,
            )
        })?;
        // Only now that nothing of the program's can run: where the array is.
        let mut data = ptr::null_mut();
        let none = ptr::null_mut();
        // SAFETY: as above.
        check_status!(unsafe {
            sys::napi_get_typedarray_info(
                env.raw(),
                words,
                &mut array_type,
                &mut len,
                &mut data,
                none,
                ptr::null_mut(),
            )
        })?;
        if data.is_null() || len != words_len || data.addr() % align_of::<u64>() != 0 {
            return Err(Error::from_reason("these are not the bytes of a memory"));
        }
        Ok(Some(Self {
            slots: data.cast(),
            memory: reference(env, memory.raw())?,
            words: reference(env, words)?,
        }))
    }

    /// The `WebAssembly.Memory`.
    pub fn memory<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        value_of(env, self.memory)
    }

    /// The `Uint32Array` over the slots.
    pub fn words<'env>(&self, env: &'env Env) -> Result<Unknown<'env>> {
        value_of(env, self.words)
    }

    /// The row of the table that is called, and the arguments.
    ///
    /// # Safety
    ///
    /// `words` has an element, and since that was seen no JavaScript has run in this thread.
    #[inline]
    pub unsafe fn call(&self) -> (usize, [u64; MAX_PARAMS]) {
        // SAFETY: these are the bytes behind `words`, which is over its bytes or none: as it has an element,
        // they are still there. Only this thread accesses them.
        let [row, arguments @ ..] = unsafe { &*self.slots.cast::<[Cell<u64>; LEN]>() };
        (row.get() as usize, arguments.each_ref().map(Cell::get))
    }
}

/// A reference that keeps a value as long as the environment is there.
fn reference(env: &Env, value: sys::napi_value) -> Result<sys::napi_ref> {
    let mut reference = ptr::null_mut();
    // SAFETY: a live handle of this environment, and a valid out-parameter.
    check_status!(unsafe { sys::napi_create_reference(env.raw(), value, 1, &mut reference) })?;
    Ok(reference)
}

/// The value of a [`reference()`].
fn value_of(env: &Env, reference: sys::napi_ref) -> Result<Unknown<'_>> {
    let mut value = ptr::null_mut();
    // SAFETY: a reference of this environment that is never deleted, and a valid out-parameter.
    check_status!(unsafe { sys::napi_get_reference_value(env.raw(), reference, &mut value) })?;
    // SAFETY: a live handle of this environment, as the reference keeps the value.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), value) })
}
