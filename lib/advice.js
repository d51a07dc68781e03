'use strict';

// The advice that is added to Node's error if start() is given a program, and not an
// instance of it.

const { isPromise } = require('node:util').types;

const { isBytes } = require('./bytes');

const RUN =
  'Pass a WebAssembly.Instance, or the program itself to run(), which compiles, instantiates and starts it.';

/** Whether a value is a program; by its shape, as it may be from another realm. */
function isProgram(value) {
  return (
    typeof value === 'string' ||
    value instanceof URL ||
    isBytes(value) ||
    Object.prototype.toString.call(value) === '[object WebAssembly.Module]' ||
    typeof value?.arrayBuffer === 'function'
  );
}

/**
 * What to pass in the place of a value that is not an instance; undefined if that is
 * not clear.
 *
 * @returns {string | undefined}
 */
function adviceFor(value) {
  if (isPromise(value))
    return 'It is a promise, which has to be awaited first.';
  if (value?.instance?.exports !== undefined) {
    return 'Pass its property "instance".';
  }
  return isProgram(value) ? RUN : undefined;
}

module.exports = { adviceFor };
