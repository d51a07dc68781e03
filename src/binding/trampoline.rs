//! From a guest's call to a syscall and back.
//!
//! There is one native function for each row of the table, made once in each environment, and bound
//! for each instance by `glue.js`: `this` is then a handle to the [`Instance`]. (46 native functions
//! for each instance would take six times as long to make as node:wasi takes for all its class, and
//! six times the memory.) The functions without an instance reach nobody but `glue.js`.

#![allow(unsafe_code)]

use std::ffi::{c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use napi::bindgen_prelude::*;
use napi::sys;

use super::environment::Environment;
use super::instance::{Instance, Shared};
use crate::abi::{Errno, Exitcode};
use crate::syscalls::{self, MAX_PARAMS, ParamType, Row, SYSCALLS, Stop, for_each_syscall};

type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

macro_rules! callbacks {
    ($($module:ident::$name:ident $params:tt;)*) => {
        /// One for each row.
        const CALLBACKS: [Callback; syscalls::COUNT] = [$(callback::<{ Row::$name as usize }>),*];
    };
}

for_each_syscall!(callbacks);

/// The native functions, each with its arity: `[function, arity]`.
pub fn natives(env: &Env) -> Result<Array<'_>> {
    let mut natives = env.create_array(0)?;
    for (syscall, callback) in SYSCALLS.iter().zip(CALLBACKS) {
        let mut function = ptr::null_mut();
        // SAFETY: the name is valid for its length, and the callback is one of Node-API.
        check_status!(unsafe {
            sys::napi_create_function(
                env.raw(),
                syscall.name.as_ptr().cast::<c_char>(),
                syscall.name.len() as isize,
                Some(callback),
                ptr::null_mut(),
                &mut function,
            )
        })?;
        let mut native = env.create_array(0)?;
        // SAFETY: a live handle of this environment, just made.
        native.insert(unsafe { Unknown::from_raw_unchecked(env.raw(), function) })?;
        native.insert(syscall.params.len() as u32)?;
        natives.insert(native)?;
    }
    Ok(natives)
}

/// A handle to an instance: what its functions have as `this`.
pub fn handle(env: &Env, instance: Shared) -> Result<Unknown<'static>> {
    unsafe extern "C" fn release(_: sys::napi_env, instance: *mut c_void, _: *mut c_void) {
        // SAFETY: the pointer that `into_raw` gave below, once, when nothing can call with it any more.
        drop(unsafe { Shared::from_raw(instance.cast::<Instance>()) });
    }
    let instance = Shared::into_raw(instance).cast_mut().cast::<c_void>();
    let mut handle = ptr::null_mut();
    // SAFETY: the instance lives until `release`.
    let status = unsafe {
        sys::napi_create_external(
            env.raw(),
            instance,
            Some(release),
            ptr::null_mut(),
            &mut handle,
        )
    };
    check_status!(status)?;
    // SAFETY: a live handle of this environment, just made.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), handle) })
}

/// What a call comes to.
enum Answer {
    Errno(Errno),
    Exit(Exitcode),
    NotStarted,
    /// Not called through `glue.js`'s binding.
    NoInstance,
}

/// The native function of one row.
unsafe extern "C" fn callback<const ROW: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let mut argc = MAX_PARAMS;
    let mut argv = [ptr::null_mut(); MAX_PARAMS];
    let mut this = ptr::null_mut();
    let mut instance = ptr::null_mut();
    // SAFETY: Node-API calls with a valid `info`; there is room for `argc` arguments.
    unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &mut argc,
            argv.as_mut_ptr(),
            &mut this,
            ptr::null_mut(),
        );
        sys::napi_get_value_external(env, this, &mut instance);
    }
    // SAFETY: nobody but `glue.js` has this function, and it binds it to an external that `handle` made,
    // which is kept alive as `this` for the time of the call.
    let instance = unsafe { instance.cast::<Instance>().as_ref() };
    let call = || match instance {
        // SAFETY: `argv` holds `argc` live handles, or as many as it has room for.
        Some(instance) => unsafe { call::<ROW>(env, instance, argc, &argv) },
        None => Answer::NoInstance,
    };
    // A panic is a mistake in this crate. The guest gets an errno, the developer the panic's message.
    let answer =
        catch_unwind(AssertUnwindSafe(call)).unwrap_or(Answer::Errno(Errno::Notrecoverable));
    match answer {
        Answer::Errno(errno) => number(env, errno.raw().into()),
        other => catch_unwind(AssertUnwindSafe(|| leave(env, instance, &other)))
            .unwrap_or(ptr::null_mut()),
    }
}

