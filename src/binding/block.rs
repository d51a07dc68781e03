//! Where JavaScript leaves the arguments of a call and finds its result.
//!
//! Fetching an argument through Node-API costs a call of it each, and so do returning a number and
//! finding out where the guest's memory is. So the closures of `wasiImport`, which a compiler turns into
//! a few instructions, put the arguments into an array that both sides see, and the native function
//! needs no more than to be called.

#![allow(unsafe_code, reason = "JavaScript writes these bytes too")]

use std::cell::Cell;
use std::ptr;

use napi::bindgen_prelude::*;
use napi::sys;

use crate::syscalls::{MAX_PARAMS, ParamType};

/// The number of the instance, and then the arguments: 8 bytes each, a double or the bits of a BigInt.
/// The first four bytes are afterwards the result.
const LEN: usize = 1 + MAX_PARAMS;

/// The bytes of an `ArrayBuffer` that only the closures of one environment have.
pub struct Block {
    slots: *const Cell<u64>,
    /// Keeps the bytes alive, as long as the environment is.
    _buffer: sys::napi_ref,
}

impl Block {
    /// A new block, and the `ArrayBuffer` that it is for JavaScript.
    pub fn new(env: &Env) -> Result<(Self, Unknown<'static>)> {
        let (mut data, mut buffer, mut reference) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        let len = LEN * size_of::<u64>();
        // SAFETY: valid out-parameters.
        let status =
            unsafe { sys::napi_create_arraybuffer(env.raw(), len, &mut data, &mut buffer) };
        check_status!(status)?;
        // SAFETY: a live handle of this environment, just made.
        let status = unsafe { sys::napi_create_reference(env.raw(), buffer, 1, &mut reference) };
        check_status!(status)?;
        let block = Self {
            slots: data.cast(),
            _buffer: reference,
        };
        // SAFETY: a live handle of this environment, just made.
        Ok((block, unsafe {
            Unknown::from_raw_unchecked(env.raw(), buffer)
        }))
    }

    fn slots(&self) -> &[Cell<u64>; LEN] {
        // SAFETY: the buffer has that many bytes at an address aligned for them, which stay where they
        // are: it is referenced, and nobody has it who would detach it. Only this thread accesses them.
        unsafe { &*self.slots.cast() }
    }

    /// The number of the instance that is called.
    pub fn instance(&self) -> usize {
        f64::from_bits(self.slots()[0].get()) as usize
    }

    /// The arguments as their bits. None if one is not of its type.
    ///
    /// An `i32` of wasm arrives with a sign, and from JavaScript without one: both are taken.
    #[inline]
    pub fn arguments(&self, params: &[ParamType]) -> Option<[u64; MAX_PARAMS]> {
        let mut arguments = [0; MAX_PARAMS];
        for ((argument, slot), param) in arguments.iter_mut().zip(&self.slots()[1..]).zip(params) {
            *argument = match param {
                ParamType::I32 => int(f64::from_bits(slot.get()))?.into(),
                ParamType::I64 => slot.get(),
            };
        }
        Some(arguments)
    }

    /// Leaves the result.
    pub fn answer(&self, errno: u16) {
        let mut bytes = [0; size_of::<u64>()];
        bytes[..size_of::<u32>()].copy_from_slice(&u32::from(errno).to_ne_bytes());
        self.slots()[0].set(u64::from_ne_bytes(bytes));
    }
}

/// A number that is a whole one of 32 bits, with a sign or without, as its bits.
#[inline]
fn int(number: f64) -> Option<u32> {
    let bits = number as i64;
    // Not even -0 is 0: Node does not take it for one.
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
