// What the native class needs of the JavaScript language and Node-API has no
// word for. Evaluated once in each JavaScript environment; called, it returns
// what the class calls.
//
// Nothing here that a guest's exit depends on is looked up when a guest exits:
// by then a program may have replaced it. The originals are taken when the
// addon is loaded, and what only the language's syntax does nobody can replace.
//
// In parentheses, as it runs at once: an engine then reads what is in it once. To
// older engines that holds for no arrow.
(function () {
  'use strict';

  const { apply, construct } = Reflect;
  const { defineProperty, getOwnPropertyDescriptor } = Object;
  const { captureStackTrace } = Error;
  const Bytes = Uint8Array;
  const { Memory, Module, Instance } =
    typeof WebAssembly === 'object' ? WebAssembly : {};
  const getterOf = (Class, name) =>
    Class && getOwnPropertyDescriptor(Class.prototype, name)?.get;
  const bufferOf = getterOf(Memory, 'buffer');
  const exportsOf = getterOf(Instance, 'exports');

  // Node's own class, where the permission model is on: it asks that in C++,
  // while `process.permission.has` is a property that programs can replace.
  // Without the warning that Node prints when it first loads the class.
  const { permission } = process;
  const has = permission?.has;
  let NodeWASI;
  if (permission !== undefined) {
    const { emitWarning } = process;
    process.emitWarning = () => {};
    try {
      // Node has this function from 20.16 on.
      NodeWASI = process.getBuiltinModule?.('node:wasi').WASI;
    } finally {
      process.emitWarning = emitWarning;
    }
  }

  // `proc_exit` must end a guest from inside a call that the guest made, and
  // only an exception unwinds wasm frames. A guest can catch exceptions, though:
  // `catch_all`, which compilers emit for every C++ destructor, takes anything
  // that JavaScript throws, and the guest would run on after its own exit.
  //
  // Traps are what wasm cannot catch, and engines remember it with the error
  // object of the trap itself, whoever throws it again. So the exit travels as
  // the error of a real trap, taken from a module that does nothing else:
  // (module (func (export "trap") unreachable))
  // prettier-ignore
  const TRAPPING_MODULE = [
    0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, // magic, version 1
    1, 4, 1, 0x60, 0, 0, // type 0: () -> ()
    3, 2, 1, 0, // function 0 is of type 0
    7, 8, 1, 4, 0x74, 0x72, 0x61, 0x70, 0, 0, // export function 0 as "trap"
    10, 5, 1, 3, 0, 0, 11, // its body: unreachable, end
  ];
  let trap;

  function takeTrapError() {
    if (trap === undefined) {
      const { length } = TRAPPING_MODULE;
      const bytes = new Bytes(length);
      for (let i = 0; i < length; i++) bytes[i] = TRAPPING_MODULE[i];
      const instance = new Instance(new Module(bytes));
      ({ trap } = apply(exportsOf, instance, []));
    }
    try {
      return trap();
    } catch (error) {
      return error;
    }
  }

  /** What extends it can give fields to any object. */
  class Extension {
    constructor(object) {
      return object;
    }
  }

  /** Marks an error as the exit of one instance, in fields of its own. */
  class Exit extends Extension {
    #instance;
    #thrown;

    // Without one, older engines make it of iterators, which a program can replace.
    constructor(error, instance, thrown) {
      super(error);
      this.#instance = instance;
      this.#thrown = thrown;
    }

    static mark(error, instance, thrown) {
      return new Exit(error, instance, thrown);
    }

    /** Whether `error` is the exit of any instance. */
    static is(error) {
      return typeof error === 'object' && error !== null && #instance in error;
    }

    /** Whether `error` is the exit of this instance. */
    static isOf(error, instance) {
      return Exit.is(error) && error.#instance === instance;
    }

    /** What is to be thrown in its place, as `{ value }`. */
    static thrown(error) {
      return error.#thrown;
    }
  }

  function show(error, name, value, enumerable) {
    defineProperty(error, name, {
      __proto__: null,
      value,
      enumerable,
      writable: true,
      configurable: true,
    });
  }

  /**
   * @param {number} exitCode
   * @param {number} instance the number under which its `start()` knows it
   * @param {{ value: unknown }} [thrown] what to throw from there instead
   */
  function exitError(exitCode, instance, thrown) {
    const error = takeTrapError();
    Exit.mark(error, instance, thrown);
    try {
      show(error, 'message', `The guest exited with code ${exitCode}`, false);
      show(error, 'code', 'ERR_WASI_EXITED', true);
      show(error, 'exitCode', exitCode, true);
      captureStackTrace?.(error, exitError);
    } catch {
      // What it says of itself may be lost, the exit may not.
    }
    return error;
  }

  return {
    /** A memory of one page that never has another; undefined where there is none to be had. */
    block() {
      try {
        return new Memory({ __proto__: null, initial: 1, maximum: 1 });
      } catch {
        return undefined;
      }
    },

    /** The bytes of a WebAssembly.Memory, of any realm; of nothing else. */
    viewOf: (memory) => new Bytes(apply(bufferOf, memory, [])),

    /** Whether Node's permission model lets the process use WASI now. */
    permitted() {
      if (permission === undefined) return true;
      if (NodeWASI === undefined) return apply(has, permission, ['wasi']);
      try {
        construct(NodeWASI, [{ __proto__: null, version: 'preview1' }]);
        return true;
      } catch ({ code }) {
        // A stream that is not open is met after the permission.
        return code === 'UVWASI_EBADF';
      }
    },

    exitError,

    /** What native functions throw in a thread that is being terminated, where no `catch` sees it. */
    ending: new Error('The thread is to end'),

    /**
     * Ends the process, or in a worker the worker. Returns only where a program
     * has replaced process.exit(): then with what ends the guest all the same.
     */
    exitProcess(exitCode, instance, isRunning) {
      let thrown;
      try {
        process.exit(exitCode);
      } catch (value) {
        // Where no start() is there to pass it on, it goes its way itself.
        if (!isRunning) return value;
        thrown = { value };
      }
      return exitError(exitCode, instance, thrown);
    },

    /**
     * What ends a guest when a call of it has run JavaScript that threw. Where an
     * entry is being run, that hands on the very value, and no guest can catch it.
     */
    rethrown(thrown, instance, isRunning) {
      const { value } = thrown;
      if (!isRunning || Exit.is(value)) return value;
      const error = takeTrapError();
      Exit.mark(error, instance, thrown);
      try {
        show(error, 'message', 'A function of the host has thrown', false);
        show(error, 'cause', value, false);
      } catch {
        // As above.
      }
      return error;
    },

    /** The strings in one, each terminated by a NUL. */
    terminated(strings) {
      let all = '';
      for (let i = 0; i < strings.length; i++) all += `${strings[i]}\0`;
      return all;
    },

    /** Calls a guest's entry, and tells how that ended and with what. */
    run(entry, instance) {
      try {
        return { how: 'return', value: entry() };
      } catch (error) {
        if (!Exit.isOf(error, instance)) return { how: 'throw', value: error };
        const thrown = Exit.thrown(error);
        return thrown === undefined
          ? { how: 'exit', value: error }
          : { how: 'throw', value: thrown.value };
      }
    },
  };
});
