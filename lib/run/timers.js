'use strict';

// Timers as they are when the package is loaded. Tests replace those of the
// program, and guests run by the time of the world.

const {
  clearImmediate,
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
} = require('node:timers');

const { nextTick } = process;

module.exports = {
  clearImmediate,
  clearInterval,
  clearTimeout,
  nextTick,
  setImmediate,
  setInterval,
  setTimeout,
};
