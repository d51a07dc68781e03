use std::io;

use napi::bindgen_prelude::*;

use super::addon::is_ending;
use super::glue::Glue;
use crate::abi::Errno;
use crate::ctx::{Given, InitError, PreopenSource, Stdio};
use crate::host::errno::errno;

/// What node:wasi throws when it cannot open what a guest is to be given, and what that was, which
/// node:wasi does not say: in the properties of `node:fs`, the first path being that of the host.
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

/// That a socket cannot be had, by its place among those that are given: the shell says so in Node's words.
pub fn socket_error(env: &Env, errno: Errno, socket: usize) -> Error {
    let build = || -> Result<Error> {
        let mut error = env.create_error(Error::from_reason(errno.name()))?;
        error.set_named_property("code", errno.name())?;
        error.set_named_property("socket", socket as u32)?;
        Ok(Error::from(error.to_unknown()))
    };
    build().unwrap_or_else(|error| error)
}

/// What node:wasi throws when it cannot take the strings that a guest is to be given.
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
        // napi-rs puts a code of its own first, and Node's comes second.
        error.delete_named_property("code")?;
        error.set_named_property("errno", u32::from(errno.raw()))?;
        error.set_named_property("code", code.as_str())?;
        error.set_named_property("syscall", "uvwasi_init")?;
        tell(&mut error)?;
        Ok(Error::from(error.to_unknown()))
    };
    build().unwrap_or_else(|error| error)
}

/// What node:wasi throws where Node's permission model withholds WASI. Older versions of Node do not name
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

/// What has been closed cannot be started.
pub fn closed(env: &Env) -> Error {
    thrown(env.throw_error("WASI instance is closed", Some("ERR_WASI_CLOSED")))
}

/// The guest that is to be run is no longer there.
pub fn guest_gone(env: &Env) -> Error {
    let message =
        "The guest is gone: who prepared it has dropped it, or is another copy of wasi-rs";
    thrown(env.throw_error(message, Some("ERR_WASI_GUEST_GONE")))
}

/// An error as `node:fs` throws it, of what a call of the system says.
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

/// A `RangeError` with the code of Node's for a value out of its range.
pub fn out_of_range(env: &Env, message: &str) -> Error {
    thrown(env.throw_range_error(message, Some("ERR_OUT_OF_RANGE")))
}

/// A `TypeError` with the code of Node's for an argument of the wrong type.
pub fn invalid_arg_type(env: &Env, message: &str) -> Error {
    thrown(env.throw_type_error(message, Some("ERR_INVALID_ARG_TYPE")))
}

/// Refuses to go on in a thread that is being terminated, as by `worker.terminate()`.
///
/// V8 unwinds JavaScript by a termination exception, which no `catch` stops. Where it is raised in JavaScript that
/// native code called, it is raised again when that code returns. But to build an error is to call JavaScript once
/// more (`napi_create_error` sets `code`), and that clears it: the worker would go on with neither a result nor an
/// error, and `terminate()` never resolve. So the error that is thrown then was built when the addon was loaded.
///
/// # Errors
///
/// It is to end.
pub fn check_ending(env: &Env, glue: &Glue) -> Result<()> {
    if is_ending() {
        return Err(Error::from(glue.ending.get_value(env)?.to_unknown()));
    }
    Ok(())
}

/// What an exported function came to that may have run JavaScript.
///
/// # Errors
///
/// Its own, but for those of [`check_ending`]. One that is thrown already is not built.
pub fn unless_ending<T>(env: &Env, glue: &Glue, result: Result<T>) -> Result<T> {
    result.or_else(|error| match error.status {
        Status::PendingException => Err(error),
        _ => check_ending(env, glue).and(Err(error)),
    })
}

/// An error that has been thrown, for a function that is to return it.
fn thrown(throw: Result<()>) -> Error {
    match throw {
        Ok(()) => Error::new(Status::PendingException, String::new()),
        Err(error) => error,
    }
}
