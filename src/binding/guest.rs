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

/// The exit code of guests that are stopped because they wrote too much, which nobody is told.
const STOPPED: Exitcode = 0;

/// A guest that has what it is given, for the thread that runs it to find, and for this one to stop.
#[napi(js_name = "Guest")]
pub struct GuestHandle {
    ctx: WasiCtx,
    sockets: Vec<OpenSocket>,
}

/// Opens what a guest is given, to be run by whoever has its token: see [`attach`].
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

/// The guest of an instance, to be run in other threads by who has its token.
///
/// # Errors
///
/// `EMFILE`: to be stopped while it waits takes a descriptor, and there is none.
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
    /// What the guest is found by: 16 bytes.
    #[napi(getter)]
    pub fn token<'env>(&self, env: &'env Env) -> Result<BufferSlice<'env>> {
        let token = self.ctx.share();
        let token = token.map_err(|errno| Error::from_reason(errno.name()))?;
        BufferSlice::copy_from(env, token)
    }

    /// The sockets that it was given, in their order.
    #[napi(getter)]
    pub fn sockets(&self) -> Vec<OpenSocket> {
        self.sockets.clone()
    }

    /// Ends the guest with this code, as by `proc_exit`, at its next call, and at once where it waits in one.
    #[napi]
    pub fn stop(&self, exit_code: i32) {
        self.ctx.stop(exit_code.cast_unsigned());
    }

    /// Does so after so many milliseconds, in the place of the time that was set before.
    ///
    /// # Errors
    ///
    /// There is no thread to be had.
    #[napi]
    pub fn stop_after(&self, env: &Env, milliseconds: f64, exit_code: i32) -> Result<()> {
        let time = Duration::try_from_secs_f64(milliseconds / 1000.0).unwrap_or(Duration::MAX);
        let stops = self.ctx.stop_after(time, exit_code.cast_unsigned());
        stops.map_err(|error| system_error(env, &error, "start"))
    }

    /// How many instances of it there are, in all threads.
    #[napi(getter)]
    pub fn holders(&self) -> u32 {
        self.ctx.holders() as u32
    }

    /// Ends the guest when this output has more written to it than it takes.
    #[napi]
    pub fn stop_when_full(&self, output: ClassInstance<'_, StdioHandle>) {
        if let Some(output) = output.collected() {
            stop_when_full(&self.ctx, &output);
        }
    }

    /// Whether it is to end, or has ended so.
    #[napi(getter)]
    pub fn has_stopped(&self) -> bool {
        self.ctx.stopped().is_some()
    }

    /// Whether it is to end because its time was over.
    #[napi(getter)]
    pub fn has_timed_out(&self) -> bool {
        self.ctx.has_timed_out()
    }

    /// Whether it is to end because it has more memory than it may have.
    #[napi(getter)]
    pub fn has_outgrown(&self) -> bool {
        self.ctx.has_outgrown()
    }

    /// The names of the calls that it has made without the capability for it.
    #[napi(getter)]
    pub fn refused(&self) -> Vec<&'static str> {
        names_of(self.ctx.refused_calls())
    }

    /// Whether it is to end because one of its threads has, in the middle of what it did.
    #[napi(getter)]
    pub fn has_lost_thread(&self) -> bool {
        self.ctx.has_lost_thread()
    }

    /// Milliseconds of CPU time that the threads in which it runs have used for it.
    #[napi(getter)]
    pub fn cpu_time(&self) -> f64 {
        self.ctx.cpu_time().as_secs_f64() * 1000.0
    }

    /// Whether its thread has begun with it.
    #[napi(getter)]
    pub fn has_begun(&self) -> bool {
        self.ctx.stage() != Stage::Ahead
    }

    /// Whether it has ended, by itself or with its thread.
    #[napi(getter)]
    pub fn is_over(&self) -> bool {
        self.ctx.stage() == Stage::Over
    }

    /// Closes all that the guest has, which runs no more.
    #[napi]
    pub fn close(&self) {
        self.ctx.cancel_stop();
        self.ctx.close_all();
        self.ctx.unmake_stoppable();
    }
}

/// Makes the functions of the guest with this token, which begins in this thread. What it has is closed at the latest
/// when all environments have ended in which it did. With `is_thread` it has several threads at a time, and is over
/// when one of their environments ends.
///
/// # Errors
///
/// `ERR_WASI_GUEST_GONE`: there is none, or no more.
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

/// The module with memories and tables that do not grow beyond `max_pages` of 64 KiB each.
///
/// # Errors
///
/// A `RangeError`, `ERR_OUT_OF_RANGE`: it begins with more. Another error: it is no module, or one that uses
/// what is not known here.
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
    /// What it is imported from.
    pub module: String,
    /// What it is called there.
    pub name: String,
    /// The pages that it has at first.
    pub initial: f64,
    /// The pages that it may have.
    pub maximum: Option<f64>,
    /// Whether threads share it.
    pub shared: bool,
}

/// The types of the parameters of a function that a module exports; none where one is no number, or they are
/// not known here.
#[napi]
pub fn parameters(module: BufferSlice<'_>, name: String) -> Option<Vec<&'static str>> {
    module::parameters(&module, &name).ok()?
}

/// The places in the source, as `PATH:LINE:COLUMN`, of what is at these offsets in the code section of a module
/// with these sections of DWARF, which may be empty; null for what has none.
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
    /// The memory that it imports, if it is the only one that it has.
    pub imported_memory: Option<ImportedMemory>,
    /// Where the code section begins, behind its size; none without code.
    pub code_start: Option<f64>,
}

/// What only the bytes of a module tell; nothing where it uses what is not known here.
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
