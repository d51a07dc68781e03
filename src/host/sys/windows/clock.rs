#![allow(unsafe_code, reason = "calls of Windows")]

use std::time::SystemTime;

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows_sys::Win32::System::SystemInformation::GetSystemTimeAdjustment;
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThread, GetProcessTimes, GetThreadTimes,
};

use crate::abi::{Clockid, Timestamp};

const NANOS: i128 = 1_000_000_000;

/// The unit of a `FILETIME` in nanoseconds.
const FILETIME_UNIT: Timestamp = 100;

/// The time between two ticks of the system, in units of a `FILETIME`, if the system does not tell it.
const TICK: u32 = 156_250;

/// The time of a clock in nanoseconds.
pub fn clock_time(id: Clockid) -> Timestamp {
    match id {
        Clockid::Realtime => realtime(),
        Clockid::Monotonic => monotonic(),
        Clockid::ProcessCputimeId => cpu_time(|[creation, exit, kernel, user]| {
            // SAFETY: the call takes nothing.
            let process = unsafe { GetCurrentProcess() };
            // SAFETY: the call writes the four.
            unsafe { GetProcessTimes(process, creation, exit, kernel, user) };
        }),
        Clockid::ThreadCputimeId => cpu_time(|[creation, exit, kernel, user]| {
            // SAFETY: the call takes nothing.
            let thread = unsafe { GetCurrentThread() };
            // SAFETY: the call writes the four.
            unsafe { GetThreadTimes(thread, creation, exit, kernel, user) };
        }),
    }
}

/// The resolution of a clock in nanoseconds.
pub fn clock_res(id: Clockid) -> Timestamp {
    match id {
        Clockid::Realtime => FILETIME_UNIT,
        Clockid::Monotonic => (NANOS as Timestamp).div_ceil(frequency()),
        // CPU time is measured in ticks.
        Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => {
            Timestamp::from(tick()) * FILETIME_UNIT
        }
    }
}

/// Gives up the rest of the thread's time slice.
pub fn sched_yield() {
    std::thread::yield_now();
}

fn realtime() -> Timestamp {
    (SystemTime::now().duration_since(SystemTime::UNIX_EPOCH))
        .map_or(0, |time| time.as_nanos().min(u64::MAX.into()) as Timestamp)
}

fn monotonic() -> Timestamp {
    let mut counter = 0;
    // SAFETY: the call writes one count; it does not fail.
    unsafe { QueryPerformanceCounter(&mut counter) };
    (i128::from(counter) * NANOS / i128::from(frequency())).clamp(0, u64::MAX.into()) as Timestamp
}

/// Counts in a second.
fn frequency() -> u64 {
    let mut frequency = 0;
    // SAFETY: the call writes one number, fixed while the system runs; it does not fail.
    unsafe { QueryPerformanceFrequency(&mut frequency) };
    frequency.max(1) as u64
}

/// The CPU time that a query returns, in nanoseconds.
pub(super) fn cpu_time(query: impl FnOnce(&mut [FILETIME; 4])) -> Timestamp {
    let mut times = [FILETIME::default(); 4];
    query(&mut times);
    let units = |time: FILETIME| {
        Timestamp::from(time.dwHighDateTime) << 32 | Timestamp::from(time.dwLowDateTime)
    };
    let [_, _, kernel, user] = times;
    (units(kernel) + units(user)) * FILETIME_UNIT
}

fn tick() -> u32 {
    let (mut adjustment, mut increment, mut disabled) = (0, 0, 0);
    // SAFETY: the call writes the three.
    match unsafe { GetSystemTimeAdjustment(&mut adjustment, &mut increment, &mut disabled) } {
        0 => TICK,
        _ => increment,
    }
}
