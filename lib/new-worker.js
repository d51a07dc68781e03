'use strict';

const path = require('node:path');
const { Worker } = require('node:worker_threads');

const { loadBinding } = require('./core');

const { takeThreadMappings } = loadBinding();

const OPTIONS = {
  name: 'wasi-rs',
  // Without the flags of the process: what they preload may do anything, and takes time.
  execArgv: [],
  // Exceptions, tables and GC objects of a guest are on this heap. When it is full, in
  // most cases the thread ends, and not the process.
  resourceLimits: { maxOldGenerationSizeMb: 512 },
};

/**
 * The environment variables of a worker: those of the process without NODE_OPTIONS, for
 * the same reason.
 */
function environment() {
  const { env } = process;
  return env.NODE_OPTIONS ? { ...env, NODE_OPTIONS: '' } : undefined;
}

/** The entry point of all workers, which a bundle has beside it. */
const WORKER = path.join(__dirname, 'worker.js');

/**
 * Makes a worker for guests.
 *
 * @param {import('node:worker_threads').WorkerOptions} [options]
 * @param {number} [ahead] how many other workers have not started yet
 * @throws if the system has no thread for it, or so few memory mappings that the engine
 *   would end the process
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
