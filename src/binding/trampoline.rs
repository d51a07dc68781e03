//! From a guest's call to a syscall and back.
//!
//! There is one native function for the methods of all `wasiImport`s, and one for adapters; each is made at most
//! once in an environment. Only the [`closures`] of an instance call them; no program reaches them. (46 native
//! functions for each instance would take six times the time and memory that the whole class takes in
//! node:wasi; 46 for each environment, a tenth of a millisecond before the first call.)

#![allow(unsafe_code, reason = "Node-API is a C interface")]

use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::*;
use napi::sys;

use super::arg_buffer::Arrays;
use super::block::Block;
use super::closures;
use super::environment::Environment;
use super::exports;
use super::instance::Instance;
use crate::abi::{Errno, Exitcode, Snapshot};
use crate::ctx::WasiCtx;
use crate::syscalls::{COUNT, FUNCTIONS, MAX_PARAMS, Row, Syscall, Trap, for_each_syscall};

type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

/// Makes the call that is in the argument buffer.
type Call = fn(sys::napi_env, &Environment) -> sys::napi_value;

macro_rules! calls {
    ($($module:ident::$name:ident$(<$Layout:ident>)?($($params:tt)*) $(needs $($right:ident),+)?;)*) => {
        /// One for each of [`FUNCTIONS`].
        const CALLS: [Call; 2 * COUNT] = [
            $(known::<{ Row::$name as usize }>,)*
            $(known::<{ COUNT + Row::$name as usize }>,)*
        ];
    };
}

for_each_syscall!(calls);

/// Whether a call returns [`SUSPENDED`] instead of blocking.
const WAITS: bool = false;
const SUSPENDS: bool = true;

/// The result of a suspended call. It is greater than any errno.
pub const SUSPENDED: u32 = 1 << 16;

/// Runs the script of [`closures::methods`] for guests of a snapshot.
pub fn make_methods<T: FromNapiValue>(
    env: &Env,
    environment: &Rc<Environment>,
    snapshot: Snapshot,
) -> Result<T> {
    let natives: [(_, Callback); 2] = [("call", method::<WAITS>), ("suspend", method::<SUSPENDS>)];
    make(
        env,
        environment,
        closures::methods(snapshot),
        refresh::<UNTYPED>,
        &natives,
    )
}

/// Runs the script of [`closures::call`].
pub fn make_call<T: FromNapiValue>(env: &Env, environment: &Rc<Environment>) -> Result<T> {
    let natives: [(_, Callback); 1] = [("dispatch", dispatch)];
    make(
        env,
        environment,
        closures::call(),
        refresh::<TYPED>,
        &natives,
    )
}

