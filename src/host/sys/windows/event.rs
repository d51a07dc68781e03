#![allow(unsafe_code, reason = "calls of Windows")]

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::ptr::null;
use std::thread::sleep;
use std::time::Duration;

use smallvec::SmallVec;
use windows_sys::Win32::Foundation::{HANDLE, WAIT_FAILED};
use windows_sys::Win32::System::Threading::{
    CreateEventW, INFINITE, ResetEvent, SetEvent, WaitForMultipleObjects,
};

/// The maximum number of handles in one wait: `MAXIMUM_WAIT_OBJECTS`.
pub(super) const MOST: usize = 64;

/// A manual-reset event, which can be waited for together with pipes of the guest.
#[derive(Debug)]
pub struct Event(OwnedHandle);

impl Event {
    /// An event that is not set.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no attributes and no name; it stays set until it is reset.
        let event = unsafe { CreateEventW(null(), 1, 0, null()) };
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call succeeded, so this is an open handle, of which this is the only owner.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(event) }))
    }

    /// Succeeds: the number of handles is not limited.
    #[allow(clippy::unnecessary_wraps, reason = "elsewhere they are few")]
    pub fn check_room(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    /// `SetEvent`.
    pub fn set(&self) {
        // SAFETY: an event of our own, which is open; the call does not fail on one.
        unsafe { SetEvent(self.0.as_raw_handle()) };
    }

    /// `ResetEvent`.
    pub(super) fn reset(&self) {
        // SAFETY: as for `SetEvent`.
        unsafe { ResetEvent(self.0.as_raw_handle()) };
    }
}

impl AsHandle for Event {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.0.as_handle()
    }
}

/// Waits until one of the first [`MOST`] handles is signalled. Returns the first one that is; `None` if the
/// time is over before.
pub(super) fn wait_for_any(
    handles: &[BorrowedHandle<'_>],
    time: Duration,
) -> io::Result<Option<usize>> {
    if handles.is_empty() {
        sleep(time);
        return Ok(None);
    }
    let raw: SmallVec<[HANDLE; 4]> = (handles.iter().take(MOST))
        .map(AsRawHandle::as_raw_handle)
        .collect();
    // Rounded up: for the rest of a millisecond, the caller would wait again.
    let millis = time.as_nanos().div_ceil(1_000_000);
    let millis = u32::try_from(millis).unwrap_or(INFINITE).min(INFINITE - 1);
    // SAFETY: so many handles, which are borrowed, and so open; the call writes nothing.
    match unsafe { WaitForMultipleObjects(raw.len() as u32, raw.as_ptr(), 0, millis) } {
        WAIT_FAILED => Err(io::Error::last_os_error()),
        found => Ok(Some(found as usize).filter(|index| *index < raw.len())),
    }
}
