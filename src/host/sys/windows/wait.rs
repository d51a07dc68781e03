//! Waiting on one descriptor, for a guest that wants to wait on a host that does not.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use super::{File, poll};
use crate::host::{Direction, Wait};

/// How long what is said to be ready, and then is not, is left alone.
const PAUSE: Duration = Duration::from_millis(1);

/// Makes a call, again after each wait where the host would not wait and the guest would.
pub(super) fn retry<T>(
    file: &File,
    direction: Direction,
    wait: Wait<'_>,
    mut call: impl FnMut() -> io::Result<T>,
) -> io::Result<T> {
    let mut waited = false;
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && !wait.nonblock => {
                if waited {
                    sleep(PAUSE);
                }
                waited = true;
                poll::wait(file, direction, wait.interrupt)?;
            }
            result => return result,
        }
    }
}
