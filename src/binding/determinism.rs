//! The clocks and the random bytes that an embedder gives a guest in the place of the host's.

use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::js_fs::stream::{JsRandom, JsTime};
use crate::ctx::{GivenClock, Random, SeededRandom, Time, WasiCtx};

/// The clocks of a guest. The shell has seen that they make sense.
#[napi(object, object_to_js = false)]
pub struct WasiClock<'env> {
    /// The time since 1970 at which the realtime clock begins, in nanoseconds.
    pub realtime: Option<BigInt>,
    /// What tells that time.
    pub realtime_by: Option<Unknown<'env>>,
    /// The time at which the monotonic clock begins, in nanoseconds.
    pub monotonic: Option<BigInt>,
    /// What tells that time.
    pub monotonic_by: Option<Unknown<'env>>,
    /// By how many nanoseconds a time that was given moves with each reading.
    pub step: BigInt,
    /// Whether waiting for a time takes none.
    pub skips: bool,
}

/// Where the random bytes of a guest are from.
#[napi(object, object_to_js = false)]
pub struct WasiRandom<'env> {
    /// The 32 bytes of a seed.
    pub seed: Option<Buffer>,
    /// What gives the bytes.
    pub by: Option<Unknown<'env>>,
}

impl WasiClock<'_> {
    fn read(self, env: &Env) -> Result<GivenClock> {
        Ok(GivenClock::new(
            time(env, self.realtime, self.realtime_by)?,
            time(env, self.monotonic, self.monotonic_by)?,
            self.step.get_u64().1,
            self.skips,
        ))
    }
}

fn time(env: &Env, start: Option<BigInt>, by: Option<Unknown<'_>>) -> Result<Time> {
    Ok(match (start, by) {
        (Some(start), _) => Time::From(start.get_u64().1),
        (None, Some(by)) => Time::Other(Arc::new(JsTime::new(env, by)?)),
        (None, None) => Time::Host,
    })
}

impl WasiRandom<'_> {
    fn read(self, env: &Env) -> Result<Arc<dyn Random>> {
        if let Some(by) = self.by {
            return Ok(Arc::new(JsRandom::new(env, by)?));
        }
        let seed = self.seed.and_then(|seed| seed.as_ref().try_into().ok());
        let seed = seed.ok_or_else(|| Error::from_reason("a seed has 32 bytes"))?;
        Ok(Arc::new(SeededRandom::new(seed)))
    }
}

/// Gives a guest clocks and random bytes, where they are not to be the host's.
pub fn give(
    env: &Env,
    ctx: WasiCtx,
    clock: Option<WasiClock<'_>>,
    random: Option<WasiRandom<'_>>,
) -> Result<WasiCtx> {
    let ctx = match clock {
        Some(clock) => ctx.with_clock(Arc::new(clock.read(env)?)),
        None => ctx,
    };
    Ok(match random {
        Some(random) => ctx.with_random(random.read(env)?),
        None => ctx,
    })
}
