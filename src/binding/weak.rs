#![allow(unsafe_code, reason = "Node-API is a C interface")]

use std::ptr;

use napi::bindgen_prelude::*;
use napi::sys;

/// The initial count of a weak reference.
const WEAK: u32 = 0;
/// That of a strong one.
const STRONG: u32 = 1;

/// A weak reference to a JavaScript object or function.
pub struct Weak {
    env: sys::napi_env,
    reference: sys::napi_ref,
}

impl Weak {
    /// A reference to this value.
    pub fn to(env: &Env, value: Unknown<'_>) -> Result<Self> {
        Self::counted(env, value, WEAK)
    }

    fn counted(env: &Env, value: Unknown<'_>, count: u32) -> Result<Self> {
        let (env, value) = (env.raw(), value.raw());
        let mut reference = ptr::null_mut();
        // SAFETY: a live handle of this environment, on its thread.
        let status = unsafe { sys::napi_create_reference(env, value, count, &mut reference) };
        check_status!(status)?;
        Ok(Self { env, reference })
    }

    /// The value, unless it has been collected.
    pub fn get(&self) -> Option<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: a reference of this environment that has not been released.
        unsafe { sys::napi_get_reference_value(self.env, self.reference, &mut value) };
        (!value.is_null()).then_some(value)
    }
}

impl Drop for Weak {
    fn drop(&mut self) {
        // SAFETY: a reference of this environment, on its thread, that nothing else holds.
        unsafe { sys::napi_delete_reference(self.env, self.reference) };
    }
}

/// A strong reference to a JavaScript value.
pub struct Strong {
    _reference: Weak,
}

impl Strong {
    /// A reference to this value.
    pub fn to(env: &Env, value: Unknown<'_>) -> Result<Self> {
        let _reference = Weak::counted(env, value, STRONG)?;
        Ok(Self { _reference })
    }
}
