'use strict';

const vm = require('node:vm');

const { VM_TIMEOUT_MAX, loadBinding } = require('./core');
const { timedOut } = require('./errors');

const { cancelStop, enter, run, stop, stopAfter } = loadBinding();

/**
 * Milliseconds that a guest has to be ended by the native side, in a call of WASI, before
 * the engine ends it. The engine does so between any two instructions; in a native
 * function that is about to throw, that is lost. So this is much longer than such a
 * function takes, and the engine tries a second time SECOND milliseconds later.
 */
const GRACE = 25;
const SECOND = 250;

/** The script and context by which a function is called with a timeout, made on first use. */
let timed;

/**
 * Calls a function, which the engine ends after so many milliseconds.
 *
 * @returns {boolean} whether it returned in time
 */
function callOnce(body, timeout) {
  timed ??= {
    context: vm.createContext({ __proto__: null }),
    script: new vm.Script('body()'),
  };
  const { context, script } = timed;
  const outer = context.body;
  context.body = body;
  try {
    script.runInContext(context, {
      timeout: Math.min(timeout, VM_TIMEOUT_MAX),
    });
    return true;
  } catch (error) {
    if (error?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    return false;
  } finally {
    context.body = outer;
  }
}

/**
 * Calls a function. GRACE milliseconds after its timeout the engine ends it, and no
 * `catch` or `finally` in it is run.
 *
 * @template T
 * @param {() => T} body
 * @param {number} timeout
 * @returns {{ value: T } | undefined} undefined if it did not return in time
 */
function callFor(body, timeout) {
  let returned;
  let isInTime = false;
  const first = () => {
    returned = { value: body() };
  };
  const second = () => {
    isInTime = callOnce(first, timeout + GRACE);
  };
  callOnce(second, timeout + GRACE + SECOND);
  return isInTime ? returned : undefined;
}

/**
 * Calls a guest's entry with a timeout. The native side ends a guest that makes calls or
 * waits in one, and the engine one that computes.
 *
 * @param {number} timeout in milliseconds
 * @param {() => unknown} entry
 * @param {number} number of the guest, on the native side
 * @returns {{ how: 'return' | 'exit' | 'throw', value: unknown }}
 */
function runFor(timeout, entry, number) {
  stopAfter(number, timeout, 0);
  const ended = callFor(() => run(entry, enter(number)), timeout);
  if (!cancelStop(number) && ended !== undefined) return ended.value;
  // The engine may have ended it first.
  stop(number, 0);
  return { how: 'throw', value: timedOut(runFor, timeout) };
}

module.exports = { callFor, runFor };
