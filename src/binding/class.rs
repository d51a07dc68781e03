use std::cell::Cell;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi::{Property, PropertyAttributes};
use napi_derive::napi;

use super::environment::{Environment, make_import};
use super::error::{access_denied, closed, init_error, invalid_arg_type};
use super::instance::Instance;
use super::memory::Memory;
use super::options::{WasiOptions, grant};
use crate::abi::Snapshot;
use crate::ctx::WasiCtx;

/// What `finalizeBindings` takes besides the instance.
#[napi(object, object_to_js = false)]
pub struct FinalizeBindingsOptions<'env> {
    /// The guest's memory; that which the instance exports if not said.
    pub memory: Option<Unknown<'env>>,
}

/// The class of node:wasi. What must sound exactly as Node says it, its checks and its error texts, is
/// added in JavaScript by a class that extends this one.
#[napi(js_name = "WASI")]
#[allow(clippy::upper_case_acronyms, reason = "Node's name for it")]
pub struct WASI {
    environment: Rc<Environment>,
    /// The number of the instance in its environment, which alone keeps it.
    number: usize,
    /// Empty once the instance's functions have been collected: then it cannot be called any more.
    instance: Weak<Instance>,
    snapshot: Snapshot,
    _weight: Weight,
}

/// What the collector is told that an object weighs, so that it comes in time.
struct Weight {
    env: Env,
    bytes: i64,
}

impl Weight {
    /// What an instance keeps outside of JavaScript.
    const INSTANCE: usize = 4 << 10;
    /// A preopen keeps little memory, but a descriptor, of which there are few.
    const PREOPEN: usize = 32 << 10;

    fn new(env: Env, preopens: usize) -> Self {
        let bytes = (Self::INSTANCE + preopens * Self::PREOPEN) as i64;
        let _ = env.adjust_external_memory(bytes);
        Self { env, bytes }
    }
}

impl Drop for Weight {
    fn drop(&mut self) {
        let _ = self.env.adjust_external_memory(-self.bytes);
    }
}

impl Drop for WASI {
    fn drop(&mut self) {
        self.environment.instances.borrow_mut().release(self.number);
    }
}

#[napi]
impl WASI {
    /// Opens what the guest is given, and makes its functions: the property `wasiImport`.
    ///
    /// # Errors
    ///
    /// `ERR_ACCESS_DENIED` where Node's permission model withholds WASI.
    /// A `TypeError` for a capability or a right with an unknown name.
    /// An error with the code `UVWASI_EBADF` for a standard stream that is not open, or `UVWASI_` and
    /// what `open(2)` says of a preopen.
    #[napi(constructor)]
    pub fn new(env: Env, mut this: This<'_>, options: WasiOptions) -> Result<Self> {
        let environment = Environment::of(&env)?;
        if !environment.glue.permitted.borrow_back(&env)?.call(())? {
            return Err(access_denied(&env));
        }
        let (options, return_on_exit) = options.read(&env)?;
        let snapshot = options.snapshot;
        let weight = Weight::new(env, options.preopens.len());
        let ctx = Arc::new(WasiCtx::new(options).map_err(|errno| init_error(&env, errno))?);
        let return_on_exit = match return_on_exit {
            Either::A(return_on_exit) => return_on_exit,
            Either::B(tell) => tell.call(())?,
        };
        let make = |serial| {
            Rc::new(Instance {
                ctx,
                memory: Memory::unbound(&env),
                return_on_exit,
                serial,
                exit_code: Cell::new(0),
                running: Cell::new(0),
                is_closed: Cell::new(false),
            })
        };
        let (number, instance) = environment.instances.borrow_mut().insert(make);
        let wasi = Self {
            environment,
            number,
            instance: Rc::downgrade(&instance),
            snapshot,
            _weight: weight,
        };
        let make_import = make_import(&env)?.borrow_back(&env)?;
        let made = make_import.call(FnArgs::from((this.object, number as u32)))?;
        (instance.memory).set_closures(made.get_named_property("bind")?)?;
        // Defined and not set: a class that extends this one has no say in it.
        let functions: Unknown<'_> = made.get_named_property("functions")?;
        let all = PropertyAttributes::Writable
            | PropertyAttributes::Enumerable
            | PropertyAttributes::Configurable;
        this.object.define_properties(&[Property::new()
            .with_utf8_name("wasiImport")?
            .with_napi_value(&env, functions)?
            .with_property_attributes(all)])?;
        Ok(wasi)
    }

