//! Ending what waits in a thread that is asked to stop.
//!
//! No thread is ended while it waits in the kernel, not even one that can be ended wherever it computes,
//! as a worker of Node can. So such a thread says how it finds out that it is asked to stop, and then
//! waits in slices between which it looks. A wait that ends so is `EINTR`. Threads that said nothing
//! wait as long as there is to wait.
//!
//! The rule for all that a thread can wait for, a lock included: a slice at a time, with `check`
//! between. And for every loop whose turns a guest decides on: a `check` in each.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::Duration;

use super::{Direction, Interest, sys};
use crate::memory::Iovecs;

/// How long a thread that may be asked to stop waits before it looks, and looks again.
pub(super) const SLICE: Duration = Duration::from_millis(50);

/// The most that is waited for a point in time before the clock is asked again how far it is. The host
/// counts down what it is given, whatever becomes of the clock: the time in which a process is stopped or
/// the machine asleep is added to a wait, and a clock that is set changes none.
const CLOCK_SLICE: Duration = Duration::from_millis(100);

/// The most bytes that one system call reads from a file, or writes to it, in a thread that may be asked
/// to stop: some hundredths of a second.
const PIECE: usize = 64 << 20;

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

/// Goes on waiting or working, unless the thread is asked to stop.
///
/// # Errors
///
/// `EINTR`: it is.
#[inline]
pub(crate) fn check() -> io::Result<()> {
    if ANY.load(Relaxed) { ask() } else { Ok(()) }
}

#[cold]
fn ask() -> io::Result<()> {
    let asked = ASKED.with_borrow(|asked| asked.as_ref().is_some_and(|asked| asked()));
    if asked {
        return Err(io::ErrorKind::Interrupted.into());
    }
    Ok(())
}

