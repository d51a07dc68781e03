'use strict';

const {
  DEFAULT_MAX_BUFFER,
  TIMEOUT_MAX,
  hasOnly,
  readObject,
  readOptions,
} = require('../core');
const { NOT_IN_WORKER, readStdio } = require('./stdio');

// Loaded on first use: most programs make no mistake.
const errors = () => require('../errors');
const validators = () => require('../validators');

/** Options of `new WASI()` that mean the same here. */
const GIVEN = ['env', 'preopens', 'devices', 'limits', 'capabilities'];
const SOCKETS = ['listeners', 'connections'];
const GUEST = [...GIVEN, ...SOCKETS, 'trace', 'clock', 'random'];

const STREAMS = ['stdin', 'stdout', 'stderr', 'input'];
const COMMON = [
  ...GUEST,
  ...STREAMS,
  'args',
  'argv0',
  'timeout',
  'cpuTime',
  'maxMemory',
  'threads',
];
const CAPTURING = ['check', 'encoding', 'maxBuffer'];

const RUN = [...COMMON, ...CAPTURING, 'signal'];
const SPAWN = [...COMMON, 'signal'];

/** The options of each function; the methods of a pool have no option `pool`. */
const OPTIONS = {
  __proto__: null,
  run: [...RUN, 'pool'],
  'pool.run': RUN,
  spawn: [...SPAWN, 'pool'],
  'pool.spawn': SPAWN,
  runSync: [...COMMON, ...CAPTURING, 'imports'],
};

/** Options that other functions have, and the message for each. */
const ELSEWHERE = {
  __proto__: null,
  imports:
    'is for runSync() alone: functions cannot follow a guest into a thread of its own',
  signal:
    'is for run() and spawn(): this thread receives no event while it waits',
  pool: 'is for the functions run() and spawn()',
  check: 'is for run() and runSync()',
  encoding: 'is for run() and runSync(): a stream has setEncoding()',
  maxBuffer: 'is for run() and runSync(): a stream keeps no more than it must',
  version: 'is read from the imports of the program',
  returnOnExit: 'is for new WASI(): the exit code of a guest is in its result',
};

/** Checks the names of options. Inherited ones count, as they are read like all others. */
function checkNames(options, what) {
  const allowed = OPTIONS[what];
  const misplaced = Object.keys(ELSEWHERE).find(
    (name) => options[name] !== undefined && !allowed.includes(name),
  );
  if (misplaced !== undefined) {
    throw errors().invalidArgValue(
      checkNames,
      `options.${misplaced}`,
      ELSEWHERE[misplaced],
      options[misplaced],
    );
  }
  if (hasOnly(allowed, options)) return;
  const { properties, validateProperties } = validators();
  const isUnsaid = (name) => options[name] === undefined;
  const unsaid = Object.keys(options).filter(isUnsaid);
  validateProperties(options, 'options', properties(allowed), unsaid);
}

/** A function among the options that the guest would call: a clock, or random bytes. */
function findFunction({ clock, random }) {
  if (clock === undefined && random === undefined) return undefined;
  const functions = {
    random,
    'clock.realtime': clock?.realtime,
    'clock.monotonic': clock?.monotonic,
  };
  return Object.entries(functions).find(
    ([, value]) => typeof value === 'function',
  );
}

/** Refuses such functions for a guest that runs in another thread. */
function checkInThread(options) {
  const [name, value] = findFunction(options) ?? [];
  if (name === undefined) return;
  const reason =
    'is for new WASI() and runSync() where it is a function, which cannot follow a guest into a thread of its own';
  throw errors().invalidArgValue(
    checkInThread,
    `options.${name}`,
    reason,
    value,
  );
}

/** Refuses a trace to a function or stream of this thread, which blocks meanwhile. */
function checkInWorker({ trace }, options) {
  if (trace === undefined || typeof trace.to === 'number') return;
  throw errors().invalidArgValue(
    checkInWorker,
    'options.trace',
    NOT_IN_WORKER,
    options.trace,
  );
}

/** The options of `new WASI()` for a guest, checked and converted. */
function readGuest(options, name) {
  const { args = [], argv0 = name } = options;
  if (!Array.isArray(args)) validators().validateArray(args, 'options.args');
  if (typeof argv0 !== 'string') {
    validators().validateString(argv0, 'options.argv0');
  }
  const guest = { version: 'preview1', args: [argv0, ...args] };
  for (const option of GUEST) guest[option] = options[option];
  return readOptions(guest);
}

/** Reads `imports`, which a guest with `cpuTime` cannot have: it runs in another thread. */
function readImports(value, cpuTime) {
  if (value === undefined) return {};
  validators().validateObject(value, 'options.imports');
  if (cpuTime === undefined || Reflect.ownKeys(value).length === 0)
    return value;
  throw errors().invalidArgValue(
    readImports,
    'options.imports',
    NOT_IN_WORKER,
    value,
  );
}

function readEncoding(value = 'buffer') {
  if (value === null || value === 'buffer') return 'buffer';
  if (Buffer.isEncoding(value)) return value;
  throw errors().unknownEncoding(readEncoding, String(value));
}

function readMaxMemory(value) {
  if (value === undefined) return undefined;
  const bytes = validators().validateBytes(value, 'options.maxMemory');
  return bytes === Infinity ? undefined : bytes;
}

/** Milliseconds, or undefined for no limit. */
function readTime(value, name) {
  if (value === undefined) return undefined;
  return validators().validateInteger(value, name, 0, TIMEOUT_MAX) || undefined;
}

/** Computed on first use, as few guests have threads. */
const DEFAULT_THREADS = Object.freeze({
  get max() {
    return require('../threads/options').readThreads(true).max;
  },
  warm: 0,
});

function readThreads(value) {
  return value === undefined
    ? DEFAULT_THREADS
    : require('../threads/options').readThreads(value);
}

/**
 * Checks the options of `run()`, `runSync()`, `spawn()` and the methods of a pool. An
 * option that a function does not have is an error: its caller would rely on it.
 *
 * @param {unknown} options
 * @param {keyof typeof OPTIONS} what the function that is called
 * @param {string} name the program's
 */
function readRunOptions(options, what, name) {
  readObject(options, 'options');
  checkNames(options, what);
  const how = what.replace('pool.', '');
  if (how !== 'runSync' || options.cpuTime) checkInThread(options);
  const { check = true, maxBuffer, signal } = options;
  const encoding = readEncoding(options.encoding);
  const cpuTime = readTime(options.cpuTime, 'options.cpuTime');
  const native = readGuest(options, name);
  if (how === 'runSync' && cpuTime !== undefined)
    checkInWorker(native, options);
  return {
    name,
    how,
    listeners: [],
    native,
    check:
      typeof check === 'boolean'
        ? check
        : validators().validateBoolean(check, 'options.check'),
    encoding,
    imports: readImports(options.imports, cpuTime),
    maxMemory: readMaxMemory(options.maxMemory),
    signal:
      signal === undefined
        ? undefined
        : validators().validateAbortSignal(signal, 'options.signal'),
    timeout: readTime(options.timeout, 'options.timeout'),
    cpuTime,
    threads: readThreads(options.threads),
    pool: options.pool,
    stdio: readStdio(options, {
      how,
      isInWorker: cpuTime !== undefined,
      encoding,
      maxBuffer:
        maxBuffer === undefined
          ? DEFAULT_MAX_BUFFER
          : validators().validateBytes(maxBuffer, 'options.maxBuffer'),
    }),
  };
}

module.exports = { readRunOptions };
