'use strict';

// Guests that are suspended where they would wait, so that the event loop goes on
// (JSPI, the JavaScript Promise Integration of WebAssembly).

const { loadBinding } = require('../binding');
const { noSuspending } = require('../errors');
const { clearTimeout, setTimeout } = require('../run/timers');

const { awaited, suspendingModule } = loadBinding();

/** What a guest imports in the place of the calls that may wait: the same module for all. */
let compiled;

/**
 * Milliseconds between two looks at a descriptor of the host: at first, and at
 * most. They grow with the time that is waited for.
 */
const SHORTEST_LOOK = 1;
const LONGEST_LOOK = 16;

/** The longest that a timer can have. */
const AGES = 2 ** 31 - 1;

/** Refuses where the engine has no JSPI. */
function checkSuspending() {
  if (typeof WebAssembly.Suspending === 'function') return;
  throw noSuspending(checkSuspending);
}

/** What suspends the calls of one guest, and wakes them. */
class Suspender {
  /** The run of the guest's entry, while there is one. */
  run;
  /** The instance's, as the native side knows it. */
  number;

  #callsOf;
  #exports = new Map();
  #waiting = new Set();

  /** The standard streams that the guest has to wait for. */
  streams;

  /**
   * @param {number} number
   * @param {(version: string) => Record<string, Function>} callsOf makes those of a
   *   version of WASI that may wait
   * @param {(import('./streams').Input | import('./streams').Output)[]} [streams]
   */
  constructor(number, callsOf, streams = []) {
    this.number = number;
    this.#callsOf = callsOf;
    this.streams = streams;
    for (const stream of streams) stream.suspender = this;
  }

  /** The calls of a version of WASI that may wait, for a guest to import. */
  exportsOf(version) {
    checkSuspending();
    const known = this.#exports.get(version);
    if (known !== undefined) return known;
    const exports = this.#instantiate(this.#callsOf(version));
    this.#exports.set(version, exports);
    return exports;
  }

  #instantiate(calls) {
    compiled ??= new WebAssembly.Module(suspendingModule());
    const wait = new WebAssembly.Suspending(() => this.#wait());
    const imports = { '': { ...calls, wait } };
    return new WebAssembly.Instance(compiled, imports).exports;
  }

  /** Whether a guest may have imported them. */
  get isUsed() {
    return this.#exports.size > 0;
  }

  /** The guest has been stopped, to end with this code. */
  stopped(exitCode) {
    this.run?.stopped({ exitCode });
    this.wake();
  }

  /** All that the guest has is closed. */
  closed() {
    this.run?.closed();
    this.wake();
  }

  /** A standard stream has failed. */
  failed(error) {
    this.run?.fail(error);
    this.wake();
  }

  /** Has all calls that wait made again. */
  wake() {
    for (const wake of this.#waiting) wake();
  }

  /**
   * Waits until it is worth to make the call again that has been suspended.
   *
   * @returns {Promise<number>} when that began
   */
  #wait() {
    const { begun, elapsed, timeLeft, hasHost } = awaited(this.number);
    const look = hasHost
      ? Math.min(Math.max(elapsed, SHORTEST_LOOK), LONGEST_LOOK)
      : AGES;
    return new Promise((resolve) => {
      let timer;
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve(begun);
      };
      this.#waiting.add(wake);
      // A guest that waits for its host alone is kept alive by what feeds it.
      if (hasHost || timeLeft !== undefined) {
        timer = setTimeout(wake, Math.ceil(Math.min(timeLeft ?? AGES, look)));
      }
    });
  }
}

module.exports = { Suspender, checkSuspending };
