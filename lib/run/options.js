'use strict';

const {
  invalidArgType,
  invalidArgValue,
  unknownEncoding,
} = require('../errors');
const { readOptions } = require('../options');
const {
  properties,
  validateArray,
  validateBoolean,
  validateInteger,
  validateObject,
  validateProperties,
  validateString,
} = require('../validators');
const { readStdio } = require('./stdio');

/** Options of `new WASI()` that mean here what they mean there. */
const GUEST = ['env', 'preopens', 'devices', 'limits', 'capabilities'];

const STREAMS = ['stdin', 'stdout', 'stderr', 'input'];
const COMMON = [...GUEST, ...STREAMS, 'args', 'argv0', 'timeout', 'maxMemory'];
const CAPTURING = ['check', 'encoding', 'maxBuffer'];

const OPTIONS = {
  run: properties([...COMMON, ...CAPTURING, 'signal', 'pool']),
  spawn: properties([...COMMON, 'signal', 'pool']),
  runSync: properties([...COMMON, ...CAPTURING, 'imports']),
};

/** What is said of options that belong elsewhere. */
const ELSEWHERE = {
  __proto__: null,
  imports:
    'is for runSync() alone: functions cannot follow a guest into a thread of its own',
  signal: 'is for run() and spawn(): none is heard while this thread waits',
  pool: 'is for run() and spawn()',
  check: 'is for run() and runSync()',
  encoding: 'is for run() and runSync(): a stream has setEncoding()',
  maxBuffer: 'is for run() and runSync(): a stream keeps no more than it must',
  version: 'is not to be said: the imports of the program tell',
  returnOnExit: 'is for new WASI(): the exit code of a guest is in its result',
};

/** As spawnSync() has it, but for how much that is. */
const DEFAULT_MAX_BUFFER = 100 * 2 ** 20;

/** The longest time that a timer can have. */
const MOST_TIME = 2 ** 31 - 1;

/** The options that are said. */
function saidOf(options) {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  );
}

function checkNames(options, how) {
  const said = saidOf(options);
  const misplaced = Object.keys(said).find(
    (name) => name in ELSEWHERE && !OPTIONS[how].names.has(name),
  );
  if (misplaced !== undefined) {
    throw invalidArgValue(
      checkNames,
      `options.${misplaced}`,
      ELSEWHERE[misplaced],
      said[misplaced],
    );
  }
  validateProperties(said, 'options', OPTIONS[how]);
}

/** The options of a guest, in the plain form that the native class takes. */
function readGuest(options, name) {
  const { args = [], argv0 = name } = options;
  validateArray(args, 'options.args');
  validateString(argv0, 'options.argv0');
  const guest = { version: 'preview1', args: [argv0, ...args] };
  for (const option of GUEST) guest[option] = options[option];
  return readOptions(guest);
}

function readEncoding(value = 'buffer') {
  if (value === null || value === 'buffer') return 'buffer';
  if (Buffer.isEncoding(value)) return value;
  throw unknownEncoding(readEncoding, String(value));
}

/** A number of bytes, of which `Infinity` is one. */
function readBytes(value, name) {
  if (value === Infinity) return value;
  return validateInteger(value, name, 0, Number.MAX_SAFE_INTEGER);
}

function readMaxMemory(value) {
  if (value === undefined) return undefined;
  const bytes = readBytes(value, 'options.maxMemory');
  return bytes === Infinity ? undefined : bytes;
}

/** Milliseconds, or undefined for all the time that there is. */
function readTimeout(value = 0) {
  return validateInteger(value, 'options.timeout', 0, MOST_TIME) || undefined;
}

function readSignal(value) {
  if (value === undefined) return undefined;
  if (typeof value === 'object' && value !== null && 'aborted' in value) {
    return value;
  }
  throw invalidArgType(
    readSignal,
    'options.signal',
    'an instance of AbortSignal',
    value,
  );
}

/**
 * Checks the options of a way to run a guest. What is not offered there is an
 * error, as whoever asks for it relies on it.
 *
 * @param {unknown} options
 * @param {'run' | 'spawn' | 'runSync'} how
 * @param {string} name the program's
 */
function readRunOptions(options, how, name) {
  validateObject(options, 'options');
  checkNames(options, how);
  const {
    check = true,
    imports = {},
    maxBuffer = DEFAULT_MAX_BUFFER,
  } = options;
  const encoding = readEncoding(options.encoding);
  return {
    name,
    how,
    native: readGuest(options, name),
    check: validateBoolean(check, 'options.check'),
    encoding,
    imports: validateObject(imports, 'options.imports'),
    maxMemory: readMaxMemory(options.maxMemory),
    signal: readSignal(options.signal),
    timeout: readTimeout(options.timeout),
    pool: options.pool,
    stdio: readStdio(options, {
      how,
      encoding,
      maxBuffer: readBytes(maxBuffer, 'options.maxBuffer'),
    }),
  };
}

const POOL_OPTIONS = properties(['size', 'idle', 'maxRuns']);

const DEFAULT_IDLE = 10_000;
const DEFAULT_MAX_RUNS = 1000;

/** A whole number from `least`, or `Infinity`. */
function readCount(value, name, least, most) {
  if (value === Infinity) return value;
  return validateInteger(value, name, least, most);
}

/** Checks the options of `new Pool()`. */
function readPoolOptions(options = {}, defaultSize) {
  validateObject(options, 'options');
  validateProperties(options, 'options', POOL_OPTIONS);
  const {
    size = defaultSize,
    idle = DEFAULT_IDLE,
    maxRuns = DEFAULT_MAX_RUNS,
  } = options;
  return {
    size: validateInteger(size, 'options.size', 1, 2 ** 16),
    idle: readCount(idle, 'options.idle', 0, MOST_TIME),
    maxRuns: readCount(maxRuns, 'options.maxRuns', 1, 2 ** 32),
  };
}

module.exports = { readPoolOptions, readRunOptions };
