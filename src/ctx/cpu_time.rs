//! The CPU time that a guest has used.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use super::Guest;
use crate::host::ThreadClock;

/// The CPU time of the threads of a guest while they run the guest.
#[derive(Debug, Default)]
pub(super) struct CpuTime(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The time of threads in which the guest has ended.
    used: Duration,
    /// The other threads.
    running: Vec<Running>,
    stage: Stage,
}

/// How far a guest is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// It has not begun.
    #[default]
    Ahead,
    /// It runs.
    Running,
    /// It has ended, or all of its threads have.
    Over,
}

/// A thread that a guest runs in.
#[derive(Debug)]
struct Running {
    thread: ThreadId,
    clock: ThreadClock,
    /// The CPU time of the thread when the guest began in it.
    start: Duration,
    /// The guest's CPU time in it at the last look, as a thread that has ended has no clock any more.
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
    /// Ends the guest in this thread.
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
    /// Begins the guest in this thread, where no other guest runs. If the system does not measure the CPU time
    /// of threads, it stays 0.
    pub fn begin_cpu_time(&self) {
        let mut state = self.cpu_time.state();
        state.end_here();
        state.running.extend(Running::in_this_thread());
        state.stage = Stage::Running;
    }

    /// How far the guest is.
    pub fn stage(&self) -> Stage {
        self.cpu_time.state().stage
    }

    /// Ends the guest in this thread: CPU time that the thread uses from now on does not count.
    pub fn end_cpu_time(&self) {
        let mut state = self.cpu_time.state();
        state.end_here();
        if state.running.is_empty() {
            state.stage = Stage::Over;
        }
    }

    /// The CPU time that the guest has used so far, in all its threads.
    pub fn cpu_time(&self) -> Duration {
        self.cpu_time.state().look()
    }
}
