//! Calls the functions of a file system or a stream in JavaScript, and passes bytes to and from them.
//!
//! Bytes are passed in a `Buffer` that both sides share. It is kept, and lent to one call at a time: a call
//! within a call gets another one. JavaScript may detach a buffer (`transfer()`), so its address is looked up
//! after each call, and never kept.

#![allow(
    unsafe_code,
    reason = "Node-API is a C interface, and JavaScript writes these bytes too"
)]

use std::cell::RefCell;
use std::fmt;
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::*;
use napi::{JsValue, check_status, sys};

use super::entries::{ATTRIBUTES, attributes};
use super::whole;
use crate::abi::Errno;
use crate::binding::environment::Environment;
use crate::memory::Iovecs;
use crate::vfs::Result;
use crate::vfs::by_path::Attributes;

/// The start of a buffer, in bytes, before the bytes of a file: attributes of 8 bytes each.
const HEAD: usize = 8 * ATTRIBUTES;

/// The maximum number of bytes of one read or write.
pub const CHUNK: usize = 64 << 10;

/// How many buffers are kept, for calls within calls.
const KEPT: usize = 2;

/// The maximum size, in bytes, of a listing or of the target of a link.
const MAX_LIST: usize = 64 << 20;

/// The operations of `serve`, with the numbers that `lib/js-file-system/` has for them.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub enum Op {
    Lstat,
    Open,
    Close,
    Read,
    Write,
    Fstat,
    Truncate,
    Futimes,
    Sync,
    Utimes,
    Mkdir,
    Rmdir,
    Unlink,
    Rename,
    Link,
    Symlink,
    Poll,
}

/// The numbers that are passed with a path.
pub type Numbers = [f64; 3];

/// The functions of a file system or a stream.
pub struct Functions {
    env: sys::napi_env,
    environment: Rc<Environment>,
    serve: Reference,
    /// `None` for a stream.
    list: Option<Reference>,
    buffers: RefCell<Vec<Reference>>,
}

impl fmt::Debug for Functions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Functions").finish_non_exhaustive()
    }
}

/// A reference to a JavaScript value.
struct Reference {
    env: sys::napi_env,
    reference: sys::napi_ref,
}

impl Reference {
    /// Keeps a value alive.
    fn new(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        Self::counted(env, value, 1)
    }

    /// Refers to a value that something else keeps alive.
    fn weak(env: sys::napi_env, value: sys::napi_value) -> napi::Result<Self> {
        Self::counted(env, value, 0)
    }

    fn counted(env: sys::napi_env, value: sys::napi_value, count: u32) -> napi::Result<Self> {
        let mut reference = ptr::null_mut();
        // SAFETY: a live handle of this environment, on its thread, and a valid out-parameter.
        check_status!(unsafe { sys::napi_create_reference(env, value, count, &mut reference) })?;
        Ok(Self { env, reference })
    }

    /// A handle of the value; null if it has been collected.
    fn value(&self) -> sys::napi_value {
        let mut value = ptr::null_mut();
        // SAFETY: a reference of this environment, on its thread, and a valid out-parameter.
        unsafe { sys::napi_get_reference_value(self.env, self.reference, &mut value) };
        value
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // SAFETY: a reference of this environment, which has not ended, on its thread: the list of a thread
        // is emptied of what belongs to an environment before that ends.
        unsafe { sys::napi_delete_reference(self.env, self.reference) };
    }
}

/// A value that JavaScript has thrown, in an object: Node-API cannot refer to every value itself.
pub struct Thrown(Reference);

impl Thrown {
    /// Takes the pending exception; `None` if there is none that can be caught.
    pub fn take(env: sys::napi_env) -> Option<Self> {
        let (mut value, mut kept) = (ptr::null_mut(), ptr::null_mut());
        let name = c"value".as_ptr();
        // SAFETY: an environment on its thread, live handles that were just made, a string that ends in a NUL,
        // and valid out-parameters. Where one fails, the handle that it was to make is null, and is refused.
        let status = unsafe {
            sys::napi_get_and_clear_last_exception(env, &mut value);
            sys::napi_create_object(env, &mut kept);
            sys::napi_set_named_property(env, kept, name, value)
        };
        if status != sys::Status::napi_ok {
            return None;
        }
        Reference::new(env, kept).ok().map(Self)
    }

