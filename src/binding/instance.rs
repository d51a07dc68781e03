use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use napi::Env;
use slab::Slab;

use super::glue::Glue;
use super::memory::Memory;
use super::memory_fs::TrackedMemoryFs;
use super::weak::Strong;
use crate::abi::Errno;
use crate::ctx::{Bond, Hold, MountError, Preopen, View, WasiCtx};
use crate::host::Interrupt;

/// What one `WASI` has, on one JavaScript thread.
pub struct Instance {
    pub own: WasiCtx,
    /// The guest that it is a thread of by its memory, in the place of that.
    pub adopted: OnceCell<WasiCtx>,
    /// By what others find the guest; and the bytes of its memory, which no other may have as long.
    pub bond: RefCell<Option<(Arc<Bond>, Strong)>>,
    /// Keeps the guest open, until this environment ends.
    pub hold: Cell<Option<Hold>>,
    /// Whether this is one of several threads of the guest, which is over when one of them dies.
    pub is_thread: bool,
    /// The same guest for calls that are suspended where they would wait, once there was one.
    pub suspending: OnceCell<WasiCtx>,
    /// The host's view of its files, once it has been asked for.
    pub view: OnceCell<Arc<View>>,
    pub memory: Memory,
    /// Whether `proc_exit` ends the guest alone, and not the process.
    pub return_on_exit: bool,
    /// Tells its exits from those of others: no two instances of an environment have the same.
    pub serial: f64,
    /// The code of its last exit; 0 before any.
    pub exit_code: Cell<i32>,
    /// How many entries of the guest are being run.
    pub running: Cell<u32>,
    /// Whether the host has closed it.
    pub is_closed: Cell<bool>,
    /// The file systems in memory that it has.
    pub memories: RefCell<Vec<Rc<TrackedMemoryFs>>>,
    pub _weight: Weight,
}

impl Instance {
    /// The guest.
    #[inline]
    pub fn ctx(&self) -> &WasiCtx {
        self.adopted.get().unwrap_or(&self.own)
    }

    /// Has it be the guest that another thread has with this memory, if it was given the same; and others find this
    /// one so. What it has been given is closed then, and nothing may have used it.
    ///
    /// # Errors
    ///
    /// What Node-API says.
    pub fn share_memory(
        &self,
        interrupt: impl FnOnce() -> Interrupt,
        glue: &Glue,
    ) -> Result<(), napi::Error> {
        // What is bound to another memory is no longer found by that.
        let before = self.bond.take();
        let shared = self.memory.shared(glue)?;
        let bond = shared.and_then(|(address, kept)| Some((self.ctx().bond(address)?, kept)));
        if let Some((bond, _)) = &bond
            && self.view.get().is_none()
            && let Some(ctx) = bond.guest(self.ctx(), interrupt())
            && self.adopted.get().is_none()
        {
            self.hold.set(Some(ctx.hold()));
            self.own.close_all();
            let _ = self.adopted.set(ctx);
        }
        self.bond.replace(bond);
        drop(before);
        Ok(())
    }

    /// The guest for calls that are suspended where they would wait, and else interrupted as the others.
    pub fn suspending(&self, interrupt: impl FnOnce() -> Interrupt) -> &WasiCtx {
        self.suspending.get_or_init(|| {
            let interrupt = interrupt().suspending(Arc::default());
            self.ctx().clone().with_interrupt(interrupt)
        })
    }

    /// The host's view of its files.
    ///
    /// # Errors
    ///
    /// As [`View::of`], when it is first asked for.
    pub fn view(&self) -> Result<&Arc<View>, Errno> {
        match self.view.get() {
            Some(view) => Ok(view),
            None => {
                let view = Arc::new(View::of(self.ctx())?);
                Ok(self.view.get_or_init(|| view))
            }
        }
    }

    /// Mounts something in the guest's namespace, which is that of the host's view as well.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::mount`]. As [`View::follow`].
    pub fn mount(
        &self,
        mount: Preopen,
        memory: Option<Rc<TrackedMemoryFs>>,
        has_started: bool,
    ) -> Result<(), MountError> {
        self.ctx().mount(mount, has_started)?;
        self.memories.borrow_mut().extend(memory);
        if let Some(view) = self.view.get() {
            view.follow(self.ctx())?;
        }
        Ok(())
    }

    /// Takes something out of the guest's namespace.
    ///
    /// # Errors
    ///
    /// As [`WasiCtx::unmount`].
    pub fn unmount(&self, path: &str, has_started: bool) -> Result<(), Errno> {
        self.ctx().unmount(path, has_started)?;
        let is_there = |memory: &Rc<TrackedMemoryFs>| {
            let stat = memory.fs.root().stat();
            stat.is_ok_and(|stat| self.ctx().has_device(stat.dev))
        };
        self.memories.borrow_mut().retain(is_there);
        Ok(())
    }

