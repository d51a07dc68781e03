//! What Node calls when it loads the addon into an environment.

use std::cell::Cell;
use std::ptr;
use std::rc::Rc;

use napi::bindgen_prelude::*;
use napi::sys;
use napi_derive::napi;

use super::arg_buffer::ArgBuffer;
use super::environment::Environment;
use super::error::system_error;
use super::glue::Glue;
use crate::host::{self, Bell, Interrupt};

/// Sets this environment up; Node calls it when it loads the addon.
#[napi(module_exports)]
pub fn set_up(exports: Object<'_>, env: Env) -> Result<()> {
    match prepare(exports, env) {
        // To build an error would take the end away: see `check_ending`. Nobody uses what there is of the addon.
        Err(_) if is_ending_in(env) => Ok(()),
        result => result,
    }
}

fn prepare(mut exports: Object<'_>, env: Env) -> Result<()> {
    // Node does so itself, but not every runtime.
    host::ignore_file_size_signal();
    let (glue, run) = Glue::new(&env)?;
    // Between a guest and the `start()` that it throws to is no native function: what Node ends a thread
    // with would not come through.
    exports.set_named_property("run", run)?;
    let environment = Rc::new(Environment::new(ArgBuffer::new(&env)?, glue));
    // Not every runtime finalizes what a worker leaves behind when it ends.
    env.add_env_cleanup_hook(Rc::clone(&environment), |environment| environment.end())?;
    env.set_instance_data(environment, (), |_| {})
}

thread_local! {
    /// The environment of this thread, if the thread may be ended while a guest waits in it.
    static ENDED_WITH: Cell<sys::napi_env> = const { Cell::new(ptr::null_mut()) };
}

/// Has the waits of guests end when this thread is to end, as a worker is by its owner. It holds for those
/// that are made from then on.
///
/// From when a thread is to end no JavaScript can be called in it, and the calls of Node-API that might do so
/// say so.
#[napi]
pub fn end_waits_with_thread(env: Env) -> Result<()> {
    ENDED_WITH.set(env.raw());
    env.add_env_cleanup_hook((), |()| ENDED_WITH.set(ptr::null_mut()))?;
    Environment::of(&env)?.set_interrupt(Interrupt::when(is_ending));
    Ok(())
}

/// Whether this is certainly no worker: the thread that the process began with.
#[napi]
pub fn is_process_thread() -> bool {
    host::is_first_thread()
}

/// The descriptors that a thread of Node takes for as long as it runs and while it begins, twice as many as were
/// counted. Where it gets too few, it ends before any code of ours, and who waits in a guest hears nothing of it.
const THREAD_DESCRIPTORS: usize = 12;

/// Checks that the process has the descriptors that so many more threads of JavaScript take.
///
/// # Errors
///
/// `EMFILE`, `ENFILE`: it has not.
#[napi]
pub fn check_thread_room(env: &Env, threads: u32) -> Result<()> {
    let bell = Bell::default();
    let is_room = (bell.hang())
        .and_then(|()| bell.check_room(THREAD_DESCRIPTORS.saturating_mul(threads as usize)));
    is_room.map_err(|error| system_error(env, &error, "start"))
}

/// The mappings of memory that a thread of Node takes: 35 to 53 were counted.
const THREAD_MAPPINGS: usize = 56;

/// Takes the mappings of memory that one more thread of JavaScript takes, beside so many that have not begun.
///
/// # Errors
///
/// `ENOMEM`: the process may have too few of them.
#[napi]
pub fn take_thread_mappings(env: &Env, ahead: u32) -> Result<()> {
    host::take_mappings(
        THREAD_MAPPINGS,
        THREAD_MAPPINGS.saturating_mul(ahead as usize),
    )
    .map_err(|error| system_error(env, &error, "start"))
}

/// Whether this thread is to end, if it is one of [`end_waits_with_thread`]. What ends it may have come while
/// native code called JavaScript, and JavaScript goes on then.
#[napi]
pub fn is_thread_ending() -> bool {
    is_ending()
}

/// Whether this thread is to end.
pub(super) fn is_ending() -> bool {
    let env = ENDED_WITH.get();
    if env.is_null() {
        return false;
    }
    is_ending_in(Env::from_raw(env))
}

/// Whether no more JavaScript is run in an environment.
fn is_ending_in(env: Env) -> bool {
    // It might call JavaScript were it another value, and costs nothing.
    let coerced = false
        .into_unknown(&env)
        .and_then(|value| value.coerce_to_bool());
    coerced.is_err()
}
