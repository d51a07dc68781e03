use std::rc::Rc;
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::environment::{Environment, Number, make_import};
use super::error::{init_error, invalid_arg_type};
use super::instance::Instance;
use super::memory::Memory;
use super::options::{WasiOptions, grant};
use crate::ctx::WasiCtx;
use crate::syscalls::SYSCALLS;

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
    instance: Rc<Instance>,
    /// Under which its functions find the instance, as long as this object is: they keep it.
    _number: Number,
}

#[napi]
impl WASI {
    /// Opens what the guest is given, and makes its functions: the property `wasiImport`.
    ///
    /// # Errors
    ///
    /// A `TypeError` for a capability or a right with an unknown name.
    /// An error with the code `UVWASI_EBADF` for a standard stream that is not open, or `UVWASI_` and
    /// what `open(2)` says of a preopen.
    #[napi(constructor)]
    pub fn new(env: Env, mut this: This<'_>, options: WasiOptions) -> Result<Self> {
        let return_on_exit = options.return_on_exit;
        let options = options.read(&env)?;
        let ctx = WasiCtx::new(options).map_err(|errno| init_error(&env, errno))?;
        let instance = Rc::new(Instance {
            ctx: Arc::new(ctx),
            memory: Memory::unbound(&env),
            return_on_exit,
        });
        let number = Number::new(Environment::of(&env)?, Rc::clone(&instance));
        let make_import = make_import(&env)?.borrow_back(&env)?;
        let wasi_import = make_import.call(FnArgs::from((this.object, number.get())))?;
        this.object.set_named_property("wasiImport", wasi_import)?;
        Ok(Self {
            instance,
            _number: number,
        })
    }

    /// Lets the guest do more.
    ///
    /// # Errors
    ///
    /// A `TypeError` for a capability with an unknown name.
    #[napi]
    pub fn add_capability(&self, env: Env, name: String) -> Result<()> {
        self.instance.ctx.grant(grant(&env, &name)?);
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
        imports.set_named_property(self.instance.ctx.snapshot.import_module(), wasi_import)?;
        Ok(imports)
    }

    /// Takes the memory of a guest that is not to be started, or whose memory it does not export.
    ///
    /// # Errors
    ///
    /// A `TypeError` if that is no `WebAssembly.Memory`.
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

    /// Runs a command: calls `_start`, and returns the code with which it exited, 0 if it returned.
    ///
    /// # Errors
    ///
    /// As `finalizeBindings`, unless that has been called. What the guest throws.
    #[napi]
    pub fn start<'env>(&self, env: &'env Env, instance: Object<'_>) -> Result<Unknown<'env>> {
        match self.run(env, &instance, "_start")? {
            Some(exit_code) => Ok(exit_code),
            None => 0_i32.into_unknown(env),
        }
    }

    /// Initialises a reactor: calls `_initialize` if there is one.
    ///
    /// # Errors
    ///
    /// As `start`. The exit, as an error with the code `ERR_WASI_EXITED`, if it exits.
    #[napi]
    pub fn initialize(&self, env: &Env, instance: Object<'_>) -> Result<()> {
        match self.run(env, &instance, "_initialize")? {
            Some(exit_code) => {
                let environment = Environment::of(env)?;
                let exit_error = environment.glue.exit_error.borrow_back(env)?;
                Err(throw(env, exit_error.call(FnArgs::from((exit_code,)))?))
            }
            None => Ok(()),
        }
    }

    /// Calls an entry of the guest, if it has it, and returns the code if the guest exits.
    fn run<'env>(
        &self,
        env: &'env Env,
        instance: &Object<'_>,
        entry: &str,
    ) -> Result<Option<Unknown<'env>>> {
        let exports = exports(instance)?;
        if !self.instance.memory.is_bound() {
            self.bind(env, exports.get_named_property("memory")?)?;
        }
        let entry: Unknown<'_> = exports.get_named_property(entry)?;
        if entry.get_type()? == ValueType::Undefined {
            return Ok(None);
        }
        let environment = Environment::of(env)?;
        let run = environment.glue.run.borrow_back(env)?;
        let end = run.call(FnArgs::from((entry,)))?;
        let value: Unknown<'_> = end.get_named_property("value")?;
        match end.get_named_property::<String>("how")?.as_str() {
            "exit" => Ok(Some(value)),
            "throw" => Err(throw(env, value)),
            _ => Ok(None),
        }
    }

    fn bind(&self, env: &Env, memory: Unknown<'_>) -> Result<()> {
        self.instance.memory.bind(memory).map_err(|_| {
            invalid_arg_type(
                env,
                "\"instance.exports.memory\" property must be a WebAssembly.Memory object",
            )
        })
    }
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

/// Whether the guest of `wasi` has been given the call with this name.
#[napi]
pub fn may_call(wasi: &WASI, name: String) -> bool {
    (SYSCALLS.iter().position(|syscall| syscall.name == name))
        .is_some_and(|row| wasi.instance.ctx.check_call(row).is_ok())
}

/// Gives `wasi` its memory: `wasi[kSetMemory]` of node:wasi.
///
/// # Errors
///
/// A `TypeError` if that is no `WebAssembly.Memory`.
#[napi]
pub fn set_memory(env: Env, wasi: &WASI, memory: Unknown<'_>) -> Result<()> {
    wasi.bind(&env, memory)
}
