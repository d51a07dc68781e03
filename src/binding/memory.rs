//! The guest's memory as this thread sees it.
//!
//! Where its bytes are is found out once and remembered. Growing a memory moves them, but also empties
//! every array over them, which costs JavaScript next to nothing to notice: the closures of `wasiImport`
//! have such an array, and ask for a new look when it is empty. Growing a shared memory moves nothing and
//! empties nothing; that there is more of it is found out when an address is out of bounds.

#![allow(unsafe_code, reason = "Node-API is a C interface")]

use std::cell::Cell;
use std::ptr;

use napi::bindgen_prelude::*;
use napi::sys;

use super::environment::Environment;
use crate::memory::GuestMemory;

/// A reference that keeps its value from being collected.
const STRONG: u32 = 1;
/// A reference that is empty once its value has been collected.
const WEAK: u32 = 0;

/// A `WebAssembly.Memory`, once there is one, and where its bytes are.
///
/// What is referenced is released with the instance, or when another takes its place.
pub struct Memory {
    env: sys::napi_env,
    memory: Cell<sys::napi_ref>,
    /// The function that gives the closures their array. It does not keep them: they keep the instance.
    set_view: Cell<sys::napi_ref>,
    base: Cell<*mut u8>,
    len: Cell<usize>,
}

impl Memory {
    /// No memory yet.
    pub fn unbound(env: &Env) -> Self {
        Self {
            env: env.raw(),
            memory: Cell::new(ptr::null_mut()),
            set_view: Cell::new(ptr::null_mut()),
            base: Cell::new(ptr::null_mut()),
            len: Cell::new(0),
        }
    }

    /// Whether there is a memory.
    pub fn is_bound(&self) -> bool {
        !self.memory.get().is_null()
    }

    /// Takes `memory`, a `WebAssembly.Memory`, in the place of what was there.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn bind(&self, memory: Unknown<'_>) -> Result<()> {
        self.view_of(memory.raw())?;
        self.release(self.memory.replace(self.reference(memory.raw(), STRONG)?));
        if self.set_view.get().is_null() {
            return Ok(());
        }
        // The closures have an array over the memory that was there.
        self.refresh().map(drop)
    }

    /// Has the closures' array set by `set_view` from now on.
    pub fn set_view_with(&self, set_view: Unknown<'_>) -> Result<()> {
        self.release(self.set_view.replace(self.reference(set_view.raw(), WEAK)?));
        self.refresh().map(drop)
    }

    /// The bytes of the memory.
    ///
    /// # Safety
    ///
    /// The closures' array is over this memory and has not been emptied since it was set, and while the
    /// result is used, no JavaScript runs in this thread: it could grow the memory.
    pub unsafe fn bytes(&self) -> GuestMemory<'_> {
        if self.len.get() == 0 {
            return GuestMemory::new(&[]);
        }
        // SAFETY: these were the bytes of the memory when the array was set; they still are, since
        // anything that moves them empties it, and the memory is referenced. Threads that share them are
        // outside Rust, or come this way.
        unsafe { GuestMemory::from_raw(self.base.get(), self.len.get()) }
    }

    /// Finds out anew where the bytes are, gives the closures an array over them, and tells whether there
    /// are more than before.
    pub fn refresh(&self) -> Result<bool> {
        let (memory, set_view) = (self.memory.get(), self.set_view.get());
        let (Some(memory), Some(set_view)) = (self.dereference(memory), self.dereference(set_view))
        else {
            // Nobody is left to call.
            return Ok(false);
        };
        let (old_len, view) = (self.len.get(), self.view_of(memory)?);
        let (mut len, mut data, none) = (0, ptr::null_mut(), ptr::null_mut());
        // SAFETY: `view` is a live handle, the out-parameters are valid, those not wanted are null.
        let status = unsafe {
            let no_type = ptr::null_mut();
            let no_offset = ptr::null_mut();
            sys::napi_get_typedarray_info(
                self.env, view, no_type, &mut len, &mut data, none, no_offset,
            )
        };
        check_status!(status)?;
        // SAFETY: live handles, as many arguments as there are; what the function returns is not wanted.
        let status =
            unsafe { sys::napi_call_function(self.env, view, set_view, 1, &view, ptr::null_mut()) };
        check_status!(status)?;
        self.base.set(data.cast());
        self.len.set(len);
        Ok(len > old_len)
    }

    /// A new array over `memory`.
    fn view_of(&self, memory: sys::napi_value) -> Result<sys::napi_value> {
        let env = Env::from_raw(self.env);
        // SAFETY: `memory` is a live handle of this environment.
        let memory = unsafe { Unknown::from_raw_unchecked(self.env, memory) };
        let environment = Environment::of(&env)?;
        let view_of = environment.glue.view_of.borrow_back(&env)?;
        Ok(view_of.call(FnArgs::from((memory,)))?.raw())
    }

    fn reference(&self, value: sys::napi_value, strength: u32) -> Result<sys::napi_ref> {
        let (env, mut reference) = (self.env, ptr::null_mut());
        // SAFETY: `value` is a live handle of this environment, on its thread.
        let status = unsafe { sys::napi_create_reference(env, value, strength, &mut reference) };
        check_status!(status)?;
        Ok(reference)
    }

    /// What is referenced, unless that is nothing or has been collected.
    fn dereference(&self, reference: sys::napi_ref) -> Option<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: null, which is refused, or a reference of this environment that has not been released.
        unsafe { sys::napi_get_reference_value(self.env, reference, &mut value) };
        (!value.is_null()).then_some(value)
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
        self.release(self.set_view.get());
        self.release(self.memory.get());
    }
}
