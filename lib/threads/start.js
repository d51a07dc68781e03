'use strict';

const { now } = require('../run/timers');
const { STOPPED } = require('../run/prepare');
const { ThreadGroup } = require('./group');
const { allowBaseline, avoidBaseline } = require('./liftoff');

/**
 * Milliseconds between two looks at what no thread says: that the native side has
 * ended the guest, or that a thread has died.
 */
const LOOK = 100;

/** And the least between two looks at how much CPU time it has used. */
const LEAST_LOOK = 10;

/** Milliseconds that the engine has to end threads that compute. */
const PATIENCE = 1000;

/** Milliseconds between two looks at whether it has. */
const MOMENT = 1;

/**
 * Runs a guest in threads of its own. This one waits, so that it can end them
 * whatever they do.
 *
 * @param {object} prepared the native side of it
 * @param {object} guest see `ThreadGroup`
 * @param {{ cpuTime?: number, timeout?: number }} most milliseconds
 * @returns {{ reply: object, why?: object }} see `outcomeOf()`
 */
function runThreads(prepared, guest, most) {
  const group = new ThreadGroup(guest);
  const { holders } = prepared;
  group.makeFirst();
  avoidBaseline();
  const why = awaitEnd(group, prepared, most);
  const reply = group.outcome.value ?? died();
  // What waits ends by the first, and what computes by the second.
  prepared.stop(reply.exitCode ?? STOPPED);
  group.terminate();
  awaitThreads(group, () => prepared.holders > holders);
  allowBaseline();
  return { reply, why };
}

/** Waits until the guest is over, and tells what it is to be ended for, if it is not. */
function awaitEnd(group, prepared, { cpuTime = Infinity, timeout = Infinity }) {
  const end = now() + timeout;
  while (!group.outcome.isOver && !prepared.hasStopped) {
    const left = end - now();
    if (left <= 0) return { exitCode: null, reason: 'timeout' };
    const cpuLeft = cpuTime - prepared.cpuTime;
    if (cpuLeft <= 0) return { exitCode: null, reason: 'cpuTime' };
    // Its threads together use up what is left in less time than that.
    const look = Math.max(LEAST_LOOK, cpuLeft / group.size);
    group.outcome.wait(Math.min(left, look, LOOK));
    group.checkStarts();
  }
  return undefined;
}

/** Waits until threads have ended. */
function awaitThreads(group, areThere) {
  for (let waited = 0; areThere() && waited < PATIENCE; waited += MOMENT) {
    group.outcome.pause(MOMENT);
  }
}

function died() {
  return { how: 'died', error: new Error('A thread of the guest ended') };
}

module.exports = { runThreads };
