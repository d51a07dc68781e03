'use strict';

// Puts wasi-rs in the place of Node's own `node:wasi`, for this process and its
// workers: `node --require wasi-rs/register`, or `--import`.
//
// There is one exports object behind every name of a built-in module: what
// require(), both forms of import, process.getBuiltinModule() and the REPL hand
// out. So the class is put into that object. Resolution hooks would be several
// mechanisms instead, one for each module system and range of Node versions,
// and would miss whoever has a loader of their own.

const {
  isPreloading: isPreloaded,
  syncBuiltinESMExports,
} = require('node:module');
const workerThreads = require('node:worker_threads');

/** Node's module, without the warning that it prints when it is first loaded. */
function nodeWasi() {
  const { emitWarning } = process;
  process.emitWarning = () => {};
  try {
    return require('node:wasi');
  } finally {
    process.emitWarning = emitWarning;
  }
}

/**
 * Whether Node itself preloads this file in a worker with these options.
 *
 * It does where `--require` loaded it here, unless the worker's environment
 * takes the place of the one that said so. With `--import` it does not count:
 * workers made of source text begin before their imports are done.
 */
function inherits({ env } = {}) {
  const ownEnv = typeof env === 'object' && env !== null && env !== process.env;
  return isPreloaded && !ownEnv;
}

/** The flags in `execArgv` that `error` does not say a worker refuses. */
function withoutRefused(execArgv, { code, message }) {
  if (code !== 'ERR_WORKER_INVALID_EXEC_ARGV') return execArgv;
  const refused = message.slice(message.indexOf(': ') + 2).split(', ');
  return execArgv.filter((flag) => !refused.includes(flag));
}

/** Makes every worker preload this file, whatever its options say. */
const reachingWorkers = {
  construct(Worker, [filename, options, ...rest], newTarget) {
    const start = (workerOptions) =>
      Reflect.construct(Worker, [filename, workerOptions, ...rest], newTarget);
    const startWith = (flags) => {
      const execArgv = [...flags, '--require', __filename];
      // Bun takes no such flags, but has an option for it, and sees none that
      // are inherited.
      const preload = [options?.preload ?? [], __filename].flat();
      return start({ __proto__: options, ...options, execArgv, preload });
    };

    const execArgv = options?.execArgv;
    if (Array.isArray(execArgv)) return startWith(execArgv);
    // What is left of those is for Node to refuse.
    if (execArgv || inherits(options)) return start(options);
    try {
      return startWith(process.execArgv);
    } catch (error) {
      // Flags of the process hold in its workers, but may not be given to them.
      const accepted = withoutRefused(process.execArgv, error);
      if (accepted.length === process.execArgv.length) throw error;
      return startWith(accepted);
    }
  },
};

nodeWasi().WASI = require('../index.js').WASI;
workerThreads.Worker = new Proxy(workerThreads.Worker, reachingWorkers);
syncBuiltinESMExports();
