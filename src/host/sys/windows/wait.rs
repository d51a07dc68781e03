//! Waiting on one descriptor: the guest's calls block, the host's do not.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use super::{File, poll};
use crate::host::{Direction, Wait};

/// The pause before a call is repeated on a descriptor that was reported as ready and was not.
const PAUSE: Duration = Duration::from_millis(1);

/// Makes a non-blocking call. Unless `nonblock`, waits and repeats it while it would block.
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
