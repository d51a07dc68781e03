'use strict';

const path = require('node:path');
const { Worker } = require('node:worker_threads');

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

/**
 * A worker for guests.
 *
 * @param {string} file below `lib/`
 * @param {import('node:worker_threads').WorkerOptions} [options]
 */
function newWorker(file, options) {
  return new Worker(path.join(__dirname, '..', file), {
    ...OPTIONS,
    env: environment(),
    ...options,
  });
}

module.exports = { newWorker };
