use rustix::time::{ClockId, Timespec, clock_getres, clock_gettime};

use crate::abi::{Clockid, Timestamp};

fn host_clock(id: Clockid) -> ClockId {
    match id {
        Clockid::Realtime => ClockId::Realtime,
        Clockid::Monotonic => ClockId::Monotonic,
        Clockid::ProcessCputimeId => ClockId::ProcessCPUTime,
        Clockid::ThreadCputimeId => ClockId::ThreadCPUTime,
    }
}

/// A `struct timespec` in nanoseconds: 0 if it is negative, [`u64::MAX`] if it is too large.
fn nanos(time: Timespec) -> Timestamp {
    (i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)).clamp(0, u64::MAX.into())
        as u64
}

/// `clock_gettime(2)` in nanoseconds, since 1970 or the clock's epoch.
pub fn clock_time(id: Clockid) -> Timestamp {
    nanos(clock_gettime(host_clock(id)))
}

/// `clock_getres(2)`: the resolution of the clock in nanoseconds.
pub fn clock_res(id: Clockid) -> Timestamp {
    nanos(clock_getres(host_clock(id)))
}

/// `sched_yield(2)`.
pub fn sched_yield() {
    rustix::thread::sched_yield();
}
