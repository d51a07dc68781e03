//! The guest's memory as this thread sees it.
//!
//! A `Uint8Array` over `memory.buffer` is kept, and asked at every call where its bytes are, which
//! costs two calls of Node-API: fetching `memory.buffer` anew would cost ten times that. Growing a
//! memory detaches the array, which then has no bytes, or, where the memory is shared, leaves it with
//! the length that it had; both are noticed, and only then is a new one made.

#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr;

use napi::bindgen_prelude::*;
use napi::sys;

use super::environment::Environment;
use crate::memory::GuestMemory;

/// A `WebAssembly.Memory`, once there is one, and an array over its bytes.
///
/// Both references are released with the environment, or when another memory takes the place.
pub struct Memory {
    env: sys::napi_env,
    memory: Cell<sys::napi_ref>,
    view: Cell<sys::napi_ref>,
}

impl Memory {
    /// No memory yet.
    pub fn unbound(env: &Env) -> Self {
        Self {
            env: env.raw(),
            memory: Cell::new(ptr::null_mut()),
            view: Cell::new(ptr::null_mut()),
        }
    }

    pub fn is_bound(&self) -> bool {
        !self.memory.get().is_null()
    }

    /// Takes `memory`, a `WebAssembly.Memory`, in the place of what was there.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn bind(&self, env: &Env, memory: Unknown<'_>) -> Result<()> {
        let view = view_of(env, memory.raw())?;
        let memory = self.reference(memory.raw())?;
        self.release(self.memory.replace(memory));
        self.release(self.view.replace(self.reference(view)?));
        Ok(())
    }

    /// The bytes of the memory; none where there is no memory.
    ///
    /// # Safety
    ///
    /// While the result is used, no JavaScript runs in this thread: it could grow the memory. (Growing
    /// a shared memory, which other threads can do, moves nothing.)
    pub unsafe fn bytes(&self) -> Option<GuestMemory<'_>> {
        if !self.is_bound() {
            return None;
        }
        let (base, len) = match self.view_info() {
            Some((base, len)) if len > 0 => (base, len),
            _ => {
                self.refresh();
                self.view_info()?
            }
        };
        if len == 0 {
            return Some(GuestMemory::new(&[]));
        }
        // SAFETY: these are bytes of a memory that `self` keeps from being collected, and that is not
        // grown while they are used; threads that share them are outside Rust, or come this way.
        Some(unsafe { GuestMemory::from_raw(base, len) })
    }

    /// Makes a new array over the memory, and tells whether it is longer than the old.
    pub fn refresh(&self) -> bool {
        let len = |info: Option<(*mut u8, usize)>| info.map_or(0, |(_, len)| len);
        let old_len = len(self.view_info());
        let env = Env::from_raw(self.env);
        let view = (self.dereference(self.memory.get()))
            .and_then(|memory| view_of(&env, memory).ok())
            .and_then(|view| self.reference(view).ok());
        if let Some(view) = view {
            self.release(self.view.replace(view));
        }
        len(self.view_info()) > old_len
    }

    /// Where the bytes of the array are, and how many.
    fn view_info(&self) -> Option<(*mut u8, usize)> {
        let view = self.dereference(self.view.get())?;
        let (mut len, mut data) = (0, ptr::null_mut());
        // SAFETY: `view` is a live handle, the out-parameters are valid, those not wanted are null.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                view,
                ptr::null_mut(),
                &mut len,
                &mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        (status == sys::Status::napi_ok).then_some((data.cast(), len))
    }

    fn reference(&self, value: sys::napi_value) -> Result<sys::napi_ref> {
        let mut reference = ptr::null_mut();
        // SAFETY: `value` is a live handle of this environment, on its thread.
        check_status!(unsafe { sys::napi_create_reference(self.env, value, 1, &mut reference) })?;
        Ok(reference)
    }

    fn dereference(&self, reference: sys::napi_ref) -> Option<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: a reference of this environment that has not been released, on its thread.
        let status = unsafe { sys::napi_get_reference_value(self.env, reference, &mut value) };
        (status == sys::Status::napi_ok && !value.is_null()).then_some(value)
    }

    fn release(&self, reference: sys::napi_ref) {
        if !reference.is_null() {
            // SAFETY: a reference of this environment, on its thread, that nothing else holds.
            unsafe { sys::napi_delete_reference(self.env, reference) };
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.release(self.view.get());
        self.release(self.memory.get());
    }
}

/// A new array over `memory`.
fn view_of(env: &Env, memory: sys::napi_value) -> Result<sys::napi_value> {
    // SAFETY: `memory` is a live handle of this environment.
    let memory = unsafe { Unknown::from_raw_unchecked(env.raw(), memory) };
    let view_of = Environment::of(env)?.view_of.borrow_back(env)?;
    Ok(view_of.call(FnArgs::from((memory,)))?.raw())
}
