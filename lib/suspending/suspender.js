'use strict';

// Suspends guests while they wait, so that the event loop goes on (JSPI, the
// JavaScript Promise Integration of WebAssembly).

const {
  TIMEOUT_MAX,
  clearTimeout,
  loadBinding,
  setTimeout,
} = require('../core');
const { noSuspending } = require('../errors');

const { awaited, suspendingModule } = loadBinding();

/** The module between a guest and the calls that can suspend it, the same for all guests. */
let compiled;

/**
 * Milliseconds until a descriptor of the host is polled again: as long as the guest has
 * waited so far, within this range.
 */
const SHORTEST_INTERVAL = 1;
const LONGEST_INTERVAL = 16;

/** Throws if the engine has no JSPI. */
function checkSuspending() {
  if (typeof WebAssembly.Suspending === 'function') return;
  throw noSuspending(checkSuspending);
}

/** Suspends the calls of one guest, and resumes them. */
class Suspender {
  /** The run of the guest's entry, while there is one. */
  run;
  /** The number of the instance on the native side. */
  number;

  #callsOf;
  #exports = new Map();
  #waiting = new Set();

  /** The standard streams that can suspend the guest. */
  streams;

  /**
   * @param {number} number
   * @param {(version: string) => Record<string, Function>} callsOf makes the calls of a
   *   version of WASI that can suspend the guest
   * @param {(import('./streams').Input | import('./streams').Output)[]} [streams]
   */
  constructor(number, callsOf, streams = []) {
    this.number = number;
    this.#callsOf = callsOf;
    this.streams = streams;
    for (const stream of streams) stream.suspender = this;
  }

  /** The calls of a version of WASI that can suspend the guest, for its imports. */
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

  /** Whether a guest may have imported such calls. */
  get isUsed() {
    return this.#exports.size > 0;
  }

  /** The guest has been stopped, to end with this code. */
  stopped(exitCode) {
    this.run?.stopped({ exitCode });
    this.wake();
  }

  /** The descriptors of the guest are closed. */
  closed() {
    this.run?.closed();
    this.wake();
  }

  /** A standard stream has failed. */
  failed(error) {
    this.run?.fail(error);
    this.wake();
  }

  /** Resumes all suspended calls, which are then made again. */
  wake() {
    for (const wake of this.#waiting) wake();
  }

  /**
   * Waits until a suspended call should be made again.
   *
   * @returns {Promise<number>} the time at which the call began
   */
  #wait() {
    const { begun, elapsed, timeLeft, hasHost } = awaited(this.number);
    const interval = hasHost
      ? Math.min(Math.max(elapsed, SHORTEST_INTERVAL), LONGEST_INTERVAL)
      : TIMEOUT_MAX;
    return new Promise((resolve) => {
      let timer;
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve(begun);
      };
      this.#waiting.add(wake);
      // A guest that waits only for streams of JavaScript needs no timer: they wake it.
      if (hasHost || timeLeft !== undefined) {
        const delay = Math.min(timeLeft ?? TIMEOUT_MAX, interval);
        timer = setTimeout(wake, Math.ceil(delay));
      }
    });
  }
}

module.exports = { Suspender, checkSuspending };
