//! The guest's memory, for this thread.
//!
//! Its address is looked up once and remembered. When a memory grows, its bytes move, and every array over them
//! becomes empty, which JavaScript notices at next to no cost: the closures of `wasiImport` have such an array,
//! and ask for a new look-up when it is empty. When a shared memory grows, nothing moves, and the array stays
//! as it is; that there is more of it is noticed when an address is out of bounds.
//!
//! The closures keep the memory alive. Nothing here keeps anything from being collected.

#![allow(unsafe_code, reason = "Node-API is a C interface")]

use std::cell::{Cell, RefCell};
use std::ptr;

use napi::bindgen_prelude::*;
use napi::sys;

use super::glue::Glue;
use super::weak::{Strong, Weak};
use crate::memory::{GuestMemory, LinearMemory};

/// The alignment of the address.
const ALIGN: usize = align_of::<u32>();

/// A `WebAssembly.Memory`, if there is one, and the address of its bytes.
pub struct Memory {
    env: sys::napi_env,
    /// The functions that set the memory and the array of the closures, one for each set of closures. Each is
    /// kept alive by its set, so there is none any more when all closures have been collected.
    binds: RefCell<Vec<Weak>>,
    /// How many times the closures have been given a memory.
    sets: Cell<u64>,
    is_bound: Cell<bool>,
    linear: LinearMemory<'static>,
    /// The closures' array, if its bytes can be detached.
    array: RefCell<Option<Weak>>,
}

/// The bytes of a `Uint8Array`.
pub struct Bytes {
    pub data: *mut u8,
    pub len: usize,
    buffer: sys::napi_value,
    /// Their offset in the buffer.
    offset: usize,
}

impl Bytes {
    /// The bytes of an array; none if its buffer has been detached.
    ///
    /// # Errors
    ///
    /// It is no `Uint8Array`, or does not begin at a word.
    pub fn of(env: sys::napi_env, array: sys::napi_value) -> Result<Self> {
        let (mut array_type, mut len, mut offset) = (0, 0, 0);
        let (mut data, mut buffer) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: `array` is a live handle, and the out-parameters are valid. What is no typed array of
        // the engine's own is refused.
        let status = unsafe {
            sys::napi_get_typedarray_info(
                env,
                array,
                &mut array_type,
                &mut len,
                &mut data,
                &mut buffer,
                &mut offset,
            )
        };
        check_status!(status)?;
        if array_type != sys::TypedarrayType::uint8_array || data.addr() % ALIGN != 0 {
            return Err(unusable());
        }
        Ok(Self {
            data: data.cast(),
            len,
            buffer,
            offset,
        })
    }

    /// A new array over all these bytes. It has its `len` elements or, once one of them is gone, none; an array
    /// that JavaScript made might follow the length of its buffer. `None` if the buffer is shared: that only
    /// grows.
    pub fn array_of_fixed_length(&self, env: sys::napi_env) -> Result<Option<sys::napi_value>> {
        let Self {
            buffer,
            offset,
            len,
            ..
        } = *self;
        let (mut is_array_buffer, mut fixed) = (false, ptr::null_mut());
        // SAFETY: a live handle and a valid out-parameter.
        let status = unsafe { sys::napi_is_arraybuffer(env, buffer, &mut is_array_buffer) };
        check_status!(status)?;
        if !is_array_buffer {
            return Ok(None);
        }
        let array_type = sys::TypedarrayType::uint8_array;
        // SAFETY: as above; a part that is not in the buffer would be refused.
        let status = unsafe {
            sys::napi_create_typedarray(env, array_type, len, buffer, offset, &mut fixed)
        };
        check_status!(status)?;
        Ok(Some(fixed))
    }
}

/// The error for bytes that are not those of a memory.
pub fn unusable() -> Error {
    Error::from_reason("these are not the bytes of a memory")
}

