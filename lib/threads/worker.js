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
  const thread = new GuestThread(guest, group);
  group.begins();
  let call = group.next(slot, true);
  while (call !== undefined) {
    const { tid, argument } = call;
    thread.run((exports) => exports[ENTRY](tid, argument), false);
    call = group.next(slot);
  }
}

/** Runs what a worker was made for. */
function runThread({ guest, slot }) {
  if (slot !== undefined) {
    runSpawned(guest, slot);
    return;
  }
  new ThreadGroup(guest).begins();
  runFirst(guest);
}

module.exports = { runThread };
