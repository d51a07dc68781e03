//! Guests that are prepared in one thread and run in another.

use std::time::Duration;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::environment::Environment;
use super::error::{guest_gone, out_of_range, system_error, unless_ending};
use super::exports::{self, Created, OpenGuest, adopt, open};
use super::given_socket::OpenSocket;
use super::options::WasiOptions;
use super::signatures::names_of;
use super::stdio::StdioHandle;
use crate::abi::Exitcode;
use crate::ctx::{Stage, Token, WasiCtx};
use crate::module::{self, LimitError};
use crate::source_lines::{self, Sections};
use crate::vfs::Output;

/// The exit code of guests that were stopped because they wrote too much. It is reported to nobody.
const STOPPED: Exitcode = 0;

/// A guest whose preopens and streams are open. The thread that runs it finds it by its token; this one can
/// stop it.
#[napi(js_name = "Guest")]
pub struct GuestHandle {
    ctx: WasiCtx,
    sockets: Vec<OpenSocket>,
}

/// Opens what a guest is given. Any thread that has its token can run it: see [`attach`].
///
/// # Errors
///
/// As [`create`](super::exports::create).
#[napi]
pub fn prepare(env: &Env, options: WasiOptions<'_>) -> Result<GuestHandle> {
    let environment = Environment::of(env)?;
    let outputs = options.outputs();
    let OpenGuest { ctx, sockets, .. } = open(env, &environment, options)?;
    make_stoppable(env, &ctx)?;
    for output in outputs {
        stop_when_full(&ctx, &output);
    }
    Ok(GuestHandle { ctx, sockets })
}

fn stop_when_full(ctx: &WasiCtx, output: &Output) {
    let guest = ctx.downgrade();
    output.when_full(move || guest.stop(STOPPED));
}

/// The guest of an instance, which other threads that have its token can run as well.
///
/// # Errors
///
/// `EMFILE`: it needs a descriptor to be stopped while it waits, and there is none.
#[napi]
pub fn guest_of(env: &Env, number: u32) -> Result<GuestHandle> {
    let ctx = exports::instance(env, number)?.ctx().clone();
    make_stoppable(env, &ctx)?;
    Ok(GuestHandle {
        ctx,
        sockets: Vec::new(),
    })
}

fn make_stoppable(env: &Env, ctx: &WasiCtx) -> Result<()> {
    let stoppable = ctx.make_stoppable();
    stoppable.map_err(|error| system_error(env, &error, "prepare"))
}

#[napi]
impl GuestHandle {
    /// The token of the guest: 16 bytes.
    #[napi(getter)]
    pub fn token<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        let token = self.ctx.share();
        let token = token.map_err(|errno| Error::from_reason(errno.name()))?;
        BufferSlice::copy_from(env, token)
    }

    /// The sockets of the guest, in the order of the option.
    #[napi(getter)]
    pub fn sockets(&self) -> Vec<OpenSocket> {
        self.sockets.clone()
    }

    /// Stops the guest: it exits with this code, as by `proc_exit`, at its next call, or at once if it waits in
    /// one.
    #[napi]
    pub fn stop(&self, exit_code: i32) {
        self.ctx.stop(exit_code.cast_unsigned());
    }

    /// [`stop`](Self::stop) after so many milliseconds, which replaces the time that was set before.
    ///
    /// # Errors
    ///
    /// No thread can be made.
    #[napi]
    pub fn stop_after(&self, env: &Env, milliseconds: f64, exit_code: i32) -> Result<()> {
        let time = Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(Duration::MAX);
        let stops = self.ctx.stop_after(time, exit_code.cast_unsigned());
        stops.map_err(|error| system_error(env, &error, "start"))
    }

    /// The number of its instances, in all threads.
    #[napi(getter)]
    pub fn holders(&self) -> u32 {
        self.ctx.holders() as u32
    }

    /// Stops the guest when more is written to this output than its limit.
    #[napi]
    pub fn stop_when_full(&self, output: ClassInstance<'_, StdioHandle>) {
        if let Some(output) = output.collected() {
            stop_when_full(&self.ctx, &output);
        }
    }

    /// Whether it was stopped.
    #[napi(getter)]
    pub fn has_stopped(&self) -> bool {
        self.ctx.stopped().is_some()
    }

    /// Whether it was stopped because its time limit was over.
    #[napi(getter)]
    pub fn has_timed_out(&self) -> bool {
        self.ctx.has_timed_out()
    }

    /// Whether it was stopped because it had too much memory.
    #[napi(getter)]
    pub fn has_outgrown(&self) -> bool {
        self.ctx.has_outgrown()
    }

    /// The names of the calls that it has made without the capability for them.
    #[napi(getter)]
    pub fn refused(&self) -> Vec<&'static str> {
        names_of(self.ctx.refused_calls())
    }

    /// Whether it was stopped because one of its threads had died.
    #[napi(getter)]
    pub fn has_lost_thread(&self) -> bool {
        self.ctx.has_lost_thread()
    }

    /// The CPU time that the guest has used in all its threads, in milliseconds.
    #[napi(getter)]
    pub fn cpu_time(&self) -> f64 {
        self.ctx.cpu_time().as_secs_f64() * 1000.0
    }

    /// Whether it has begun in a thread.
    #[napi(getter)]
    pub fn has_begun(&self) -> bool {
        self.ctx.stage() != Stage::Ahead
    }

    /// Whether it has ended, or all of its threads have.
    #[napi(getter)]
    pub fn is_over(&self) -> bool {
        self.ctx.stage() == Stage::Over
    }

    /// Closes everything of the guest, which does not run any more.
    #[napi]
    pub fn close(&self) {
        self.ctx.cancel_stop();
        self.ctx.close_all();
        self.ctx.unmake_stoppable();
    }
}

