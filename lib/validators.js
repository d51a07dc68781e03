'use strict';

const { isValidObject } = require('./core');

// Loaded with the first error.
const errors = () => require('./errors');

// Each function returns the value that it accepts, and throws what Node's
// validator of the same name throws for any other. `name` is the path that the
// message shows: 'options.args'.

const MAX_INT32 = 2 ** 31 - 1;

function validateArray(value, name) {
  if (Array.isArray(value)) return value;
  throw errors().invalidArgType(
    validateArray,
    name,
    'an instance of Array',
    value,
  );
}

function validateBoolean(value, name) {
  if (typeof value === 'boolean') return value;
  throw errors().invalidArgType(
    validateBoolean,
    name,
    'of type boolean',
    value,
  );
}

/** Accepts a number of bytes, or `Infinity`. */
function validateBytes(value, name) {
  if (value === Infinity) return value;
  return validateInteger(value, name, 0, Number.MAX_SAFE_INTEGER);
}

/** As Node checks it: by its shape, as it may be from another realm. */
function isAbortSignal(value) {
  return (
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    typeof value.addEventListener === 'function' &&
    typeof value.removeEventListener === 'function'
  );
}

function validateAbortSignal(value, name) {
  if (isAbortSignal(value)) return value;
  const expected = 'an instance of AbortSignal';
  throw errors().invalidArgType(validateAbortSignal, name, expected, value);
}

function validateFunction(value, name) {
  if (typeof value === 'function') return value;
  throw errors().invalidArgType(
    validateFunction,
    name,
    'of type function',
    value,
  );
}

/** Accepts a descriptor: an integer from 0 to 2 ** 31 - 1. */
function validateFd(value, name) {
  return validateInteger(value, name, 0, MAX_INT32);
}

function validateInteger(value, name, least, most) {
  if (typeof value !== 'number') {
    throw errors().invalidArgType(
      validateInteger,
      name,
      'of type number',
      value,
    );
  }
  if (!Number.isInteger(value)) {
    throw errors().outOfRange(validateInteger, name, 'an integer', value);
  }
  if (value < least || value > most) {
    throw errors().outOfRange(
      validateInteger,
      name,
      `>= ${least} && <= ${most}`,
      value,
    );
  }
  return value;
}

/**
 * Accepts objects except arrays and functions, as Node does.
 *
 * @param {() => string | undefined} [advise] a sentence to add to the error
 */
function validateObject(value, name, advise) {
  if (isValidObject(value)) return value;
  const advice = advise?.();
  throw errors().invalidArgType(
    validateObject,
    name,
    'of type object',
    value,
    advice,
  );
}

function validateOneOf(value, name, allowed) {
  if (allowed.includes(value)) return value;
  const reason = `must be one of: ${quoted(allowed)}`;
  throw errors().invalidArgValue(validateOneOf, name, reason, value);
}

/**
 * The names of properties, for the two functions below.
 *
 * @param {readonly string[]} names
 * @param {() => Record<string, string>} [elsewhere] properties of other objects, with
 *   their right places
 * @param {readonly string[]} [foreign] names that are ignored, though similar to these
 */
function properties(names, elsewhere = () => ({}), foreign = []) {
  let nearest;
  return {
    names: new Set([...names, ...foreign]),
    /** What to suggest for one of these names. */
    meant: (name) => names.find((each) => each === name) ?? elsewhere()[name],
    nearest: (name) => (nearest ??= nearestOfAll(names, elsewhere()))(name),
  };
}

/** Makes a function that returns the name of which its argument is a misspelling. */
function nearestOfAll(names, elsewhere) {
  // Loaded with the first unknown name.
  const { nearestOf } = require('./nearest');
  const nearest = nearestOf(names);
  // One edit is not counted for these: other hosts have options with similar names.
  const nearestElsewhere = nearestOf(Object.keys(elsewhere), Infinity);
  return (name) => nearest(name) ?? nearestElsewhere(name);
}

/**
 * Accepts an object without unknown properties. Node has no such check; but here a
 * misspelled name could let a guest do more than it should.
 *
 * @param {ReturnType<typeof properties>} allowed
 * @param {readonly string[]} [ignored] further properties that it may have
 */
function validateProperties(value, name, allowed, ignored = []) {
  const isUnknown = (key) => !allowed.names.has(key) && !ignored.includes(key);
  const unknown =
    Object.keys(value).find(isUnknown) ?? findMisspelled(value, allowed);
  if (unknown === undefined) return value;
  throw errors().invalidArgValue(
    validateProperties,
    `${name}.${unknown}`,
    `is unknown: the properties are ${quoted([...allowed.names])}`,
    value[unknown],
  );
}

/**
 * Accepts an object that misspells none of these properties. Any other unknown property
 * is ignored, as by Node.
 *
 * @param {ReturnType<typeof properties>} allowed
 */
function validateSpelling(value, name, allowed) {
  const misspelled = findMisspelled(value, allowed);
  if (misspelled === undefined) return value;
  const meant = allowed.meant(allowed.nearest(misspelled));
  throw errors().invalidArgValue(
    validateSpelling,
    `${name}.${misspelled}`,
    `is unknown: did you mean '${meant}'?`,
    value[misspelled],
  );
}

/** The first property that is a misspelling of one of these names. */
function findMisspelled(value, allowed) {
  for (const key in value) {
    if (isMisspelled(key, value, allowed)) return key;
  }
  // Accessors of a class are not enumerable. The last prototype is Object.prototype.
  let prototype = Object.getPrototypeOf(value);
  let above = prototype && Object.getPrototypeOf(prototype);
  for (; above; above = Object.getPrototypeOf(above)) {
    for (const key of Object.getOwnPropertyNames(prototype)) {
      if (isMisspelled(key, value, allowed)) return key;
    }
    prototype = above;
  }
  return undefined;
}

/**
 * Whether a property is a misspelling of a name. It is not if the object has the right
 * name, too: parsers of command lines set both `return-on-exit` and `returnOnExit`.
 */
function isMisspelled(key, value, { names, nearest }) {
  if (names.has(key)) return false;
  const meant = nearest(key);
  // A method of a class sets no option.
  if (meant === undefined || typeof value[key] === 'function') return false;
  return meant === key || value[meant] === undefined;
}

function quoted(names) {
  return names.map((name) => `'${name}'`).join(', ');
}

function validateString(value, name) {
  if (typeof value === 'string') return value;
  throw errors().invalidArgType(validateString, name, 'of type string', value);
}

function validateUndefined(value, name) {
  if (value === undefined) return value;
  throw errors().invalidArgType(validateUndefined, name, 'undefined', value);
}

module.exports = {
  properties,
  validateAbortSignal,
  validateArray,
  validateBoolean,
  validateBytes,
  validateFd,
  validateFunction,
  validateInteger,
  validateObject,
  validateOneOf,
  validateProperties,
  validateSpelling,
  validateString,
  validateUndefined,
};