    /// The object, which has the value as `value`.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn kept(&self) -> napi::Result<Unknown<'static>> {
        let kept = self.0.value();
        if kept.is_null() {
            return Err(Error::from_reason("it is gone"));
        }
        // SAFETY: a live handle of this environment.
        Ok(unsafe { Unknown::from_raw_unchecked(self.0.env, kept) })
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn value(&self) -> napi::Result<Unknown<'static>> {
        let (mut value, name) = (ptr::null_mut(), c"value".as_ptr());
        // SAFETY: a live handle of this environment or null, which is refused; the rest as in `take`.
        check_status!(unsafe {
            sys::napi_get_named_property(self.0.env, self.0.value(), name, &mut value)
        })?;
        // SAFETY: a live handle of this environment.
        Ok(unsafe { Unknown::from_raw_unchecked(self.0.env, value) })
    }
}

/// A handle scope: handles that are made while it exists are freed with it.
struct Scope {
    env: sys::napi_env,
    scope: sys::napi_handle_scope,
}

impl Scope {
    fn open(env: sys::napi_env) -> Self {
        let mut scope = ptr::null_mut();
        // SAFETY: an environment on its thread, and a valid out-parameter.
        unsafe { sys::napi_open_handle_scope(env, &mut scope) };
        Self { env, scope }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        // SAFETY: the scope that was opened last, as values of this type are dropped in reverse order. One
        // that could not be opened is null, and is refused.
        unsafe { sys::napi_close_handle_scope(self.env, self.scope) };
    }
}

