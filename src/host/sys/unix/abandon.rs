//! Blocking calls that can be neither avoided nor interrupted.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use rustix::io::Errno;

use crate::host::Interrupt;
use crate::host::interrupt::SLICE;

/// The stack size, in bytes, of a thread that makes one system call.
const STACK_SIZE: usize = 64 << 10;

/// Makes a call in a new thread, and waits for it in slices. If this thread is interrupted, the new one is
/// abandoned, and ends when its call does. (Until then this library stays loaded: the loader counts the
/// thread-local data of the thread.)
///
/// The call cannot use guest memory, as its type shows: that may be freed before it ends.
///
/// # Errors
///
/// Those of the call. `EINTR`: this thread is interrupted. `ENOMEM`: no thread can be made.
pub(super) fn abandonable<T: Send + 'static>(
    interrupt: &Interrupt,
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("wasi-rs".into())
        .stack_size(STACK_SIZE)
        .spawn(move || {
            // Fails if the call was abandoned.
            let _ = sender.send(call());
        })
        .map_err(|_| Errno::NOMEM)?;
    loop {
        match receiver.recv_timeout(SLICE) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) => return Err(Errno::IO.into()),
            Err(RecvTimeoutError::Timeout) => {
                if let Err(stopped) = interrupt.check() {
                    return receiver.try_recv().unwrap_or(Err(stopped));
                }
            }
        }
    }
}
