//! Calls that wait in the kernel whatever one does about it.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

use rustix::io::Errno;

use crate::host::Interrupt;
use crate::host::interrupt::SLICE;

/// Room for the frames of one system call.
const STACK_SIZE: usize = 64 << 10;

/// Makes a call in a thread of its own and waits for it in slices. When this thread is interrupted, the
/// other is left behind, and ends when its call does. (Until then its library stays loaded: it has
/// thread-local data, which the loader counts.)
///
/// The call has nothing of the guest's memory, as its type says: that may be gone by its end.
///
/// # Errors
///
/// What the call says. `EINTR`: the thread is interrupted. `ENOMEM`: no thread can be had.
pub(super) fn abandonable<T: Send + 'static>(
    interrupt: &Interrupt,
    call: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("wasi-rs".into())
        .stack_size(STACK_SIZE)
        .spawn(move || {
            // Fails where this has been left behind.
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
