use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::stop;

/// What one thread at a time uses. The others wait, in slices if they may be asked to stop.
#[derive(Debug, Default)]
pub struct Turn<T> {
    queue: Mutex<Queue>,
    given_back: Condvar,
    value: Mutex<T>,
}

#[derive(Debug, Default)]
struct Queue {
    taken: bool,
    /// How many threads wait. To wake one costs a system call, even if there is none.
    waiting: usize,
}

/// A value while a thread uses it; to drop this gives it back.
#[derive(Debug)]
pub struct Taken<'t, T> {
    // Given back in this order.
    value: MutexGuard<'t, T>,
    _turn: GiveBack<'t, T>,
}

#[derive(Debug)]
struct GiveBack<'t, T>(&'t Turn<T>);

impl<T> Turn<T> {
    /// Something that no thread uses yet.
    pub fn new(value: T) -> Self {
        Self {
            queue: Mutex::default(),
            given_back: Condvar::new(),
            value: Mutex::new(value),
        }
    }

    /// Takes it, when no other thread uses it.
    ///
    /// # Errors
    ///
    /// `EINTR`: the thread is asked to stop.
    pub fn take(&self) -> io::Result<Taken<'_, T>> {
        let mut queue = self.lock();
        while queue.taken {
            queue.waiting += 1;
            queue = self.wait(queue);
            queue.waiting -= 1;
            if queue.taken {
                stop::check()?;
            }
        }
        queue.taken = true;
        drop(queue);
        Ok(Taken {
            value: self.value.lock().unwrap_or_else(PoisonError::into_inner),
            _turn: GiveBack(self),
        })
    }

    /// Waits for it to be given back, or for the time after which the thread looks whether to go on.
    fn wait<'q>(&'q self, queue: MutexGuard<'q, Queue>) -> MutexGuard<'q, Queue> {
        match stop::slice(None) {
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

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Deref for Taken<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Taken<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> Drop for GiveBack<'_, T> {
    fn drop(&mut self) {
        let mut queue = self.0.lock();
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
        let turn = Turn::new(0);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        let mut count = turn.take().unwrap();
                        let seen = *count;
                        thread::yield_now();
                        *count = seen + 1;
                    }
                });
            }
        });
        assert_eq!(*turn.take().unwrap(), 4000);
    }

    #[test]
    fn a_thread_that_waits_for_its_turn_can_be_stopped() {
        let turn = Turn::new(());
        let taken = turn.take().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                stop::stop_when(Some(Box::new(|| true)));
                turn.take().map(drop).unwrap_err().kind()
            });
            assert_eq!(waiting.join().unwrap(), io::ErrorKind::Interrupted);
        });
        drop(taken);
        turn.take().unwrap();
    }
}
