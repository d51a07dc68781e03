use std::io;

use napi::bindgen_prelude::*;

use super::addon::is_ending;
use super::glue::Glue;
use crate::abi::Errno;
use crate::ctx::{Given, InitError, PreopenSource, Stdio};
use crate::host::errno::errno;

/// The error of node:wasi if something that a guest is given cannot be opened. Properties as in errors of
/// `node:fs` say what that was; the first path is that of the host.
pub fn init_error(env: &Env, error: InitError) -> Error {
    uvwasi_error(env, error.errno, |object| match error.given {
        Given::Stdio(Stdio::Lent(fd)) => object.set_named_property("fd", fd),
        Given::Stdio(Stdio::Stream(_)) => Ok(()),
        Given::Preopen(preopen) => {
            match &preopen.source {
                PreopenSource::Path(path) => {
                    object.set_named_property("path", path.to_string_lossy().as_ref())?;
                }
                PreopenSource::Within(_, path) => {
                    object.set_named_property("path", path.as_str())?;
                }
                PreopenSource::Directory(_) | PreopenSource::Devices | PreopenSource::File(..) => {}
            }
            object.set_named_property("dest", preopen.mapped_path)
        }
    })
}

/// The error for a socket, with its index among those that are given: JavaScript makes Node's error of it.
pub fn socket_error(env: &Env, errno: Errno, socket: usize) -> Error {
    let build = || -> Result<Error> {
        let mut error = env.create_error(Error::from_reason(errno.name()))?;
        error.set_named_property("code", errno.name())?;
        error.set_named_property("socket", socket as u32)?;
        Ok(Error::from(error.to_unknown()))
    };
    build().unwrap_or_else(|error| error)
}

/// The error of node:wasi for strings that it cannot pass to a guest.
pub fn strings_error(env: &Env, errno: Errno) -> Error {
    uvwasi_error(env, errno, |_| Ok(()))
}

fn uvwasi_error(
    env: &Env,
    errno: Errno,
    tell: impl FnOnce(&mut Object<'_>) -> Result<()>,
) -> Error {
    let code = format!("UVWASI_{}", errno.name());
    let build = || -> Result<Error> {
        let mut error = env.create_error(Error::from_reason(format!("{code}, uvwasi_init")))?;
        // napi-rs sets a `code` first; deleted, so that Node's is defined at its place in the order of
        // properties.
        error.delete_named_property("code")?;
        error.set_named_property("errno", u32::from(errno.raw()))?;
        error.set_named_property("code", code.as_str())?;
        error.set_named_property("syscall", "uvwasi_init")?;
        tell(&mut error)?;
        Ok(Error::from(error.to_unknown()))
    };
    build().unwrap_or_else(|error| error)
}

/// The error of node:wasi if Node's permission model does not allow WASI. Older versions of Node do not name
/// the flag.
pub fn access_denied(env: &Env) -> Error {
    let message = "Access to this API has been restricted. Use --allow-wasi to manage permissions.";
    let build = || -> Result<Error> {
        let mut error = env.create_error(Error::from_reason(message))?;
        error.set_named_property("code", "ERR_ACCESS_DENIED")?;
        error.set_named_property("permission", "WASI")?;
        error.set_named_property("resource", "")?;
        Ok(Error::from(error.to_unknown()))
    };
    build().unwrap_or_else(|error| error)
}

/// The error for starting a closed instance.
pub fn closed(env: &Env) -> Error {
    thrown(env.throw_error("WASI instance is closed", Some("ERR_WASI_CLOSED")))
}

/// The error for running a guest that is gone.
pub fn guest_gone(env: &Env) -> Error {
    let message =
        "The guest is gone: who prepared it has dropped it, or is another copy of wasi-rs";
    thrown(env.throw_error(message, Some("ERR_WASI_GUEST_GONE")))
}

/// An error of a system call, as `node:fs` throws it.
pub fn system_error(env: &Env, error: &io::Error, syscall: &str) -> Error {
    let code = errno(error).name();
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let message = format!("{code}: {}, {syscall}", text.to_lowercase());
    let build = || -> Result<Error> {
        let mut thrown = env.create_error(Error::from_reason(message.as_str()))?;
        thrown.set_named_property("errno", -error.raw_os_error().unwrap_or(0))?;
        thrown.set_named_property("code", code)?;
        thrown.set_named_property("syscall", syscall)?;
        Ok(Error::from(thrown.to_unknown()))
    };
    build().unwrap_or_else(|error| error)
}

/// A `RangeError` with Node's code for a value out of range.
pub fn out_of_range(env: &Env, message: &str) -> Error {
    thrown(env.throw_range_error(message, Some("ERR_OUT_OF_RANGE")))
}

/// A `TypeError` with Node's code for an argument of the wrong type.
pub fn invalid_arg_type(env: &Env, message: &str) -> Error {
    thrown(env.throw_type_error(message, Some("ERR_INVALID_ARG_TYPE")))
}

/// Fails in a thread that is being terminated, as by `worker.terminate()`.
///
/// V8 unwinds JavaScript with a termination exception, which no `catch` stops. If it is raised in JavaScript
/// that native code has called, it is raised again when that code returns. But building an error calls
/// JavaScript once more (`napi_create_error` sets `code`), which clears the termination: the worker would go on
/// with neither a result nor an error, and `terminate()` would never resolve. So the error that is thrown here
/// was built when the addon was loaded.
///
/// # Errors
///
/// The thread is being terminated.
pub fn check_ending(env: &Env, glue: &Glue) -> Result<()> {
    if is_ending() {
        return Err(Error::from(glue.ending.get_value(env)?.to_unknown()));
    }
    Ok(())
}

/// The result of an exported function that may have run JavaScript.
///
/// # Errors
///
/// Those of [`check_ending`], or else its own. One that has been thrown already is not built.
pub fn unless_ending<T>(env: &Env, glue: &Glue, result: Result<T>) -> Result<T> {
    result.or_else(|error| match error.status {
        Status::PendingException => Err(error),
        _ => check_ending(env, glue).and(Err(error)),
    })
}

/// The error to return after throwing.
fn thrown(throw: Result<()>) -> Error {
    match throw {
        Ok(()) => Error::new(Status::PendingException, String::new()),
        Err(error) => error,
    }
}
