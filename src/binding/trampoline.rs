//! From a guest's call to a syscall and back.
//!
//! There is one native function for each row of the table, made once in each environment. What an
//! instance's `wasiImport` holds are closures over those, made by JavaScript that is written out of the
//! table too: see [`make_import`]. (46 native functions for each instance would take six times as long to
//! make as node:wasi takes for all its class, and six times the memory.) The native functions themselves
//! reach nobody else.

#![allow(unsafe_code, reason = "Node-API is a C interface")]

use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::*;
use napi::sys;

use super::environment::{Environment, MakeImport};
use super::instance::Instance;
use crate::abi::{Errno, Exitcode};
use crate::syscalls::{self, ParamType, Row, SYSCALLS, Stop, for_each_syscall};

type Callback = unsafe extern "C" fn(sys::napi_env, sys::napi_callback_info) -> sys::napi_value;

macro_rules! callbacks {
    ($($module:ident::$name:ident $params:tt;)*) => {
        /// One for each row.
        const CALLBACKS: [Callback; syscalls::COUNT] = [$(callback::<{ Row::$name as usize }>),*];
    };
}

for_each_syscall!(callbacks);

/// Makes the function that makes a `wasiImport`, of the object that is to be kept by its functions and
/// an instance's number.
///
/// As in node:wasi, the class of its prototype is called `WASI`, and its functions `bound` and their name.
/// A method in a literal has its name and its length from the text, which no other way to make a function
/// has without defining properties on each. Each method refuses in Node's order: the number of arguments,
/// their types (a number's value is looked at natively), then whether there is a memory.
pub fn make_import(
    env: &Env,
    environment: &Rc<Environment>,
    buffer: Unknown<'_>,
) -> Result<MakeImport> {
    let methods: String = (SYSCALLS.iter().enumerate())
        .map(|(row, syscall)| method(row, syscall.name, syscall.params))
        .collect();
    let natives: Vec<_> = (0..syscalls::COUNT).map(|row| format!("n{row}")).collect();
    let natives = natives.join(",");
    let script = format!(
        "'use strict';([{natives},refresh],buffer)=>{{\
           const {{prototype}}=class WASI{{}};\
           const a=new Float64Array(buffer),b=new BigUint64Array(buffer),r=new Uint32Array(buffer);\
           return(kept,instance)=>{{\
             let view=new Uint8Array(0);\
             const set=(newView)=>{{view=newView}};\
             const refused=(row)=>refresh(kept,set,row);\
             return{{__proto__:prototype,{methods}}}\
           }}\
         }}"
    );
    let make: Function<'_, FnArgs<(Array<'_>, Unknown<'_>)>, Function<'_, _, _>> =
        env.run_script(script)?;
    let natives = native_functions(env, environment)?;
    make.call(FnArgs::from((natives, buffer)))?.create_ref()
}

/// The method of one row.
fn method(row: usize, name: &str, params: &[ParamType]) -> String {
    let einval = Errno::Inval.raw();
    let arity = params.len();
    let names: Vec<_> = (1..=arity).map(|slot| format!("p{slot}")).collect();
    let mut refused = format!("arguments.length!=={arity}");
    let mut stores = String::new();
    for (name, (param, slot)) in names.iter().zip(params.iter().zip(1..)) {
        let (array, of) = match param {
            ParamType::I32 => ('a', "number"),
            ParamType::I64 => ('b', "bigint"),
        };
        refused += &format!("||typeof {name}!=='{of}'");
        stores += &format!("{array}[{slot}]={name};");
    }
    let names = names.join(",");
    format!(
        "{name}:{{'bound {name}'({names}){{\
           if({refused})return {einval};\
           a[0]=instance;{stores}\
           if(view.length===0&&refused({row}))return {einval};\
           n{row}();return r[0]\
         }}}}['bound {name}'],"
    )
}

/// The native functions, in the order of the table, and [`refresh`].
fn native_functions<'env>(env: &'env Env, environment: &Rc<Environment>) -> Result<Array<'env>> {
    let mut functions = env.create_array(0)?;
    let rows = (SYSCALLS.iter().zip(CALLBACKS)).map(|(syscall, callback)| (syscall.name, callback));
    for (name, callback) in rows.chain([("refresh", refresh as Callback)]) {
        // Given back to nobody: the functions can be called as long as there is JavaScript to do it.
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
        // SAFETY: a live handle of this environment, just made.
        functions.insert(unsafe { Unknown::from_raw_unchecked(env.raw(), function) })?;
    }
    Ok(functions)
}

/// A guest ends instead of returning from a call.
struct Exit(Rc<Instance>, Exitcode);

