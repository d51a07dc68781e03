use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::determinism;
use super::directory::DirectoryHandle;
use super::environment::Environment;
use super::error::{
    access_denied, check_ending, closed, init_error, invalid_arg_type, system_error, unless_ending,
};
use super::files::Files;
use super::given_socket::{self, OpenSocket};
use super::instance::{Instance, Weight};
use super::memory::Memory;
use super::memory_fs::TrackedMemoryFs;
use super::options::{WasiOptions, WasiPreopen, grant};
use super::signatures::snapshot_of;
use crate::abi::Snapshot;
use crate::ctx::{MountError, WasiCtx};

/// The result of [`create`]. None of its fields is an `Option`: napi-rs sets such a field instead of defining
/// it, so a setter on `Object.prototype` would get the value.
#[napi(object, object_from_js = false)]
pub struct Created<'env> {
    /// The sockets of the guest, in the order of the option.
    pub sockets: Vec<OpenSocket>,
    /// The number of the instance for the functions here. It is valid for as long as the functions of the guest
    /// exist.
    pub number: u32,
    /// `wasi[kSetMemory]` of node:wasi.
    pub set_memory: Unknown<'env>,
    /// Makes functions that do not block: see [`closures::methods`](super::closures::methods). `undefined`
    /// without `wasi`.
    pub suspending: Unknown<'env>,
    /// The function that an [adapter](super::adapter) calls; `undefined` with `wasi`.
    pub call: Unknown<'env>,
    /// The memory of the [block](super::block), which the adapter imports; `undefined` if the engine has no
    /// memory for it.
    pub memory: Either<Object<'env>, Undefined>,
}

/// Opens what a guest is given, and makes its functions, which keep `kept` alive. If there is a `wasi`, it gets
/// a `wasiImport` for guests of a version, `'preview1'` or `'unstable'`.
///
/// # Errors
///
/// `ERR_ACCESS_DENIED` if Node's permission model does not allow WASI. A capability or a right with an unknown
/// name. An error with the code `UVWASI_EBADF` for a standard stream that is not open, or `UVWASI_` and what
/// `open(2)` says of a preopen. An error with the code of what `listen(2)` says of a socket, and its index as
/// `socket`.
#[napi]
pub fn create<'env>(
    env: &'env Env,
    wasi: Option<Object<'_>>,
    options: WasiOptions<'_>,
    version: Option<String>,
    kept: Option<Unknown<'_>>,
) -> Result<Created<'env>> {
    let environment = Environment::of(env)?;
    let wasi = wasi.zip(version.as_deref().map(snapshot_of));
    let created = open(env, &environment, options).and_then(|mut guest| {
        guest.ctx = guest.ctx.with_interrupt(environment.interrupt());
        adopt(env, &environment, wasi, guest, kept)
    });
    unless_ending(env, &environment.glue, created)
}

/// A guest whose preopens and streams are open.
pub struct OpenGuest {
    pub ctx: WasiCtx,
    /// Its sockets.
    pub sockets: Vec<OpenSocket>,
    /// Whether `proc_exit` ends only the guest, not the process.
    pub return_on_exit: bool,
    /// The number of preopens that this thread has opened for it.
    pub preopens: usize,
    /// The file systems in memory among its preopens.
    pub memories: Vec<Rc<TrackedMemoryFs>>,
    /// Whether this is one of several threads of the guest.
    pub is_thread: bool,
}

/// Refuses access to the host if Node's permission model does not allow WASI.
///
/// # Errors
///
/// `ERR_ACCESS_DENIED`.
pub fn check_permitted(env: &Env, environment: &Environment) -> Result<()> {
    match environment.glue.permitted.borrow_back(env)?.call(())? {
        true => Ok(()),
        false => Err(access_denied(env)),
    }
}

/// Opens what a guest is given.
pub fn open(
    env: &Env,
    environment: &Environment,
    mut options: WasiOptions<'_>,
) -> Result<OpenGuest> {
    check_permitted(env, environment)?;
    let sockets = options.sockets.take().unwrap_or_default();
    let memories = options.memories();
    let (clock, random) = (options.clock.take(), options.random.take());
    let read = options.read(env);
    environment.check_thrown(env)?;
    check_ending(env, &environment.glue)?;
    let (options, return_on_exit) = read?;
    let preopens = options.preopens.len();
    let ctx = WasiCtx::new(options);
    environment.check_thrown(env)?;
    check_ending(env, &environment.glue)?;
    let ctx = ctx.map_err(|error| init_error(env, error))?;
    Ok(OpenGuest {
        sockets: given_socket::give(env, &ctx, sockets)?,
        ctx: determinism::give(env, ctx, clock, random)?,
        return_on_exit: return_on_exit.call(())?,
        preopens,
        memories,
        is_thread: false,
    })
}

