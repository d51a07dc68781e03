//! The scripts that make the closures through which a guest's calls reach the native functions.
//!
//! Each is a function of the arrays of the [argument buffer](super::arg_buffer) and of native functions, and of
//! nothing else: no closure looks up anything that a program could have replaced, and no program reaches what
//! it closes over. [`Memory::guest`](super::memory::Memory::guest) relies on the check that `view` has an
//! element.
//!
//! An engine parses a function once to find its end, and again when it runs, unless the function is in
//! parentheses (and, for older engines, not an arrow function). So functions that run at once are in
//! parentheses. The methods of a `wasiImport`, nine tenths of the text, are in a script of their own: guests
//! with an adapter do not need it.

use super::arg_buffer::{BEGUN, FUNCTION_WORD};
use crate::abi::{Errno, Snapshot};
use crate::syscalls::{self, ParamType, SYSCALLS, Syscall, WAITING};

/// More than the text of [`methods`] has.
const MOST_TEXT: usize = 16 << 10;

/// The memory of an instance and the array over its bytes, with a function that sets both; see
/// [`Memory::add_closures`](super::memory::Memory::add_closures).
const STATE: &str = "\
    let memory,view=empty;\
    const bind=(newMemory,newView)=>{\
      if(newView!==undefined){memory=newMemory;view=newView}\
      return memory\
    };";

/// The fields that the functions of both scripts return. For an uncaught error Node shows the line of the
/// script, so statements that throw have lines of their own.
const SHARED_FIELDS: &str = "\
    __proto__:null,bind,setMemory:{'bound setMemory'(memory){\n\
    setMemory(instance,memory,bind)\n\
    }}['bound setMemory']";

/// The closures of an instance with a `wasiImport`: a function `(wasi, instance, kept)`, which gives `wasi` its
/// `wasiImport`. The closures keep `kept` alive. The snapshot decides the numbers of the functions.
///
/// As in node:wasi, the class of its prototype is called `WASI`, and its functions are named `bound` and their
/// name. A method in an object literal gets its name and its length from the text; any other way to make a
/// function would have to define these properties. There is one literal for all methods, as one for each would
/// leave as many objects to collect. Each method checks in Node's order: the number of arguments, their types
/// (the value of a number is checked natively), then whether there is a memory.
///
/// The object gets its `wasiImport` as a field, which is defined and not set: a setter of a class that extends
/// its class is not called.
///
/// The result also has `suspending()`, which makes functions for the calls that may block. These have the start
/// time of a call as an additional argument, and return [`SUSPENDED`](super::trampoline::SUSPENDED) if the call
/// would block. A module of wasm calls them.
///
/// Every process with a guest waits for this text, so it is put together without formatting.
pub fn methods(snapshot: Snapshot) -> String {
    let mut text = String::with_capacity(MOST_TEXT);
    let mut add = |parts: &[&str]| parts.iter().for_each(|part| text.push_str(part));
    add(&[
        "'use strict';(function(a,b,r,empty,refresh,setMemory,call,suspend){\
           const {prototype}=class WASI{};\
           const same=function(wasi){return wasi};\
           same.prototype=null;\
           class Given extends same{\
             wasiImport;\
             constructor(wasi,functions){super(wasi);this.wasiImport=functions}\
           }\
           return(function(wasi,instance,kept){",
        STATE,
    ]);
    making(&mut add, "make", "call");
    add(&["const named={"]);
    for (row, syscall) in SYSCALLS.iter().enumerate() {
        add(&["'bound ", syscall.name, "'"]);
        method(&mut add, syscalls::function(snapshot, row), syscall.types);
    }
    add(&["};new Given(wasi,{__proto__:prototype,"]);
    for Syscall { name, .. } in SYSCALLS {
        add(&[name, ":named['bound ", name, "'],"]);
    }
    add(&["});return{", SHARED_FIELDS, ",suspending(){"]);
    making(&mut add, "suspendable", "suspend");
    add(&["return{__proto__:null,"]);
    for row in WAITING.map(|row| row as usize) {
        let Syscall { name, types, .. } = SYSCALLS[row];
        add(&[name]);
        suspending_method(&mut add, syscalls::function(snapshot, row), types);
    }
    add(&["}}}})})"]);
    text
}

