//! Ending what waits in a thread that is asked to stop.
//!
//! Nobody ends a thread that waits in the kernel, not even one that can be ended wherever it computes,
//! as a worker of Node can. So such a thread says how it finds out that it is asked to stop, and then
//! waits in slices between which it looks. A wait that ends so is `EINTR`. Threads that said nothing
//! wait as long as there is to wait.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Interest, sys};

/// How long a thread that may be asked to stop waits before it looks, and looks again.
const SLICE: Duration = Duration::from_millis(50);

type Asked = Box<dyn Fn() -> bool>;

/// Whether there ever was a thread that may be asked to stop. Where there was none, no call has to look
/// whether its own is one.
static ANY: AtomicBool = AtomicBool::new(false);

thread_local!(static ASKED: RefCell<Option<Asked>> = const { RefCell::new(None) });

/// Says how the calling thread finds out that it is asked to stop; none: it never is.
pub fn stop_when(asked: Option<Asked>) {
    ANY.fetch_or(asked.is_some(), Relaxed);
    ASKED.set(asked);
}

/// Whether the calling thread may be asked to stop.
#[inline]
pub fn may_be_asked() -> bool {
    ANY.load(Relaxed) && this_may_be_asked()
}

#[cold]
fn this_may_be_asked() -> bool {
    ASKED.with_borrow(Option::is_some)
}

/// `ppoll(2)`: waits until one of the interests is ready, the time is up (`None`: never), or anything
/// else ended the wait early, and notes with each interest what was found.
///
/// # Errors
///
/// `EINTR`: the thread is asked to stop.
pub fn poll(interests: &mut [Interest<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let slice = slice(timeout);
    sys::poll(interests, slice)?;
    if slice != timeout && interests.iter().all(|interest| interest.found.is_none()) {
        check()?;
    }
    Ok(())
}

/// How much of this time (`None`: all there is) to wait before the next [`check`].
pub(super) fn slice(timeout: Option<Duration>) -> Option<Duration> {
    if may_be_asked() {
        Some(timeout.map_or(SLICE, |timeout| timeout.min(SLICE)))
    } else {
        timeout
    }
}

/// Goes on waiting, unless the thread is asked to stop.
///
/// # Errors
///
/// `EINTR`: it is.
pub fn check() -> io::Result<()> {
    let asked = ASKED.with_borrow(|asked| asked.as_ref().is_some_and(|asked| asked()));
    if asked {
        return Err(io::ErrorKind::Interrupted.into());
    }
    Ok(())
}

/// Makes a call that will not wait, as what it needs is `ready`.
///
/// Guests in several threads may have one stream. So one at a time looks and calls: what it saw is not
/// taken by another, which would leave it to wait in the kernel.
///
/// # Errors
///
/// [`io::ErrorKind::WouldBlock`]: it is not ready.
pub(super) fn if_ready<T>(
    ready: impl FnOnce() -> io::Result<bool>,
    call: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if ready()? {
        call()
    } else {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
