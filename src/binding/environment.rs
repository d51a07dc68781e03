use std::cell::{Cell, RefCell};
use std::rc::Rc;

use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::block::Block;
use super::instance::{Instance, Instances};
use super::trampoline;
use crate::host::{self, interrupt};

/// `glue.js`.
const GLUE: &str = include_str!("glue.js");

/// What one JavaScript environment has once.
pub struct Environment {
    /// Where calls leave their arguments.
    pub block: Block,
    /// Every instance that can still be called.
    pub instances: RefCell<Instances>,
    /// Whether there is an object whose collection tells of others.
    is_watching: Cell<bool>,
    /// Whether it is being torn down.
    has_ended: Cell<bool>,
    /// The functions of `glue.js`.
    pub glue: Glue,
}

/// The functions of `glue.js`.
pub struct Glue {
    pub view_of: FunctionRef<FnArgs<(Unknown<'static>,)>, Unknown<'static>>,
    pub permitted: FunctionRef<(), bool>,
    pub exit_error: FunctionRef<FnArgs<(i32, f64)>, Unknown<'static>>,
    pub exit_process: FunctionRef<FnArgs<(i32, f64, bool)>, Unknown<'static>>,
    pub terminated: FunctionRef<FnArgs<(Unknown<'static>,)>, String>,
}

/// What gives an object its `wasiImport`, for the instance with this number. It returns `bind`, which is
/// for [`Memory::set_closures`](super::memory::Memory::set_closures), and `setMemory`.
pub type MakeFunctions = FunctionRef<FnArgs<(Object<'static>, u32)>, Object<'static>>;

/// What `napi_set_instance_data` keeps. Instances hold the environment too, because the order in which
/// both go at the end is not specified.
struct Loaded {
    environment: Rc<Environment>,
    make_functions: MakeFunctions,
}

impl Environment {
    /// That of this JavaScript environment.
    pub fn of(env: &Env) -> Result<Rc<Self>> {
        Ok(Rc::clone(&loaded(env)?.environment))
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
            if environment.instances.borrow_mut().sweep() > 0 {
                let _ = environment.watch(&collected.env);
            }
        })
    }

    /// The instance of the call that is in the block.
    #[inline]
    pub fn called(&self) -> Option<Rc<Instance>> {
        self.instances.borrow().get(self.block.instance()).cloned()
    }
}

fn loaded(env: &Env) -> Result<&'static mut Loaded> {
    env.get_instance_data::<Loaded>()?
        .ok_or_else(|| Error::from_reason("wasi-rs was not set up in this environment"))
}

/// The function that gives an object its `wasiImport`.
pub fn make_functions(env: &Env) -> Result<&'static MakeFunctions> {
    Ok(&loaded(env)?.make_functions)
}

/// Has what waits in this thread end when the thread is interrupted, as a worker is by its owner.
///
/// From then on no JavaScript can be called in it, and the calls of Node-API that might do so say so.
#[napi]
pub fn end_waits_with_thread(env: Env) -> Result<()> {
    let raw = env.raw();
    interrupt::set_check(Some(Box::new(move || {
        let env = Env::from_raw(raw);
        // It might call JavaScript were it another value, and costs nothing.
        let coerced = false
            .into_unknown(&env)
            .and_then(|value| value.coerce_to_bool());
        coerced.is_err()
    })));
    env.add_env_cleanup_hook((), |()| interrupt::set_check(None))?;
    Ok(())
}

/// Sets this environment up; Node calls it when it loads the addon.
#[napi(module_exports)]
pub fn set_up(mut exports: Object<'_>, env: Env) -> Result<()> {
    // Node does so itself, but not every runtime.
    host::ignore_file_size_signal();
    let glue: Function<'_, (), Object<'_>> = env.run_script(GLUE)?;
    let glue = glue.call(())?;
    macro_rules! glue {
        ($name:literal) => {
            glue.get_named_property::<Function<'_, _, _>>($name)?
                .create_ref()?
        };
    }
    // Between a guest and the `start()` that it throws to is no native function: what Node ends a thread
    // with would not come through.
    exports.set_named_property("run", glue.get_named_property::<Unknown<'_>>("run")?)?;
    let (block, arrays) = Block::new(&env)?;
    let environment = Rc::new(Environment {
        block,
        instances: RefCell::default(),
        is_watching: Cell::new(false),
        has_ended: Cell::new(false),
        glue: Glue {
            view_of: glue!("viewOf"),
            permitted: glue!("permitted"),
            exit_error: glue!("exitError"),
            exit_process: glue!("exitProcess"),
            terminated: glue!("terminated"),
        },
    });
    let make_functions = trampoline::make_functions(&env, &environment, &arrays)?;
    // Not every runtime finalizes what a worker leaves behind when it ends.
    env.add_env_cleanup_hook(Rc::clone(&environment), |environment| {
        environment.has_ended.set(true);
        for instance in environment.instances.borrow().iter() {
            instance.ctx.close_all();
        }
    })?;
    let loaded = Loaded {
        environment,
        make_functions,
    };
    env.set_instance_data(loaded, (), |_| {})
}