/// Makes the functions of a guest in this environment. If there is a `wasi`, it gets a `wasiImport` for guests
/// of a snapshot.
pub fn adopt<'env>(
    env: &'env Env,
    environment: &Rc<Environment>,
    wasi: Option<(Object<'_>, Snapshot)>,
    guest: OpenGuest,
    kept: Option<Unknown<'_>>,
) -> Result<Created<'env>> {
    let (sockets, make) = instance_of(env, guest);
    if environment.instances.borrow().is_full() {
        environment.sweep();
    }
    let (number, instance) = environment.instances.borrow_mut().insert(make);
    environment.watch(env)?;
    let number = number as u32;
    let (functions, block) = match wasi {
        Some((wasi, snapshot)) => {
            let methods = environment.make_methods(env, wasi, number, snapshot, kept)?;
            (methods, None)
        }
        None => {
            let block = environment.block_for_adapters(env)?;
            let bytes = block.map(|block| block.bytes.get_value(env)).transpose()?;
            (environment.make_call(env, number, bytes)?, block)
        }
    };
    let bind = functions.get_named_property("bind")?;
    instance.memory.add_closures(bind, &environment.glue)?;
    let memory = block.map(|block| block.memory.get_value(env)).transpose()?;
    Ok(Created {
        sockets,
        number,
        set_memory: functions.get_named_property("setMemory")?,
        suspending: functions.get_named_property("suspending")?,
        call: functions.get_named_property("call")?,
        memory: memory.map_or(Either::B(()), Either::A),
    })
}

/// The sockets of a guest, and what makes an instance of it with this serial.
fn instance_of(env: &Env, guest: OpenGuest) -> (Vec<OpenSocket>, impl FnOnce(f64) -> Rc<Instance>) {
    let weight = Weight::of_instance(*env, guest.preopens);
    let make = move |serial| {
        Rc::new(Instance {
            hold: Cell::new(Some(guest.ctx.hold())),
            own: guest.ctx,
            adopted: OnceCell::new(),
            bond: RefCell::default(),
            is_thread: guest.is_thread,
            suspending: OnceCell::new(),
            view: OnceCell::new(),
            memory: Memory::unbound(env),
            return_on_exit: guest.return_on_exit,
            serial,
            exit_code: Cell::new(0),
            running: Cell::new(0),
            is_closed: Cell::new(false),
            memories: RefCell::new(guest.memories),
            _weight: weight,
        })
    };
    (guest.sockets, make)
}

/// Gives an object a further `wasiImport` of an instance, for guests of this version. It keeps `kept` alive.
/// Returns a [`Created::suspending`] for it.
#[napi]
pub fn give_functions<'env>(
    env: &'env Env,
    wasi: Object<'_>,
    number: u32,
    version: String,
    kept: Option<Unknown<'_>>,
) -> Result<Unknown<'env>> {
    let instance = instance(env, number)?;
    let environment = Environment::of(env)?;
    let snapshot = snapshot_of(&version);
    let functions = environment.make_methods(env, wasi, number, snapshot, kept)?;
    let bind = functions.get_named_property("bind")?;
    instance.memory.add_closures(bind, &environment.glue)?;
    functions.get_named_property("suspending")
}

/// The instance with this number.
pub fn instance(env: &Env, number: u32) -> Result<Rc<Instance>> {
    let environment = Environment::of(env)?;
    let instances = environment.instances.borrow();
    (instances.get(number as usize).cloned())
        .ok_or_else(|| Error::from_reason("no instance has this number"))
}

/// Sets the memory of an instance.
///
/// # Errors
///
/// A `TypeError` if it is no `WebAssembly.Memory`. `ERR_WASI_CLOSED` after [`close`].
pub fn set_memory(env: &Env, number: u32, memory: Unknown<'_>) -> Result<()> {
    let instance = instance(env, number)?;
    if instance.is_closed.get() {
        return Err(closed(env));
    }
    let environment = Environment::of(env)?;
    let glue = &environment.glue;
    if instance.memory.bind(memory, glue).is_err() {
        check_ending(env, glue)?;
        let message = "\"instance.exports.memory\" property must be a WebAssembly.Memory object";
        return Err(invalid_arg_type(env, message));
    }
    instance.share_memory(|| environment.interrupt(), glue)?;
    instance.check_memory();
    Ok(())
}

/// Called before an entry of a guest runs. Returns the serial that identifies exits of this instance.
#[napi]
pub fn enter(env: Env, number: u32) -> Result<f64> {
    let instance = instance(&env, number)?;
    instance.running.set(instance.running.get() + 1);
    Ok(instance.serial)
}

/// Called after an entry of a guest. If the guest `is_over`, closes what it has opened. Returns the code of its
/// last exit, 0 if there was none.
#[napi]
pub fn leave(env: Env, number: u32, is_over: bool) -> Result<i32> {
    let instance = instance(&env, number)?;
    instance
        .running
        .set(instance.running.get().saturating_sub(1));
    if is_over {
        instance.ctx().end_cpu_time();
        instance.end();
        Environment::of(&env)?.check_thrown(&env)?;
    }
    instance.weigh();
    Ok(instance.exit_code.get())
}