/// Decodes the arguments, finds the memory, makes the call.
///
/// The order of refusal is Node's: the number of arguments, their types, then whether there is a memory.
///
/// # Safety
///
/// `argv` begins with `argc` live handles of `env`, or is full of them.
#[inline]
unsafe fn call<const ROW: usize>(
    env: sys::napi_env,
    instance: &Instance,
    argc: usize,
    argv: &[sys::napi_value; MAX_PARAMS],
) -> Answer {
    let syscall = const { &SYSCALLS[ROW] };
    if argc != syscall.params.len() {
        return Answer::Errno(Errno::Inval);
    }
    let mut args = [0; MAX_PARAMS];
    for (index, param) in syscall.params.iter().enumerate() {
        // SAFETY: the first `argc` are live handles.
        match unsafe { argument(env, argv[index], *param) } {
            Some(arg) => args[index] = arg,
            None => return Answer::Errno(Errno::Inval),
        }
    }
    let make = || {
        // SAFETY: the syscall runs no JavaScript.
        let memory = unsafe { instance.memory.bytes() }?;
        Some((syscall.call)(&instance.ctx, memory, &args))
    };
    let result = match make() {
        // Pointers are checked before anything is done, so the call can be made again: another thread
        // may have grown a memory that this one shares.
        Some(Err(Stop::Errno(Errno::Overflow))) if instance.memory.refresh() => make(),
        result => result,
    };
    match result {
        Some(Ok(())) => Answer::Errno(Errno::Success),
        Some(Err(Stop::Errno(errno))) => Answer::Errno(errno),
        Some(Err(Stop::Exit(code))) => Answer::Exit(code),
        None => Answer::NotStarted,
    }
}

/// An argument as its bits. None if it is not of the type.
///
/// An `i32` of wasm arrives with a sign and without one from JavaScript: both are taken. An `i64` is a
/// BigInt, of which the lower 64 bits count.
///
/// # Safety
///
/// `value` is a live handle of `env`.
#[inline]
unsafe fn argument(env: sys::napi_env, value: sys::napi_value, param: ParamType) -> Option<u64> {
    match param {
        ParamType::I32 => {
            let mut number = 0.0;
            // SAFETY: the caller's.
            let status = unsafe { sys::napi_get_value_double(env, value, &mut number) };
            let bits = number as i64;
            let is_int = status == sys::Status::napi_ok
                && (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&bits)
                && (bits as f64).to_bits() == number.to_bits();
            is_int.then_some(u64::from(bits as u32))
        }
        ParamType::I64 => {
            let (mut bits, mut lossless) = (0, false);
            // SAFETY: the caller's.
            let status =
                unsafe { sys::napi_get_value_bigint_uint64(env, value, &mut bits, &mut lossless) };
            (status == sys::Status::napi_ok).then_some(bits)
        }
    }
}

fn number(env: sys::napi_env, number: u32) -> sys::napi_value {
    let mut value = ptr::null_mut();
    // SAFETY: `env` is that of the call. Should it fail, null is `undefined`.
    unsafe { sys::napi_create_uint32(env, number, &mut value) };
    value
}

/// Leaves by throwing.
#[cold]
fn leave(env: sys::napi_env, instance: Option<&Instance>, answer: &Answer) -> sys::napi_value {
    let env = Env::from_raw(env);
    let result = match (answer, instance) {
        (Answer::Exit(code), Some(instance)) => exit(&env, instance, *code),
        (Answer::NotStarted, _) => env.throw_error(
            "wasi.start() has not been called",
            Some("ERR_WASI_NOT_STARTED"),
        ),
        _ => env.throw_type_error("Illegal invocation", None),
    };
    if let Err(error) = result {
        // What JavaScript threw is on its way already; anything else is thrown here.
        if error.status != Status::PendingException {
            let _ = env.throw_error(&error.reason, None);
        }
    }
    ptr::null_mut()
}

/// `proc_exit`.
fn exit(env: &Env, instance: &Instance, code: Exitcode) -> Result<()> {
    let environment = Environment::of(env)?;
    let code = code.cast_signed();
    if instance.return_on_exit {
        let exit_error = environment.exit_error.borrow_back(env)?;
        let code = code.into_unknown(env)?;
        // SAFETY: it is used while this call lasts, as is `env`.
        let code = unsafe { Unknown::from_raw_unchecked(env.raw(), code.raw()) };
        env.throw(exit_error.call(FnArgs::from((code,)))?)
    } else {
        environment
            .exit_process
            .borrow_back(env)?
            .call(FnArgs::from((code,)))
    }
}