/// `ppoll(2)`: waits until one of the interests is ready, the time is up (`None`: never), or anything
/// else ended the wait early, and notes with each interest what was found.
///
/// A wait for a time ends early for certain, if that is far: see `CLOCK_SLICE`.
///
/// # Errors
///
/// `EINTR`: the thread is asked to stop.
pub fn poll(interests: &mut [Interest<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|timeout| timeout.min(CLOCK_SLICE));
    sys::poll(interests, slice(timeout))?;
    if interests.iter().all(|interest| interest.found.is_none()) {
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

/// The time between two looks at what cannot be waited for: none at first, then more and more, up to a
/// slice.
#[derive(Debug, Default)]
pub(super) struct Pause(Duration);

impl Pause {
    const FIRST: Duration = Duration::from_micros(100);

    /// How long it is.
    pub fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = SLICE.min(pause * 2).max(Self::FIRST);
        pause
    }

    /// Lets it pass.
    ///
    /// # Errors
    ///
    /// As [`check`].
    pub fn pass(&mut self) -> io::Result<()> {
        sleep(self.next());
        check()
    }
}

/// Locks what another thread may hold in a system call that waits.
///
/// # Errors
///
/// As [`check`].
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> io::Result<MutexGuard<'_, T>> {
    let mut pause = Pause::default();
    loop {
        match mutex.try_lock() {
            Ok(guard) => return Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) if may_be_asked() => pause.pass()?,
            Err(TryLockError::WouldBlock) => {
                return Ok(mutex.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }
    }
}

/// A file, by the numbers that tell it from others, and a direction of it.
pub(super) type Way = ([u64; 3], Direction);

static TAKEN: Mutex<Vec<Way>> = Mutex::new(Vec::new());
static FREE: Condvar = Condvar::new();

/// The right to look at a file and then make a call that takes what was seen there.
///
/// Guests in several threads may have one stream. What one saw must not be taken by another, which would
/// leave it to wait in the kernel. The file has one turn for each direction, however many descriptors
/// there are for it; other files have turns of their own.
#[derive(Debug)]
pub(super) struct Turn(Way);

impl Turn {
    /// Waits for the turn.
    ///
    /// # Errors
    ///
    /// As [`check`].
    pub fn take(way: Way) -> io::Result<Self> {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        while taken.contains(&way) {
            (taken, _) = (FREE.wait_timeout(taken, SLICE)).unwrap_or_else(PoisonError::into_inner);
            check()?;
        }
        taken.push(way);
        Ok(Self(way))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        taken.retain(|way| *way != self.0);
        FREE.notify_all();
    }
}

/// Reads from a file, or writes to it, by as many calls as it takes for none of them to be long. One that
/// moves less than it was given is the last.
///
/// # Errors
///
/// Those of the first call. When it is a later one that fails, or the thread is asked to stop after the
/// first, what has been done is told.
pub fn in_pieces<E>(
    mut iovs: Iovecs<'_>,
    mut call: impl FnMut(&Iovecs<'_>) -> Result<usize, E>,
) -> Result<usize, E> {
    let mut total = 0;
    loop {
        let mut piece = iovs.clone();
        piece.truncate(PIECE);
        let count = match call(&piece) {
            Ok(count) => count,
            Err(_) if total > 0 => return Ok(total),
            Err(error) => return Err(error),
        };
        total += count;
        iovs.advance(count);
        if count < piece.len() || iovs.is_empty() || check().is_err() {
            return Ok(total);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::memory::{GuestPtr, LinearMemory};

    const WAY: Way = ([1, 2, 3], Direction::Read);
    const OTHERS: [Way; 2] = [([1, 2, 3], Direction::Write), ([1, 2, 4], Direction::Read)];

    /// Calls in a thread that is asked to stop.
    fn stopped<T: Send>(call: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                stop_when(Some(Box::new(|| true)));
                call()
            });
            thread.join().unwrap()
        })
    }

    #[test]
    fn a_turn_that_another_thread_has_is_waited_for_in_slices() {
        let turn = Turn::take(WAY).unwrap();
        for other in OTHERS {
            stopped(|| assert!(Turn::take(other).is_ok(), "{other:?}"));
        }
        let error = stopped(|| Turn::take(WAY).unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        drop(turn);
        assert!(Turn::take(WAY).is_ok());
    }

    #[test]
    fn a_lock_that_another_thread_has_is_waited_for_in_slices() {
        let mutex = Mutex::new(0);
        let guard = mutex.lock().unwrap();
        let error = stopped(|| lock(&mutex).map(drop).unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        drop(guard);
        assert!(stopped(|| lock(&mutex).is_ok()));
    }

    #[test]
    fn a_lock_is_had_when_it_is_free() {
        static MUTEX: Mutex<u32> = Mutex::new(0);
        let guard = MUTEX.lock().unwrap();
        let (looked, looks) = mpsc::channel();
        let waits = thread::spawn(move || {
            stop_when(Some(Box::new(move || {
                let _ = looked.send(());
                false
            })));
            *lock(&MUTEX).unwrap() += 1;
        });
        looks.recv().unwrap();
        drop(guard);
        waits.join().unwrap();
        assert_eq!(*MUTEX.lock().unwrap(), 1);
    }

    #[test]
    fn a_long_transfer_takes_several_calls_and_ends_between_them() {
        const LEN: usize = 1 << 20;
        const BUFS: usize = 160;
        let list = [0_u32.to_le(), (LEN as u32).to_le()].map(AtomicU32::new);
        let mut words: Vec<_> = (0..LEN / 4).map(|_| AtomicU32::new(0)).collect();
        for (word, value) in words.iter_mut().zip(list.iter().cycle()).take(2 * BUFS) {
            *word = AtomicU32::new(value.load(Relaxed));
        }
        let transfer = |most: usize| {
            let mut pieces = Vec::new();
            let linear = LinearMemory::new(&words);
            let memory = linear.guest();
            let iovs = memory
                .iovecs(GuestPtr::new(0), BUFS as u32, BUFS)
                .unwrap()
                .unwrap();
            let total = in_pieces(iovs, |piece| {
                pieces.push(piece.len());
                Ok::<_, ()>(piece.len().min(most))
            });
            (total.unwrap(), pieces)
        };
        let all = vec![PIECE, PIECE, BUFS * LEN - 2 * PIECE];
        assert_eq!(transfer(PIECE), (BUFS * LEN, all));
        assert_eq!(transfer(10), (10, vec![PIECE]), "the end");
        assert_eq!(stopped(|| transfer(PIECE)), (PIECE, vec![PIECE]));
    }
}