/// The environment of a call.
///
/// # Safety
///
/// `info` is that of a call of one of the [`native_functions`].
#[inline]
unsafe fn environment<'e>(env: sys::napi_env, info: sys::napi_callback_info) -> &'e Environment {
    let (mut data, none) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: `info` is valid; of all that can be asked for, only the data is.
    unsafe { sys::napi_get_cb_info(env, info, ptr::null_mut(), none, ptr::null_mut(), &mut data) };
    // SAFETY: the data of the native functions is an environment that is never freed.
    unsafe { &*data.cast::<Environment>() }
}

/// The native function of one row. Its arguments are in the block, and so is its result.
unsafe extern "C" fn callback<const ROW: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
) -> sys::napi_value {
    // SAFETY: this is one of the native functions.
    let environment = unsafe { environment(env, info) };
    // A panic is a mistake in this crate. The guest gets an errno, the developer the panic's message.
    let panicked = |_| Errno::Notrecoverable;
    let call = || call::<ROW>(environment);
    match catch_unwind(AssertUnwindSafe(call)).map_err(panicked) {
        Ok(Ok(errno)) | Err(errno) => environment.block.answer(errno.raw()),
        Ok(Err(Exit(instance, code))) => {
            let env = Env::from_raw(env);
            if let Err(error) = exit(&env, environment, &instance, code) {
                raise(&env, &error);
            }
        }
    }
    ptr::null_mut()
}

/// Decodes the arguments, finds the memory, makes the call.
#[inline]
fn call<const ROW: usize>(environment: &Environment) -> std::result::Result<Errno, Exit> {
    let syscall = const { &SYSCALLS[ROW] };
    let Some(args) = environment.block.arguments(syscall.params) else {
        return Ok(Errno::Inval);
    };
    let instance = Rc::clone(&environment.instances.borrow()[environment.block.instance()]);
    let make = || {
        // SAFETY: the closure that called has looked at its array, and the syscall runs no JavaScript.
        let memory = unsafe { instance.memory.bytes() };
        (syscall.call)(&instance.ctx, memory, &args)
    };
    let mut result = make();
    // Pointers are checked before anything is done, so the call can be made again: another thread may
    // have grown a memory that this one shares.
    if result == Err(Stop::Errno(Errno::Overflow)) && instance.memory.refresh().unwrap_or(false) {
        result = make();
    }
    match result {
        Ok(()) => Ok(Errno::Success),
        Err(Stop::Errno(errno)) => Ok(errno),
        Err(Stop::Exit(code)) => Err(Exit(instance, code)),
    }
}

/// Looks at an instance's memory anew, for a call that is in the block: `(kept, set, row)`, of which the
/// first is there to be kept by the closures.
///
/// What is wrong with the call's arguments comes before there being no memory. True if anything is.
unsafe extern "C" fn refresh(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let mut argv = [ptr::null_mut(); 3];
    let (mut argc, mut row) = (argv.len(), 0);
    let (values, none) = (argv.as_mut_ptr(), ptr::null_mut());
    // SAFETY: there is room for `argc` arguments, and those not passed are `undefined`.
    unsafe { sys::napi_get_cb_info(env, info, &mut argc, values, none, ptr::null_mut()) };
    // SAFETY: a live handle of this environment.
    unsafe { sys::napi_get_value_uint32(env, argv[2], &mut row) };
    // SAFETY: this is one of the native functions.
    let environment = unsafe { environment(env, info) };
    // SAFETY: a live handle of this environment.
    let set_view = unsafe { Unknown::from_raw_unchecked(env, argv[1]) };
    let env = Env::from_raw(env);
    let look = || {
        let block = &environment.block;
        if block.arguments(SYSCALLS[row as usize].params).is_none() {
            return true.into_unknown(&env);
        }
        let instance = Rc::clone(&environment.instances.borrow()[block.instance()]);
        if instance.memory.is_bound() {
            instance.memory.set_view_with(set_view)?;
        } else {
            not_started(&env)?;
        }
        false.into_unknown(&env)
    };
    match catch_unwind(AssertUnwindSafe(look)) {
        Ok(Ok(refused)) => refused.raw(),
        Ok(Err(error)) => {
            raise(&env, &error);
            ptr::null_mut()
        }
        Err(_) => ptr::null_mut(),
    }
}

/// Throws what is not on its way already.
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

/// `proc_exit`.
fn exit(env: &Env, environment: &Environment, instance: &Instance, code: Exitcode) -> Result<()> {
    let glue = &environment.glue;
    let code = code.cast_signed();
    if instance.return_on_exit {
        let exit_error = glue.exit_error.borrow_back(env)?;
        let code = code.into_unknown(env)?;
        // SAFETY: it is used while this call lasts, as is `env`.
        let code = unsafe { Unknown::from_raw_unchecked(env.raw(), code.raw()) };
        env.throw(exit_error.call(FnArgs::from((code,)))?)
    } else {
        glue.exit_process
            .borrow_back(env)?
            .call(FnArgs::from((code,)))
    }
}