/// Runs a script, and calls its function with the arrays of the argument buffer, `refresh`, `setMemory`, and
/// these native functions. Returns the result.
fn make<T: FromNapiValue>(
    env: &Env,
    environment: &Rc<Environment>,
    script: String,
    refresh: Callback,
    natives: &[(&'static str, Callback)],
) -> Result<T> {
    let script: Function<'_, (), Unknown<'_>> = env.run_script(script)?;
    let Arrays {
        doubles,
        bigints,
        words,
        empty,
    } = environment.arg_buffer.arrays(env)?;
    // One by one, as spreading an array would use iterators that the program may have replaced.
    let mut arguments = vec![doubles, bigints, words, empty];
    let both: [(_, Callback); 2] = [("refresh", refresh), ("setMemory", set_memory)];
    for &(name, callback) in both.iter().chain(natives) {
        arguments.push(native_function(env, environment, name, callback)?);
    }
    let mut made = ptr::null_mut();
    // SAFETY: live handles of this environment, as many as there are, and a valid out-parameter.
    check_status!(unsafe {
        let (argc, argv) = (arguments.len(), arguments.as_ptr());
        sys::napi_call_function(env.raw(), script.raw(), script.raw(), argc, argv, &mut made)
    })?;
    // SAFETY: a live handle of this environment: what the script's function returned.
    unsafe { T::from_napi_value(env.raw(), made) }
}

/// Makes a native function for closures.
fn native_function(
    env: &Env,
    environment: &Rc<Environment>,
    name: &'static str,
    callback: Callback,
) -> Result<sys::napi_value> {
    // Never freed, as the functions can be called as long as JavaScript runs.
    let data = Rc::into_raw(Rc::clone(environment)).cast_mut();
    let mut function = ptr::null_mut();
    // SAFETY: the name is valid for its length, and the callback is one of Node-API.
    check_status!(unsafe {
        sys::napi_create_function(
            env.raw(),
            name.as_ptr().cast::<c_char>(),
            name.len() as isize,
            Some(callback),
            data.cast(),
            &mut function,
        )
    })?;
    Ok(function)
}

/// Why a call does not return to the guest.
enum End {
    /// The guest exits.
    Exit(Rc<Instance>, Exitcode),
    /// JavaScript that ran during the call has thrown.
    Thrown(Rc<Instance>),
}

/// The environment of a call.
///
/// # Safety
///
/// `info` is that of a call of one of the [native functions](native_function).
#[inline]
unsafe fn environment<'e>(env: sys::napi_env, info: sys::napi_callback_info) -> &'e Environment {
    let (mut data, none) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: `info` is valid; of all that can be asked for, only the data is.
    unsafe { sys::napi_get_cb_info(env, info, ptr::null_mut(), none, ptr::null_mut(), &mut data) };
    // SAFETY: the data of the native functions is an environment that is never freed.
    unsafe { &*data.cast::<Environment>() }
}

/// The native function of the methods of a `wasiImport`. Number, arguments and result are in the argument buffer.
unsafe extern "C" fn method<const SUSPENDS: bool>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: this is one of the native functions.
    let environment = unsafe { environment(env, info) };
    let number = environment.arg_buffer.function();
    if !SUSPENDS && let Some(call) = CALLS.get(number) {
        return call(env, environment);
    }
    complete(env, environment, || match FUNCTIONS.get(number) {
        Some(syscall) => buffered::<SUSPENDS>(environment, syscall),
        None => Ok(Errno::Nosys.raw().into()),
    });
    ptr::null_mut()
}

/// The call of one function. Its types are constants where they are used, and the syscall is inlined.
fn known<const FUNCTION: usize>(env: sys::napi_env, environment: &Environment) -> sys::napi_value {
    complete(env, environment, || {
        buffered::<WAITS>(environment, const { &FUNCTIONS[FUNCTION] })
    });
    ptr::null_mut()
}

/// Makes a call with the arguments that are in the argument buffer.
#[inline(always)]
fn buffered<const SUSPENDS: bool>(
    environment: &Environment,
    syscall: &Syscall,
) -> std::result::Result<u32, End> {
    match environment.arg_buffer.arguments(syscall.types) {
        Some(args) => call::<SUSPENDS>(environment, syscall, &args),
        None => Ok(Errno::Inval.raw().into()),
    }
}

/// The native function of all functions of the table, for [adapters](super::adapter). Number and arguments are
/// in the [block](super::block), the result is in the argument buffer.
unsafe extern "C" fn dispatch(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: this is one of the native functions.
    let environment = unsafe { environment(env, info) };
    complete(env, environment, || {
        // SAFETY: this is called by the closure for adapters alone, which has seen an element of its bytes
        // right before.
        let call_of = |block: &Block| unsafe { block.call() };
        let number_and_args = environment.block().map(call_of);
        // An adapter writes a valid number, but a program that has the memory of the block may have written
        // another one.
        match number_and_args.and_then(|(number, args)| Some((FUNCTIONS.get(number)?, args))) {
            Some((syscall, args)) => call::<WAITS>(environment, syscall, &args),
            None => Ok(Errno::Nosys.raw().into()),
        }
    });
    ptr::null_mut()
}

/// Makes a call, and stores its result in the argument buffer.
#[inline(always)]
fn complete(
    env: sys::napi_env,
    environment: &Environment,
    call: impl FnOnce() -> std::result::Result<u32, End>,
) {
    // A panic is a bug in this crate. The guest gets an errno, and the panic's message is printed.
    let panicked = |_| Errno::Notrecoverable.raw().into();
    match catch_unwind(AssertUnwindSafe(call)).map_err(panicked) {
        Ok(Ok(result)) | Err(result) => environment.arg_buffer.set_result(result),
        Ok(Err(end)) => {
            let env = Env::from_raw(env);
            // The call has ended, even if the exit fails.
            environment.arg_buffer.set_result(0);
            let ended = match end {
                End::Exit(instance, code) => exit(&env, environment, &instance, code),
                End::Thrown(instance) => rethrow(&env, environment, &instance),
            };
            if let Err(error) = ended {
                raise(&env, &error);
            }
        }
    }
}

/// Makes a call with the bits of its arguments. Returns its errno, or [`SUSPENDED`].
///
/// It is inlined, so that the syscall is, too, where it is known.
#[inline(always)]
fn call<const SUSPENDS: bool>(
    environment: &Environment,
    syscall: &Syscall,
    args: &[u64; MAX_PARAMS],
) -> std::result::Result<u32, End> {
    // The closures put a call into the argument buffer right before they make it. Without one, somebody else
    // has called.
    let Some(instance) = environment.called() else {
        return Ok(Errno::Badf.raw().into());
    };
    let ctx = if SUSPENDS {
        suspending(environment, &instance)
    } else {
        instance.ctx()
    };
    let make = || {
        // SAFETY: the closure that called has seen an element of its array, and JavaScript runs in a syscall
        // by `Environment::outside` alone, which catches up behind it.
        let memory = unsafe { instance.memory.guest() };
        (syscall.call)(ctx, memory, args)
    };
    let mut result = make();
    // Another thread may have grown a shared memory.
    if result == Err(Trap::OutOfBounds)
        && instance.memory.refresh(&environment.glue).unwrap_or(false)
    {
        result = make();
    }
    if environment.is_thrown() {
        return Err(End::Thrown(instance));
    }
    match result {
        Ok(()) => Ok(Errno::Success.raw().into()),
        Err(trap) => match instance.ctx().stopped() {
            Some(code) => Err(End::Exit(instance, code)),
            None if SUSPENDS && trap == Trap::Errno(Errno::Intr) => Ok(SUSPENDED),
            None => match trap.errno() {
                Ok(errno) => Ok(errno.raw().into()),
                Err(code) => Err(End::Exit(instance, code)),
            },
        },
    }
}

/// The guest for a call that may be suspended, with the start time in the argument buffer.
fn suspending<'i>(environment: &Environment, instance: &'i Instance) -> &'i WasiCtx {
    let ctx = instance.suspending(|| environment.interrupt());
    if let Some(suspension) = ctx.interrupt().suspension() {
        suspension.begin(environment.arg_buffer.begun());
    }
    ctx
}

