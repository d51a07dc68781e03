'use strict';

// A thread of a guest: the first one, or one that runs what the others spawn.

const { runFirst } = require('./first');
const { ThreadGroup } = require('./group');
const { GuestThread } = require('./thread');

/** What a guest exports to be called in a new thread. */
const ENTRY = 'wasi_thread_start';

/** Runs what the guest spawns, until it is over. */
function runSpawned(guest, slot) {
  const group = new ThreadGroup(guest);
  try {
    const thread = new GuestThread(guest, group);
    let call = group.first(slot);
    while (call !== undefined) {
      const { tid, argument } = call;
      thread.run((exports) => exports[ENTRY](tid, argument), false);
      call = group.next(slot);
    }
  } catch (error) {
    group.end({ how: 'failure', error });
  }
}

/** Runs what a worker was made for. */
function runThread({ guest, slot }) {
  if (slot === undefined) runFirst(guest);
  else runSpawned(guest, slot);
}

module.exports = { runThread };
