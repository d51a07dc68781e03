use std::io;

use windows_sys::Win32::Foundation::ERROR_NOT_SUPPORTED;

use super::File;
use super::errno::error;
use crate::host::Direction;

/// The end of a pipe that is not the guest's: there is none.
#[derive(Debug)]
pub enum OtherEnd {}

impl OtherEnd {
    /// Its number, which the caller closes.
    pub fn into_fd(self) -> i32 {
        match self {}
    }
}

/// A pipe for a guest. Its other end would need a number of the C runtime, which only Node's own code can
/// give out.
///
/// # Errors
///
/// `ERROR_NOT_SUPPORTED`, always.
pub fn pipe(_: Direction) -> io::Result<(File, OtherEnd)> {
    Err(error(ERROR_NOT_SUPPORTED))
}
