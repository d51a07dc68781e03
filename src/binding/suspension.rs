//! Calls of a guest that was suspended where they would wait.

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::exports::instance;
use crate::abi::Clockid;
use crate::host;

/// What a call that was suspended waits for.
#[napi(object, object_from_js = false)]
pub struct Awaited {
    /// When it began, which is to be passed when it is made again: nanoseconds of the monotonic clock.
    pub begun: f64,
    /// For how many milliseconds it has been made again and again.
    pub elapsed: f64,
    /// How many milliseconds it has yet to wait at most; none if that may be for ever.
    pub time_left: Option<f64>,
    /// Whether a descriptor of the host is among what it waits for, of which nobody tells that it is ready.
    pub has_host: bool,
}

/// What the last call of a guest that was suspended waits for.
///
/// # Errors
///
/// There was none.
#[napi]
pub fn awaited(env: &Env, number: u32) -> Result<Awaited> {
    let instance = instance(env, number)?;
    let suspended = || instance.suspending.get()?.interrupt().suspension();
    let suspension = suspended().ok_or_else(|| Error::from_reason("no call was suspended"))?;
    let begun = suspension.begun();
    let elapsed = host::clock_time(Clockid::Monotonic).saturating_sub(begun);
    let awaited = suspension.awaited();
    Ok(Awaited {
        begun: begun as f64,
        elapsed: elapsed as f64 / NANOSECONDS,
        time_left: (awaited.time_left).map(|time| time.as_secs_f64() * 1000.0),
        has_host: awaited.has_host,
    })
}

/// In a millisecond.
const NANOSECONDS: f64 = 1e6;
