#![allow(unsafe_code, reason = "calls of Windows")]

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::time::Duration;

use windows_sys::Win32::System::Threading::{
    GetCurrentThreadId, GetThreadTimes, OpenThread, THREAD_QUERY_LIMITED_INFORMATION,
};

use super::clock::cpu_time;

/// The CPU time of one thread, which other threads can read.
#[derive(Debug)]
pub struct ThreadClock(OwnedHandle);

impl ThreadClock {
    /// The clock of this thread.
    ///
    /// # Errors
    ///
    /// Those of `OpenThread`.
    pub fn of_this_thread() -> io::Result<Self> {
        // SAFETY: the call takes nothing.
        let id = unsafe { GetCurrentThreadId() };
        // SAFETY: the call takes numbers.
        let handle = unsafe { OpenThread(THREAD_QUERY_LIMITED_INFORMATION, 0, id) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a handle that was just opened, and that nobody else has.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// `GetThreadTimes`, measured in ticks of the system.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere the thread may be gone")]
    pub fn time(&self) -> Option<Duration> {
        let handle = self.0.as_raw_handle();
        let nanos = cpu_time(|[creation, exit, kernel, user]| {
            // SAFETY: a handle of a thread, which is open; the call writes the four.
            unsafe { GetThreadTimes(handle, creation, exit, kernel, user) };
        });
        Some(Duration::from_nanos(nanos))
    }
}