impl Functions {
    /// Keeps the functions alive.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn new(
        env: &Env,
        environment: Rc<Environment>,
        serve: Unknown<'_>,
        list: Unknown<'_>,
    ) -> napi::Result<Self> {
        let env = env.raw();
        Ok(Self {
            env,
            environment,
            serve: Reference::new(env, serve.raw())?,
            list: Some(Reference::new(env, list.raw())?),
            buffers: RefCell::default(),
        })
    }

    /// The function of a stream. The closures of its guest keep it alive: it may refer to the guest, and a
    /// cycle through a reference from here could never be collected.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn of_stream(
        env: &Env,
        environment: Rc<Environment>,
        serve: Unknown<'_>,
    ) -> napi::Result<Self> {
        let env = env.raw();
        Ok(Self {
            env,
            environment,
            serve: Reference::weak(env, serve.raw())?,
            list: None,
            buffers: RefCell::default(),
        })
    }

    /// Whether the calling guest was stopped, so that nothing more must be done for it.
    pub fn is_over(&self) -> bool {
        (self.environment.called()).is_some_and(|instance| instance.ctx().stopped().is_some())
    }

    /// Whether they belong to this environment.
    pub fn are_of(&self, environment: &Rc<Environment>) -> bool {
        Rc::ptr_eq(&self.environment, environment)
    }

    /// Calls `serve` for an operation without bytes. Returns its result, an integer.
    ///
    /// # Errors
    ///
    /// The errno that it returns. [`Errno::Io`]: the result is not valid.
    pub fn call(&self, op: Op, paths: [&str; 2], numbers: Numbers) -> Result<u64> {
        let _scope = Scope::open(self.env);
        self.serve(op, paths, numbers, None)
    }

    /// The attributes of a file, by an operation that writes them to the buffer.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn stat(&self, op: Op, path: &str, handle: f64) -> Result<Attributes> {
        let _scope = Scope::open(self.env);
        self.with_buffer(|buffer| {
            self.serve(op, [path, ""], [handle, 0.0, 0.0], Some(buffer))?;
            self.with_bytes(buffer, |bytes| {
                let (words, _) = bytes.as_chunks::<8>();
                let words = words.first_chunk().ok_or(Errno::Io)?;
                Ok(attributes(words.map(u64::from_ne_bytes)))
            })?
        })
    }

    /// Reads some bytes.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call). [`Errno::Io`]: it returned more than was asked for.
    pub fn read(&self, handle: f64, iovs: &Iovecs<'_>, offset: f64) -> Result<usize> {
        let _scope = Scope::open(self.env);
        let len = iovs.len().min(CHUNK);
        self.with_buffer(|buffer| {
            let numbers = [handle, len as f64, offset];
            let count = self.serve(Op::Read, [""; 2], numbers, Some(buffer))?;
            let count = usize::try_from(count).map_err(|_| Errno::Io)?;
            self.with_bytes(buffer, |bytes| {
                let read = (bytes[HEAD..].get(..count)).filter(|_| count <= len);
                iovs.scatter(read.ok_or(Errno::Io)?);
                Ok(count)
            })?
        })
    }

    /// Fills `buf`.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call). [`Errno::Io`]: it returned less than was asked for.
    pub fn fill(&self, buf: &mut [u8]) -> Result<()> {
        let _scope = Scope::open(self.env);
        for chunk in buf.chunks_mut(CHUNK) {
            self.with_buffer(|buffer| {
                let numbers = [0.0, chunk.len() as f64, 0.0];
                let count = self.serve(Op::Read, [""; 2], numbers, Some(buffer))?;
                if count != chunk.len() as u64 {
                    return Err(Errno::Io);
                }
                self.with_bytes(buffer, |bytes| {
                    chunk.copy_from_slice(&bytes[HEAD..][..chunk.len()]);
                })
            })?;
        }
        Ok(())
    }

    /// Writes some bytes, at least one.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call). [`Errno::Io`]: it wrote none, or more than there are.
    pub fn write(&self, handle: f64, ciovs: &Iovecs<'_>, offset: f64) -> Result<usize> {
        let _scope = Scope::open(self.env);
        let len = ciovs.len().min(CHUNK);
        self.with_buffer(|buffer| {
            self.with_bytes(buffer, |bytes| ciovs.gather(&mut bytes[HEAD..][..len]))?;
            let numbers = [handle, len as f64, offset];
            let count = self.serve(Op::Write, [""; 2], numbers, Some(buffer))?;
            (usize::try_from(count).ok())
                .filter(|count| (1..=len).contains(count))
                .ok_or(Errno::Io)
        })
    }

    /// The entries of a directory, or without `entries` the target of a symbolic link.
    ///
    /// # Errors
    ///
    /// As [`call`](Self::call).
    pub fn list(&self, path: &str, entries: bool) -> Result<Vec<u8>> {
        let _scope = Scope::open(self.env);
        let list = self.list.as_ref().ok_or(Errno::Notsup)?;
        let arguments = [
            self.string(path)?,
            self.double(f64::from(u8::from(entries)))?,
        ];
        let answer = self.function(list, &arguments)?;
        let mut is_buffer = false;
        // SAFETY: a live handle and a valid out-parameter.
        unsafe { sys::napi_is_buffer(self.env, answer, &mut is_buffer) };
        if !is_buffer {
            self.number(answer)?;
            return Err(Errno::Io);
        }
        let bytes = bytes_of(self.env, answer).filter(|bytes| bytes.len() <= MAX_LIST);
        Ok(bytes.ok_or(Errno::Io)?.to_vec())
    }

    /// Calls `serve`.
    fn serve(
        &self,
        op: Op,
        [a, b]: [&str; 2],
        [x, y, z]: Numbers,
        buffer: Option<&Reference>,
    ) -> Result<u64> {
        let mut arguments = [ptr::null_mut(); 7];
        arguments[0] = self.double(f64::from(op as u8))?;
        arguments[1] = self.string(a)?;
        arguments[2] = self.string(b)?;
        for (argument, number) in arguments[3..].iter_mut().zip([x, y, z]) {
            *argument = self.double(number)?;
        }
        let argc = match buffer {
            Some(buffer) => {
                arguments[6] = buffer.value();
                7
            }
            None => 6,
        };
        self.number(self.function(&self.serve, &arguments[..argc])?)
    }

    /// Calls a function. What it throws is kept, and thrown when the guest's call ends.
    fn function(
        &self,
        function: &Reference,
        arguments: &[sys::napi_value],
    ) -> Result<sys::napi_value> {
        let function = function.value();
        if function.is_null() || self.environment.has_ended() {
            return Err(Errno::Notsup);
        }
        let mut answer = ptr::null_mut();
        let status = self.environment.outside(|| {
            let (argc, argv) = (arguments.len(), arguments.as_ptr());
            // SAFETY: live handles, as many arguments as there are, a valid out-parameter.
            unsafe {
                sys::napi_call_function(self.env, function, function, argc, argv, &mut answer)
            }
        });
        match status {
            sys::Status::napi_ok => Ok(answer),
            _ => {
                self.environment.keep_thrown(self.env);
                Err(Errno::Io)
            }
        }
    }

    /// The result of a function: an integer, or a negated errno.
    fn number(&self, answer: sys::napi_value) -> Result<u64> {
        let mut number = f64::NAN;
        // SAFETY: a live handle and a valid out-parameter. What is no number leaves it.
        unsafe { sys::napi_get_value_double(self.env, answer, &mut number) };
        if number < 0.0 {
            let errno = whole(-number)? as usize;
            return Err(Errno::ALL.get(errno).copied().unwrap_or(Errno::Io));
        }
        whole(number)
    }

    fn double(&self, number: f64) -> Result<sys::napi_value> {
        let env = Env::from_raw(self.env);
        let value = env.create_double(number);
        Ok(value.map_err(|_| Errno::Nomem)?.raw())
    }

    fn string(&self, text: &str) -> Result<sys::napi_value> {
        let env = Env::from_raw(self.env);
        let value = env.create_string(text);
        Ok(value.map_err(|_| Errno::Nomem)?.raw())
    }

    /// Lends a buffer that no other call uses.
    fn with_buffer<T>(&self, call: impl FnOnce(&Reference) -> Result<T>) -> Result<T> {
        let kept = self.buffers.borrow_mut().pop();
        let buffer = match kept.filter(|buffer| self.is_whole(buffer)) {
            Some(buffer) => buffer,
            None => self.new_buffer()?,
        };
        let result = call(&buffer);
        let mut kept = self.buffers.borrow_mut();
        if kept.len() < KEPT {
            kept.push(buffer);
        }
        result
    }

    fn new_buffer(&self) -> Result<Reference> {
        let (mut data, mut value) = (ptr::null_mut(), ptr::null_mut());
        // SAFETY: an environment on its thread, and valid out-parameters.
        let status =
            unsafe { sys::napi_create_buffer(self.env, HEAD + CHUNK, &mut data, &mut value) };
        if status != sys::Status::napi_ok {
            return Err(Errno::Nomem);
        }
        let buffer = Reference::new(self.env, value).map_err(|_| Errno::Nomem)?;
        // So that JavaScript does not see what the memory contained before.
        self.with_bytes(&buffer, |bytes| bytes.fill(0))?;
        Ok(buffer)
    }

    /// Whether a buffer has not been detached.
    fn is_whole(&self, buffer: &Reference) -> bool {
        bytes_of(self.env, buffer.value()).is_some_and(|bytes| bytes.len() == HEAD + CHUNK)
    }

    /// Calls `call` with the bytes of a buffer. It must not run JavaScript.
    ///
    /// # Errors
    ///
    /// [`Errno::Io`]: JavaScript has detached it.
    fn with_bytes<T>(&self, buffer: &Reference, call: impl FnOnce(&mut [u8]) -> T) -> Result<T> {
        let bytes = bytes_of(self.env, buffer.value());
        let bytes = bytes.filter(|bytes| bytes.len() == HEAD + CHUNK);
        Ok(call(bytes.ok_or(Errno::Io)?))
    }
}

/// The bytes of a buffer, until JavaScript runs again; `None` if it is no buffer, or has no bytes.
pub(super) fn bytes_of<'b>(env: sys::napi_env, buffer: sys::napi_value) -> Option<&'b mut [u8]> {
    let (mut data, mut len) = (ptr::null_mut(), 0);
    // SAFETY: a live handle, or null, which is refused; the out-parameters are valid.
    let status = unsafe { sys::napi_get_buffer_info(env, buffer, &mut data, &mut len) };
    if status != sys::Status::napi_ok {
        return None;
    }
    if len == 0 {
        return Some(&mut []);
    }
    // SAFETY: the engine says so. Only this thread's JavaScript has the buffer, and it does not run while
    // these are used: that is for the few callers in this file to see to.
    Some(unsafe { std::slice::from_raw_parts_mut(data.cast(), len) })
}
