'use strict';

// Runs a prepared guest in this thread: in a worker, or in the thread that calls
// runSync().

const { instantiate } = require('../adapter');
const { loadBinding } = require('../binding');

const { attach, close, enter, leave, run } = loadBinding();

/** Whether an error is a trap or an exception of the guest, and not one of the host. */
function isTrap(error) {
  return (
    error instanceof WebAssembly.RuntimeError ||
    error instanceof WebAssembly.Exception ||
    (error instanceof RangeError && /call stack/.test(error.message))
  );
}

/** The tracer of a guest that is traced. */
function tracerOf({ trace }, { number }, sinkFor) {
  if (trace === undefined) return undefined;
  const { Tracer } = require('../trace/tracer');
  return new Tracer(trace, number, sinkFor(trace));
}

/** Adds the memory that a guest imports, unless the imports have it. */
function addMemory(imports, { module: from, name, ...type }) {
  if (imports[from]?.[name] !== undefined) return imports;
  const memory = new WebAssembly.Memory(type);
  return { ...imports, [from]: { ...imports[from], [name]: memory } };
}

/**
 * Runs a guest, to its end.
 *
 * @param {object} guest
 * @param {Buffer} guest.token of what was prepared
 * @param {WebAssembly.Module} guest.module
 * @param {object[]} guest.wasi what it imports: see `instantiate()`
 * @param {boolean} guest.isWasiOnly
 * @param {string | null} guest.entry the export to call
 * @param {boolean} guest.hasMemory whether it exports one
 * @param {object} [guest.memory] the memory that it imports
 * @param {object} [guest.trace] how it is traced
 * @param {(wasi: object) => object} makeImports
 * @param {(trace: object) => (call: object) => void} sinkFor makes the function that is
 *   called with each traced call
 * @returns {number} its exit code
 * @throws the error that ended it
 */
function enterGuest(guest, makeImports, sinkFor) {
  const { token, entry, hasMemory, memory } = guest;
  const native = attach(token, true, false);
  const { number } = native;
  const tracer = tracerOf(guest, native, sinkFor);
  const setMemory = tracer?.seeingMemory(native.setMemory) ?? native.setMemory;
  let imports;
  const importsOf = (wasi) => {
    const given = makeImports(wasi);
    imports = memory === undefined ? given : addMemory(given, memory);
    return imports;
  };
  try {
    // Instantiated within run(), as the module's start function may exit, too.
    const begin = () => {
      const { exports } = instantiate(guest, native, importsOf, tracer);
      if (hasMemory) setMemory(exports.memory);
      else if (memory) setMemory(imports[memory.module][memory.name]);
      if (entry !== null) exports[entry]();
    };
    const { how, value } = run(begin, enter(number));
    const exitCode = leave(number, true);
    if (how === 'throw') throw value;
    return exitCode;
  } finally {
    close(number);
  }
}

/**
 * As `enterGuest()`, but returns what it throws: `how` is `'exit'`, `'trap'`, or
 * `'failure'` for an error that is not the guest's.
 */
function runGuest(guest, makeImports, sinkFor) {
  try {
    return { how: 'exit', exitCode: enterGuest(guest, makeImports, sinkFor) };
  } catch (error) {
    return { how: isTrap(error) ? 'trap' : 'failure', error };
  }
}

module.exports = { addMemory, isTrap, runGuest };
