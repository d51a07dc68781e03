'use strict';

// Prepares, instantiates and runs a guest, in a worker or in the thread that calls
// runSync(), and tells how it ended.
//
// Its calls reach the addon through an adapter, a WebAssembly module, so that the engine
// need not compile a wrapper and a JavaScript function for each call.

const { loadBinding, openGuest } = require('../core');

const {
  adapterModule,
  attach,
  close,
  enter,
  giveFunctions,
  leave,
  prepare,
  run,
} = loadBinding();

/** The exit code of a guest that the host has stopped, to tell that from the guest's own. */
const STOPPED = 0x5354_4f50;

const returnOnExit = () => true;

/** Opens the preopens and sockets of a guest, and sets `plan.listeners`. */
function prepareGuest(plan) {
  const { native, stdio, maxMemory } = plan;
  const { guest, listeners } = openGuest(
    { ...native, ...stdio.natives, maxMemory, returnOnExit },
    prepare,
    (opened) => opened.close(),
  );
  plan.listeners = listeners;
  return guest;
}

/**
 * A prepared guest, in the form that can be sent to its thread: for `runGuest()`, or for
 * `runFirst()` if it has threads.
 */
function guestOf({ token }, module, description, { native, threads }) {
  const { wasi, isWasiOnly, entry, hasMemory, memory } = description;
  const guest = { token, module, wasi, isWasiOnly, entry, hasMemory, memory };
  if (threads === undefined || description.threadSpawn === undefined) {
    const { trace } = native;
    return trace === undefined ? guest : { ...guest, trace };
  }
  const { makeShared } = require('../threads/group');
  const { max, warm } = threads;
  const { hasThreadStart } = description;
  return { ...guest, hasThreadStart, shared: makeShared(max), warm };
}

/** A cache of compiled adapters, by the version and the calls that they have; the newest is last. */
const compiled = new Map();
/** How many are kept. */
const MOST_COMPILED = 32;

/** The names of the calls that a module imports. */
function callsOf(imports) {
  return [...new Set(imports.map(({ name }) => name))].sort().join(' ');
}

function adapterOf(version, calls) {
  const key = `${version} ${calls}`;
  let module = compiled.get(key);
  if (module === undefined) {
    module = new WebAssembly.Module(adapterModule(calls, version));
    compiled.set(key, module);
    if (compiled.size > MOST_COMPILED) {
      compiled.delete(compiled.keys().next().value);
    }
  }
  return module;
}

/** The functions of an adapter of its own for a guest. */
function adapt({ version, calls }, { call, memory }) {
  const imports = { __proto__: null, memory, call };
  const adapter = adapterOf(version, calls);
  return new WebAssembly.Instance(adapter, { '': imports }).exports;
}

/** The imports of WASI, by the name of their module. */
function byModule(wasi, give) {
  const imports = { __proto__: null };
  for (const part of wasi) imports[part.from] = give(part);
  return imports;
}

/**
 * Makes functions of an instance with the layouts of a version of WASI, and a function
 * that makes those that can suspend the guest. With a tracer they are traced.
 *
 * @param {number} number of the instance, on the native side
 * @param {'preview1' | 'unstable'} version
 * @param {import('../trace/tracer').Tracer} [tracer]
 * @param {unknown} [kept] what is to live as long as the functions
 */
function functionsOf(number, version, tracer, kept) {
  const given = {};
  const suspending = giveFunctions(given, number, version, kept);
  tracer?.trace(given.wasiImport, version);
  return { wasiImport: given.wasiImport, suspending };
}

/**
 * Instantiates a guest.
 *
 * @param {object} guest
 * @param {WebAssembly.Module} guest.module
 * @param {{ version: string, from: string, calls: string }[]} guest.wasi what it
 *   imports of each version of WASI: see `describe()`
 * @param {boolean} guest.isWasiOnly whether it imports nothing else, and no WASI call
 *   is replaced by a function of the host
 * @param {{ number: number, call: () => void, memory?: WebAssembly.Memory }} native
 *   its native side
 * @param {(wasi: object) => object} makeImports
 * @param {import('../trace/tracer').Tracer} [tracer] traces its calls; there is no
 *   adapter then, since its calls are not JavaScript functions
 * @returns {WebAssembly.Instance}
 */
