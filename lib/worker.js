'use strict';

// What each worker of ours begins with. It is one file, so that a bundle needs but
// one beside it.

const { workerData } = require('node:worker_threads');

/** Runs a thread of a guest. Who waits for that hears of no error of this worker. */
function runThread(data) {
  try {
    require('./threads/worker').runThread(data);
  } catch (error) {
    const { Outcome } = require('./threads/outcome');
    new Outcome(data.guest.shared.outcome).end({ how: 'failure', error });
  }
}

// On other runtimes it is null where nothing was given.
if (workerData?.guest === undefined) require('./run/worker').runGuests();
else runThread(workerData);
