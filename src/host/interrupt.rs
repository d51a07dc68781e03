//! Interruption: a blocking call returns with `EINTR` because its guest, or its thread, is being ended.
//!
//! A blocking system call cannot be cancelled from outside, not even in a worker of Node, which can be
//! terminated anywhere while it computes. So a call that may block gets an [`Interrupt`]. It waits in slices of
//! 50 ms and checks the interrupt between them; if it waits by `poll(2)`, a [`StopEvent`] ends that at once. With
//! [`Interrupt::NEVER`], as in the main thread, it makes plain system calls.
//!
//! The rule for everything that a thread can wait for, locks included: one slice at a time, with a
//! [`check`](Interrupt::check) between. And for every loop whose number of rounds a guest chooses: a `check` in
//! each.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::sleep;
use std::time::Duration;

use super::sys::{self, Event};
use super::{Direction, PollEntry, StopEvent, Suspension};
use crate::abi::Errno;
use crate::memory::Iovecs;

/// How long an interruptible thread waits between two checks.
pub(super) const SLICE: Duration = Duration::from_millis(50);

/// The longest wait for a point in time before the clock is read again. The host counts down the time that it
/// is given, whatever happens to the clock: the time in which a process is stopped or the machine asleep is
/// added to a wait, and setting the clock does not change it.
const CLOCK_SLICE: Duration = Duration::from_millis(100);

/// The maximum number of bytes that one system call reads from a file or writes to it in an interruptible
/// thread. It takes some hundredths of a second.
const PIECE: usize = 64 << 20;

/// Returns true if the call is to be interrupted.
type Check = Arc<dyn Fn() -> bool + Send + Sync>;

/// What interrupts the calls of a guest. Several threads may share one.
#[derive(Clone, Default)]
pub struct Interrupt {
    check: Option<Check>,
    event: Option<Arc<StopEvent>>,
    suspension: Option<Arc<Suspension>>,
}

impl fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interrupt")
            .field("has_check", &self.check.is_some())
            .field("event", &self.event)
            .field("suspension", &self.suspension)
            .finish()
    }
}

impl Interrupt {
    /// Never interrupts.
    pub const NEVER: Self = Self {
        check: None,
        event: None,
        suspension: None,
    };

    /// Interrupts a call when `check` returns true in its thread. It is called often, and must not block.
    pub fn when(check: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self {
            check: Some(Arc::new(check)),
            ..Self::NEVER
        }
    }

    /// The same, and interrupts a call when the event is set.
    #[must_use]
    pub fn or_event(self, event: Arc<StopEvent>) -> Self {
        Self {
            event: Some(event),
            ..self
        }
    }

    /// The same, for a thread that must not block: a call that would block returns `EINTR` instead, and
    /// `suspension` records what it waits for.
    #[must_use]
    pub fn suspending(self, suspension: Arc<Suspension>) -> Self {
        Self {
            suspension: Some(suspension),
            ..self
        }
    }

    /// The wait of the present call, if this thread must not block.
    pub fn suspension(&self) -> Option<&Suspension> {
        self.suspension.as_deref()
    }

    /// The error of a call that waits for something that only the embedder can do in this thread: `EINTR` if
    /// the call will be made again, otherwise `EDEADLK`.
    pub fn wait_for_embedder(&self) -> io::Error {
        match self.suspension() {
            Some(suspension) => suspension.suspend(None, false),
            None => io::Error::other(Errno::Deadlk),
        }
    }

    /// The event that waits have to poll as well.
    pub(super) fn event(&self) -> Option<Arc<Event>> {
        self.event.as_ref()?.event()
    }

    /// Whether calls can be interrupted.
    #[inline]
    pub fn is_possible(&self) -> bool {
        self.check.is_some()
            || self.suspension.is_some()
            || self.event.as_ref().is_some_and(|event| event.is_open())
    }

