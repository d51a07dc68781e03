#![allow(unsafe_code, reason = "rustix has no clock of another thread")]

use std::io;
#[cfg(target_vendor = "apple")]
use std::mem;
use std::time::Duration;

/// The CPU time of one thread, which other threads can read.
#[cfg(not(target_vendor = "apple"))]
#[derive(Debug)]
pub struct ThreadClock(libc::clockid_t);

#[cfg(not(target_vendor = "apple"))]
impl ThreadClock {
    /// `pthread_getcpuclockid(3)` of this thread.
    ///
    /// # Errors
    ///
    /// `ENOENT`: the system does not measure it.
    pub fn of_this_thread() -> io::Result<Self> {
        let mut id = 0;
        // SAFETY: this thread is alive, and the call writes one number.
        match unsafe { libc::pthread_getcpuclockid(libc::pthread_self(), &mut id) } {
            0 => Ok(Self(id)),
            errno => Err(io::Error::from_raw_os_error(errno)),
        }
    }

    /// `clock_gettime(2)`; `None` once the thread has ended.
    pub fn time(&self) -> Option<Duration> {
        let mut time = libc::timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // SAFETY: the call writes one `timespec`; an id of no thread is refused.
        if unsafe { libc::clock_gettime(self.0, &mut time) } != 0 {
            return None;
        }
        let (seconds, nanos) = (time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?);
        Some(Duration::new(seconds, nanos))
    }
}

/// The CPU time of one thread, which other threads can read.
#[cfg(target_vendor = "apple")]
#[derive(Debug)]
pub struct ThreadClock(libc::mach_port_t);

#[cfg(target_vendor = "apple")]
impl ThreadClock {
    /// The clock of this thread.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
    pub fn of_this_thread() -> io::Result<Self> {
        // SAFETY: this thread is alive; its port is the system's, and is not given away.
        Ok(Self(unsafe {
            libc::pthread_mach_thread_np(libc::pthread_self())
        }))
    }

    /// `thread_info` of Mach; `None` once the thread has ended.
    pub fn time(&self) -> Option<Duration> {
        // SAFETY: numbers, for which zero is a value.
        let mut info: libc::thread_basic_info = unsafe { mem::zeroed() };
        let mut count = libc::THREAD_BASIC_INFO_COUNT;
        let flavor = libc::THREAD_BASIC_INFO as libc::thread_flavor_t;
        // SAFETY: the call writes no more words than `count`, which is how many there are. A port of no thread
        // is refused.
        let result =
            unsafe { libc::thread_info(self.0, flavor, (&raw mut info).cast(), &mut count) };
        if result != libc::KERN_SUCCESS {
            return None;
        }
        let part = |time: libc::time_value_t| {
            let seconds = u64::try_from(time.seconds).ok()?;
            let micros = u64::try_from(time.microseconds).ok()?;
            Some(Duration::from_secs(seconds) + Duration::from_micros(micros))
        };
        Some(part(info.user_time)? + part(info.system_time)?)
    }
}
