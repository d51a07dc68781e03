'use strict';

const vm = require('node:vm');

const { loadBinding } = require('./binding');
const { timedOut } = require('./errors');

const { cancelStop, enter, run, stop, stopAfter } = loadBinding();

/**
 * Milliseconds that a guest has to leave at a call of WASI, before the engine ends
 * what computes. It does so between any two instructions, and where that is in a
 * native function on its way out, the end is lost. So this is much longer than
 * such a way takes, and there is a second time.
 */
const GRACE = 25;
const SECOND = 250;

/** The most that the engine counts to. */
const MAX_TIMEOUT = 2 ** 32 - 1;

/** Where a function can be called for a time, made when one first is. */
let timed;

/**
 * Calls a function, which the engine ends after so many milliseconds.
 *
 * @returns {boolean} whether it has ended by itself
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
    script.runInContext(context, { timeout: Math.min(timeout, MAX_TIMEOUT) });
    return true;
  } catch (error) {
    if (error?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    return false;
  } finally {
    context.body = outer;
  }
}

/**
 * Calls a function. Some time after so many milliseconds the engine ends it, and
 * no `catch` or `finally` in it is run.
 *
 * @template T
 * @param {() => T} body
 * @param {number} timeout
 * @returns {{ value: T } | undefined} undefined if its time was over
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
 * Calls a guest's entry for so many milliseconds: the native side ends it where it
 * makes calls or waits in one, and the engine where it computes.
 *
 * @param {number} timeout
 * @param {() => unknown} entry
 * @param {number} number the guest's
 * @returns {{ how: 'return' | 'exit' | 'throw', value: unknown }}
 */
function runFor(timeout, entry, number) {
  stopAfter(number, timeout, 0);
  const ended = callFor(() => run(entry, enter(number)), timeout);
  if (!cancelStop(number) && ended !== undefined) return ended.value;
  // The engine may have been faster.
  stop(number, 0);
  return { how: 'throw', value: timedOut(runFor, timeout) };
}

module.exports = { callFor, runFor };