    /// Lets the guest do more.
    ///
    /// # Errors
    ///
    /// A `TypeError` for a capability with an unknown name.
    #[napi]
    pub fn add_capability(&self, env: Env, name: String) -> Result<()> {
        let grant = grant(&env, &name)?;
        if let Some(instance) = self.instance.upgrade() {
            instance.ctx.grant(grant);
        }
        Ok(())
    }

    /// What a guest imports.
    #[napi]
    pub fn get_import_object<'env>(
        &self,
        env: &'env Env,
        this: This<'env>,
    ) -> Result<Object<'env>> {
        let mut imports = Object::new(env)?;
        let wasi_import: Unknown<'_> = this.object.get_named_property("wasiImport")?;
        imports.set_named_property(self.snapshot.import_module(), wasi_import)?;
        Ok(imports)
    }
    /// Takes the memory of a guest that is not to be started, or whose memory it does not export.
    ///
    /// # Errors
    ///
    /// A `TypeError` if that is no `WebAssembly.Memory`. `ERR_WASI_CLOSED` after `close()`.
    #[napi]
    pub fn finalize_bindings(
        &self,
        env: Env,
        instance: Object<'_>,
        options: Option<FinalizeBindingsOptions<'_>>,
    ) -> Result<()> {
        let memory = match options.and_then(|options| options.memory) {
            Some(memory) => memory,
            None => exports(&instance)?.get_named_property("memory")?,
        };
        self.bind(&env, memory)
    }

    /// Runs a command: calls `_start`, and returns the code with which it exited, 0 if it returned. What
    /// it opened is closed then.
    ///
    /// # Errors
    ///
    /// As `finalizeBindings`, unless that has been called. What the guest throws.
    #[napi]
    pub fn start(&self, env: Env, instance: Object<'_>) -> Result<i32> {
        match self.entry(&env, &instance, "_start")? {
            Some(entry) => self.run_command(&env, entry),
            None => Ok(0),
        }
    }

    /// Initialises a reactor: calls `_initialize` if there is one.
    ///
    /// # Errors
    ///
    /// As `start`. The exit, as an error with the code `ERR_WASI_EXITED`, if it exits.
    #[napi]
    pub fn initialize(&self, env: Env, instance: Object<'_>) -> Result<()> {
        match self.entry(&env, &instance, "_initialize")? {
            Some(entry) => self.run_reactor(&env, entry),
            None => Ok(()),
        }
    }

    /// Closes all descriptors of the guest, preopens and standard streams among them; what a stream was
    /// lent from stays open.
    #[napi]
    pub fn close(&self) {
        if let Some(instance) = self.instance.upgrade() {
            instance.is_closed.set(true);
            instance.ctx.close_all();
        }
    }

    /// An entry of the guest, if it has it, with a memory for its calls.
    fn entry<'env>(
        &self,
        env: &Env,
        instance: &Object<'env>,
        name: &str,
    ) -> Result<Option<Unknown<'env>>> {
        let exports = exports(instance)?;
        let is_bound = (self.instance.upgrade()).is_some_and(|instance| instance.memory.is_bound());
        if !is_bound {
            self.bind(env, exports.get_named_property("memory")?)?;
        }
        let entry: Unknown<'_> = exports.get_named_property(name)?;
        Ok((entry.get_type()? != ValueType::Undefined).then_some(entry))
    }

    fn run_command(&self, env: &Env, entry: Unknown<'_>) -> Result<i32> {
        let end = self.run(env, entry);
        let exit_code = self.instance.upgrade().map_or(0, |instance| {
            // With a promise, it is only waiting.
            if !matches!(&end, Ok(End::Returned { promise: true })) {
                instance.ctx.end();
            }
            instance.exit_code.get()
        });
        match end? {
            End::Returned { .. } | End::Exited(_) => Ok(exit_code),
            End::Threw(value) => Err(throw(env, value)),
        }
    }

    fn run_reactor(&self, env: &Env, entry: Unknown<'_>) -> Result<()> {
        match self.run(env, entry)? {
            End::Returned { .. } => Ok(()),
            End::Exited(value) | End::Threw(value) => Err(throw(env, value)),
        }
    }

    /// Calls an entry of the guest.
    fn run<'env>(&self, env: &'env Env, entry: Unknown<'_>) -> Result<End<'env>> {
        let instance = self.instance.upgrade();
        let serial = instance.as_ref().map_or(0.0, |instance| instance.serial);
        let environment = Environment::of(env)?;
        let run = environment.glue.run.borrow_back(env)?;
        let running = |by: i32| {
            if let Some(instance) = &instance {
                instance.running.set(instance.running.get().saturating_add_signed(by));
            }
        };
        running(1);
        let end = run.call(FnArgs::from((entry, serial)));
        running(-1);
        let end = end?;
        let value: Unknown<'_> = end.get_named_property("value")?;
        Ok(match end.get_named_property::<String>("how")?.as_str() {
            "exit" => End::Exited(value),
            "throw" => End::Threw(value),
            _ => End::Returned {
                promise: value.is_promise()?,
            },
        })
    }

    fn bind(&self, env: &Env, memory: Unknown<'_>) -> Result<()> {
        let Some(instance) = self.instance.upgrade() else {
            return Ok(());
        };
        if instance.is_closed.get() {
            return Err(closed(env));
        }
        instance.memory.bind(memory).map_err(|_| {
            invalid_arg_type(
                env,
                "\"instance.exports.memory\" property must be a WebAssembly.Memory object",
            )
        })
    }
}

