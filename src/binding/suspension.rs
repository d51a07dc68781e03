//! Suspended calls, for JavaScript.

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::exports::instance;
use crate::abi::Clockid;
use crate::host;

/// What a suspended call waits for.
#[napi(object, object_from_js = false)]
pub struct Awaited {
    /// Its start time, which must be passed when it is made again: nanoseconds of the monotonic clock.
    pub begun: f64,
    /// The time since it began, in milliseconds.
    pub elapsed: f64,
    /// The time until its timeout, in milliseconds; `None` if it has none.
    pub time_left: Option<f64>,
    /// Whether it waits for a descriptor of the host. Nobody reports that one is ready, so it must be polled.
    pub has_host: bool,
}

/// What the last suspended call of a guest waits for.
///
/// # Errors
///
/// No call was suspended.
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

/// Nanoseconds in a millisecond.
const NANOSECONDS: f64 = 1e6;
