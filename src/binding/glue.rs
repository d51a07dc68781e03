//! The functions of `glue.js`, which need JavaScript.

use napi::bindgen_prelude::*;

const SOURCE: &str = include_str!("glue.js");

/// The functions of `glue.js`, and the error of [`check_ending`](super::error::check_ending).
pub struct Glue {
    pub block: FunctionRef<(), Option<Object<'static>>>,
    pub view_of: FunctionRef<FnArgs<(Unknown<'static>,)>, Unknown<'static>>,
    pub permitted: FunctionRef<(), bool>,
    pub ending: ObjectRef<false>,
    pub exit_error: FunctionRef<FnArgs<(i32, f64)>, Unknown<'static>>,
    pub exit_process: FunctionRef<FnArgs<(i32, f64, bool)>, Unknown<'static>>,
    pub rethrown: FunctionRef<FnArgs<(Unknown<'static>, f64, bool)>, Unknown<'static>>,
    pub terminated: FunctionRef<FnArgs<(Unknown<'static>,)>, String>,
}

impl Glue {
    /// Runs `glue.js`. Returns its functions, and `run`, which is for `index.js`.
    pub fn new(env: &Env) -> Result<(Self, Unknown<'_>)> {
        let script: Function<'_, (), Object<'_>> = env.run_script(SOURCE)?;
        let functions = script.call(())?;
        macro_rules! function {
            ($name:literal) => {
                (functions.get_named_property::<Function<'_, _, _>>($name)?).create_ref()?
            };
        }
        let glue = Self {
            block: function!("block"),
            view_of: function!("viewOf"),
            permitted: function!("permitted"),
            ending: (functions.get_named_property::<Object<'_>>("ending")?).create_ref()?,
            exit_error: function!("exitError"),
            exit_process: function!("exitProcess"),
            rethrown: function!("rethrown"),
            terminated: function!("terminated"),
        };
        Ok((glue, functions.get_named_property("run")?))
    }
}
