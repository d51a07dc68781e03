use napi::bindgen_prelude::*;

use crate::abi::Errno;

/// What node:wasi throws when it cannot open what a guest is to be given.
pub fn init_error(env: &Env, errno: Errno) -> Error {
    let code = format!("UVWASI_{}", errno.name());
    let build = || -> Result<Error> {
        let mut error = env.create_error(Error::from_reason(format!("{code}, uvwasi_init")))?;
        // napi-rs puts a code of its own first, and Node's comes second.
        error.delete_named_property("code")?;
        error.set_named_property("errno", u32::from(errno.raw()))?;
        error.set_named_property("code", code.as_str())?;
        error.set_named_property("syscall", "uvwasi_init")?;
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
    let message = "WASI instance is closed";
    match env.throw_error(message, Some("ERR_WASI_CLOSED")) {
        Ok(()) => Error::new(Status::PendingException, message.to_owned()),
        Err(error) => error,
    }
}

/// A `TypeError` with the code of Node's for an argument of the wrong type.
pub fn invalid_arg_type(env: &Env, message: &str) -> Error {
    type_error(env, message, "ERR_INVALID_ARG_TYPE")
}

fn type_error(env: &Env, message: &str, code: &str) -> Error {
    match env.throw_type_error(message, Some(code)) {
        Ok(()) => Error::new(Status::PendingException, message.to_owned()),
        Err(error) => error,
    }
}

/// A `TypeError` with the code of Node's for an argument of the right type that means nothing.
pub fn invalid_arg_value(env: &Env, what: &str, received: &str, known: &[&str]) -> Error {
    let known = known.join(", ");
    let message = format!("Unknown {what} '{received}'. Known are: {known}");
    type_error(env, &message, "ERR_INVALID_ARG_VALUE")
}