/// Makes the functions of the guest with this token, and begins it in this thread. It is closed at the latest
/// when all environments in which it began have ended. With `is_thread` it has several threads at a time, and
/// ends when the environment of one of them ends.
///
/// # Errors
///
/// `ERR_WASI_GUEST_GONE`: there is no such guest, or not any more.
#[napi]
pub fn attach<'env>(
    env: &'env Env,
    token: Buffer,
    return_on_exit: bool,
    is_thread: bool,
) -> Result<Created<'env>> {
    let environment = Environment::of(env)?;
    let token = Token::try_from(&*token).ok();
    let ctx = token.and_then(|token| WasiCtx::shared(&token, environment.interrupt()));
    let ctx = ctx.ok_or_else(|| guest_gone(env))?;
    ctx.begin_cpu_time();
    let guest = OpenGuest {
        ctx,
        sockets: Vec::new(),
        return_on_exit,
        preopens: 0,
        memories: Vec::new(),
        is_thread,
    };
    let created = adopt(env, &environment, None, guest, None);
    unless_ending(env, &environment.glue, created)
}

/// The same module with lower maxima: its memories and tables do not grow beyond `max_pages` of 64 KiB.
///
/// # Errors
///
/// A `RangeError`, `ERR_OUT_OF_RANGE`: it has more at the start. Another error: it is no module, or uses an
/// unknown feature.
#[napi]
pub fn limit_memory<'env>(
    env: &'env Env,
    module: BufferSlice<'_>,
    max_pages: f64,
) -> Result<BufferSlice<'env>> {
    let limited = module::limit_memory(&module, max_pages as u64);
    let limited = limited.map_err(|error| match error {
        LimitError::TooSmall(_) | LimitError::TooManyEntries(_) => {
            out_of_range(env, &error.to_string())
        }
        LimitError::Malformed | LimitError::Collected => Error::from_reason(error.to_string()),
    })?;
    BufferSlice::copy_from(env, limited)
}

/// A memory that a module imports.
#[napi(object, object_from_js = false)]
pub struct ImportedMemory {
    /// The name of the module that it is imported from.
    pub module: String,
    /// Its name there.
    pub name: String,
    /// The number of pages at the start.
    pub initial: f64,
    /// The maximum number of pages.
    pub maximum: Option<f64>,
    /// Whether threads share it.
    pub shared: bool,
}

/// The types of the parameters of an exported function; `None` if one is not a number, or they are not known.
#[napi]
pub fn parameters(module: BufferSlice<'_>, name: String) -> Option<Vec<&'static str>> {
    module::parameters(&module, &name).ok()?
}

/// The places in the source of these offsets in the code section, as `PATH:LINE:COLUMN`; null for an offset
/// without one. The DWARF sections may be empty.
#[napi(catch_unwind)]
pub fn source_lines(
    line: BufferSlice<'_>,
    line_str: BufferSlice<'_>,
    str: BufferSlice<'_>,
    offsets: Vec<f64>,
) -> Vec<Option<String>> {
    let offsets: Vec<u64> = offsets.into_iter().map(|offset| offset as u64).collect();
    let sections = Sections {
        line: &line,
        line_str: &line_str,
        str: &str,
    };
    source_lines::source_lines(&sections, &offsets)
}

/// What only the bytes of a module tell.
#[napi(object, object_from_js = false, use_nullable = true)]
pub struct ModuleLayout {
    /// The memory that it imports, if that is its only one.
    pub imported_memory: Option<ImportedMemory>,
    /// The offset of the code section's content; `None` without code.
    pub code_start: Option<f64>,
}

/// Reads what only the bytes of a module tell; nothing if it uses an unknown feature.
#[napi]
pub fn layout_of(module: BufferSlice<'_>) -> ModuleLayout {
    let layout = module::layout(&module).unwrap_or_default();
    let imported_memory = layout.imported_memory.map(|memory| ImportedMemory {
        module: memory.module,
        name: memory.name,
        initial: memory.minimum as f64,
        maximum: memory.maximum.map(|pages| pages as f64),
        shared: memory.is_shared,
    });
    ModuleLayout {
        imported_memory,
        code_start: layout.code_start.map(|start| start as f64),
    }
}
