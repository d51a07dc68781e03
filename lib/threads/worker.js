'use strict';

// The worker of a thread of a guest: the first thread, or one that runs calls of thread-spawn.

const { runFirst } = require('./first');
const { ThreadGroup } = require('./group');
const { GuestThread } = require('./thread');

/** The export of a guest that is called in a spawned thread. */
const ENTRY = 'wasi_thread_start';

/** Runs calls of thread-spawn, until the guest is over. */
function runSpawned(guest, slot) {
  const group = new ThreadGroup(guest);
  const thread = new GuestThread(guest, group);
  group.started();
  let call = group.next(slot, true);
  while (call !== undefined) {
    const { tid, argument } = call;
    thread.run((exports) => exports[ENTRY](tid, argument), false);
    call = group.next(slot);
  }
}

/** Runs the thread that the worker was made for. */
function runThread({ guest, slot }) {
  if (slot !== undefined) {
    runSpawned(guest, slot);
    return;
  }
  new ThreadGroup(guest).started();
  runFirst(guest);
}

module.exports = { runThread };
