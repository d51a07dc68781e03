//! Clocks and random bytes of the embedder.

use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::js_fs::stream::{JsRandom, JsTime};
use crate::ctx::{GivenClock, Random, SeededRandom, Time, WasiCtx};

/// The clocks of a guest. JavaScript has checked them.
#[napi(object, object_to_js = false)]
pub struct WasiClock<'env> {
    /// The start time of the realtime clock, in nanoseconds since 1970.
    pub realtime: Option<BigInt>,
    /// The function that returns the time.
    pub realtime_by: Option<Unknown<'env>>,
    /// The start time of the monotonic clock, in nanoseconds.
    pub monotonic: Option<BigInt>,
    /// The function that returns the time.
    pub monotonic_by: Option<Unknown<'env>>,
    /// How many nanoseconds a clock with a start time advances with each reading.
    pub step: BigInt,
    /// Whether a wait returns at once, and advances the clocks.
    pub skips: bool,
}

/// The source of a guest's random bytes.
#[napi(object, object_to_js = false)]
pub struct WasiRandom<'env> {
    /// A seed of 32 bytes.
    pub seed: Option<Buffer>,
    /// The function that returns random bytes.
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

/// Gives a guest clocks and random bytes of the embedder, if there are any.
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
