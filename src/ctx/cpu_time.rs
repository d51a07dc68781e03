//! How much CPU time a guest has used.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::Guest;
use crate::host::ThreadClock;

/// The CPU time of the threads that a guest runs in, while it does.
#[derive(Debug, Default)]
pub(super) struct CpuTime(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// What was used in threads in which the guest is over.
    used: Duration,
    /// The others.
    running: Vec<Running>,
    stage: Stage,
}

/// Where a guest is on its way through its threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It has not begun.
    #[default]
    Ahead,
    /// It runs.
    Running,
    /// It has ended, or its threads have.
    Over,
}

/// A thread that a guest runs in.
#[derive(Debug)]
struct Running {
    thread: ThreadId,
    clock: ThreadClock,
    /// The thread's time when the guest began there.
    start: Duration,
    /// What the guest had used when it was last looked at. A thread that has ended has no time any more.
    used: Duration,
}

impl Running {
    fn in_this_thread() -> Option<Self> {
        let clock = ThreadClock::of_this_thread().ok()?;
        let start = clock.time()?;
        Some(Self {
            thread: thread::current().id(),
            clock,
            start,
            used: Duration::ZERO,
        })
    }

    fn look(&mut self) -> Duration {
        if let Some(now) = self.clock.time() {
            self.used = now.saturating_sub(self.start);
        }
        self.used
    }
}

impl State {
    /// The guest is over in this thread.
    fn end_here(&mut self) {
        let here = thread::current().id();
        let ended = self.running.extract_if(.., |each| each.thread == here);
        self.used += ended.map(|mut each| each.look()).sum::<Duration>();
    }

    fn look(&mut self) -> Duration {
        let running = self.running.iter_mut().map(Running::look);
        self.used + running.sum::<Duration>()
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
        let mut state = self.cpu_time.state();
        state.end_here();
        state.running.extend(Running::in_this_thread());
        state.stage = Stage::Running;
    }

    /// Where it is on its way through its threads.
    pub fn stage(&self) -> Stage {
        self.cpu_time.state().stage
    }

    /// The guest is over in this thread: what that does from now on is not the guest's.
    pub fn end_cpu_time(&self) {
        let mut state = self.cpu_time.state();
        state.end_here();
        if state.running.is_empty() {
            state.stage = Stage::Over;
        }
    }

    /// The CPU time that its threads have used for it, by now or by its end.
    pub fn cpu_time(&self) -> Duration {
        self.cpu_time.state().look()
    }
}
