use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

use napi::bindgen_prelude::*;
use napi::sys;

use super::arg_buffer::ArgBuffer;
use super::block::Block;
use super::glue::Glue;
use super::held::{Held, HeldObjects};
use super::instance::{Instance, Instances};
use super::js_fs::{self, Thrown};
use super::trampoline;
use crate::abi::Snapshot;
use crate::host::Interrupt;

/// What one JavaScript environment has once.
pub struct Environment {
    /// The arguments of the call that is being made.
    pub arg_buffer: ArgBuffer,
    /// The arguments of a call that an adapter makes, once there is an adapter; none where the engine has no memory
    /// for them.
    block: OnceCell<Option<Block>>,
    /// Every instance that can still be called.
    pub instances: RefCell<Instances>,
    /// What takes memory and belongs to objects of JavaScript.
    pub held: RefCell<HeldObjects>,
    /// Whether there is an object whose collection tells of others.
    is_watching: Cell<bool>,
    /// Whether it is being torn down.
    has_ended: Cell<bool>,
    /// What interrupts the calls of its guests.
    interrupt: RefCell<Interrupt>,
    /// The functions of `glue.js`.
    pub glue: Glue,
    /// By the number of the snapshot.
    make_methods: [OnceCell<MakeMethods>; 2],
    make_call: OnceCell<MakeCall>,
    /// What JavaScript has thrown in a call that native code made, and is no error of a file system's.
    thrown: RefCell<Option<Thrown>>,
    is_thrown: Cell<bool>,
}

/// What makes the closures of instances with a `wasiImport`: see [`closures::methods`](super::closures::methods).
type MakeMethods =
    FunctionRef<FnArgs<(Object<'static>, u32, Option<Unknown<'static>>)>, Object<'static>>;

