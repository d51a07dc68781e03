'use strict';

const { availableParallelism } = require('node:os');

const { isBytes } = require('../bytes');
const { invalidArgValue } = require('../errors');
const {
  properties,
  validateBoolean,
  validateInteger,
  validateProperties,
} = require('../validators');

const OPTIONS = properties(['max', 'warm']);

/** The largest number of threads that can be allowed. */
const MOST_THREADS = 2 ** 12;

/** The default number of threads for each processor. */
const PER_PROCESSOR = 4;

/**
 * Checks `options.threads`.
 *
 * @returns {{ max: number, warm: number } | undefined} how many threads a guest may
 *   have at a time beside the first, and how many are made before it starts;
 *   undefined if it may have none
 */
function readThreads(threads) {
  if (typeof threads !== 'object' || threads === null) {
    if (!validateBoolean(threads, 'options.threads')) return undefined;
    return { max: PER_PROCESSOR * availableParallelism(), warm: 0 };
  }
  validateProperties(threads, 'options.threads', OPTIONS);
  const { max = PER_PROCESSOR * availableParallelism(), warm = 0 } = threads;
  validateInteger(max, 'options.threads.max', 0, MOST_THREADS);
  validateInteger(warm, 'options.threads.warm', 0, max);
  return { max, warm };
}

/**
 * Checks `options.threads` of `new WASI()`.
 *
 * @param {{ stdin: unknown, stdout: unknown, stderr: unknown }} streams
 */
function readClassThreads(value, streams) {
  const threads = readThreads(value);
  if (threads === undefined) return undefined;
  for (const name of ['stdin', 'stdout', 'stderr']) {
    const { [name]: stream } = streams;
    const isObject = typeof stream === 'object' && !isBytes(stream);
    if (typeof stream === 'function' || isObject) {
      throw invalidArgValue(
        readClassThreads,
        `options.${name}`,
        'must be no function or stream for a guest with threads, which runs in others than this: use run() or spawn()',
        stream,
      );
    }
  }
  if (streams.trace !== undefined) {
    throw invalidArgValue(
      readClassThreads,
      'options.trace',
      'is for a guest without threads',
      streams.trace,
    );
  }
  return threads;
}

/** Refuses a clock or random bytes that are functions of this thread. */
function refuseFunctions({ clock, random }) {
  throw invalidArgValue(
    refuseFunctions,
    clock === undefined ? 'options.random' : 'options.clock',
    'must have no function for a guest with threads, which runs in others than this',
    clock ?? random,
  );
}

module.exports = {
  MOST_THREADS,
  readClassThreads,
  readThreads,
  refuseFunctions,
};
