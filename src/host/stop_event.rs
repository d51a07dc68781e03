//! An event that ends waits.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::sys::Event;

/// An event that, once it is set, ends all waits of the interrupts that have it. A wait in `poll(2)` ends at once
/// if the event was open before it began.
#[derive(Debug, Default)]
pub struct StopEvent {
    is_set: AtomicBool,
    is_open: AtomicBool,
    opened: Mutex<Option<Arc<Event>>>,
}

impl StopEvent {
    /// Opens it, so that later waits poll it.
    ///
    /// # Errors
    ///
    /// `EMFILE`: on Unix it needs a descriptor, and there is none.
    pub fn open(&self) -> io::Result<()> {
        let mut opened = self.opened();
        if opened.is_none() {
            let event = Arc::new(Event::new()?);
            if self.is_set() {
                event.set();
            }
            *opened = Some(event);
            self.is_open.store(true, SeqCst);
        }
        Ok(())
    }

    /// Checks that `count` more descriptors can be opened.
    ///
    /// # Errors
    ///
    /// `EMFILE`, `ENFILE`: they cannot.
    pub fn check_room(&self, count: usize) -> io::Result<()> {
        match self.event() {
            Some(event) => event.check_room(count),
            None => Ok(()),
        }
    }

    /// Closes it, for a guest that does not wait any more.
    pub fn close(&self) {
        self.is_open.store(false, SeqCst);
        let event = self.opened().take();
        drop(event);
    }

    /// Sets it: the waits end.
    pub fn set(&self) {
        self.is_set.store(true, SeqCst);
        if let Some(event) = &*self.opened() {
            event.set();
        }
    }

    /// Whether it is set.
    pub(super) fn is_set(&self) -> bool {
        self.is_set.load(SeqCst)
    }

    pub(super) fn is_open(&self) -> bool {
        self.is_open.load(SeqCst)
    }

    /// What `poll(2)` waits for; `None` if it is closed.
    pub(super) fn event(&self) -> Option<Arc<Event>> {
        if self.is_open() {
            self.opened().clone()
        } else {
            None
        }
    }

    fn opened(&self) -> MutexGuard<'_, Option<Arc<Event>>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
