'use strict';

const { ThreadGroup } = require('./group');
const { GuestThread } = require('./thread');

/** Milliseconds in which a thread says what its guest came to. */
const PATIENCE = 1000;

/** The memory of a guest: what its host has for it, or a new one. */
function memoryOf({ module, name, object, ...type }) {
  return { module, name, object: object ?? new WebAssembly.Memory(type) };
}

/**
 * Runs a guest with threads in this one, to its end.
 *
 * @param {object} guest see `ThreadGroup`
 * @returns {{ how: string, exitCode?: number, error?: unknown, hasThreads: boolean }}
 *   what came of it, as `runGuest()` says it, and whether it has made threads,
 *   which end with this one
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
  // Another thread may be about to say it.
  group.outcome.wait(PATIENCE);
  return { ...group.outcome.value, hasThreads: running.hasThreads };
}

module.exports = { runFirst };