impl Memory {
    /// No memory yet.
    pub fn unbound(env: &Env) -> Self {
        Self {
            env: env.raw(),
            binds: RefCell::default(),
            sets: Cell::default(),
            is_bound: Cell::new(false),
            linear: LinearMemory::empty(),
            array: RefCell::default(),
        }
    }

    /// Adds a set of closures by its function `(memory, array) => memory`, which sets both if called with
    /// arguments, and returns the memory. They get the present memory.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    /// What Node-API says.
    pub fn add_closures(&self, bind: Unknown<'_>, glue: &Glue) -> Result<()> {
        self.binds.borrow_mut().retain(|bind| bind.get().is_some());
        let first = self.first();
        let bind = Weak::to(&Env::from_raw(self.env), bind)?;
        self.binds.borrow_mut().push(bind);
        match first {
            Some(first) if self.is_bound() => self.look(first, glue),
            // The closures that had the memory have been collected.
            _ => {
                self.is_bound.set(false);
                Ok(())
            }
        }
    }

    /// Its length in bytes when it was last looked up.
    pub fn len(&self) -> usize {
        self.linear.len()
    }

    /// Whether there are closures, and so a way to the memory.
    pub fn is_reachable(&self) -> bool {
        self.first().is_some()
    }

    /// Whether there is a memory.
    pub fn is_bound(&self) -> bool {
        self.is_bound.get()
    }

    /// Sets the memory, which must be a `WebAssembly.Memory`.
    ///
    /// # Errors
    ///
    /// It is something else.
    pub fn bind(&self, memory: Unknown<'_>, glue: &Glue) -> Result<()> {
        let view = self.view_of(memory.raw(), glue)?.raw();
        self.set(memory.raw(), view)?;
        self.is_bound.set(true);
        Ok(())
    }

    /// The address of the memory, and a reference that keeps it; `None` if it is not shared, or empty.
    ///
    /// # Errors
    ///
    /// What Node-API says.
    pub fn shared(&self, glue: &Glue) -> Result<Option<(usize, Strong)>> {
        let Some(first) = self.first() else {
            return Ok(None);
        };
        let memory = self.call(first, &[])?;
        let view = self.view_of(memory, glue)?;
        let bytes = Bytes::of(self.env, view.raw())?;
        let is_shared = bytes.array_of_fixed_length(self.env)?.is_none();
        if !is_shared || bytes.len == 0 {
            return Ok(None);
        }
        let kept = Strong::to(&Env::from_raw(self.env), view)?;
        Ok(Some((bytes.data.addr(), kept)))
    }

