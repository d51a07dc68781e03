'use strict';

// `proc_exit` must end a guest from inside a call that the guest made, and only
// an exception unwinds wasm frames. A guest can catch exceptions, though:
// `catch_all`, which compilers emit for every C++ destructor, takes anything
// that JavaScript throws, and the guest would run on after its own exit.
//
// Traps are what wasm cannot catch, and engines remember it with the error
// object of the trap itself, whoever throws it again. So the exit travels as
// the error of a real trap, taken from a module that does nothing else.

// (module (func (export "trap") unreachable))
const TRAPPING_MODULE = Buffer.from(
  '0061736d01000000' + // magic, version 1
    '010401600000' + // type 0: () -> ()
    '03020100' + // function 0 is of type 0
    '0708010474726170' + // one export, called "trap":
    '0000' + // function 0
    '0a05010300000b', // body of function 0: unreachable, end
  'hex',
);

const exitErrors = new WeakSet();

/** The trapping function; made at the first exit, which many guests never do. */
let trap;

function takeTrapError() {
  trap ??= new WebAssembly.Instance(new WebAssembly.Module(TRAPPING_MODULE))
    .exports.trap;
  try {
    return trap();
  } catch (error) {
    return error;
  }
}

/**
 * Makes the error that ends a guest which called `proc_exit`.
 *
 * @param {unknown} exitCode what the guest passed, unconverted
 * @param {Function} above frames of this function and those it called are left
 *   out of the stack
 * @returns {WebAssembly.RuntimeError & { code: 'ERR_WASI_EXITED', exitCode: unknown }}
 */
function makeExitError(exitCode, above) {
  const error = takeTrapError();
  error.message = `The guest exited with code ${String(exitCode)}`;
  error.code = 'ERR_WASI_EXITED';
  error.exitCode = exitCode;
  Error.captureStackTrace?.(error, above);
  exitErrors.add(error);
  return error;
}

/** Whether `error` came from makeExitError(), and no forgery of it. */
function isExitError(error) {
  return exitErrors.has(error);
}

module.exports = { isExitError, makeExitError };
