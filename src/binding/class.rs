use std::cell::Cell;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::environment::{Environment, make_import};
use super::error::{access_denied, closed, init_error, invalid_arg_type};
use super::instance::{Instance, Weight};
use super::memory::Memory;
use super::options::{WasiOptions, grant};
use crate::ctx::WasiCtx;

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
    /// An error with the code `UVWASI_EBADF` for a standard stream that is not open, or `UVWASI_` and
    /// what `open(2)` says of a preopen.
    #[napi(constructor)]
    pub fn new(env: Env, this: This<'_>, options: WasiOptions) -> Result<Self> {
        let environment = Environment::of(&env)?;
        if !environment.glue.permitted.borrow_back(&env)?.call(())? {
            return Err(access_denied(&env));
        }
        let (options, return_on_exit) = options.read(&env)?;
        let weight = Weight::new(env, options.preopens.len());
        let ctx = Arc::new(WasiCtx::new(options).map_err(|errno| init_error(&env, errno))?);
        let return_on_exit = return_on_exit.call(())?;
        let make = |serial| {
            Rc::new(Instance {
                ctx,
                memory: Memory::unbound(&env),
                return_on_exit,
                serial,
                exit_code: Cell::new(0),
                running: Cell::new(0),
                is_closed: Cell::new(false),
                _weight: weight,
            })
        };
        let (number, instance) = environment.instances.borrow_mut().insert(make);
        let wasi = Self {
            environment,
            number,
            instance: Rc::downgrade(&instance),
        };
        let make_import = make_import(&env)?.borrow_back(&env)?;
        let bind = make_import.call(FnArgs::from((this.object, number as u32)))?;
        instance.memory.set_closures(bind)?;
        Ok(wasi)
    }

    /// Lets the guest do more.
    ///
    /// # Errors
    ///
    /// A capability with an unknown name.
    #[napi]
    pub fn add_capability(&self, name: String) -> Result<()> {
        let grant = grant(&name)?;
        if let Some(instance) = self.instance.upgrade() {
            instance.ctx.grant(grant);
        }
        Ok(())
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

/// Gives `wasi` its memory: `wasi[kSetMemory]` of node:wasi.
///
/// # Errors
///
/// A `TypeError` if that is no `WebAssembly.Memory`. `ERR_WASI_CLOSED` after `close()`.
#[napi]
pub fn set_memory(env: Env, wasi: &WASI, memory: Unknown<'_>) -> Result<()> {
    wasi.bind(&env, memory)
}

/// Says that an entry of the guest is about to run, and gives what tells its exits from those of others.
#[napi]
pub fn enter(wasi: &WASI) -> f64 {
    wasi.instance.upgrade().map_or(0.0, |instance| {
        instance.running.set(instance.running.get() + 1);
        instance.serial
    })
}

/// Says that an entry of the guest has ended, and whether that was the end of the guest: then what it
/// opened is closed. Gives the code of its last exit, 0 if there was none.
#[napi]
pub fn leave(wasi: &WASI, is_over: bool) -> i32 {
    wasi.instance.upgrade().map_or(0, |instance| {
        instance
            .running
            .set(instance.running.get().saturating_sub(1));
        if is_over {
            instance.ctx.end();
        }
        instance.exit_code.get()
    })
}
