//! Native values that take memory and belong to JavaScript objects.
//!
//! Node-API drops the native value of an object when the event loop turns. A program that makes one object
//! after the other may not return to the event loop. So values that take memory are in a [`Held`], and the
//! [`HeldObjects`] of the environment drop them once the object has been collected.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::{self, Rc};

use napi::bindgen_prelude::*;

use super::instance::Weight;
use super::weak::Weak;

/// The value of a JavaScript object. It is dropped once the object has been collected.
pub struct Held<T>(RefCell<Option<Rc<T>>>);

impl<T> Held<T> {
    /// Holds a value.
    pub fn new(value: T) -> Rc<Self> {
        Rc::new(Self(RefCell::new(Some(Rc::new(value)))))
    }

    /// The value.
    ///
    /// # Errors
    ///
    /// The object has been collected.
    pub fn get(&self) -> Result<Rc<T>> {
        let held = self.0.borrow().clone();
        held.ok_or_else(|| Error::from_reason("the object of this has been collected"))
    }
}

trait Release {
    /// Takes the value.
    fn release(&self) -> Option<Rc<dyn Any>>;
}

impl<T: 'static> Release for Held<T> {
    fn release(&self) -> Option<Rc<dyn Any>> {
        Some(self.0.take()?)
    }
}

/// The size of a value in bytes, which the garbage collector and [`HeldObjects`] are told.
pub struct Load {
    weight: Weight,
    all: Rc<Cell<usize>>,
}

impl Load {
    /// The size that was reported last.
    pub fn get(&self) -> usize {
        self.weight.get()
    }

    /// Reports a new size.
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

/// The JavaScript objects of an environment with values that take memory.
#[derive(Default)]
pub struct HeldObjects {
    all: Vec<(Weak, rc::Weak<dyn Release>)>,
    /// The size of all values together in bytes, as reported.
    bytes: Rc<Cell<usize>>,
    /// The number of objects, and of bytes, at which collected ones are looked for.
    full: (usize, usize),
}

impl HeldObjects {
    /// The least number of objects, and of bytes, at which that is done.
    const MIN_FULL: (usize, usize) = (32, 16 << 20);

    /// Reports a size, until the result is dropped.
    pub fn load(&self, env: &Env, bytes: usize) -> Load {
        let load = Load {
            weight: Weight::new(*env, 0),
            all: Rc::clone(&self.bytes),
        };
        load.set(bytes);
        load
    }

    /// Adds an object and its value.
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

    /// Whether it is time to look for collected objects.
    pub fn is_full(&self) -> bool {
        self.all.len() >= self.full.0 || self.bytes.get() >= self.full.1
    }

    /// Takes the values of collected objects. They must be dropped when this is not borrowed any more, as that
    /// may run JavaScript. Then [`swept`](Self::swept) must be called.
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

    /// Sets the numbers at which collected objects are looked for again.
    pub fn swept(&mut self) {
        let (count, bytes) = Self::MIN_FULL;
        self.full = (
            count.max(2 * self.all.len()),
            bytes.max(self.bytes.get().saturating_mul(2)),
        );
    }

    /// Takes all values, at the end of the environment.
    #[must_use]
    pub fn end(&mut self) -> Vec<Rc<dyn Any>> {
        let all = std::mem::take(&mut self.all);
        all.iter()
            .filter_map(|(_, held)| held.upgrade()?.release())
            .collect()
    }
}
