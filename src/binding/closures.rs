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

use super::arg_buffer::BEGUN;
use crate::abi::Errno;
use crate::syscalls::{self, ParamType, Row, SYSCALLS, WAITING};

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
/// `wasiImport`. The closures keep `kept` alive. The snapshot depends only on the native functions.
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
pub fn methods() -> String {
    let methods: String = (SYSCALLS.iter().enumerate())
        .map(|(row, syscall)| method(row, syscall.name, syscall.types))
        .collect();
    let fields: String = SYSCALLS.iter().map(|syscall| field(syscall.name)).collect();
    let suspending: String = WAITING.into_iter().map(suspending_method).collect();
    let natives = (0..syscalls::COUNT).map(|row| format!(",n{row}"));
    let natives = natives.chain(WAITING.map(|row| format!(",s{}", row as usize)));
    let natives: String = natives.collect();
    format!(
        "'use strict';(function(a,b,r,empty,refresh,setMemory{natives}){{\
           const {{prototype}}=class WASI{{}};\
           const same=function(wasi){{return wasi}};\
           same.prototype=null;\
           class Given extends same{{\
             wasiImport;\
             constructor(wasi,functions){{super(wasi);this.wasiImport=functions}}\
           }}\
           return(function(wasi,instance,kept){{\
             {STATE}\
             const refused=(row)=>refresh(row,bind,kept);\
             const named={{{methods}}};\
             new Given(wasi,{{__proto__:prototype,{fields}}});\
             return{{{SHARED_FIELDS},suspending:()=>({{__proto__:null,{suspending}}})}}\
           }})\
         }})"
    )
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

/// The method of one row.
fn method(row: usize, name: &str, types: &[ParamType]) -> String {
    let einval = Errno::Inval.raw();
    let arity = types.len();
    let names = names(types);
    let stores = stores(types);
    let mistyped = mistyped(types);
    format!(
        "'bound {name}'({names}){{\
           if(arguments.length!=={arity}{mistyped})return {einval};\
           a[0]=instance;{stores}\
           if(view[0]===undefined&&refused({row}))return {einval};\
           n{row}();return r[0]\
         }},\n"
    )
}

/// The property of a `wasiImport` that has the method of a row.
fn field(name: &str) -> String {
    format!("{name}:named['bound {name}'],")
}

/// The method of a row that returns [`SUSPENDED`](super::trampoline::SUSPENDED) if the call would block.
fn suspending_method(row: Row) -> String {
    let row = row as usize;
    let einval = Errno::Inval.raw();
    let types = SYSCALLS[row].types;
    let (name, names, stores) = (SYSCALLS[row].name, names(types), stores(types));
    let mistyped = mistyped(types);
    format!(
        "{name}({names},begun){{\
           if(typeof begun!=='number'{mistyped})return {einval};\
           a[0]=instance;{stores}a[{BEGUN}]=begun;\
           if(view[0]===undefined&&refused({row}))return {einval};\
           s{row}();return r[0]\
         }},\n"
    )
}

/// The parameters of a method.
fn names(types: &[ParamType]) -> String {
    let names: Vec<_> = (1..=types.len()).map(|slot| format!("p{slot}")).collect();
    names.join(",")
}

/// Further operands of `||`: whether a parameter is not of its type. Storing an object would run JavaScript.
fn mistyped(types: &[ParamType]) -> String {
    let check = |(slot, param): (usize, &ParamType)| {
        let of = match param {
            ParamType::I32 => "number",
            ParamType::I64 => "bigint",
        };
        format!("||typeof p{slot}!=='{of}'")
    };
    (1..).zip(types).map(check).collect()
}

/// Statements that store the parameters in the argument buffer.
fn stores(types: &[ParamType]) -> String {
    let store = |(slot, param): (usize, &ParamType)| match param {
        ParamType::I32 => format!("a[{slot}]=p{slot};"),
        ParamType::I64 => format!("b[{slot}]=p{slot};"),
    };
    (1..).zip(types).map(store).collect()
}
