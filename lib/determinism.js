'use strict';

// The options `clock` and `random`, by which a guest does the same in each run.

const { types } = require('node:util');

const { bufferOf, isBytes } = require('./bytes');
const {
  invalidArgType,
  invalidArgValue,
  invalidReturnValue,
  outOfRange,
} = require('./errors');
const { HEAD } = require('./js-file-system/operations');
const {
  properties,
  validateOneOf,
  validateProperties,
} = require('./validators');

/** The largest timestamp of WASI, in nanoseconds. */
const MAX_TIME = 2n ** 64n - 1n;

/** Nanoseconds of a millisecond. */
const MILLISECOND = 1_000_000n;

/** Nanoseconds by which a given clock advances with each reading, by default. */
const DEFAULT_STEP = MILLISECOND;

const SEED_BYTES = 32;

const CLOCK = properties(['realtime', 'monotonic', 'step', 'sleep']);
const RANDOM = properties(['seed']);

const { getTime } = Date.prototype;

function validateTime(value, name) {
  if (value >= 0n && value <= MAX_TIME) return value;
  throw outOfRange(validateTime, name, `>= 0n && <= ${MAX_TIME}n`, value);
}

/** The native side reads a clock as it reads a stream: this function writes the time as 8 bytes. */
function timeBy(tell, name) {
  return (_operation, _a, _b, _handle, _length, _position, buffer) => {
    const time = tell();
    if (typeof time !== 'bigint') {
      throw refusal('a bigint', name, time);
    }
    buffer.writeBigUInt64LE(validateTime(time, `${name}()`), HEAD);
    return BigUint64Array.BYTES_PER_ELEMENT;
  };
}

function refusal(expected, name, value) {
  // Nobody awaits the promise: a rejection must not be an unhandled one.
  if (typeof value?.then === 'function') value.then(undefined, () => {});
  return invalidReturnValue(refusal, expected, name, value);
}

/** @returns {bigint | Function | undefined} the time at which a clock begins, or a function that returns its time */
function readTime(value, name, mayBeDate) {
  if (value === undefined || typeof value === 'function') return value;
  if (typeof value === 'bigint') return validateTime(value, name);
  if (mayBeDate && types.isDate(value)) {
    const time = Reflect.apply(getTime, value, []);
    if (Number.isInteger(time)) {
      return validateTime(BigInt(time) * MILLISECOND, name);
    }
    throw invalidArgValue(readTime, name, 'must be a valid date', value);
  }
  const expected = mayBeDate
    ? 'of type bigint or function, or an instance of Date'
    : 'of type bigint or function';
  throw invalidArgType(readTime, name, expected, value);
}

function readStep(value, isGiven, name) {
  if (value === undefined) return DEFAULT_STEP;
  if (typeof value !== 'bigint') {
    throw invalidArgType(readStep, name, 'of type bigint', value);
  }
  validateTime(value, name);
  if (isGiven) return value;
  const reason = 'is for a realtime or monotonic that is a time';
  throw invalidArgValue(readStep, name, reason, value);
}

/** A clock for the native side. A function of it is added to `kept`. */
function nativeTime(name, time, kept) {
  if (typeof time !== 'function') return { [name]: time };
  const by = timeBy(time, `options.clock.${name}`);
  kept.push(by);
  return { [`${name}By`]: by };
}

/**
 * Checks an option `clock`.
 *
 * @param {unknown} value
 * @param {Function[]} kept functions that must live as long as the guest are added to it
 */
function readClock(value, kept) {
  const name = 'options.clock';
  if (typeof value !== 'object' || value === null) {
    throw invalidArgType(readClock, name, 'of type object', value);
  }
  validateProperties(value, name, CLOCK);
  const { sleep = 'real' } = value;
  const realtime = readTime(value.realtime, `${name}.realtime`, true);
  const told = readTime(value.monotonic, `${name}.monotonic`, false);
  // A guest with a given realtime clock must not see the host's monotonic one.
  const monotonic = told ?? (typeof realtime === 'bigint' ? 0n : undefined);
  const isGiven = [realtime, monotonic].some(
    (time) => typeof time === 'bigint',
  );
  const step = readStep(value.step, isGiven, `${name}.step`);
  validateOneOf(sleep, `${name}.sleep`, ['real', 'skip']);
  return {
    ...nativeTime('realtime', realtime, kept),
    ...nativeTime('monotonic', monotonic, kept),
    step,
    skips: sleep === 'skip',
  };
}

/** The bytes of a seed: a number is little-endian; padded with zeros. */
function seedOf(value, name) {
  const seed = Buffer.alloc(SEED_BYTES);
  if (isBytes(value)) {
    const bytes = bufferOf(value, name);
    if (bytes.length > 0 && bytes.length <= SEED_BYTES) {
      bytes.copy(seed);
      return seed;
    }
    const range = `>= 1 && <= ${SEED_BYTES}`;
    throw outOfRange(seedOf, `${name}.byteLength`, range, bytes.length);
  }
  seed.writeBigUInt64LE(seedNumber(value, name));
  return seed;
}

function seedNumber(value, name) {
  if (typeof value === 'bigint') return validateTime(value, name);
  if (typeof value !== 'number') {
    const expected = 'of type number or bigint, or bytes';
    throw invalidArgType(seedNumber, name, expected, value);
  }
  if (Number.isSafeInteger(value) && value >= 0) return BigInt(value);
  const range = Number.isInteger(value)
    ? `>= 0 && <= ${Number.MAX_SAFE_INTEGER}`
    : 'an integer';
  throw outOfRange(seedNumber, name, range, value);
}

/** As a clock, random bytes are read as a stream is: this function writes them to the buffer. */
function bytesBy(fill, name) {
  return (_operation, _a, _b, _handle, length, _position, buffer) => {
    const bytes = new Uint8Array(length);
    const filled = fill(bytes);
    if (typeof filled?.then === 'function') {
      throw refusal('no promise', name, filled);
    }
    // A transferred array has no bytes, and those in the lent buffer are of other calls.
    if (bytes.length !== length) {
      throw refusal('nothing, and the array kept whole,', name, filled);
    }
    buffer.set(bytes, HEAD);
    return length;
  };
}

/** Checks an option `random`; see `readClock()`. */
function readRandom(value, kept) {
  const name = 'options.random';
  if (typeof value === 'function') {
    const by = bytesBy(value, name);
    kept.push(by);
    return { by };
  }
  if (typeof value !== 'object' || value === null) {
    const expected = 'of type object or function';
    throw invalidArgType(readRandom, name, expected, value);
  }
  validateProperties(value, name, RANDOM);
  return { seed: seedOf(value.seed, `${name}.seed`) };
}

module.exports = { readClock, readRandom };