    /// Ends a command: what it opened is closed, and the host has back its descriptors of the preopens.
    pub fn end(&self) {
        // What is over in one thread of several is not the guest.
        if self.adopted.get().is_none() {
            self.ctx().end();
        }
        if let Some(view) = self.view.get() {
            view.park();
        }
    }

    /// Ends the guest if it has more memory than it may have.
    pub fn check_memory(&self) {
        self.ctx().check_memory(self.memory.len() as u64);
    }

    /// Tells the collector how much its file systems in memory have grown.
    pub fn weigh(&self) {
        for memory in self.memories.borrow().iter() {
            memory.weigh();
        }
    }

    /// Closes all that the guest has, and what the host opened in its view of it.
    pub fn close_all(&self) {
        self.ctx().close_all();
        self.close_view();
    }

    fn close_view(&self) {
        if let Some(view) = self.view.get() {
            view.close_all();
        }
        drop(self.memories.take());
    }

    /// Lets go of the guest, as its environment ends. What it has is closed, unless other threads hold it.
    pub fn let_go(&self) {
        drop(self.bond.take());
        if self.is_thread {
            self.ctx().lose_thread();
        }
        if self.hold.take().is_some_and(Hold::let_go) {
            self.ctx().close_all();
            self.ctx().cancel_stop();
            self.ctx().unmake_stoppable();
        }
        self.close_view();
        self.ctx().end_cpu_time();
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.weigh();
    }
}

/// What the collector is told that an object weighs, so that it comes in time.
pub struct Weight {
    env: Env,
    bytes: Cell<i64>,
}

impl Weight {
    /// What an instance keeps outside of JavaScript.
    const INSTANCE: usize = 4 << 10;
    /// A preopen keeps little memory, but a descriptor, of which there are few.
    const PREOPEN: usize = 32 << 10;

    /// That of an instance.
    pub fn of_instance(env: Env, preopens: usize) -> Self {
        Self::new(env, Self::INSTANCE + preopens * Self::PREOPEN)
    }

    /// So many bytes.
    pub fn new(env: Env, bytes: usize) -> Self {
        let weight = Self {
            env,
            bytes: Cell::new(0),
        };
        weight.set(bytes);
        weight
    }

    /// What was told last.
    pub fn get(&self) -> usize {
        self.bytes.get() as usize
    }

    /// Tells that it is so many bytes by now.
    pub fn set(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let more = bytes - self.bytes.replace(bytes);
        let _ = self.env.adjust_external_memory(more);
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// The instances of an environment that can still be called, by their numbers.
///
/// They are kept here alone. What tells that one can no longer be called is that the closures of its
/// `wasiImport` have been collected. To wait for what Node-API does after that would be to wait for the
/// event loop, which a program that makes one instance after the other may not return to.
#[derive(Default)]
pub struct Instances {
    slots: Slab<Rc<Instance>>,
    /// How many there are before the next insertion looks for those that were collected.
    full: usize,
    made: f64,
}

/// So many instances are kept before it is worth to look for those that were collected.
const MIN_FULL: usize = 32;

impl Instances {
    /// Adds the instance that `make` makes with a serial of its own. Its number is never 0, and no other
    /// has it as long as there are closures that call it.
    pub fn insert(&mut self, make: impl FnOnce(f64) -> Rc<Instance>) -> (usize, Rc<Instance>) {
        self.made += 1.0;
        let instance = make(self.made);
        (self.slots.insert(Rc::clone(&instance)) + 1, instance)
    }

    /// The instance with this number, if there is one.
    #[inline]
    pub fn get(&self, number: usize) -> Option<&Rc<Instance>> {
        self.slots.get(number.wrapping_sub(1))
    }

    /// Whether it is worth to look for those that were collected.
    pub fn is_full(&self) -> bool {
        self.slots.len() >= self.full
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Takes out those that have been collected, to be dropped when this is no longer borrowed: to close what
    /// they have open may run JavaScript.
    #[must_use]
    pub fn sweep(&mut self) -> Vec<Rc<Instance>> {
        let mut gone = Vec::new();
        self.slots.retain(|_, instance| {
            let stays = instance.memory.is_reachable();
            if !stays {
                gone.push(Rc::clone(instance));
            }
            stays
        });
        self.full = MIN_FULL.max(2 * self.slots.len());
        gone
    }

    /// Takes out all of them, which are called no more.
    #[must_use]
    pub fn end(&mut self) -> Vec<Rc<Instance>> {
        self.slots.drain().collect()
    }
}
