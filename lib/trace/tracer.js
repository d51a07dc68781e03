'use strict';

// Traces the calls of one guest: wraps the functions that it imports. The functions of
// other guests are not wrapped.

const { loadBinding, nanoseconds: now } = require('../core');
const { describeArgs, describeOut } = require('./describe');
const { GuestMemory } = require('./guest-memory');
const { tableOf } = require('./table');
const { TraceCall } = require('./trace-call');

const { refusedCalls, throwPast } = loadBinding();
const { apply } = Reflect;
const { defineProperty } = Object;

/** Returned by a call that suspends its guest. It is larger than any errno. */
const SUSPENDED = 1 << 16;

const SUCCESS = 'success';
const REFUSED = 'notcapable';

class Tracer {
  #plan;
  #number;
  #sink;
  #memory;
  /** Whether `#sink` is being called: calls that it has the guest make are not traced. */
  #isTracing = false;
  /** The beginnings of suspended calls, by name, time and arguments. */
  #suspended = new Map();

  /**
   * @param {{ calls?: string[], failed: boolean, strings: number }} plan
   * @param {number} number of the guest, on the native side
   * @param {(call: TraceCall) => void} sink is called with each call
   */
  constructor(plan, number, sink) {
    this.#plan = plan;
    this.#number = number;
    this.#sink = sink;
  }

  /** Wraps the function that binds the guest's memory, which the trace reads as well. */
  seeingMemory(setMemory) {
    return (memory) => {
      setMemory(memory);
      this.#memory = memory;
    };
  }

  /**
   * Wraps the functions of a `wasiImport`.
   *
   * @param {Record<string, Function>} functions
   * @param {'preview1' | 'unstable'} version of the functions
   */
  trace(functions, version) {
    for (const call of tableOf(version).calls.values()) {
      if (!this.#isWanted(call)) continue;
      const { name } = call;
      functions[name] = this.#traced(call, functions[name]);
    }
  }

  /** Wraps calls that can suspend the guest. One that is suspended and made again is traced as one call. */
  suspending(functions, version) {
    const traced = { __proto__: null };
    const { calls } = tableOf(version);
    for (const [name, native] of Object.entries(functions)) {
      const call = calls.get(name);
      traced[name] = this.#isWanted(call)
        ? this.#tracedAgain(call, native)
        : native;
    }
    return traced;
  }

  #isWanted({ name }) {
    return this.#plan.calls?.includes(name) ?? true;
  }

  #traced(call, native) {
    const traced = (...args) => {
      if (this.#isTracing) return apply(native, undefined, args);
      return this.#make(call, native, args, this.#begin(call, args));
    };
    return likeNative(traced, native);
  }

  #tracedAgain(call, native) {
    const traced = (...all) => {
      if (this.#isTracing) return apply(native, undefined, all);
      const args = all.slice(0, -1);
      const since = all.at(-1);
      const key = `${call.name} ${since} ${args.join()}`;
      const begun = this.#suspended.get(key) ?? this.#begin(call, args);
      this.#suspended.delete(key);
      return this.#make(call, native, args, begun, all);
    };
    return likeNative(traced, native);
  }

  #begin(call, args) {
    return {
      args: describeArgs(call, args, this.#contextOf(call)),
      start: now(),
    };
  }

  #make(call, native, args, begun, all = args) {
    let result;
    try {
      result = apply(native, undefined, all);
    } finally {
      if (result === SUSPENDED) this.#suspend(call, args, begun);
      else this.#end(call, args, begun, result);
    }
    return result;
  }

  /** The call will be made again, with the time at which it began as its last argument. */
  #suspend({ name }, args, begun) {
    const { begun: since } = loadBinding().awaited(this.#number);
    this.#suspended.set(`${name} ${since} ${args.join()}`, begun);
  }

  /** The call has ended; `errno` is undefined if it has not returned. */
  #end(call, args, { args: described, start }, errno) {
    const nanos = Number(now() - start);
    const { errnos } = tableOf(call.version);
    const result = errno === undefined ? null : errnos[errno];
    const isGood = result === null || result === SUCCESS;
    if (this.#plan.failed && isGood) return;
    const traced = {
      name: call.name,
      args: described,
      result,
      out:
        result === SUCCESS && described !== null
          ? describeOut(call, args, this.#contextOf(call))
          : {},
      nanos,
      thread: this.#plan.thread ?? 0,
    };
    if (result === REFUSED && this.#isRefused(call)) {
      traced.reason = 'capabilities';
    }
    this.#say(new TraceCall(traced, call.version));
  }

  #isRefused({ name }) {
    return refusedCalls(this.#number).includes(name);
  }

  #say(traced) {
    this.#isTracing = true;
    try {
      this.#sink(traced);
    } catch (error) {
      throwPast(this.#number, error);
    } finally {
      this.#isTracing = false;
    }
  }

  #contextOf({ version }) {
    const { strings } = this.#plan;
    const table = tableOf(version);
    const memory = new GuestMemory(this.#memory, table);
    return { memory, strings, table };
  }
}

/** Gives a wrapper the name and the length of the function that it calls. */
function likeNative(traced, { name, length }) {
  defineProperty(traced, 'name', { __proto__: null, value: name });
  defineProperty(traced, 'length', { __proto__: null, value: length });
  return traced;
}

module.exports = { Tracer };
