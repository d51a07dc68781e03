//! From a guest's call to a syscall and back.
//!
//! There is one native function for each row of the table, made once in each environment. What an
//! instance's `wasiImport` holds are closures over those and a handle to the [`Instance`], made by
//! JavaScript that is written out of the table too: see [`wasi_import`]. (46 native functions for each
//! instance would take six times as long to make as node:wasi takes for all its class, and six times
//! the memory.) The native functions themselves reach nobody.

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

/// The function that makes a `wasiImport` for a handle.
///
/// As in node:wasi, its prototype's class is called `WASI`, and its functions `bound` and their name.
/// A method in a literal has its name and its length from the text, which no other way to make a
/// function has without defining properties on each.
pub fn wasi_import(
    env: &Env,
) -> Result<Function<'_, FnArgs<(Unknown<'static>,)>, Object<'static>>> {
    let mut methods = String::new();
    for (row, syscall) in SYSCALLS.iter().enumerate() {
        let (name, arity) = (syscall.name, syscall.params.len());
        let params: Vec<_> = (0..arity).map(|param| format!("p{param}")).collect();
        let params = params.join(",");
        let einval = Errno::Inval.raw();
        methods += &format!(
            "{name}:{{'bound {name}'({params}){{return arguments.length==={arity}\
             ?n{row}(handle,{params}):{einval}}}}}['bound {name}'],"
        );
    }
    let names: Vec<_> = (0..syscalls::COUNT).map(|row| format!("n{row}")).collect();
    let script = format!(
        "'use strict';([{}])=>{{const {{prototype}}=class WASI{{}};\
         return(handle)=>({{__proto__:prototype,{methods}}})}}",
        names.join(",")
    );
    let make: Function<'_, FnArgs<(Array<'_>,)>, _> = env.run_script(script)?;
    make.call(FnArgs::from((natives(env)?,)))
}

/// The native functions, in the order of the table.
fn natives(env: &Env) -> Result<Array<'_>> {
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
        // SAFETY: a live handle of this environment, just made.
        natives.insert(unsafe { Unknown::from_raw_unchecked(env.raw(), function) })?;
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

/// Why a call does not return to the guest.
enum Leave {
    Exit(Exitcode),
    NotStarted,
}

/// The native function of one row: `(handle, ...args)`.
unsafe extern "C" fn callback<const ROW: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    let mut argv = [ptr::null_mut(); 1 + MAX_PARAMS];
    let mut argc = argv.len();
    let mut instance = ptr::null_mut();
    // SAFETY: Node-API calls with a valid `info`; there is room for `argc` arguments, and those that
    // JavaScript did not pass are `undefined`.
    unsafe {
        sys::napi_get_cb_info(
            env,
            info,
            &mut argc,
            argv.as_mut_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
        );
        sys::napi_get_value_external(env, argv[0], &mut instance);
    }
    // SAFETY: nobody but the closures of `wasi_import` has this function, and their `handle` is an
    // external that `handle` made, which they keep alive.
    let instance = unsafe { &*instance.cast::<Instance>() };
    // SAFETY: all of `argv` are live handles now.
    let call = || unsafe { call::<ROW>(env, instance, &argv[1..]) };
    // A panic is a mistake in this crate. The guest gets an errno, the developer the panic's message.
    let panicked = |_| Errno::Notrecoverable;
    match catch_unwind(AssertUnwindSafe(call)).map_err(panicked) {
        Ok(Ok(errno)) | Err(errno) => number(env, errno.raw().into()),
        Ok(Err(leave)) => throw(env, instance, &leave),
    }
}

/// Decodes the arguments, finds the memory, makes the call.
///
/// The order of refusal is Node's: the number of arguments (which the closure has looked at), their
/// types, then whether there is a memory.
///
/// # Safety
///
/// `argv` holds live handles of `env`.
#[inline]
unsafe fn call<const ROW: usize>(
    env: sys::napi_env,
    instance: &Instance,
    argv: &[sys::napi_value],
) -> std::result::Result<Errno, Leave> {
    let syscall = const { &SYSCALLS[ROW] };
    let mut args = [0; MAX_PARAMS];
    for ((arg, value), param) in args.iter_mut().zip(argv).zip(syscall.params) {
        // SAFETY: the caller's.
        match unsafe { argument(env, *value, *param) } {
            Some(bits) => *arg = bits,
            None => return Ok(Errno::Inval),
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
        Some(Ok(())) => Ok(Errno::Success),
        Some(Err(Stop::Errno(errno))) => Ok(errno),
        Some(Err(Stop::Exit(code))) => Err(Leave::Exit(code)),
        None => Err(Leave::NotStarted),
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

#[cold]
fn throw(env: sys::napi_env, instance: &Instance, leave: &Leave) -> sys::napi_value {
    let env = Env::from_raw(env);
    let result = match leave {
        Leave::Exit(code) => exit(&env, instance, *code),
        Leave::NotStarted => env.throw_error(
            "wasi.start() has not been called",
            Some("ERR_WASI_NOT_STARTED"),
        ),
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
