'use strict';

// Errors of a worker: structured clone preserves neither the error classes of
// WebAssembly nor a WebAssembly.Exception.

const CLASSES = {
  __proto__: null,
  CompileError: WebAssembly.CompileError,
  LinkError: WebAssembly.LinkError,
  RuntimeError: WebAssembly.RuntimeError,
  RangeError,
  TypeError,
};

/** The parts of an error, as a message can have them. */
function describeError(error) {
  if (!(error instanceof Error)) return { message: 'uncaught exception' };
  const { name, message, stack, code } = error;
  return { name, message, stack, code };
}

/** The error of these parts. */
function rebuildError({ name, message, stack, code }) {
  const Class = CLASSES[name] ?? Error;
  const error = new Class(message);
  if (stack !== undefined) {
    Object.defineProperty(error, 'stack', {
      __proto__: null,
      value: stack,
      writable: true,
      configurable: true,
    });
  }
  if (code !== undefined) error.code = code;
  return error;
}

module.exports = { describeError, rebuildError };
