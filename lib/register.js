'use strict';

// Puts wasi-rs in the place of Node's own `node:wasi`, for this process and its
// workers: `node --require wasi-rs/register`, or `--import`.
//
// require(), both forms of import, process.getBuiltinModule() and the REPL all return
// one exports object of a built-in module. So the class is put into that object.
// Resolution hooks would be several mechanisms, one for each module system and range of
// Node versions, and would have no effect on programs with a loader of their own.

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
 * It does if `--require` loaded it here, unless the worker has another environment.
 * `--import` is not enough: workers with `eval: true` begin before their imports are
 * done.
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
      // Bun ignores these flags, and has an option instead, which must be an own
      // property.
      const preload = [options?.preload ?? [], __filename].flat();
      return start({ __proto__: options, ...options, execArgv, preload });
    };

    const execArgv = options?.execArgv;
    if (Array.isArray(execArgv)) return startWith(execArgv);
    // Anything else is an error of Node.
    if (execArgv || inherits(options)) return start(options);
    try {
      return startWith(process.execArgv);
    } catch (error) {
      // Some flags of the process also hold in its workers, but must not be given to them.
      const accepted = withoutRefused(process.execArgv, error);
      if (accepted.length === process.execArgv.length) throw error;
      return startWith(accepted);
    }
  },
};

nodeWasi().WASI = require('../index.js').WASI;
workerThreads.Worker = new Proxy(workerThreads.Worker, reachingWorkers);
syncBuiltinESMExports();
