'use strict';

// The tracer and the threads of an instance of WASI, for the options `trace` and `threads`.

const { loadBinding } = require('./core');

const { close } = loadBinding();

/** The threads of a guest. */
function makeThreads(options, { number }, { proc_exit: procExit }, returns) {
  const { InstanceThreads } = require('./threads/instance');
  return new InstanceThreads(options, { number, procExit }, returns);
}

/** The tracer of a guest, and its function kSetMemory. */
function traced({ trace, version }, { number, setMemory }, wasiImport) {
  if (trace === undefined) return { tracer: undefined, setMemory };
  const { Tracer } = require('./trace/tracer');
  const { sinkOf } = require('./trace/sinks');
  const tracer = new Tracer(trace, number, sinkOf(trace.to));
  tracer.trace(wasiImport, version);
  return { tracer, setMemory: tracer.seeingMemory(setMemory) };
}

/**
 * Makes the tracer and the threads of an instance. If that fails, the guest is closed.
 *
 * @param {object} options what `readOptions()` returned
 * @param {object} guest the native side
 * @param {object} wasiImport the functions of the instance; a program may replace them later
 * @param {boolean} returnsOnExit
 */
function companionsOf(options, guest, wasiImport, returnsOnExit) {
  try {
    const { tracer, setMemory } = traced(options, guest, wasiImport);
    const threads =
      options.threads && makeThreads(options, guest, wasiImport, returnsOnExit);
    return { tracer, setMemory, threads };
  } catch (error) {
    close(guest.number);
    throw error;
  }
}

module.exports = { companionsOf };
