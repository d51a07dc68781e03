use napi::bindgen_prelude::*;
use napi_derive::napi;

use super::trampoline;

/// `glue.js`.
const GLUE: &str = include_str!("glue.js");

/// What one JavaScript environment has once: the functions of `glue.js`, and the one that makes an
/// instance's `wasiImport`.
pub struct Environment {
    pub wasi_import: FunctionRef<FnArgs<(Unknown<'static>,)>, Object<'static>>,
    pub view_of: FunctionRef<FnArgs<(Unknown<'static>,)>, Unknown<'static>>,
    pub exit_error: FunctionRef<FnArgs<(Unknown<'static>,)>, Unknown<'static>>,
    pub exit_process: FunctionRef<FnArgs<(i32,)>, ()>,
    pub run: FunctionRef<FnArgs<(Unknown<'static>,)>, Object<'static>>,
}

impl Environment {
    /// That of this JavaScript environment.
    pub fn of(env: &Env) -> Result<&'static mut Self> {
        env.get_instance_data::<Self>()?
            .ok_or_else(|| Error::from_reason("wasi-rs was not set up in this environment"))
    }
}

/// Sets this environment up; Node calls it when it loads the addon.
#[napi(module_exports)]
pub fn set_up(mut exports: Object<'_>, env: Env) -> Result<()> {
    let glue: Function<'_, (), Object<'_>> = env.run_script(GLUE)?;
    let glue = glue.call(())?;
    macro_rules! glue {
        ($name:literal) => {
            glue.get_named_property::<Function<'_, _, _>>($name)?
                .create_ref()?
        };
    }
    // Exceptions that JavaScript throws to JavaScript need not come this way.
    for name in ["exitError", "isExitError"] {
        exports.set_named_property(name, glue.get_named_property::<Unknown<'_>>(name)?)?;
    }
    let environment = Environment {
        wasi_import: trampoline::wasi_import(&env)?.create_ref()?,
        view_of: glue!("viewOf"),
        exit_error: glue!("exitError"),
        exit_process: glue!("exitProcess"),
        run: glue!("run"),
    };
    env.set_instance_data(environment, (), |_| {})
}
