'use strict';

// Runs a guest that may be suspended, to its end.

const {
  TIMEOUT_MAX,
  clearTimeout,
  loadBinding,
  setImmediate,
  setTimeout,
} = require('../core');
const { abortError, invalidState, timedOut } = require('../errors');
const { whenAborted } = require('../run/abort');
const { checkSuspending } = require('./suspender');
const {
  properties,
  validateAbortSignal,
  validateInteger,
  validateObject,
  validateProperties,
} = require('../validators');

const { cancelStop, enter, leave, run, stopAfter, stopAlone } = loadBinding();

const OPTIONS = properties(['timeout', 'signal']);

/** Checks the second argument of `startAsync()`. */
function readStartOptions(options) {
  validateObject(options, 'options');
  validateProperties(options, 'options', OPTIONS);
  const { timeout, signal } = options;
  if (timeout !== undefined) {
    validateInteger(timeout, 'options.timeout', 1, TIMEOUT_MAX);
  }
  if (signal !== undefined) validateAbortSignal(signal, 'options.signal');
  return { timeout, signal };
}

/** Calls an entry; resolves to how it ended, and its value, as the native `run()` returns. */
async function call(entry, serial) {
  try {
    return { how: 'return', value: await WebAssembly.promising(entry)() };
  } catch (error) {
    const rethrow = () => {
      throw error;
    };
    return run(rethrow, serial);
  }
}

/** One run of a guest that may be suspended. */
class SuspendingRun {
  #number;
  #suspender;
  #timeout;
  #signal;
  /** The end that the host has given it, if it has. */
  #end;
  #leave;
  /** Resolves when the host has ended it. */
  #left = new Promise((resolve) => {
    this.#leave = resolve;
  });
  #letStreamsGo;
  /** Resolves when output that is not yet written is given up. */
  #unawaited = new Promise((resolve) => {
    this.#letStreamsGo = resolve;
  });

  constructor(suspender, { timeout, signal }) {
    this.#number = suspender.number;
    this.#suspender = suspender;
    this.#timeout = timeout;
    this.#signal = signal;
  }

  /**
   * The guest has been stopped, with this end. One that waits in a call of WASI is
   * unwound now. One that waits for a function of the host cannot be: it ends at its
   * next call, and `start()` does not wait for that.
   *
   * @param {{ exitCode: number } | { error: unknown }} end
   */
  stopped(end) {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#suspender.wake();
    setImmediate(this.#leave);
  }

  /** Its descriptors are closed. The guest goes on, but its streams are not waited for. */
  closed() {
    this.#letStreamsGo();
  }

  /** Ends the guest with an error. */
  fail(error) {
    stopAlone(this.#number, 0);
    this.stopped({ error });
  }

  /**
   * Calls the guest's entry.
   *
   * @returns {Promise<number>} the exit code
   * @throws the error that ended it
   */
  async start(entry) {
    const letGo = this.#watch();
    const ended = call(entry, enter(this.#number));
    const own = await Promise.race([ended, this.#left]);
    const drained = this.#suspender.streams.map((stream) => stream.end());
    await Promise.race([Promise.all(drained), this.#left, this.#unawaited]);
    letGo();
    const exitCode = leave(this.#number, true);
    if (this.#end === undefined) {
      if (own.how === 'throw') throw own.value;
      return exitCode;
    }
    if ('error' in this.#end) throw this.#end.error;
    return this.#end.exitCode;
  }

  /**
   * Ends the guest after its `timeout`, and when its `signal` is aborted.
   *
   * @returns {() => void} stops watching for these
   */
  #watch() {
    const signal = this.#signal;
    const stopListening =
      signal && whenAborted(signal, () => this.fail(abortError(signal.reason)));
    const stopTiming = this.#timeout && this.#limit(this.#timeout);
    return () => {
      stopListening?.();
      stopTiming?.();
    };
  }

  /** A timer ends a guest that waits; the native side ends one that makes calls without waiting. */
  #limit(timeout) {
    const number = this.#number;
    const error = timedOut(this.start, timeout);
    stopAfter(number, timeout, 0);
    const timer = setTimeout(() => this.fail(error), timeout);
    return () => {
      clearTimeout(timer);
      if (cancelStop(number)) this.#end ??= { error };
    };
  }
}

/**
 * Checks that a guest can be started by `startAsync()`.
 *
 * @param {unknown} options of `startAsync()`
 * @param {import('./suspender').Suspender} [suspender] of the guest
 * @returns {(entry: Function) => Promise<number>} starts it
 */
function prepareStart(options, suspender) {
  checkSuspending();
  const checked = readStartOptions(options);
  if (!suspender?.isUsed) {
    const reason =
      'the instance must be made with wasi.getImportObject({ suspending: true })';
    throw invalidState(prepareStart, reason);
  }
  const { signal } = checked;
  if (signal?.aborted) throw abortError(signal.reason);
  return async (entry) => {
    suspender.run = new SuspendingRun(suspender, checked);
    try {
      return await suspender.run.start(entry);
    } finally {
      suspender.run = undefined;
    }
  };
}

module.exports = { prepareStart };
