'use strict';

// What each worker of ours begins with. It is one file, so that a bundle needs but
// one beside it.

const { workerData } = require('node:worker_threads');

// On other runtimes it is null where nothing was given.
if (workerData?.guest === undefined) require('./run/worker').runGuests();
else require('./threads/worker').runThread(workerData);
