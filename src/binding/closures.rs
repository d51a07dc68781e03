//! The scripts that make the closures through which a guest's calls reach the native functions.
//!
//! Each is a function of the arrays of the [argument buffer](super::arg_buffer), of native functions, and of nothing
//! else: no closure looks anything up that a program could have replaced, and no program reaches what it closes over.
//! That `view` has an element is what [`Memory::guest`](super::memory::Memory::guest) rests on.
//!
//! An engine reads what is in a function once to see where it ends, and again when the function runs, unless the
//! function stands in parentheses (and is no arrow, to older engines). So those that run at once do, and the methods of
//! a `wasiImport`, nine tenths of the text, are in a script of their own: guests that have an adapter need none of it.

use super::arg_buffer::BEGUN;
use crate::abi::Errno;
use crate::syscalls::{self, ParamType, Row, SYSCALLS, WAITING};

/// The memory of an instance and the array over its bytes, with what sets both; see
/// [`Memory::add_closures`](super::memory::Memory::add_closures).
const STATE: &str = "\
    let memory,view=empty;\
    const bind=(newMemory,newView)=>{\
      if(newView!==undefined){memory=newMemory;view=newView}\
      return memory\
    };";

/// The fields of what a script's function returns that are the same in both. Of an uncaught error Node shows the line
/// of the script, so what throws has one of its own.
const SHARED_FIELDS: &str = "\
    __proto__:null,bind,setMemory:{'bound setMemory'(memory){\n\
    setMemory(instance,memory,bind)\n\
    }}['bound setMemory']";

/// The closures of an instance with a `wasiImport`: a function `(wasi, instance, kept)`, which gives `wasi` its
/// `wasiImport`. The closures keep `kept`. For which snapshot they are is up to the native functions.
///
/// As in node:wasi, the class of its prototype is called `WASI`, and its functions `bound` and their name.
/// A method in a literal has its name and its length from the text, which no other way to make a function
/// has without defining properties on each. One literal has all of them by those names: one for each would be
/// garbage of as many objects. Each method refuses in Node's order: the number of arguments,
/// their types (a number's value is looked at natively), then whether there is a memory.
///
/// The object gets its `wasiImport` as a field, which is defined and not set: a class that extends its
/// class has no say in that.
///
/// What it returns has `suspending()`, too. That makes functions for the calls that may wait, which take the time when
/// a call began as one more argument, and where it would wait give [`SUSPENDED`](super::trampoline::SUSPENDED). A module
/// of wasm calls them.
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

/// The closures of an instance with an [adapter](super::adapter): a function `(instance, bytes)` of the array over the
/// [block](super::block).
///
/// What it returns has `call`, which the adapter calls. `bytes[0]` is the function, and that it has been seen right before
/// the call is what [`Block::call`](super::block::Block::call) rests on.
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

/// The property of a `wasiImport` that is the method of a row.
fn field(name: &str) -> String {
    format!("{name}:named['bound {name}'],")
}

/// The method of a row whose calls are suspended where they would wait.
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

/// Whether one of them is not of its type, as further operands of `||`. To store what is an object would run JavaScript.
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

/// What puts them into the argument buffer.
fn stores(types: &[ParamType]) -> String {
    let store = |(slot, param): (usize, &ParamType)| match param {
        ParamType::I32 => format!("a[{slot}]=p{slot};"),
        ParamType::I64 => format!("b[{slot}]=p{slot};"),
    };
    (1..).zip(types).map(store).collect()
}
