'use strict';

// Timers and a clock as they are when the package is loaded. Tests replace those of
// the program, and guests run by the time of the world.

const {
  clearImmediate,
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
} = require('node:timers');

const { hrtime, nextTick } = process;

/** Milliseconds of a clock that never goes back. That of node:perf_hooks takes one to load. */
function now() {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

module.exports = {
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
