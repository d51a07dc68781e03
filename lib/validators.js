'use strict';

const { invalidArgType, outOfRange } = require('./errors');

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
  if (typeof value !== 'number') {
    throw invalidArgType(validateFd, name, 'of type number', value);
  }
  if (!Number.isInteger(value)) {
    throw outOfRange(validateFd, name, 'an integer', value);
  }
  if (value < 0 || value > MAX_INT32) {
    throw outOfRange(validateFd, name, `>= 0 && <= ${MAX_INT32}`, value);
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
  validateObject,
  validateString,
  validateUndefined,
};
