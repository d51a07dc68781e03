'use strict';

const {
  properties,
  validateInteger,
  validateObject,
  validateProperties,
} = require('./validators');

const LIMITS = properties(['maxBytes', 'maxFiles']);

/** A limit; `Infinity` is none. */
function readLimit(value, name) {
  if (value === Infinity) return value;
  return validateInteger(value, name, 0, Number.MAX_SAFE_INTEGER);
}

/**
 * Reads `maxBytes` and `maxFiles`.
 *
 * @param {unknown} value
 * @param {string} name
 * @param {() => number[]} defaults
 */
function readSizeLimits(value = {}, name, defaults) {
  validateObject(value, name);
  validateProperties(value, name, LIMITS);
  const [bytes, files] = defaults();
  const { maxBytes = bytes, maxFiles = files } = value;
  return {
    maxBytes: readLimit(maxBytes, `${name}.maxBytes`),
    maxFiles: readLimit(maxFiles, `${name}.maxFiles`),
  };
}

module.exports = { readLimit, readSizeLimits };
