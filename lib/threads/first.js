'use strict';

const { ThreadGroup } = require('./group');
const { GuestThread } = require('./thread');

/** Milliseconds to wait for the outcome of the guest. */
const PATIENCE = 1000;

/** The memory of a guest: the one that the host passed, or a new one. */
function memoryOf({ module, name, object, ...type }) {
  return { module, name, object: object ?? new WebAssembly.Memory(type) };
}

/**
 * Runs the first thread of a guest in this thread, until the guest is over.
 *
 * @param {object} guest see `ThreadGroup`
 * @returns {{ how: string, exitCode?: number, error?: unknown, hasThreads: boolean }}
 *   the outcome, as `runGuest()` returns it, and whether the guest spawned threads, whose
 *   workers end with this one
 */
function runFirst(guest) {
  const { entry, shared, warm } = guest;
  const group = new ThreadGroup({ shared });
  let running = group;
  try {
    const withMemory = { ...guest, memory: memoryOf(guest.memory) };
    running = new ThreadGroup(withMemory);
    const thread = new GuestThread(withMemory, running);
    running.warm(warm);
    thread.run((exports) => entry !== null && exports[entry](), true);
  } catch (error) {
    group.outcome.end({ how: 'failure', error });
  }
  // Another thread may be storing it.
  group.outcome.wait(PATIENCE);
  return { ...group.outcome.value, hasThreads: running.hasThreads };
}

module.exports = { runFirst };
