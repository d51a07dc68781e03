use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::Interrupt;

/// A mutex that may be held during a blocking system call: a thread that waits for it can be interrupted, and
/// then waits in slices.
#[derive(Debug, Default)]
pub struct InterruptibleMutex<T> {
    queue: Mutex<Queue>,
    given_back: Condvar,
    value: Mutex<T>,
}

#[derive(Debug, Default)]
struct Queue {
    taken: bool,
    /// The number of waiting threads. Without any, no system call is made to wake one.
    waiting: usize,
}

/// The locked value. It is unlocked on drop.
#[derive(Debug)]
pub struct InterruptibleGuard<'t, T> {
    // Dropped in this order.
    value: MutexGuard<'t, T>,
    _turn: GiveBack<'t, T>,
}

#[derive(Debug)]
struct GiveBack<'t, T>(&'t InterruptibleMutex<T>);

impl<T> InterruptibleMutex<T> {
    /// An unlocked mutex.
    pub fn new(value: T) -> Self {
        Self {
            queue: Mutex::default(),
            given_back: Condvar::new(),
            value: Mutex::new(value),
        }
    }

    /// Locks it.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is interrupted.
    pub fn lock(&self, interrupt: &Interrupt) -> io::Result<InterruptibleGuard<'_, T>> {
        let mut queue = self.queue();
        while queue.taken {
            queue.waiting += 1;
            queue = self.wait(queue, interrupt);
            queue.waiting -= 1;
            if queue.taken {
                // Not locked meanwhile, as the check may take other locks.
                drop(queue);
                interrupt.check()?;
                queue = self.queue();
            }
        }
        queue.taken = true;
        drop(queue);
        Ok(InterruptibleGuard {
            value: self.value.lock().unwrap_or_else(PoisonError::into_inner),
            _turn: GiveBack(self),
        })
    }

    /// Waits until it is unlocked, or for one slice.
    fn wait<'q>(
        &'q self,
        queue: MutexGuard<'q, Queue>,
        interrupt: &Interrupt,
    ) -> MutexGuard<'q, Queue> {
        match interrupt.slice(None) {
            Some(slice) => {
                let waited = self.given_back.wait_timeout(queue, slice);
                waited.unwrap_or_else(PoisonError::into_inner).0
            }
            None => {
                let waited = self.given_back.wait(queue);
                waited.unwrap_or_else(PoisonError::into_inner)
            }
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for InterruptibleGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for InterruptibleGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for GiveBack<'_, T> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        queue.taken = false;
        let waiting = queue.waiting > 0;
        drop(queue);
        if waiting {
            self.0.given_back.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn one_thread_at_a_time_uses_it() {
        let turn = InterruptibleMutex::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        let mut count = turn.lock(&Interrupt::NEVER).unwrap();
                        let seen = *count;
                        thread::yield_now();
                        *count = seen + 1;
                    }
                });
            }
        });
        assert_eq!(*turn.lock(&Interrupt::NEVER).unwrap(), 4000);
    }

    #[test]
    fn a_thread_that_waits_for_its_turn_can_be_stopped() {
        let turn = InterruptibleMutex::new(());
        let taken = turn.lock(&Interrupt::NEVER).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let interrupt = Interrupt::when(|| true);
                turn.lock(&interrupt).map(drop).unwrap_err().kind()
            });
            assert_eq!(waiting.join().unwrap(), io::ErrorKind::Interrupted);
        });
        drop(taken);
        turn.lock(&Interrupt::NEVER).unwrap();
    }
}
