//! How much CPU time a guest has used.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Guest;
use crate::host::ThreadClock;

/// The CPU time of the thread that a guest runs in, while it does.
#[derive(Debug, Default)]
pub(super) struct CpuTime(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What was used until it was last looked at.
    used: Duration,
    /// The thread, and its time when the guest began; none before, and after.
    running: Option<(ThreadClock, Duration)>,
    stage: Stage,
}

/// Where a guest is on its way through its thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It has not begun.
    #[default]
    Ahead,
    /// It runs.
    Running,
    /// It has ended, or its thread has.
    Over,
}

impl State {
    fn look(&mut self) -> Duration {
        if let Some((clock, start)) = &self.running
            && let Some(now) = clock.time()
        {
            self.used = now.saturating_sub(*start);
        }
        self.used
    }
}

impl CpuTime {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// The guest begins in this thread, which has no other. Where the system keeps no such time, it stays 0.
    pub fn begin_cpu_time(&self) {
        let clock = ThreadClock::of_this_thread().ok();
        let running = clock.and_then(|clock| clock.time().map(|start| (clock, start)));
        let mut state = self.cpu_time.state();
        state.running = running;
        state.stage = Stage::Running;
    }

    /// The guest is over: what its thread does from now on is not the guest's.
    pub fn end_cpu_time(&self) {
        let mut state = self.cpu_time.state();
        state.look();
        state.running = None;
        state.stage = Stage::Over;
    }

    /// Where it is on its way through its thread.
    pub fn stage(&self) -> Stage {
        self.cpu_time.state().stage
    }

    /// The CPU time that its thread has used for it, by now or by its end.
    pub fn cpu_time(&self) -> Duration {
        self.cpu_time.state().look()
    }
}
