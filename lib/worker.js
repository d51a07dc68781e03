'use strict';

// The entry point of all workers of the package. It is one file, so that a bundle needs
// only one beside it.

const { workerData } = require('node:worker_threads');

/** Runs a thread of a guest. A thread that blocks for it receives no error event, so errors are stored. */
function runThread(data) {
  try {
    require('./threads/worker').runThread(data);
  } catch (error) {
    const { Outcome } = require('./threads/outcome');
    new Outcome(data.guest.shared.outcome).end({ how: 'failure', error });
  }
}

// Without data it is null on some runtimes.
if (workerData?.guest === undefined) require('./run/worker').runGuests();
else runThread(workerData);
