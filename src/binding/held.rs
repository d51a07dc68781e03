//! What takes memory and belongs to objects of JavaScript.
//!
//! What Node-API keeps of a native object it drops when the event loop turns, to which a program that makes
//! one after the other may not return. So what takes memory is behind a [`Held`], and the [`HeldObjects`] of
//! the environment take it away once the object has been collected.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::{self, Rc};

use napi::bindgen_prelude::*;

use super::instance::Weight;
use super::weak::Weak;

/// What an object of JavaScript has: gone once that has been collected.
pub struct Held<T>(RefCell<Option<Rc<T>>>);

impl<T> Held<T> {
    /// Holds this.
    pub fn new(value: T) -> Rc<Self> {
        Rc::new(Self(RefCell::new(Some(Rc::new(value)))))
    }

    /// What the object has.
    ///
    /// # Errors
    ///
    /// It has been collected.
    pub fn get(&self) -> Result<Rc<T>> {
        let held = self.0.borrow().clone();
        held.ok_or_else(|| Error::from_reason("the object of this has been collected"))
    }
}

trait Release {
    /// Takes away what the object had.
    fn release(&self) -> Option<Rc<dyn Any>>;
}

impl<T: 'static> Release for Held<T> {
    fn release(&self) -> Option<Rc<dyn Any>> {
        Some(self.0.take()?)
    }
}

/// How many bytes something takes, as the collector is told and [`HeldObjects`] know.
pub struct Load {
    weight: Weight,
    all: Rc<Cell<usize>>,
}

impl Load {
    /// What was told last.
    pub fn get(&self) -> usize {
        self.weight.get()
    }

    /// Tells that it is so many bytes by now.
    pub fn set(&self, bytes: usize) {
        let others = self.all.get() - self.weight.get();
        self.all.set(others.saturating_add(bytes));
        self.weight.set(bytes);
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// The objects of an environment that have something which takes memory.
#[derive(Default)]
pub struct HeldObjects {
    all: Vec<(Weak, rc::Weak<dyn Release>)>,
    /// How many bytes all of them take, as far as it has been told.
    bytes: Rc<Cell<usize>>,
    /// How many there are, and how many bytes, before the next one looks for those that were collected.
    full: (usize, usize),
}

impl HeldObjects {
    /// So many are kept, and so many bytes, before it is worth to look for those that were collected.
    const MIN_FULL: (usize, usize) = (32, 16 << 20);

    /// So many bytes, which are told until the result is dropped.
    pub fn load(&self, env: &Env, bytes: usize) -> Load {
        let load = Load {
            weight: Weight::new(*env, 0),
            all: Rc::clone(&self.bytes),
        };
        load.set(bytes);
        load
    }

    /// Adds what an object has.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    pub fn add<'env, T: 'static>(
        &mut self,
        env: &Env,
        object: &impl JsValue<'env>,
        held: &Rc<Held<T>>,
    ) -> Result<()> {
        let object = Weak::to(env, object.to_unknown())?;
        let held: rc::Weak<Held<T>> = Rc::downgrade(held);
        self.all.push((object, held));
        Ok(())
    }

    /// Whether there are so many that those should go which were collected.
    pub fn is_full(&self) -> bool {
        self.all.len() >= self.full.0 || self.bytes.get() >= self.full.1
    }

    /// Takes away what those had that have been collected, to be dropped when this is no longer borrowed: that
    /// may run JavaScript. [`swept`](Self::swept) is for when that is done.
    #[must_use]
    pub fn sweep(&mut self) -> Vec<Rc<dyn Any>> {
        let mut gone = Vec::new();
        self.all.retain(|(object, held)| {
            let Some(held) = held.upgrade() else {
                return false;
            };
            let is_there = object.get().is_some();
            if !is_there {
                gone.extend(held.release());
            }
            is_there
        });
        gone
    }

    /// Takes note of how much is left.
    pub fn swept(&mut self) {
        let (count, bytes) = Self::MIN_FULL;
        self.full = (
            count.max(2 * self.all.len()),
            bytes.max(self.bytes.get().saturating_mul(2)),
        );
    }

    /// Takes away what all of them have, whatever still has the objects.
    #[must_use]
    pub fn end(&mut self) -> Vec<Rc<dyn Any>> {
        let all = std::mem::take(&mut self.all);
        all.iter()
            .filter_map(|(_, held)| held.upgrade()?.release())
            .collect()
    }
}
