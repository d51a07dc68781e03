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

/// A `WebAssembly.Memory`, once there is one, and where its bytes are.
///
/// What is referenced is released with the instance, or when another takes its place.
pub struct Memory {
    env: sys::napi_env,
    memory: Cell<sys::napi_ref>,
    /// The function that gives the closures their array.
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
        self.release(self.memory.replace(self.reference(memory.raw())?));
        if self.set_view.get().is_null() {
            return Ok(());
        }
        // The closures have an array over the memory that was there.
        self.refresh().map(drop)
    }

    /// Has the closures' array set by `set_view` from now on.
    pub fn set_view_with(&self, set_view: Unknown<'_>) -> Result<()> {
        self.release(self.set_view.replace(self.reference(set_view.raw())?));
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
        let old_len = self.len.get();
        let view = self.view_of(self.dereference(self.memory.get())?)?;
        let (mut len, mut data) = (0, ptr::null_mut());
        // SAFETY: `view` is a live handle, the out-parameters are valid, those not wanted are null.
        check_status!(unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                view,
                ptr::null_mut(),
                &mut len,
                &mut data,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        })?;
        let set_view = self.dereference(self.set_view.get())?;
        // SAFETY: live handles, as many arguments as there are; what the function returns is not wanted.
        check_status!(unsafe {
            sys::napi_call_function(self.env, view, set_view, 1, &view, ptr::null_mut())
        })?;
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

    fn reference(&self, value: sys::napi_value) -> Result<sys::napi_ref> {
        let mut reference = ptr::null_mut();
        // SAFETY: `value` is a live handle of this environment, on its thread.
        check_status!(unsafe { sys::napi_create_reference(self.env, value, 1, &mut reference) })?;
        Ok(reference)
    }

    fn dereference(&self, reference: sys::napi_ref) -> Result<sys::napi_value> {
        let mut value = ptr::null_mut();
        // SAFETY: null, which is refused, or a reference of this environment that has not been released.
        check_status!(unsafe { sys::napi_get_reference_value(self.env, reference, &mut value) })?;
        Ok(value)
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
