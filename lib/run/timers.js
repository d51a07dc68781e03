'use strict';

// Timers and a clock, captured when the package is loaded: tests of a program may
// mock its timers, and guests must still run in real time.

const {
  clearImmediate,
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
} = require('node:timers');

const { hrtime, nextTick } = process;

/** The longest delay of a timer, in milliseconds. */
const TIMEOUT_MAX = 2 ** 31 - 1;

/** Milliseconds of a monotonic clock. Loading node:perf_hooks for one takes a millisecond. */
function now() {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

module.exports = {
  TIMEOUT_MAX,
  clearImmediate,
  clearInterval,
  clearTimeout,
  nanoseconds: hrtime.bigint,
  nextTick,
  now,
  setImmediate,
  setInterval,
  setTimeout,
};
