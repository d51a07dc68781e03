'use strict';

const path = require('node:path');
const { Worker } = require('node:worker_threads');

const { loadBinding } = require('./binding');

const { takeThreadMappings } = loadBinding();

const OPTIONS = {
  name: 'wasi-rs',
  // Those of the process are not for this worker: what they preload may do
  // anything, and takes its time.
  execArgv: [],
  // A guest's exceptions, tables and collected objects are on this heap. When it
  // is full the thread ends, most often, and not the process.
  resourceLimits: { maxOldGenerationSizeMb: 512 },
};

/**
 * The environment variables of a worker: those of the process, but for flags that
 * would preload there what `execArgv` keeps out.
 */
function environment() {
  const { env } = process;
  return env.NODE_OPTIONS ? { ...env, NODE_OPTIONS: '' } : undefined;
}

/** A file for all of them, which a bundle has beside it. */
const WORKER = path.join(__dirname, 'worker.js');

/**
 * A worker for guests.
 *
 * @param {import('node:worker_threads').WorkerOptions} [options]
 * @param {number} [ahead] how many others have not begun
 * @throws where the system has no thread for it, or the engine would end the process
 *   for want of memory to map
 */
function newWorker(options, ahead = 0) {
  takeThreadMappings(ahead);
  return new Worker(WORKER, {
    ...OPTIONS,
    env: environment(),
    ...options,
  });
}

module.exports = { newWorker };
