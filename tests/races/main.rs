//! Races: what guests do while the directories under them, their descriptors and their memory change.
//!
//! Each test lets hostile threads run for a while, and asserts what must never happen. `RACES_SECONDS` sets how
//! long; a line for each test says how many attempts there were. `portable` runs all of them again without
//! `openat2`.

#![cfg(unix)]

mod arena;
mod guest;
mod guests;
mod memory;
#[cfg(target_os = "linux")]
mod portable;
mod swaps;
mod table;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How much longer a race may run until both sides have done something, on a busy machine.
const HANGS: Duration = Duration::from_secs(600);

/// How long each race runs.
fn length() -> Duration {
    let seconds = std::env::var("RACES_SECONDS").ok();
    Duration::from_secs_f64(seconds.map_or(0.4, |seconds| seconds.parse().unwrap()))
}

/// A race: when it ends, and how many attempts there were.
struct Race {
    end: Instant,
    over: AtomicBool,
    swaps: AtomicU64,
    calls: AtomicU64,
    succeeded: AtomicU64,
}

impl Race {
    fn new() -> Self {
        Self {
            end: Instant::now() + length(),
            over: AtomicBool::new(false),
            swaps: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            succeeded: AtomicU64::new(0),
        }
    }

    /// Runs `hostile` over and over beside `guest`, until the race is over. Prints the counts.
    fn run(name: &str, hostile: impl Fn() + Sync, guest: impl FnOnce(&Race)) {
        let race = Self::new();
        std::thread::scope(|scope| {
            // So that the other thread ends if the guest panics.
            let _over = Over(&race);
            scope.spawn(|| {
                let _over = Over(&race);
                while race.goes_on() {
                    hostile();
                    race.swaps.fetch_add(1, Relaxed);
                }
            });
            guest(&race);
        });
        race.tell(name);
    }

    /// Whether the race goes on: for its time, and until both sides have done something.
    fn goes_on(&self) -> bool {
        let now = Instant::now();
        let [swaps, calls, succeeded] = self.counts();
        let was_one = swaps > 0 && succeeded > 0 && succeeded < calls;
        let more = now < self.end || (!was_one && now < self.end + HANGS);
        more && !self.over.load(Relaxed)
    }

    fn counts(&self) -> [u64; 3] {
        [&self.swaps, &self.calls, &self.succeeded].map(|count| count.load(Relaxed))
    }

    /// Prints the counts, and asserts that both sides have done something.
    fn tell(&self, name: &str) {
        let [swaps, calls, succeeded] = self.counts();
        println!("race {name}: swaps={swaps} calls={calls} succeeded={succeeded}");
        assert!(swaps > 0 && calls > 0, "{name} was no race");
        assert!(succeeded > 0, "{name}: no call ever succeeded");
        assert!(
            succeeded < calls,
            "{name}: no call was ever in time to fail"
        );
    }
}

/// Ends a race when it goes out of scope.
struct Over<'r>(&'r Race);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.over.store(true, Relaxed);
    }
}
