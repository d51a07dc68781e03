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

/// The state of one instance of `WASI`, which belongs to one JavaScript thread.
pub struct Instance {
    pub own: WasiCtx,
    /// The guest of another instance with the same memory, of which this is a thread, in the place of its own
    /// guest.
    pub adopted: OnceCell<WasiCtx>,
    /// The bond by which others find the guest; and a reference to the memory, so that no other gets its
    /// address meanwhile.
    pub bond: RefCell<Option<(Arc<Bond>, Strong)>>,
    /// Keeps the guest open until this environment ends.
    pub hold: Cell<Option<Hold>>,
    /// Whether this is one of several threads of the guest, which ends when one of them dies.
    pub is_thread: bool,
    /// The same guest for calls that may be suspended, once one was made.
    pub suspending: OnceCell<WasiCtx>,
    /// The host's view of its files, once it was needed.
    pub view: OnceCell<Arc<View>>,
    pub memory: Memory,
    /// Whether `proc_exit` ends only the guest, not the process.
    pub return_on_exit: bool,
    /// Identifies its exits: unique in the environment.
    pub serial: f64,
    /// The code of its last exit; 0 before.
    pub exit_code: Cell<i32>,
    /// The number of entries of the guest that are running.
    pub running: Cell<u32>,
    /// Whether the host has closed it.
    pub is_closed: Cell<bool>,
    /// Its file systems in memory.
    pub memories: RefCell<Vec<Rc<TrackedMemoryFs>>>,
    pub _weight: Weight,
}

impl Instance {
    /// The guest.
    #[inline]
    pub fn ctx(&self) -> &WasiCtx {
        self.adopted.get().unwrap_or(&self.own)
    }

    /// Called when the instance has got a memory. If another thread has a guest with this shared memory and the
    /// same options, that guest takes the place of its own, which is closed; nothing may have used that.
    /// Otherwise others find this guest by the memory.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    /// What Node-API says.
    pub fn share_memory(
        &self,
        interrupt: impl FnOnce() -> Interrupt,
        glue: &Glue,
    ) -> Result<(), napi::Error> {
        // It is no longer found by the memory that it had before.
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

    /// The guest for calls that return instead of blocking. They are interrupted like the others.
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
    /// Those of [`View::of`], when it is needed for the first time.
    pub fn view(&self) -> Result<&Arc<View>, Errno> {
        match self.view.get() {
            Some(view) => Ok(view),
            None => {
                let view = Arc::new(View::of(self.ctx())?);
                Ok(self.view.get_or_init(|| view))
            }
        }
    }

    /// Mounts something in the guest's namespace, which the host's view shares.
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

    /// Unmounts something from the guest's namespace.
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

    /// Ends a command: what it has opened is closed, and the host descriptors of its preopens.
    pub fn end(&self) {
        // The end of one thread is not the end of the guest.
        if self.adopted.get().is_none() {
            self.ctx().end();
        }
        if let Some(view) = self.view.get() {
            view.park();
        }
    }

    /// Stops the guest if it has more memory than its limit.
    pub fn check_memory(&self) {
        self.ctx().check_memory(self.memory.len() as u64);
    }

    /// Reports the size of its file systems in memory to the garbage collector.
    pub fn weigh(&self) {
        for memory in self.memories.borrow().iter() {
            memory.weigh();
        }
    }

    /// Closes everything of the guest, and what the host has opened in its view.
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

    /// Gives up the guest at the end of the environment. It is closed, unless other threads hold it.
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

/// The size of an object that is reported to the garbage collector (`napi_adjust_external_memory`).
pub struct Weight {
    env: Env,
    bytes: Cell<i64>,
}

impl Weight {
    /// The size of an instance outside of JavaScript.
    const INSTANCE: usize = 4 << 10;
    /// A preopen takes little memory, but a descriptor, of which there are few.
    const PREOPEN: usize = 32 << 10;

    /// The size of an instance with so many preopens.
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

    /// The size that was reported last.
    pub fn get(&self) -> usize {
        self.bytes.get() as usize
    }

    /// Reports a new size.
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
/// Nothing else keeps them alive. An instance can no longer be called when its closures have been collected,
/// which is checked here: finalizers of Node-API would run only when the event loop turns, and a program that
/// makes one instance after the other may not return to it.
#[derive(Default)]
pub struct Instances {
    slots: Slab<Rc<Instance>>,
    /// The number of instances at which the next insertion looks for collected ones.
    full: usize,
    made: f64,
}

/// The least number of instances at which that is done.
const MIN_FULL: usize = 32;

impl Instances {
    /// Adds an instance, which `make` makes with a new serial. Its number is never 0, and is not reused while
    /// closures exist that call it.
    pub fn insert(&mut self, make: impl FnOnce(f64) -> Rc<Instance>) -> (usize, Rc<Instance>) {
        self.made += 1.0;
        let instance = make(self.made);
        (self.slots.insert(Rc::clone(&instance)) + 1, instance)
    }

    /// The instance with this number.
    #[inline]
    pub fn get(&self, number: usize) -> Option<&Rc<Instance>> {
        self.slots.get(number.wrapping_sub(1))
    }

    /// Whether it is time to look for collected instances.
    pub fn is_full(&self) -> bool {
        self.slots.len() >= self.full
    }

    /// Whether there are no instances.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Takes collected instances. They must be dropped when this is not borrowed any more, as closing what they
    /// have open may run JavaScript.
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

    /// Takes all instances, at the end of the environment.
    #[must_use]
    pub fn end(&mut self) -> Vec<Rc<Instance>> {
        self.slots.drain().collect()
    }
}
