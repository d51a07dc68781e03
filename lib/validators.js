'use strict';

const { invalidArgType, invalidArgValue, outOfRange } = require('./errors');

// Each function returns the value that it accepts, and throws what Node's
// validator of the same name throws for any other. `name` is the path that the
// message shows: 'options.args'.

const MAX_INT32 = 2 ** 31 - 1;

function validateArray(value, name) {
  if (Array.isArray(value)) return value;
  throw invalidArgType(validateArray, name, 'an instance of Array', value);
}

function validateBoolean(value, name) {
  if (typeof value === 'boolean') return value;
  throw invalidArgType(validateBoolean, name, 'of type boolean', value);
}

function validateFunction(value, name) {
  if (typeof value === 'function') return value;
  throw invalidArgType(validateFunction, name, 'of type function', value);
}

/** Accepts what may number a descriptor: an integer from 0 to 2 ** 31 - 1. */
function validateFd(value, name) {
  return validateInteger(value, name, 0, MAX_INT32);
}

function validateInteger(value, name, least, most) {
  if (typeof value !== 'number') {
    throw invalidArgType(validateInteger, name, 'of type number', value);
  }
  if (!Number.isInteger(value)) {
    throw outOfRange(validateInteger, name, 'an integer', value);
  }
  if (value < least || value > most) {
    throw outOfRange(validateInteger, name, `>= ${least} && <= ${most}`, value);
  }
  return value;
}

/** Arrays and functions are no objects here, as with Node. */
function validateObject(value, name) {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return value;
  }
  throw invalidArgType(validateObject, name, 'of type object', value);
}

function validateOneOf(value, name, allowed) {
  if (allowed.includes(value)) return value;
  const reason = `must be one of: ${quoted(allowed)}`;
  throw invalidArgValue(validateOneOf, name, reason, value);
}

/**
 * Accepts an object that has no property but these. Node has no such check, and
 * no options where a misspelled name would let a guest do more than it should.
 */
function validateProperties(value, name, allowed) {
  const unknown = Object.keys(value).find((key) => !allowed.includes(key));
  if (unknown === undefined) return value;
  throw invalidArgValue(
    validateProperties,
    `${name}.${unknown}`,
    `is unknown: the properties are ${quoted(allowed)}`,
    value[unknown],
  );
}

function quoted(names) {
  return names.map((name) => `'${name}'`).join(', ');
}

function validateString(value, name) {
  if (typeof value === 'string') return value;
  throw invalidArgType(validateString, name, 'of type string', value);
}

function validateUndefined(value, name) {
  if (value === undefined) return value;
  throw invalidArgType(validateUndefined, name, 'undefined', value);
}

module.exports = {
  validateArray,
  validateBoolean,
  validateFd,
  validateFunction,
  validateInteger,
  validateObject,
  validateOneOf,
  validateProperties,
  validateString,
  validateUndefined,
};
