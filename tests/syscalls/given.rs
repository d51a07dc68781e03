//! Clocks and random bytes of the embedder.

use std::iter;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wasi_rs::abi::{Clockid, Errno, Event, Eventtype, Timestamp};
use wasi_rs::ctx::{Clock, Random};

use crate::support::{BUF, Guest, OUT};

const HOUR: u64 = 3_600_000_000_000;
const REALTIME: u64 = 0;
const MONOTONIC: u64 = 1;
const THREAD_CPUTIME: u64 = 3;

/// A clock that advances only when the guest waits, and has no CPU time.
#[derive(Debug, Default)]
struct Virtual {
    now: AtomicU64,
    waits: Mutex<Vec<Duration>>,
}

impl Clock for Virtual {
    fn now(&self, id: Clockid) -> Result<Timestamp, Errno> {
        match id {
            Clockid::Realtime => Ok(HOUR + self.now.load(Relaxed)),
            Clockid::Monotonic => Ok(self.now.load(Relaxed)),
            Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => Err(Errno::Notsup),
        }
    }

    fn resolution(&self, id: Clockid) -> Result<Timestamp, Errno> {
        self.now(id).map(|_| 1000)
    }

    fn pass(&self, time: Duration) -> Duration {
        self.waits.lock().unwrap().push(time);
        self.now.fetch_add(time.as_nanos() as u64, Relaxed);
        Duration::ZERO
    }
}

/// Bytes that count up.
#[derive(Debug)]
struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, buf: &mut [u8]) -> Result<(), Errno> {
        for byte in buf {
            *byte = self.0.fetch_add(1, Relaxed);
        }
        Ok(())
    }
}

/// A source that fails.
#[derive(Debug)]
struct Nothing;

impl Random for Nothing {
    fn fill(&self, _: &mut [u8]) -> Result<(), Errno> {
        Err(Errno::Io)
    }
}

fn with_clock() -> (Guest, Arc<Virtual>) {
    let clock = Arc::new(Virtual::default());
    let given = Arc::clone(&clock) as Arc<dyn Clock>;
    (Guest::changed(|ctx| ctx.with_clock(given)), clock)
}

/// Subscriptions to a clock, `(id, timeout, flags)` each.
fn subscribe(guest: &Guest, clocks: &[(u64, u64, u16)]) -> u64 {
    let bytes = (clocks.iter().zip(0_u64..)).flat_map(|((id, timeout, flags), userdata)| {
        let words = [userdata, 0, *id, *timeout, 0, u64::from(*flags)];
        words.map(u64::to_le_bytes).concat()
    });
    guest.store(bytes.collect::<Vec<_>>())[0]
}

#[test]
fn a_clock_returns_what_the_embedder_says() {
    let (guest, clock) = with_clock();
    clock.now.store(7, Relaxed);
    let time = |id| guest.record::<Timestamp>("clock_time_get", &[id, 0]);
    assert_eq!([REALTIME, MONOTONIC].map(time), [HOUR + 7, 7]);
    let resolution: Timestamp = guest.record("clock_res_get", &[MONOTONIC]);
    assert_eq!(resolution, 1000);
    for call in ["clock_res_get", "clock_time_get"] {
        let precision = iter::repeat_n(0, usize::from(call == "clock_time_get"));
        let args: Vec<_> = iter::once(THREAD_CPUTIME)
            .chain(precision)
            .chain([OUT])
            .collect();
        assert_eq!(guest.errno(call, args), Errno::Notsup, "{call}");
    }
}

#[test]
fn a_wait_advances_a_clock_that_only_waits_advance() {
    let (guest, clock) = with_clock();
    let soonest = 2 * HOUR;
    let subscriptions = subscribe(&guest, &[(MONOTONIC, 9 * HOUR, 0), (REALTIME, soonest, 1)]);
    let outcome = guest.call("poll_oneoff", [subscriptions, BUF, 2, OUT]);
    assert_eq!(outcome.result, Ok(()));
    assert_eq!(outcome.u32_at(OUT), 1);
    let event: Event = outcome.record_at(BUF);
    assert_eq!((event.userdata, event.error), (1, Errno::Success));
    assert_eq!(event.r#type, Eventtype::Clock);
    let hour = Duration::from_nanos(HOUR);
    assert_eq!(
        *clock.waits.lock().unwrap(),
        [hour],
        "to the first deadline"
    );
}

#[test]
fn no_clock_advances_for_a_timeout_that_is_due() {
    let (guest, clock) = with_clock();
    let subscriptions = subscribe(&guest, &[(MONOTONIC, HOUR, 0), (REALTIME, HOUR, 1)]);
    let outcome = guest.call("poll_oneoff", [subscriptions, BUF, 2, OUT]);
    assert_eq!(outcome.u32_at(OUT), 1);
    assert!(clock.waits.lock().unwrap().is_empty());
}

#[test]
fn random_bytes_are_those_of_the_source() {
    let guest = Guest::changed(|ctx| ctx.with_random(Arc::new(Counting(AtomicU8::new(1)))));
    for expected in [[1, 2, 3, 4], [5, 6, 7, 8]] {
        let outcome = guest.call("random_get", [BUF, 4]);
        assert_eq!(outcome.bytes_at(BUF, 4), expected);
    }
    let none = Guest::changed(|ctx| ctx.with_random(Arc::new(Nothing)));
    assert_eq!(none.errno("random_get", [BUF, 4]), Errno::Io);
}
