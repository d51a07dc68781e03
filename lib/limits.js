'use strict';

/**
 * The least and the most that each of `options.limits` can be. Beyond the most
 * a host stops by itself, or must, for its own sake.
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
