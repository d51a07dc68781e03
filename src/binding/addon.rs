//! Loads the addon into an environment.

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
use crate::host::{self, Interrupt, StopEvent};

/// Sets up this environment. Node calls it when it loads the addon.
#[napi(module_exports)]
pub fn set_up(exports: Object<'_>, env: Env) -> Result<()> {
    match prepare(exports, env) {
        // The environment is being terminated. Building an error would cancel that (see `check_ending`), and
        // nobody will use the addon.
        Err(_) if is_ending_in(env) => Ok(()),
        result => result,
    }
}

fn prepare(mut exports: Object<'_>, env: Env) -> Result<()> {
    // Node does so itself, but not every runtime.
    host::ignore_file_size_signal();
    let (glue, run) = Glue::new(&env)?;
    // `run` is JavaScript, so that there is no native function between a guest and the `start()` that its exit
    // is thrown to: Node's termination would not pass through one.
    exports.set_named_property("run", run)?;
    let environment = Rc::new(Environment::new(ArgBuffer::new(&env)?, glue));
    // Not every runtime runs the finalizers of a worker when it ends.
    env.add_env_cleanup_hook(Rc::clone(&environment), |environment| environment.end())?;
    env.set_instance_data(environment, (), |_| {})
}

thread_local! {
    /// The environment of this thread, if the thread may be terminated while a guest waits in it.
    static ENDED_WITH: Cell<sys::napi_env> = const { Cell::new(ptr::null_mut()) };
}

/// Makes waits of guests that are created from now on end when this thread is terminated, as a worker by its
/// owner.
///
/// Once a thread is being terminated, no JavaScript can be called in it, and calls of Node-API that could run
/// some fail.
#[napi]
pub fn end_waits_with_thread(env: Env) -> Result<()> {
    ENDED_WITH.set(env.raw());
    env.add_env_cleanup_hook((), |()| ENDED_WITH.set(ptr::null_mut()))?;
    Environment::of(&env)?.set_interrupt(Interrupt::when(is_ending));
    Ok(())
}

/// Whether this is known to be the main thread of the process.
#[napi]
pub fn is_process_thread() -> bool {
    host::is_first_thread()
}

/// How many descriptors a thread of Node needs while it starts and runs: twice as many as were counted. With
/// too few it ends before any of our code runs, and nobody who waits for it is told.
const THREAD_DESCRIPTORS: usize = 12;

/// Checks that the process can open the descriptors for `threads` more threads of JavaScript.
///
/// # Errors
///
/// `EMFILE`, `ENFILE`: it cannot.
#[napi]
pub fn check_thread_room(env: &Env, threads: u32) -> Result<()> {
    let event = StopEvent::default();
    let is_room = (event.open())
        .and_then(|()| event.check_room(THREAD_DESCRIPTORS.saturating_mul(threads as usize)));
    is_room.map_err(|error| system_error(env, &error, "start"))
}

/// How many memory mappings a thread of Node needs: 35 to 53 were counted.
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

/// Whether this thread is being terminated, if [`end_waits_with_thread`] was called in it. It may have been
/// terminated while native code called JavaScript; then JavaScript goes on after that.
#[napi]
pub fn is_thread_ending() -> bool {
    is_ending()
}

/// Whether this thread is being terminated.
pub(super) fn is_ending() -> bool {
    let env = ENDED_WITH.get();
    if env.is_null() {
        return false;
    }
    is_ending_in(Env::from_raw(env))
}

/// Whether no JavaScript can be run in an environment any more.
fn is_ending_in(env: Env) -> bool {
    // For another value this might call JavaScript, so Node-API checks; for a boolean it costs nothing.
    let coerced = false
        .into_unknown(&env)
        .and_then(|value| value.coerce_to_bool());
    coerced.is_err()
}