function instantiate(
  { module, wasi, isWasiOnly },
  native,
  makeImports,
  tracer,
) {
  if (isWasiOnly && native.memory !== undefined && tracer === undefined) {
    try {
      const imports = byModule(wasi, (part) => adapt(part, native));
      return new WebAssembly.Instance(module, makeImports(imports));
    } catch (error) {
      // The guest declares a call with other types than it has, which with JavaScript
      // functions is an error only when it is called. No code of the guest has run.
      if (!(error instanceof WebAssembly.LinkError)) throw error;
    }
  }
  const imports = byModule(
    wasi,
    ({ version }) => functionsOf(native.number, version, tracer).wasiImport,
  );
  return new WebAssembly.Instance(module, makeImports(imports));
}

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

/** Reasons that override the guest's own end. */
const OVERRIDES = new Set(['abort', 'error']);

/**
 * How a guest ended.
 *
 * @param {object} reply its result: see `runGuest()`. `how` is `'died'` if its thread
 *   was terminated
 * @param {object} [why] why the host ended it, if it has
 * @param {boolean} overflowed whether it wrote more than `maxBuffer`
 */
function outcomeOf({ how, exitCode, error }, why, overflowed) {
  if (why !== undefined) {
    // It may have ended by itself in the meantime. In a thread that is being
    // terminated the native functions fail, so that there is no exit code.
    const endedItself =
      how === 'trap' ||
      (how === 'exit' &&
        why.reason !== 'memory' &&
        exitCode !== STOPPED &&
        exitCode !== undefined);
    if (!endedItself || OVERRIDES.has(why.reason)) return why;
  }
  if (how === 'failure') return { exitCode: null, reason: 'error', error };
  // However it ended: a part of its output is missing.
  if (overflowed) return { exitCode: null, reason: 'maxBuffer' };
  if (how === 'exit') return { exitCode, reason: 'exit' };
  return { exitCode: null, reason: 'trap', error };
}

/**
 * Why the native side has ended a guest, if it has.
 *
 * @param {{ hasOutgrown: boolean }} prepared
 */
function whyOf({ hasOutgrown }) {
  return hasOutgrown ? { exitCode: null, reason: 'memory' } : undefined;
}

/** How much of the end of standard error an error shows. */
const SHOWN_LINES = 10;
const SHOWN_CHARACTERS = 2000;

/** How a guest ended, and its output. */
class Result {
  #end;

  constructor({ exitCode, reason, error, entry, refused, usage }, stdio) {
    this.exitCode = exitCode;
    this.reason = reason;
    this.error = error;
    this.entry = entry;
    this.stdout = stdio.take(1);
    this.stderr = stdio.take(2);
    this.refused = refused;
    this.usage = usage;
    this.#end = stdio.endOf(2);
  }

  /** The last lines that it wrote to standard error, if that was captured. */
  static lastLines(result) {
    const lines = result.#end.trimEnd().slice(-SHOWN_CHARACTERS).split('\n');
    return lines.slice(-SHOWN_LINES).join('\n');
  }

  /** Whether it ended with exit code 0. */
  get ok() {
    return this.reason === 'exit' && this.exitCode === 0;
  }

  /** What it wrote to standard output, as a string. */
  text() {
    if (this.stdout === null) {
      throw require('../errors').invalidState(
        this.text,
        'standard output was not captured',
      );
    }
    return String(this.stdout);
  }
}

/** Returns a result, or throws the error for it. */
function settle({ check, name }, result) {
  const { reason, error } = result;
  // These two are not ends of the guest itself, so `check` is not asked.
  if (reason === 'error') throw error;
  if (reason === 'abort') throw Object.assign(error, { result });
  if (!check || result.ok) return result;
  const { WASIRunError } = require('./run-error');
  throw new WASIRunError(name, result, Result.lastLines(result));
}

module.exports = {
  OVERRIDES,
  Result,
  STOPPED,
  addMemory,
  callsOf,
  functionsOf,
  guestOf,
  instantiate,
  isTrap,
  outcomeOf,
  prepareGuest,
  runGuest,
  settle,
  whyOf,
};
