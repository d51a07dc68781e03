// What the native class needs of the JavaScript language and Node-API has no
// word for. Evaluated once in each JavaScript environment; called, it returns
// what the class calls.
//
// The originals are taken here and now, before a program can replace them.
() => {
  'use strict';

  const { apply } = Reflect;
  const WeakSetOf = WeakSet;
  const { add, has } = WeakSet.prototype;
  const bufferOf =
    typeof WebAssembly === 'object' &&
    Object.getOwnPropertyDescriptor(WebAssembly.Memory.prototype, 'buffer').get;

  // `proc_exit` must end a guest from inside a call that the guest made, and
  // only an exception unwinds wasm frames. A guest can catch exceptions, though:
  // `catch_all`, which compilers emit for every C++ destructor, takes anything
  // that JavaScript throws, and the guest would run on after its own exit.
  //
  // Traps are what wasm cannot catch, and engines remember it with the error
  // object of the trap itself, whoever throws it again. So the exit travels as
  // the error of a real trap, taken from a module that does nothing else:
  // (module (func (export "trap") unreachable))
  const TRAPPING_MODULE = [
    [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], // magic, version 1
    [1, 4, 1, 0x60, 0, 0], // type 0: () -> ()
    [3, 2, 1, 0], // function 0 is of type 0
    [7, 8, 1, 4, 0x74, 0x72, 0x61, 0x70, 0, 0], // export function 0 as "trap"
    [10, 5, 1, 3, 0, 0, 11], // its body: unreachable, end
  ];
  const exitErrors = new WeakSetOf();
  let trap;

  function takeTrapError() {
    trap ??= new WebAssembly.Instance(
      new WebAssembly.Module(new Uint8Array(TRAPPING_MODULE.flat())),
    ).exports.trap;
    try {
      return trap();
    } catch (error) {
      return error;
    }
  }

  function exitError(exitCode) {
    const error = takeTrapError();
    error.message = `The guest exited with code ${String(exitCode)}`;
    error.code = 'ERR_WASI_EXITED';
    error.exitCode = exitCode;
    Error.captureStackTrace?.(error, exitError);
    apply(add, exitErrors, [error]);
    return error;
  }

  const isExitError = (error) => apply(has, exitErrors, [error]);

  return {
    /** The bytes of a WebAssembly.Memory, of any realm; of nothing else. */
    viewOf: (memory) => new Uint8Array(apply(bufferOf, memory, [])),

    exitError,

    isExitError,

    /** Ends the process, or in a worker the worker; never returns. */
    exitProcess(exitCode) {
      process.exit(exitCode);
      throw exitError(exitCode);
    },

    /** All strings in one, each with a NUL behind it. */
    terminated(strings) {
      let all = '';
      for (let i = 0; i < strings.length; i++) all += `${strings[i]}\0`;
      return all;
    },

    /** Calls a guest's entry, and tells how that ended and with what. */
    run(entry) {
      try {
        return { how: 'return', value: entry() };
      } catch (error) {
        return isExitError(error)
          ? { how: 'exit', value: error.exitCode }
          : { how: 'throw', value: error };
      }
    },
  };
};