/// The environment and the first arguments of a call.
///
/// # Safety
///
/// `info` is that of a call of one of the [native functions](native_function).
unsafe fn arguments<'e, const COUNT: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> (&'e Environment, [Unknown<'e>; COUNT]) {
    let (mut argv, mut argc) = ([ptr::null_mut(); COUNT], COUNT);
    let (values, none) = (argv.as_mut_ptr(), ptr::null_mut());
    // SAFETY: there is room for `argc` arguments, and those not passed are `undefined`.
    unsafe { sys::napi_get_cb_info(env, info, &mut argc, values, none, ptr::null_mut()) };
    // SAFETY: the caller's.
    let environment = unsafe { environment(env, info) };
    // SAFETY: live handles of this environment.
    let arguments = argv.map(|value| unsafe { Unknown::from_raw_unchecked(env, value) });
    (environment, arguments)
}

/// Returns the result of `body` from a native function, or throws its error.
fn answer<T: ToNapiValue>(env: &Env, body: impl FnOnce() -> Result<T>) -> sys::napi_value {
    let body = || body()?.into_unknown(env);
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(value)) => value.raw(),
        Ok(Err(error)) => {
            raise(env, &error);
            ptr::null_mut()
        }
        Err(_) => ptr::null_mut(),
    }
}

/// Whether the arguments of a call come from an adapter: then they have the right types, and are in the block.
const UNTYPED: bool = false;
const TYPED: bool = true;

