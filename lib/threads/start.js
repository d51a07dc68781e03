'use strict';

const { STOPPED } = require('../run/guest');
const { CPU_INTERVAL } = require('../run/times');
const { now } = require('../core');
const { ThreadGroup } = require('./group');
const { allowBaseline, avoidBaseline } = require('./liftoff');

/**
 * Milliseconds between two checks for what wakes no thread: that the native side has ended
 * the guest, or that a thread has died.
 */
const INTERVAL = 100;

/** Milliseconds that the engine has to terminate threads that compute. */
const PATIENCE = 1000;

/** Milliseconds between two checks whether it has. */
const MOMENT = 1;

/**
 * Runs a guest with threads, the first one included, in workers. This thread waits, so
 * that it can end the guest whatever its threads do.
 *
 * @param {object} prepared its native side
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
  // The first ends threads that wait, the second those that compute.
  prepared.stop(reply.exitCode ?? STOPPED);
  group.terminate();
  awaitThreads(group, () => prepared.holders > holders);
  allowBaseline();
  return { reply, why };
}

/** Waits until the guest is over; returns why it is to be ended, if it is not over. */
function awaitEnd(group, prepared, { cpuTime = Infinity, timeout = Infinity }) {
  const end = now() + timeout;
  while (!group.outcome.isOver && !prepared.hasStopped) {
    const left = end - now();
    if (left <= 0) return { exitCode: null, reason: 'timeout' };
    const cpuLeft = cpuTime - prepared.cpuTime;
    if (cpuLeft <= 0) return { exitCode: null, reason: 'cpuTime' };
    // If all its threads compute, they use up what is left in this time.
    const interval = Math.max(CPU_INTERVAL, cpuLeft / group.size);
    group.outcome.wait(Math.min(left, interval, INTERVAL));
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
