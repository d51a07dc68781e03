'use strict';

// Errors on their way from a worker: messages keep neither the classes of
// WebAssembly nor what a guest threw that nobody caught.

const CLASSES = {
  __proto__: null,
  CompileError: WebAssembly.CompileError,
  LinkError: WebAssembly.LinkError,
  RuntimeError: WebAssembly.RuntimeError,
  RangeError,
  TypeError,
};

/** An error as what a message can hold. */
function describeError(error) {
  if (!(error instanceof Error)) return { message: 'uncaught exception' };
  const { name, message, stack, code } = error;
  return { name, message, stack, code };
}

/** The error that was described. */
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
