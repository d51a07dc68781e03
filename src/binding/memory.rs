//! The guest's memory as this thread sees it.
//!
//! Where its bytes are is found out once and remembered. Growing a memory moves them, but also empties
//! every array over them, which costs JavaScript next to nothing to notice: the closures of `wasiImport`
//! have such an array, and ask for a new look when it is empty. Growing a shared memory moves nothing and
//! empties nothing; that there is more of it is found out when an address is out of bounds.
//!
//! It is the closures that keep the memory. Nothing here keeps anything from being collected.

#![allow(unsafe_code, reason = "Node-API is a C interface")]

use std::cell::{Cell, RefCell};
use std::ptr;

use napi::bindgen_prelude::*;
use napi::sys;

use super::glue::Glue;
use super::weak::{Strong, Weak};
use crate::memory::{GuestMemory, LinearMemory};

/// What a base address is a multiple of.
const ALIGN: usize = align_of::<u32>();

/// A `WebAssembly.Memory`, once there is one, and where its bytes are.
pub struct Memory {
    env: sys::napi_env,
    /// The functions that give closures their memory and their array, one for each set of them. Those of a set
    /// keep it, so that there is none left once there are no closures.
    binds: RefCell<Vec<Weak>>,
    /// How often the closures have been given a memory.
    sets: Cell<u64>,
    is_bound: Cell<bool>,
    linear: LinearMemory<'static>,
    /// The closures' array, if its bytes can be taken away.
    array: RefCell<Option<Weak>>,
}

/// The bytes of a `Uint8Array`.
pub struct Bytes {
    pub data: *mut u8,
    pub len: usize,
    buffer: sys::napi_value,
    /// Where they begin in the buffer.
    offset: usize,
}

impl Bytes {
    /// The bytes that an array is over; none if its buffer is gone.
    ///
    /// # Errors
    ///
    /// It is no array of bytes, or one that does not begin at a word.
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

    /// An array of all these bytes that has its `len` bytes or, once one of them is gone, no element. One that
    /// JavaScript made could follow its buffer to whatever length that is given. None where threads share
    /// the buffer: its bytes only grow.
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

/// What is said of bytes that are none of a memory.
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

    /// Takes the function `(memory, array) => memory` of a set of closures: it sets both unless called without, and
    /// returns the memory. They get the memory that there is.
    ///
    /// # Errors
    ///
    /// What Node-API says.
    pub fn add_closures(&self, bind: Unknown<'_>, glue: &Glue) -> Result<()> {
        self.binds.borrow_mut().retain(|bind| bind.get().is_some());
        let first = self.first();
        let bind = Weak::to(&Env::from_raw(self.env), bind)?;
        self.binds.borrow_mut().push(bind);
        match first {
            Some(first) if self.is_bound() => self.look(first, glue),
            // What was collected took its memory with it.
            _ => {
                self.is_bound.set(false);
                Ok(())
            }
        }
    }

    /// How many bytes it had when it was last looked at.
    pub fn len(&self) -> usize {
        self.linear.len()
    }

    /// Whether there are closures through which the memory is reached.
    pub fn is_reachable(&self) -> bool {
        self.first().is_some()
    }

    /// Whether there is a memory.
    pub fn is_bound(&self) -> bool {
        self.is_bound.get()
    }

    /// Takes `memory`, a `WebAssembly.Memory`, in the place of what was there.
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

    /// Where the memory is, and what keeps it there, if threads share it and it has bytes.
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

    /// Finds out where the bytes are now, gives the closures an array over them, and tells whether there
    /// are more than before. Where they cannot be found, there are none.
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

    /// Finds out where the bytes are now if JavaScript, which has run, has grown the memory.
    pub fn catch_up(&self, glue: &Glue) {
        if self.linear.is_empty() || self.is_current() {
            return;
        }
        // Where that fails, there are none.
        let _ = self.refresh(glue);
    }

    /// Gives all closures the memory of these, and remembers where its bytes are now. Where they cannot be found, there
    /// are none.
    fn look(&self, bind: sys::napi_value, glue: &Glue) -> Result<()> {
        self.forget_bytes();
        let memory = self.call(bind, &[])?;
        self.set(memory, self.view_of(memory, glue)?.raw())
    }

    /// From now on there are none.
    fn forget_bytes(&self) {
        // SAFETY: of no bytes all is true.
        unsafe { self.linear.set(ptr::null_mut(), 0, false) };
    }

    /// Whether the bytes are where they were, as far as they can be elsewhere.
    fn is_current(&self) -> bool {
        match &*self.array.borrow() {
            None => true,
            Some(array) => (array.get())
                .and_then(|array| Bytes::of(self.env, array).ok())
                .is_some_and(|bytes| bytes.len > 0),
        }
    }

    /// Remembers the closures' array, or that its bytes are never taken away.
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

    /// Gives the closures a memory and an array over its bytes, those of `view`, and remembers where
    /// those are: nowhere if there are no closures, which keep them there.
    ///
    /// # Errors
    ///
    /// `view` is no array of bytes, or one that does not begin at a word.
    fn set(&self, memory: sys::napi_value, view: sys::napi_value) -> Result<()> {
        // Should a call be cut short, it is not known which array the closures have.
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
        // A debugger can have run any JavaScript where one of them was entered. Not all closures have this array then.
        if self.sets.get() != set {
            self.forget_bytes();
            return Ok(());
        }
        self.set_array(fixed)?;
        // Only now, for the same reason.
        let Bytes { data, len, .. } = Bytes::of(self.env, array)?;
        // SAFETY: these are the bytes behind the array that all closures have. The array keeps them, and whatever takes
        // bytes away from it in this thread (growing, detaching, shrinking) leaves it without an element:
        // then they are not used, as the callers of `guest` vouch. An `ArrayBuffer` is this thread's alone;
        // bytes that threads share are never taken away, and threads that write them are outside Rust, or
        // come this way. They begin at a word, as seen above.
        unsafe { self.linear.set(data, len, fixed.is_none()) };
        Ok(())
    }

    /// Calls the function of a set of closures. It runs no JavaScript but its own, and what a debugger does.
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

    /// The function of the first closures that have not been collected.
    fn first(&self) -> Option<sys::napi_value> {
        self.binds.borrow().iter().find_map(Weak::get)
    }
}