/// How a call of a guest's entry ended.
enum End<'env> {
    Returned {
        /// Whether what it returned is a promise.
        promise: bool,
    },
    /// With the error that unwound it.
    Exited(Unknown<'env>),
    Threw(Unknown<'env>),
}

/// Throws any value.
fn throw(env: &Env, value: Unknown<'_>) -> Error {
    match env.throw(value) {
        Ok(()) => Error::new(Status::PendingException, "the guest threw"),
        Err(error) => error,
    }
}

fn exports<'env>(instance: &Object<'env>) -> Result<Object<'env>> {
    instance.get_named_property("exports")
}

/// Gives `wasi` its memory: `wasi[kSetMemory]` of node:wasi.
///
/// # Errors
///
/// A `TypeError` if that is no `WebAssembly.Memory`. `ERR_WASI_CLOSED` after `close()`.
#[napi]
pub fn set_memory(env: Env, wasi: &WASI, memory: Unknown<'_>) -> Result<()> {
    wasi.bind(&env, memory)
}

/// Calls `_start` of a command: see `start`.
///
/// # Errors
///
/// What the guest throws.
#[napi]
pub fn run_command(env: Env, wasi: &WASI, entry: Unknown<'_>) -> Result<i32> {
    wasi.run_command(&env, entry)
}

/// Calls `_initialize` of a reactor: see `initialize`.
///
/// # Errors
///
/// What the guest throws, its exit among that.
#[napi]
pub fn run_reactor(env: Env, wasi: &WASI, entry: Unknown<'_>) -> Result<()> {
    wasi.run_reactor(&env, entry)
}
