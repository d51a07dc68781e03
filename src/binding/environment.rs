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

/// The state of a JavaScript environment.
pub struct Environment {
    /// The arguments of the present call.
    pub arg_buffer: ArgBuffer,
    /// The arguments of a call by an adapter. It is made with the first adapter; `None` if the engine has no
    /// memory for it.
    block: OnceCell<Option<Block>>,
    /// The instances that can still be called.
    pub instances: RefCell<Instances>,
    /// Native values that take memory, and the JavaScript objects that they belong to.
    pub held: RefCell<HeldObjects>,
    /// Whether there is an object whose collection starts a sweep.
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
    /// What JavaScript has thrown in a call by native code, if it is no error of a file system.
    thrown: RefCell<Option<Thrown>>,
    is_thrown: Cell<bool>,
}

/// Makes the closures of instances with a `wasiImport`: see [`closures::methods`](super::closures::methods).
type MakeMethods =
    FunctionRef<FnArgs<(Object<'static>, u32, Option<Unknown<'static>>)>, Object<'static>>;

/// Makes the closures of instances with an adapter: see [`closures::call`](super::closures::call).
type MakeCall = FunctionRef<FnArgs<(u32, Option<Object<'static>>)>, Object<'static>>;

impl Environment {
    /// A new environment.
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

    /// The state of this environment.
    pub fn of(env: &Env) -> Result<Rc<Self>> {
        let environment = env.get_instance_data::<Rc<Self>>()?;
        let environment = environment.map(|environment| Rc::clone(environment));
        environment.ok_or_else(|| Error::from_reason("wasi-rs was not set up in this environment"))
    }

    /// Makes sure that collected instances are dropped even if no further instance is made.
    ///
    /// Node-API would keep a finalizer of each instance until the event loop turns. So there is one
    /// unreferenced object: when it is collected, the collected instances are dropped.
    pub fn watch(self: &Rc<Self>, env: &Env) -> Result<()> {
        if self.is_watching.replace(true) {
            return Ok(());
        }
        let mut object = Object::new(env)?;
        object.add_finalizer(Rc::clone(self), (), |collected| {
            let environment = collected.value;
            // At the end of the environment, objects are finalized without having been collected, and so would
            // be a new one.
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

    /// Makes closures of an instance for guests of a snapshot, and gives `wasi` a `wasiImport` of them.
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

    /// Makes the closures of an instance with an adapter.
    pub fn make_call<'env>(
        self: &Rc<Self>,
        env: &'env Env,
        number: u32,
        bytes: Option<Object<'_>>,
    ) -> Result<Object<'env>> {
        let make = once(&self.make_call, || trampoline::make_call(env, self))?;
        make.borrow_back(env)?.call(FnArgs::from((number, bytes)))
    }

    /// The block for adapters, which is made if there is none; `None` if the engine has no memory for it.
    pub fn block_for_adapters(&self, env: &Env) -> Result<Option<&Block>> {
        if self.block.get().is_none() {
            let block = Block::new(env, &self.glue)?;
            // Ignored if there is one by now: only a program's own class of memories can have made it
            // meanwhile.
            let _ = self.block.set(block);
        }
        Ok(self.block())
    }

    /// The block, if there is one.
    #[inline]
    pub fn block(&self) -> Option<&Block> {
        self.block.get()?.as_ref()
    }

    /// The interrupt for guests that are created in this environment.
    pub fn interrupt(&self) -> Interrupt {
        self.interrupt.borrow().clone()
    }

    /// Sets the interrupt for guests that are created from now on.
    pub fn set_interrupt(&self, interrupt: Interrupt) {
        self.interrupt.replace(interrupt);
    }

    /// Closes what its instances have open, at the end of the environment.
    pub fn end(self: &Rc<Self>) {
        self.has_ended.set(true);
        // The environment itself is never freed, as native functions refer to it.
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

    /// Whether the environment has ended: then it runs no JavaScript any more.
    pub fn has_ended(&self) -> bool {
        self.has_ended.get()
    }

    /// Runs JavaScript during a call. It may do anything: grow the guest's memory, call this guest again, or
    /// another one. Everything that it can have changed is looked up again afterwards.
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

    /// Keeps what JavaScript has thrown in a call by native code, until the guest's call ends and it can be
    /// thrown there. The first one is kept, as the cause of the others.
    pub fn keep_thrown(&self, env: sys::napi_env) {
        let thrown = Thrown::take(env);
        if !self.has_ended.get() && !self.is_thrown.get() {
            self.thrown.replace(thrown);
            self.is_thrown.set(self.thrown.borrow().is_some());
        }
    }

    /// Whether anything is kept.
    #[inline]
    pub fn is_thrown(&self) -> bool {
        self.is_thrown.get()
    }

    /// Takes what is kept.
    pub fn take_thrown(&self) -> Option<Thrown> {
        self.is_thrown.set(false);
        self.thrown.take()
    }

    /// Throws what is kept.
    ///
    /// # Errors
    ///
    /// Something was kept, and is thrown.
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

    /// Makes a JavaScript object of a native value that takes memory. The value is dropped once the object has
    /// been collected.
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

    /// Drops the values of collected objects, if there are enough objects for that to be worth it.
    pub fn make_room(&self) {
        let is_full = self.held.borrow().is_full();
        if !is_full {
            return;
        }
        // Some values belong to guests, which may have been collected as well.
        self.sweep();
        self.drop_quietly(|| self.held.borrow_mut().sweep());
        self.held.borrow_mut().swept();
    }

    /// Drops collected instances.
    pub fn sweep(&self) {
        self.drop_quietly(|| self.instances.borrow_mut().sweep());
    }

    /// Drops what was collected. That closes what it has open, which may run JavaScript. What that throws is
    /// ignored.
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

/// The value of a cell, which is made if it is empty.
fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    match cell.get() {
        Some(value) => Ok(value),
        None => {
            let made = make()?;
            Ok(cell.get_or_init(|| made))
        }
    }
}