    /// The memory, for a syscall.
    ///
    /// # Safety
    ///
    /// The closures' array has an element, and from when that was seen until the result is no longer
    /// used, no JavaScript runs in this thread without a [`catch_up`](Self::catch_up) behind it.
    pub unsafe fn guest(&self) -> GuestMemory<'_> {
        self.linear.guest()
    }

    /// Looks up the address again, and gives the closures a new array. Returns whether there are more bytes
    /// than before. If the look-up fails, there are none.
    ///
    /// # Errors
    ///
    /// What Node-API says.
    pub fn refresh(&self, glue: &Glue) -> Result<bool> {
        let Some(first) = self.first() else {
            return Ok(false);
        };
        let old_len = self.linear.len();
        self.look(first, glue)?;
        Ok(self.linear.len() > old_len)
    }

    /// Looks up the address again if JavaScript has grown the memory.
    pub fn catch_up(&self, glue: &Glue) {
        if self.linear.is_empty() || self.is_current() {
            return;
        }
        // If it fails, there are no bytes.
        let _ = self.refresh(glue);
    }

    /// Gives all closures the memory of these ones, and remembers its address. If that fails, there are no
    /// bytes.
    fn look(&self, bind: sys::napi_value, glue: &Glue) -> Result<()> {
        self.forget_bytes();
        let memory = self.call(bind, &[])?;
        self.set(memory, self.view_of(memory, glue)?.raw())
    }

    /// Sets the memory to no bytes.
    fn forget_bytes(&self) {
        // SAFETY: of no bytes all is true.
        unsafe { self.linear.set(ptr::null_mut(), 0, false) };
    }

    /// Whether the bytes are still at the same address.
    fn is_current(&self) -> bool {
        match &*self.array.borrow() {
            None => true,
            Some(array) => (array.get())
                .and_then(|array| Bytes::of(self.env, array).ok())
                .is_some_and(|bytes| bytes.len > 0),
        }
    }

    /// Remembers the closures' array; `None` if its bytes are never detached.
    fn set_array(&self, array: Option<sys::napi_value>) -> Result<()> {
        let array = match array {
            None => None,
            Some(array) => {
                // SAFETY: a live handle of this environment.
                let array = unsafe { Unknown::from_raw_unchecked(self.env, array) };
                Some(Weak::to(&Env::from_raw(self.env), array)?)
            }
        };
        self.array.replace(array);
        Ok(())
    }

    /// Gives the closures a memory and an array over the bytes of `view`, and remembers the address of those.
    /// Without closures, which keep the bytes alive, there are none.
    ///
    /// # Errors
    ///
    /// `view` is no `Uint8Array`, or does not begin at a word.
    fn set(&self, memory: sys::napi_value, view: sys::napi_value) -> Result<()> {
        // First, as it is not known which array the closures have if a call fails.
        self.forget_bytes();
        let fixed = Bytes::of(self.env, view)?.array_of_fixed_length(self.env)?;
        let array = fixed.unwrap_or(view);
        let binds: Vec<_> = self.binds.borrow().iter().filter_map(Weak::get).collect();
        if binds.is_empty() {
            return Ok(());
        }
        let set = self.sets.get() + 1;
        self.sets.set(set);
        for bind in binds {
            self.call(bind, &[memory, array])?;
        }
        // A debugger may have run any JavaScript on entry of one of them. Then not all closures have this
        // array.
        if self.sets.get() != set {
            self.forget_bytes();
            return Ok(());
        }
        self.set_array(fixed)?;
        // The address is read last, for the same reason.
        let Bytes { data, len, .. } = Bytes::of(self.env, array)?;
        // SAFETY: these are the bytes behind the array that all closures have. The array keeps them, and whatever takes
        // bytes away from it in this thread (growing, detaching, shrinking) leaves it without an element:
        // then they are not used, as the callers of `guest` vouch. An `ArrayBuffer` is this thread's alone;
        // bytes that threads share are never taken away, and threads that write them are outside Rust, or
        // come this way. They begin at a word, as seen above.
        unsafe { self.linear.set(data, len, fixed.is_none()) };
        Ok(())
    }

    /// Calls the function of a set of closures. It runs no other JavaScript, except that of a debugger.
    fn call(
        &self,
        bind: sys::napi_value,
        arguments: &[sys::napi_value],
    ) -> Result<sys::napi_value> {
        let mut result = ptr::null_mut();
        let (argc, argv) = (arguments.len(), arguments.as_ptr());
        // SAFETY: live handles, as many arguments as there are, a valid out-parameter.
        let status =
            unsafe { sys::napi_call_function(self.env, bind, bind, argc, argv, &mut result) };
        check_status!(status)?;
        Ok(result)
    }

    /// A new array over `memory`.
    fn view_of(&self, memory: sys::napi_value, glue: &Glue) -> Result<Unknown<'static>> {
        let env = Env::from_raw(self.env);
        // SAFETY: `memory` is a live handle of this environment.
        let memory = unsafe { Unknown::from_raw_unchecked(self.env, memory) };
        let view_of = glue.view_of.borrow_back(&env)?;
        view_of.call(FnArgs::from((memory,)))
    }

    /// The function of the first set of closures that has not been collected.
    fn first(&self) -> Option<sys::napi_value> {
        self.binds.borrow().iter().find_map(Weak::get)
    }
}
