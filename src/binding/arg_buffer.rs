//! The argument buffer: 11 slots of 8 bytes that JavaScript and the native functions share.
//!
//! | slot | before the call | after it |
//! | --- | --- | --- |
//! | 0 | the number of the instance, a double | its first 4 bytes: the result, a `u32` |
//! | 1 to 9 | the arguments: doubles for `i32`, the bits of BigInts for `i64` | as before |
//! | 9 | of a call that may be suspended: when it began, a double | as before |
//! | 10 | its first 4 bytes: the number of the function that is called, a `u32` | as before |
//!
//! Reading an argument, returning a number, and finding the guest's memory each cost a call of Node-API. So the
//! closures of `wasiImport` write the arguments to an array that both sides share, which a compiler turns into
//! a few instructions, and the native function is called without arguments.

#![allow(unsafe_code, reason = "JavaScript writes these bytes too")]

use std::cell::Cell;
use std::ptr;

use napi::bindgen_prelude::*;
use napi::sys;

use crate::syscalls::{MAX_PARAMS, ParamType};

/// The number of slots.
const LEN: usize = 1 + MAX_PARAMS + 1;

/// The slot of the function.
const FUNCTION: usize = LEN - 1;

/// The number of words in a slot.
const WORDS: usize = size_of::<u64>() / size_of::<u32>();

/// The word of the function.
pub const FUNCTION_WORD: usize = FUNCTION * WORDS;

/// The slot of the start time of a call. Calls that may be suspended have fewer parameters.
pub const BEGUN: usize = MAX_PARAMS;

/// The bytes of an `ArrayBuffer` that only the closures of one environment can reach.
pub struct ArgBuffer {
    slots: *const Cell<u64>,
    /// Keeps the bytes alive for as long as the environment exists.
    buffer: ObjectRef<false>,
}

/// The arrays over an [`ArgBuffer`] that the closures use.
///
/// Node-API creates them, so they are the engine's own typed arrays, even if a program has replaced
/// `Float64Array` and others. Accessing an element of one runs no code, whatever a program has done to the
/// prototypes.
pub struct Arrays {
    /// A `Float64Array` for the number of the instance and for `i32`.
    pub doubles: sys::napi_value,
    /// A `BigUint64Array` for `i64`.
    pub bigints: sys::napi_value,
    /// A `Uint32Array` for the result and the function.
    pub words: sys::napi_value,
    /// An empty `Uint8Array`, for closures that have no memory yet.
    pub empty: sys::napi_value,
}

impl ArgBuffer {
    /// A new buffer.
    pub fn new(env: &Env) -> Result<Self> {
        let (mut data, mut buffer) = (ptr::null_mut(), ptr::null_mut());
        let len = LEN * size_of::<u64>();
        // SAFETY: valid out-parameters.
        let status =
            unsafe { sys::napi_create_arraybuffer(env.raw(), len, &mut data, &mut buffer) };
        check_status!(status)?;
        Ok(Self {
            slots: data.cast(),
            buffer: Object::from_raw(env.raw(), buffer).create_ref()?,
        })
    }

    /// New arrays over it, for closures alone.
    pub fn arrays(&self, env: &Env) -> Result<Arrays> {
        let buffer = self.buffer.get_value(env)?.raw();
        let array = |array_type, len| {
            let mut array = ptr::null_mut();
            // SAFETY: a live handle of this environment, and a valid out-parameter.
            let status = unsafe {
                sys::napi_create_typedarray(env.raw(), array_type, len, buffer, 0, &mut array)
            };
            check_status!(status)?;
            Ok::<_, Error>(array)
        };
        Ok(Arrays {
            doubles: array(sys::TypedarrayType::float64_array, LEN)?,
            bigints: array(sys::TypedarrayType::biguint64_array, LEN)?,
            words: array(sys::TypedarrayType::uint32_array, LEN * WORDS)?,
            empty: array(sys::TypedarrayType::uint8_array, 0)?,
        })
    }

    fn slots(&self) -> &[Cell<u64>; LEN] {
        // SAFETY: the buffer has that many bytes at an address aligned for them. They stay where they
        // are: the buffer is referenced, and to detach it takes one of the arrays, which only the
        // closures have, and they only access its elements. (A debugger gets at them, and at the native
        // functions that rest on the closures' checks: who has one has the process.) Only this thread
        // accesses them.
        unsafe { &*self.slots.cast() }
    }

    /// The number of the instance that is called; 0 if there is no call.
    pub fn instance(&self) -> usize {
        f64::from_bits(self.slots()[0].get()) as usize
    }

    /// The number of the function that is called.
    #[inline]
    pub fn function(&self) -> usize {
        let [a, b, c, d, ..] = self.slots()[FUNCTION].get().to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d]) as usize
    }

    /// The bits of the arguments. `None` if one is not of its type.
    ///
    /// An `i32` is signed if wasm passes it, and may be unsigned if JavaScript does: both are accepted.
    #[inline]
    pub fn arguments(&self, types: &[ParamType]) -> Option<[u64; MAX_PARAMS]> {
        let mut arguments = [0; MAX_PARAMS];
        for ((argument, slot), of) in arguments.iter_mut().zip(&self.slots()[1..]).zip(types) {
            *argument = match of {
                ParamType::I32 => int(f64::from_bits(slot.get()))?.into(),
                ParamType::I64 => slot.get(),
            };
        }
        Some(arguments)
    }

    /// The start time of a call that may be suspended, in nanoseconds; 0 if it begins now.
    pub fn begun(&self) -> u64 {
        f64::from_bits(self.slots()[BEGUN].get()) as u64
    }

    /// Removes the call from the buffer, as there may be other calls before it ends.
    pub fn set_aside(&self) -> u64 {
        self.slots()[0].replace(0)
    }

    /// Restores the removed call.
    pub fn put_back(&self, call: u64) {
        self.slots()[0].set(call);
    }

    /// Stores the result. Then there is no call in the buffer: the bits of a `u32` are those of a double near
    /// 0.
    pub fn set_result(&self, result: u32) {
        let mut bytes = [0; size_of::<u64>()];
        bytes[..size_of::<u32>()].copy_from_slice(&result.to_ne_bytes());
        self.slots()[0].set(u64::from_ne_bytes(bytes));
    }
}

/// The bits of a number that is a 32-bit integer, signed or unsigned.
#[inline]
fn int(number: f64) -> Option<u32> {
    let bits = number as i64;
    // By its bits, as Node does not accept -0.
    let whole = (bits as f64).to_bits() == number.to_bits();
    let fits = (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&bits);
    (whole && fits).then_some(bits as u32)
}

#[cfg(test)]
mod tests {
    use super::int;

    #[test]
    fn whole_numbers_of_32_bits_are_taken_with_a_sign_and_without() {
        assert_eq!(int(0.0), Some(0));
        assert_eq!(int(4294967295.0), Some(u32::MAX));
        assert_eq!(int(-1.0), Some(u32::MAX));
        assert_eq!(int(-2147483648.0), Some(1 << 31));
        for number in [
            -0.0,
            0.5,
            4294967296.0,
            -2147483649.0,
            1e300,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            assert_eq!(int(number), None, "{number}");
        }
    }
}