/// Gives a guest a capability.
///
/// # Errors
///
/// A capability with an unknown name.
#[napi]
pub fn add_capability(env: Env, number: u32, name: String) -> Result<()> {
    instance(&env, number)?.ctx().grant(grant(&name)?);
    Ok(())
}

/// Closes all descriptors of a guest, preopens and standard streams among them. The embedder's descriptors of
/// lent streams stay open.
#[napi]
pub fn close(env: Env, number: u32) -> Result<()> {
    let instance = instance(&env, number)?;
    instance.is_closed.set(true);
    instance.ctx().end_cpu_time();
    instance.close_all();
    Environment::of(&env)?.check_thrown(&env)
}

/// The result of [`mount`] if the guest has started, and none of its paths would lead to what is mounted.
const UNREACHABLE: i32 = 1;

/// Mounts something in the namespace of a guest; also as a preopen, unless the guest has started. Returns 0,
/// the negated errno of WASI, or [`UNREACHABLE`].
///
/// # Errors
///
/// `ERR_WASI_CLOSED` after [`close`]. A right with an unknown name.
#[napi]
pub fn mount(env: &Env, number: u32, mount: WasiPreopen<'_>, has_started: bool) -> Result<i32> {
    let instance = instance(env, number)?;
    if instance.is_closed.get() {
        return Err(closed(env));
    }
    let memory = (mount.directory.as_ref()).and_then(|directory| directory.memory());
    let environment = Environment::of(env)?;
    let mount = mount.read();
    environment.check_thrown(env)?;
    let mounted = instance.mount(mount?, memory, has_started);
    environment.check_thrown(env)?;
    Ok(match mounted {
        Ok(()) => 0,
        Err(MountError::Errno(errno)) => -i32::from(errno.raw()),
        Err(MountError::Unreachable) => UNREACHABLE,
    })
}

/// Unmounts what was mounted last at a path of a guest. Returns 0 or the negated errno of WASI.
///
/// # Errors
///
/// `ERR_WASI_CLOSED` after [`close`].
#[napi]
pub fn unmount(env: &Env, number: u32, path: String, has_started: bool) -> Result<i32> {
    let instance = instance(env, number)?;
    if instance.is_closed.get() {
        return Err(closed(env));
    }
    let unmounted = instance.unmount(&path, has_started);
    Environment::of(env)?.check_thrown(env)?;
    Ok(unmounted.map_or_else(|errno| -i32::from(errno.raw()), |()| 0))
}

/// Stops a guest: it exits with this code at its next call, as by `proc_exit`.
#[napi]
pub fn stop(env: Env, number: u32, exit_code: i32) -> Result<()> {
    instance(&env, number)?
        .ctx()
        .stop(exit_code.cast_unsigned());
    Ok(())
}

/// [`stop`], which ends the guest alone even where an exit of its own would end the process.
#[napi]
pub fn stop_alone(env: Env, number: u32, exit_code: i32) -> Result<()> {
    let ctx = instance(&env, number)?;
    let ctx = ctx.ctx();
    ctx.stop_alone(exit_code.cast_unsigned());
    Ok(())
}

/// [`stop_alone`] after so many milliseconds, unless [`cancel_stop`] is called first.
///
/// # Errors
///
/// `EAGAIN`, `EMFILE`: no thread can be made, or there are too few descriptors.
#[napi]
pub fn stop_after(env: Env, number: u32, milliseconds: u32, exit_code: i32) -> Result<()> {
    let time = Duration::from_millis(milliseconds.into());
    let ctx = instance(&env, number)?;
    let ctx = ctx.ctx();
    let stops = ctx.stop_after(time, exit_code.cast_unsigned());
    stops.map_err(|error| system_error(&env, &error, "start"))
}

/// Cancels [`stop_after`]. Returns whether the guest was stopped by it.
#[napi]
pub fn cancel_stop(env: Env, number: u32) -> Result<bool> {
    let ctx = instance(&env, number)?;
    let ctx = ctx.ctx();
    ctx.cancel_stop();
    ctx.unmake_stoppable();
    Ok(ctx.has_timed_out())
}

/// The files of a guest, to be mounted in others.
///
/// # Errors
///
/// `ERR_WASI_CLOSED` after [`close`]. The view cannot be opened.
#[napi]
pub fn root_of(env: &Env, number: u32) -> Result<ClassInstance<'_, DirectoryHandle>> {
    let instance = instance(env, number)?;
    if instance.is_closed.get() {
        return Err(closed(env));
    }
    let view = instance.view();
    Environment::of(env)?.check_thrown(env)?;
    let view = view.map_err(|errno| Error::from_reason(errno.name()))?;
    DirectoryHandle::of_guest(env, Arc::clone(view))
}

/// The files of a guest, for `wasi.fs`.
#[napi]
pub fn files(env: Env, number: u32) -> Result<Files> {
    Ok(Files::of_guest(&instance(&env, number)?))
}