/// Looks up the memory of an instance again, for the call that is in the argument buffer: `(function, bind,
/// kept)`, of which the last two are only kept alive. Returns true if the call must not be made.
///
/// Invalid arguments are reported before a missing memory.
unsafe extern "C" fn refresh<const IS_TYPED: bool>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: this is one of the native functions.
    let (environment, [function]) = unsafe { arguments(env, info) };
    let env = Env::from_raw(env);
    answer(&env, || {
        let function = function.coerce_to_number()?.get_uint32()? as usize;
        let arg_buffer = &environment.arg_buffer;
        let are_good =
            |syscall: &Syscall| IS_TYPED || arg_buffer.arguments(syscall.types).is_some();
        if !FUNCTIONS.get(function).is_some_and(are_good) {
            arg_buffer.set_result(Errno::Inval.raw().into());
            return Ok(true);
        }
        look(&env, environment, function)
    })
}

/// Sets the memory of an instance: `(number, memory, bind)`, of which the last is only kept alive.
unsafe extern "C" fn set_memory(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: this is one of the native functions.
    let (_, [number, memory]) = unsafe { arguments(env, info) };
    let env = Env::from_raw(env);
    answer(&env, || {
        exports::set_memory(&env, number.coerce_to_number()?.get_uint32()?, memory)
    })
}

/// [`refresh`]. Unless it returns false, the call is not in the argument buffer any more.
fn look(env: &Env, environment: &Environment, function: usize) -> Result<bool> {
    let arg_buffer = &environment.arg_buffer;
    let Some(instance) = environment.called() else {
        arg_buffer.set_result(Errno::Inval.raw().into());
        return Ok(true);
    };
    if instance.memory.is_bound() {
        // The array has an element now, or the memory is empty: then every address is out of bounds.
        let refreshed = instance.memory.refresh(&environment.glue);
        instance.check_memory();
        return refreshed.map(|_| false);
    }
    if function == Row::proc_exit as usize && instance.return_on_exit {
        return Ok(false);
    }
    arg_buffer.set_result(Errno::Inval.raw().into());
    not_started(env).map(|()| true)
}

/// Throws an error, unless one has been thrown.
#[cold]
fn raise(env: &Env, error: &Error) {
    if error.status != Status::PendingException {
        let _ = env.throw_error(&error.reason, None);
    }
}

fn not_started(env: &Env) -> Result<()> {
    env.throw_error(
        "wasi.start() has not been called",
        Some("ERR_WASI_NOT_STARTED"),
    )
}

/// Throws what JavaScript has thrown during a call, past the guest. If no entry is running that would rethrow
/// it, the guest may catch it; so it may make no calls any more.
pub fn rethrow(env: &Env, environment: &Environment, instance: &Instance) -> Result<()> {
    let Some(thrown) = environment.take_thrown() else {
        return Ok(());
    };
    let is_running = instance.running.get() > 0;
    if !is_running {
        instance.ctx().revoke();
        // What closing throws is a consequence.
        drop(environment.take_thrown());
    }
    let rethrown = environment.glue.rethrown.borrow_back(env)?;
    let thrown = rethrown.call(FnArgs::from((thrown.kept()?, instance.serial, is_running)))?;
    env.throw(thrown)
}

/// `proc_exit`.
fn exit(env: &Env, environment: &Environment, instance: &Instance, code: Exitcode) -> Result<()> {
    let glue = &environment.glue;
    let code = code.cast_signed();
    instance.exit_code.set(code);
    // A guest that the host stops never ends the process: `start()` reports the reason.
    let thrown = if instance.return_on_exit || instance.ctx().ends_alone() {
        let exit_error = glue.exit_error.borrow_back(env)?;
        exit_error.call(FnArgs::from((code, instance.serial)))?
    } else {
        let exit_process = glue.exit_process.borrow_back(env)?;
        let is_running = instance.running.get() > 0;
        let thrown = exit_process.call(FnArgs::from((code, instance.serial, is_running)))?;
        // The process should have exited. The guest may catch what is thrown, so it may make no calls any more.
        instance.ctx().revoke();
        drop(environment.take_thrown());
        thrown
    };
    env.throw(thrown)
}
