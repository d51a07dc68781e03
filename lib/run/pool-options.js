'use strict';

const { TIMEOUT_MAX } = require('../core');
const {
  properties,
  validateInteger,
  validateObject,
  validateProperties,
} = require('../validators');

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
    idle: readCount(idle, 'options.idle', 0, TIMEOUT_MAX),
    maxRuns: readCount(maxRuns, 'options.maxRuns', 1, 2 ** 32),
  };
}

module.exports = { DEFAULT_IDLE, readPoolOptions };
