'use strict';

const vm = require('node:vm');

/**
 * Milliseconds that a guest which waits has to leave its call, before the engine
 * ends what computes.
 */
const GRACE = 5;

/** The most that the engine counts to. */
const MAX_TIMEOUT = 2 ** 32 - 1;

/** Where a function can be called for a time, made when one first is. */
let timed;

/**
 * Calls a function. After so many milliseconds the engine ends it, and no `catch`
 * or `finally` in it is run.
 *
 * @template T
 * @param {() => T} body
 * @param {number} timeout
 * @returns {{ value: T } | undefined} undefined if its time was over
 */
function callFor(body, timeout) {
  timed ??= {
    context: vm.createContext({ __proto__: null }),
    script: new vm.Script('body()'),
  };
  const { context, script } = timed;
  const outer = context.body;
  let returned;
  context.body = () => {
    returned = { value: body() };
  };
  try {
    const milliseconds = Math.min(timeout + GRACE, MAX_TIMEOUT);
    script.runInContext(context, { timeout: milliseconds });
  } catch (error) {
    if (error?.code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
  } finally {
    context.body = outer;
  }
  return returned;
}

module.exports = { callFor };
