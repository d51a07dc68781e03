//! Interruption: a wait that ends with `EINTR` because its thread is to end.
//!
//! A blocking system call cannot be cancelled from outside, not even in a thread that can be ended wherever
//! it computes, as a worker of Node can. So such a thread has a check ([`set_check`]), and polls it between
//! slices of 50 ms in which it waits. Threads without a check, as the main thread, make the plain calls.
//!
//! The rule for all that a thread can wait for, a lock included: a slice at a time, with `check`
//! between. And for every loop whose number of rounds a guest decides on: a `check` in each.

use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::Duration;

use super::{Direction, PollEntry, sys};
use crate::memory::Iovecs;

/// How long an interruptible thread waits between two checks.
pub(super) const SLICE: Duration = Duration::from_millis(50);

/// The most that is waited for a point in time before the clock is asked again how far it is. The host
/// counts down what it is given, whatever becomes of the clock: the time in which a process is stopped or
/// the machine asleep is added to a wait, and a clock that is set changes none.
const CLOCK_SLICE: Duration = Duration::from_millis(100);

/// The most bytes that one system call reads from a file, or writes to it, in an interruptible thread: some
/// hundredths of a second.
const PIECE: usize = 64 << 20;

/// Whether the thread is to end.
type Check = Box<dyn Fn() -> bool>;

/// Whether there ever was an interruptible thread. Where there was none, no call has to look
/// whether its own is one.
static ANY: AtomicBool = AtomicBool::new(false);

thread_local!(static CHECK: RefCell<Option<Check>> = const { RefCell::new(None) });

/// Makes the calling thread interruptible: from now on it is interrupted when `check` gives true. Without
/// one it never is.
pub fn set_check(check: Option<Check>) {
    ANY.fetch_or(check.is_some(), Relaxed);
    CHECK.set(check);
}

/// Whether the calling thread may be interrupted.
#[inline]
pub fn is_interruptible() -> bool {
    ANY.load(Relaxed) && has_check()
}

#[cold]
fn has_check() -> bool {
    CHECK.with_borrow(Option::is_some)
}

/// Goes on waiting or working, unless the calling thread is interrupted.
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
    if CHECK.with_borrow(|check| check.as_ref().is_some_and(|check| check())) {
        return Err(io::ErrorKind::Interrupted.into());
    }
    Ok(())
}

/// `ppoll(2)`: waits until one of the entries is ready, the time is up (`None`: never), or anything
/// else ended the wait early, and notes with each entry what was found.
///
/// A wait for a time ends early for certain, if that is far: see `CLOCK_SLICE`.
///
/// # Errors
///
/// `EINTR`: the thread is interrupted.
pub fn poll(entries: &mut [PollEntry<'_>], timeout: Option<Duration>) -> io::Result<()> {
    let timeout = timeout.map(|timeout| timeout.min(CLOCK_SLICE));
    sys::poll(entries, slice(timeout))?;
    if entries.iter().all(|entry| entry.revents.is_none()) {
        check()?;
    }
    Ok(())
}

/// How much of this time (`None`: all there is) to wait before the next [`check`].
pub(super) fn slice(timeout: Option<Duration>) -> Option<Duration> {
    if is_interruptible() {
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
            Err(TryLockError::WouldBlock) if is_interruptible() => pause.pass()?,
            Err(TryLockError::WouldBlock) => {
                return Ok(mutex.lock().unwrap_or_else(PoisonError::into_inner));
            }
        }
    }
}

/// A file, by the numbers that tell it from others, and a direction of it.
pub(super) type FileDirection = ([u64; 3], Direction);

static HELD: Mutex<Vec<FileDirection>> = Mutex::new(Vec::new());
static FREE: Condvar = Condvar::new();

/// A lock that is held from `poll(2)` on a file to the call that takes what it saw.
///
/// Guests in several threads may have one stream. What one saw must not be taken by another, which would
/// leave it to wait in the kernel. There is one lock for each file and direction, however many descriptors
/// there are for it.
#[derive(Debug)]
pub(super) struct PollLock(FileDirection);

impl PollLock {
    /// Waits for the lock.
    ///
    /// # Errors
    ///
    /// As [`check`].
    pub fn lock(file: FileDirection) -> io::Result<Self> {
        let held = || HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = held();
        while all.contains(&file) {
            drop(FREE.wait_timeout(all, SLICE));
            // What is checked may take locks of its own.
            check()?;
            all = held();
        }
        all.push(file);
        Ok(Self(file))
    }
}

impl Drop for PollLock {
    fn drop(&mut self) {
        let mut all = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|file| *file != self.0);
        FREE.notify_all();
    }
}

/// Reads from a file, or writes to it, by as many calls as it takes for none of them to be long. One that
/// moves less than it was given is the last.
///
/// # Errors
///
/// Those of the first call. When it is a later one that fails, or the thread is interrupted after the
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

    const FILE: FileDirection = ([1, 2, 3], Direction::Read);
    const OTHERS: [FileDirection; 2] =
        [([1, 2, 3], Direction::Write), ([1, 2, 4], Direction::Read)];

    /// Calls in a thread that is interrupted.
    fn interrupted<T: Send>(call: impl FnOnce() -> T + Send) -> T {
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                set_check(Some(Box::new(|| true)));
                call()
            });
            thread.join().unwrap()
        })
    }

    #[test]
    fn a_poll_lock_that_another_thread_has_is_waited_for_in_slices() {
        let lock = PollLock::lock(FILE).unwrap();
        for other in OTHERS {
            interrupted(|| assert!(PollLock::lock(other).is_ok(), "{other:?}"));
        }
        let error = interrupted(|| PollLock::lock(FILE).unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        drop(lock);
        assert!(PollLock::lock(FILE).is_ok());
    }

    #[test]
    fn a_lock_that_another_thread_has_is_waited_for_in_slices() {
        let mutex = Mutex::new(0);
        let guard = mutex.lock().unwrap();
        let error = interrupted(|| lock(&mutex).map(drop).unwrap_err());
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        drop(guard);
        assert!(interrupted(|| lock(&mutex).is_ok()));
    }

    #[test]
    fn a_lock_is_had_when_it_is_free() {
        static MUTEX: Mutex<u32> = Mutex::new(0);
        let guard = MUTEX.lock().unwrap();
        let (looked, looks) = mpsc::channel();
        let waits = thread::spawn(move || {
            set_check(Some(Box::new(move || {
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
            let iovs = memory.iovecs(GuestPtr::new(0), BUFS as u32, BUFS).unwrap();
            let total = in_pieces(iovs, |piece| {
                pieces.push(piece.len());
                Ok::<_, ()>(piece.len().min(most))
            });
            (total.unwrap(), pieces)
        };
        let all = vec![PIECE, PIECE, BUFS * LEN - 2 * PIECE];
        assert_eq!(transfer(PIECE), (BUFS * LEN, all));
        assert_eq!(transfer(10), (10, vec![PIECE]), "the end");
        assert_eq!(interrupted(|| transfer(PIECE)), (PIECE, vec![PIECE]));
    }
}