/// The closures of an instance with an [adapter](super::adapter): a function `(instance, bytes)` of the array
/// over the [block](super::block).
///
/// The result has `call`, which the adapter calls. `bytes[0]` is the function;
/// [`Block::call`](super::block::Block::call) relies on its being read right before the call.
pub fn call() -> String {
    let gone = Errno::Nosys.raw();
    format!(
        "'use strict';(function(a,b,r,empty,refresh,setMemory,dispatch){{\
           return(function(instance,bytes){{\
             {STATE}\
             return{{{SHARED_FIELDS},call(){{\
               a[0]=instance;\
               if(view[0]===undefined&&refresh(bytes[0],bind))return r[0];\
               if(bytes[0]===undefined){{a[0]=0;return {gone}}}\
               dispatch();return r[0]\
             }}}}\
           }})\
         }})"
    )
}

/// Appends to the text of a script.
type Add<'a> = dyn FnMut(&[&str]) + 'a;

/// The function that all methods call, with the number of a function, once the arguments are stored.
fn making(add: &mut Add<'_>, name: &str, native: &str) {
    add(&[
        "const ",
        name,
        "=function(number){a[0]=instance;r[",
        &FUNCTION_WORD.to_string(),
        "]=number;if(view[0]===undefined&&refresh(number,bind,kept))return ",
        &Errno::Inval.raw().to_string(),
        ";\n",
        native,
        "();\nreturn r[0]};",
    ]);
}

/// The parameters and the body of the method for a function. See [`methods`].
fn method(add: &mut Add<'_>, function: usize, types: &[ParamType]) {
    add(&["("]);
    parameters(add, types);
    add(&["){if(arguments.length!==", DIGITS[types.len()]]);
    mistyped(add, types);
    stores(add, types);
    add(&["return make(", &function.to_string(), ")},\n"]);
}

/// The same for a method that returns [`SUSPENDED`](super::trampoline::SUSPENDED) if the call would block.
fn suspending_method(add: &mut Add<'_>, function: usize, types: &[ParamType]) {
    add(&["("]);
    parameters(add, types);
    add(&["begun){if(typeof begun!=='number'"]);
    mistyped(add, types);
    stores(add, types);
    add(&[
        "a[",
        DIGITS[BEGUN],
        "]=begun;return suspendable(",
        &function.to_string(),
        ")},\n",
    ]);
}

/// The numbers of the slots of the arguments.
const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// The arguments with their slots.
fn slots(types: &[ParamType]) -> impl Iterator<Item = (&'static str, &ParamType)> {
    DIGITS[1..].iter().copied().zip(types)
}

/// The parameters of a method, with a trailing comma.
fn parameters(add: &mut Add<'_>, types: &[ParamType]) {
    for (slot, _) in slots(types) {
        add(&["p", slot, ","]);
    }
}

/// Further operands of `||`: whether a parameter is not of its type. Storing an object would run JavaScript.
fn mistyped(add: &mut Add<'_>, types: &[ParamType]) {
    for (slot, of) in slots(types) {
        let name = match of {
            ParamType::I32 => "number",
            ParamType::I64 => "bigint",
        };
        add(&["||typeof p", slot, "!=='", name, "'"]);
    }
}

/// The end of the condition, and what stores the arguments in the argument buffer.
fn stores(add: &mut Add<'_>, types: &[ParamType]) {
    add(&[")return ", &Errno::Inval.raw().to_string(), ";"]);
    for (slot, of) in slots(types) {
        let array = match of {
            ParamType::I32 => "a",
            ParamType::I64 => "b",
        };
        add(&[array, "[", slot, "]=p", slot, ";"]);
    }
}