    /// A call that blocks until it is interrupted.
    pub fn waiting(&self) -> Wait<'_> {
        Wait {
            nonblock: false,
            interrupt: self,
        }
    }

    /// Checks that the call is not interrupted.
    ///
    /// # Errors
    ///
    /// `EINTR`: it is.
    #[inline]
    pub(crate) fn check(&self) -> io::Result<()> {
        if self.is_possible() {
            self.ask()
        } else {
            Ok(())
        }
    }

    #[cold]
    fn ask(&self) -> io::Result<()> {
        let is_set = (self.event.as_ref()).is_some_and(|event| event.is_set());
        if is_set || self.check.as_ref().is_some_and(|check| check()) {
            return Err(io::ErrorKind::Interrupted.into());
        }
        Ok(())
    }

    /// `ppoll(2)`: waits until one of the entries is ready, the timeout is over (`None`: never), or the wait
    /// ends early for another reason. Sets `revents` of each entry that is ready.
    ///
    /// A long wait always ends early: see `CLOCK_SLICE`.
    ///
    /// # Errors
    ///
    /// `EINTR`: the call is interrupted.
    pub fn poll(&self, entries: &mut [PollEntry<'_>], timeout: Option<Duration>) -> io::Result<()> {
        if let Some(suspension) = self.suspension() {
            return suspension.poll(entries, timeout);
        }
        let timeout = timeout.map(|timeout| timeout.min(CLOCK_SLICE));
        sys::poll(entries, self.slice(timeout), self.event().as_deref())?;
        if entries.iter().all(|entry| entry.revents.is_none()) {
            self.check()?;
        }
        Ok(())
    }

    /// How much of a timeout (`None`: unlimited) to wait before the next [`check`](Self::check).
    pub(super) fn slice(&self, timeout: Option<Duration>) -> Option<Duration> {
        if self.is_possible() {
            Some(timeout.map_or(SLICE, |timeout| timeout.min(SLICE)))
        } else {
            timeout
        }
    }

    /// Locks a mutex that another thread may hold during a blocking system call.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    #[inline]
    pub(crate) fn lock<'m, T>(&self, mutex: &'m Mutex<T>) -> io::Result<MutexGuard<'m, T>> {
        match mutex.try_lock() {
            Ok(guard) => Ok(guard),
            Err(TryLockError::Poisoned(poisoned)) => Ok(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => self.wait_for(mutex),
        }
    }

    #[cold]
    fn wait_for<'m, T>(&self, mutex: &'m Mutex<T>) -> io::Result<MutexGuard<'m, T>> {
        if !self.is_possible() {
            return Ok(mutex.lock().unwrap_or_else(PoisonError::into_inner));
        }
        let mut pause = Pause::default();
        loop {
            match mutex.try_lock() {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Ok(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => pause.pass(self)?,
            }
        }
    }

    /// Reads from a file or writes to it by several calls, none of which takes long. Ends after a call that
    /// transfers less than it was given.
    ///
    /// # Errors
    ///
    /// Those of the first call. After that, an error or an interruption ends it, and the number of bytes so far
    /// is returned.
    pub fn in_pieces<E>(
        &self,
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
            if count < piece.len() || iovs.is_empty() || self.check().is_err() {
                return Ok(total);
            }
        }
    }
}

/// How a call that may block waits.
#[derive(Clone, Copy, Debug)]
pub struct Wait<'i> {
    /// Whether it fails with `EAGAIN` instead of waiting.
    pub nonblock: bool,
    /// What interrupts the wait.
    pub interrupt: &'i Interrupt,
}

impl Wait<'_> {
    /// Calls `write` with the bytes that are left, and the number of those that are written, until all are
    /// written, or once if `nonblock`: a blocking `write(2)` writes everything.
    ///
    /// # Errors
    ///
    /// That of the first `write`. An error after that ends it with the number of bytes written so far, as with
    /// `write(2)`.
    #[inline]
    pub(super) fn write_all(
        self,
        mut ciovs: Iovecs<'_>,
        mut write: impl FnMut(&Iovecs<'_>, usize) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let mut written = 0;
        loop {
            match write(&ciovs, written) {
                Ok(nwritten) => {
                    written += nwritten;
                    ciovs.advance(nwritten);
                    let over = self.nonblock || nwritten == 0 || ciovs.is_empty();
                    if over || self.interrupt.check().is_err() {
                        return Ok(written);
                    }
                }
                Err(_) if written > 0 => return Ok(written),
                Err(error) => return Err(error),
            }
        }
    }
}

