'use strict';

/**
 * The range of each of `options.limits`. The maximum is a limit of the host system, or
 * protects the host.
 */
const LIMITS = {
  __proto__: null,
  descriptors: [0, 2 ** 20],
  iovecs: [1, 1024],
  subscriptions: [1, 2 ** 16],
  pathLength: [1, 4095],
  symlinkHops: [0, 40],
  randomChunk: [1, 2 ** 16],
};

module.exports = { LIMITS };