/// What makes the closures of instances with an adapter: see [`closures::call`](super::closures::call).
type MakeCall = FunctionRef<FnArgs<(u32, Option<Object<'static>>)>, Object<'static>>;

impl Environment {
    /// A new one.
    pub fn new(arg_buffer: ArgBuffer, glue: Glue) -> Self {
        Self {
            arg_buffer,
            block: OnceCell::new(),
            instances: RefCell::default(),
            held: RefCell::default(),
            is_watching: Cell::new(false),
            has_ended: Cell::new(false),
            interrupt: RefCell::default(),
            glue,
            make_methods: Default::default(),
            make_call: OnceCell::new(),
            thrown: RefCell::default(),
            is_thrown: Cell::new(false),
        }
    }

    /// That of this JavaScript environment.
    pub fn of(env: &Env) -> Result<Rc<Self>> {
        let environment = env.get_instance_data::<Rc<Self>>()?;
        let environment = environment.map(|environment| Rc::clone(environment));
        environment.ok_or_else(|| Error::from_reason("wasi-rs was not set up in this environment"))
    }

    /// Sees to it that instances are dropped when they have been collected, if no next one is made.
    ///
    /// A finalizer of each would be kept by Node-API until the event loop turns. So one object that
    /// nothing refers to stands for all, and when it has been collected they are looked through.
    pub fn watch(self: &Rc<Self>, env: &Env) -> Result<()> {
        if self.is_watching.replace(true) {
            return Ok(());
        }
        let mut object = Object::new(env)?;
        object.add_finalizer(Rc::clone(self), (), |collected| {
            let environment = collected.value;
            // What is finalized at the end has not been collected, and what it makes would be, too.
            if environment.has_ended.get() {
                return;
            }
            environment.is_watching.set(false);
            environment.sweep();
            if !environment.instances.borrow().is_empty() {
                let _ = environment.watch(&collected.env);
            }
        })
    }

    /// Makes closures of an instance for guests of a snapshot, and a `wasiImport` of `wasi` of them.
    pub fn make_methods<'env>(
        self: &Rc<Self>,
        env: &'env Env,
        wasi: Object<'_>,
        number: u32,
        snapshot: Snapshot,
        kept: Option<Unknown<'_>>,
    ) -> Result<Object<'env>> {
        let make = once(&self.make_methods[snapshot as usize], || {
            trampoline::make_methods(env, self, snapshot)
        })?;
        make.borrow_back(env)?
            .call(FnArgs::from((wasi, number, kept)))
    }

    /// Makes the closures of an instance that has an adapter.
    pub fn make_call<'env>(
        self: &Rc<Self>,
        env: &'env Env,
        number: u32,
        bytes: Option<Object<'_>>,
    ) -> Result<Object<'env>> {
        let make = once(&self.make_call, || trampoline::make_call(env, self))?;
        make.borrow_back(env)?.call(FnArgs::from((number, bytes)))
    }

    /// The block for adapters, made when it is first asked for; none where the engine has no memory to give.
    pub fn block_for_adapters(&self, env: &Env) -> Result<Option<&Block>> {
        if self.block.get().is_none() {
            let block = Block::new(env, &self.glue)?;
            // Nothing else has made one meanwhile but a program's own class of memories.
            let _ = self.block.set(block);
        }
        Ok(self.block())
    }

    /// The block, if there is one.
    #[inline]
    pub fn block(&self) -> Option<&Block> {
        self.block.get()?.as_ref()
    }

    /// What interrupts the calls of guests that are made here.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.borrow().clone()
    }

    /// Sets what interrupts the calls of guests that are made here from now on.
    pub fn set_interrupt(&self, interrupt: Interrupt) {
        self.interrupt.replace(interrupt);
    }

    /// Closes what its instances have open, as it is being torn down.
    pub fn end(self: &Rc<Self>) {
        self.has_ended.set(true);
        // This stays for as long as the process: what other threads have, too, does not.
        let instances = self.instances.borrow_mut().end();
        for instance in &instances {
            instance.let_go();
        }
        drop(instances);
        let held = self.held.borrow_mut().end();
        drop(held);
        js_fs::end(self);
        drop(self.take_thrown());
    }

    /// Whether it is being torn down, and runs no JavaScript any more.
    pub fn has_ended(&self) -> bool {
        self.has_ended.get()
    }

    /// Runs JavaScript in the middle of whatever native code is at. It may do anything: grow the guest's
    /// memory, call the guest that called, or another.
    pub fn outside<T>(&self, run: impl FnOnce() -> T) -> T {
        let call = self.arg_buffer.set_aside();
        let result = run();
        self.arg_buffer.put_back(call);
        if let Some(instance) = self.called() {
            instance.memory.catch_up(&self.glue);
            instance.check_memory();
        }
        result
    }

    /// Keeps what a call that native code made has thrown, for the place where that came from JavaScript. What was
    /// thrown before is the cause of all that follows it.
    pub fn keep_thrown(&self, env: sys::napi_env) {
        let thrown = Thrown::take(env);
        if !self.has_ended.get() && !self.is_thrown.get() {
            self.thrown.replace(thrown);
            self.is_thrown.set(self.thrown.borrow().is_some());
        }
    }

    /// Whether anything was thrown that nobody has been told of.
    #[inline]
    pub fn is_thrown(&self) -> bool {
        self.is_thrown.get()
    }

    /// What was thrown, if anything was.
    pub fn take_thrown(&self) -> Option<Thrown> {
        self.is_thrown.set(false);
        self.thrown.take()
    }

    /// Throws what was thrown in a call that native code made.
    ///
    /// # Errors
    ///
    /// It was, and is on its way.
    pub fn check_thrown(&self, env: &Env) -> Result<()> {
        if !self.is_thrown() {
            return Ok(());
        }
        match self.take_thrown() {
            Some(thrown) => {
                env.throw(thrown.value()?)?;
                Err(Error::new(Status::PendingException, ""))
            }
            None => Ok(()),
        }
    }

    /// Makes an object of something that takes memory, which is gone once the object has been collected.
    ///
    /// # Errors
    ///
    /// Those of `make` and of Node-API.
    pub fn hold<'env, T: 'static, O: JsValue<'env>>(
        &self,
        env: &Env,
        value: T,
        make: impl FnOnce(Rc<Held<T>>) -> Result<O>,
    ) -> Result<O> {
        let held = Held::new(value);
        let object = make(Rc::clone(&held))?;
        self.held.borrow_mut().add(env, &object, &held)?;
        self.make_room();
        Ok(object)
    }

    /// Lets go of what belongs to objects that were collected, if there is so much that some may be.
    pub fn make_room(&self) {
        let is_full = self.held.borrow().is_full();
        if !is_full {
            return;
        }
        // Guests that were collected have some of it.
        self.sweep();
        self.drop_quietly(|| self.held.borrow_mut().sweep());
        self.held.borrow_mut().swept();
    }

    /// Drops the instances that have been collected.
    pub fn sweep(&self) {
        self.drop_quietly(|| self.instances.borrow_mut().sweep());
    }

    /// Drops what was collected. It closes what it has open, which may run JavaScript; what that throws is
    /// nobody's.
    fn drop_quietly<T>(&self, take: impl FnOnce() -> T) {
        let was_thrown = self.is_thrown();
        drop(take());
        if !was_thrown {
            drop(self.take_thrown());
        }
    }

    /// The instance of the call that is in the argument buffer.
    #[inline]
    pub fn called(&self) -> Option<Rc<Instance>> {
        self.instances
            .borrow()
            .get(self.arg_buffer.instance())
            .cloned()
    }
}

/// What is in a cell, made first if there is nothing.
fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    match cell.get() {
        Some(value) => Ok(value),
        None => {
            let made = make()?;
            Ok(cell.get_or_init(|| made))
        }
    }
}