/// The pause between two checks of something that cannot be waited for: none at first, then growing up to a
/// slice.
#[derive(Debug, Default)]
pub(super) struct Pause(Duration);

impl Pause {
    const FIRST: Duration = Duration::from_micros(100);

    /// The length of the next pause.
    pub fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = SLICE.min(pause * 2).max(Self::FIRST);
        pause
    }

    /// Waits for the next pause.
    ///
    /// # Errors
    ///
    /// As [`Interrupt::check`].
    pub fn pass(&mut self, interrupt: &Interrupt) -> io::Result<()> {
        sleep(self.next());
        interrupt.check()
    }
}

/// The identity of a file, and a direction.
pub(super) type FileDirection = ([u64; 3], Direction);

static HELD: Mutex<Vec<FileDirection>> = Mutex::new(Vec::new());
static FREE: Condvar = Condvar::new();

/// A lock that is held from a `poll(2)` of a file until the call that it allows has been made.
///
/// Guests in several threads may share a stream. If one sees that it is ready, another must not take the data:
/// the call of the first would block. There is one lock for each file and direction, however many descriptors
/// there are for it.
#[derive(Debug)]
pub(super) struct PollLock(FileDirection);

impl PollLock {
    /// Waits for the lock.
    ///
    /// # Errors
    ///
    /// As [`Interrupt::check`].
    pub fn lock(file: FileDirection, interrupt: &Interrupt) -> io::Result<Self> {
        let held = || HELD.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = held();
        while all.contains(&file) {
            drop(FREE.wait_timeout(all, SLICE));
            // Not locked meanwhile, as the check may take other locks.
            interrupt.check()?;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use std::sync::mpsc;
    use std::thread;

    use super::*;
    use crate::memory::{GuestPtr, LinearMemory};

    const FILE: FileDirection = ([1, 2, 3], Direction::Read);
    const OTHERS: [FileDirection; 2] =
        [([1, 2, 3], Direction::Write), ([1, 2, 4], Direction::Read)];

    fn interrupted() -> Interrupt {
        Interrupt::when(|| true)
    }

    #[test]
    fn a_poll_lock_that_another_thread_has_is_waited_for_in_slices() {
        let lock = PollLock::lock(FILE, &Interrupt::NEVER).unwrap();
        for other in OTHERS {
            assert!(PollLock::lock(other, &interrupted()).is_ok(), "{other:?}");
        }
        let error = PollLock::lock(FILE, &interrupted()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        drop(lock);
        assert!(PollLock::lock(FILE, &Interrupt::NEVER).is_ok());
    }

    #[test]
    fn a_lock_that_another_thread_has_is_waited_for_in_slices() {
        let mutex = Mutex::new(0);
        let guard = mutex.lock().unwrap();
        let error = interrupted().lock(&mutex).map(drop).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        drop(guard);
        assert!(interrupted().lock(&mutex).is_ok());
    }

    #[test]
    fn a_free_lock_is_taken_at_once() {
        static MUTEX: Mutex<u32> = Mutex::new(0);
        let guard = MUTEX.lock().unwrap();
        let (looked, looks) = mpsc::channel();
        let waits = thread::spawn(move || {
            let interrupt = Interrupt::when(move || {
                let _ = looked.send(());
                false
            });
            *interrupt.lock(&MUTEX).unwrap() += 1;
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
        let transfer = |interrupt: Interrupt, most: usize| {
            let mut pieces = Vec::new();
            let linear = LinearMemory::new(&words);
            let memory = linear.guest();
            let iovs = memory.iovecs(GuestPtr::new(0), BUFS as u32, BUFS).unwrap();
            let total = interrupt.in_pieces(iovs, |piece| {
                pieces.push(piece.len());
                Ok::<_, ()>(piece.len().min(most))
            });
            (total.unwrap(), pieces)
        };
        let all = vec![PIECE, PIECE, BUFS * LEN - 2 * PIECE];
        assert_eq!(transfer(Interrupt::NEVER, PIECE), (BUFS * LEN, all));
        assert_eq!(transfer(Interrupt::NEVER, 10), (10, vec![PIECE]), "the end");
        assert_eq!(transfer(interrupted(), PIECE), (PIECE, vec![PIECE]));
    }
}
