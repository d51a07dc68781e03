'use strict';

// Loaded with the first mistake.
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

/** Accepts a number of bytes, of which `Infinity` is one. */
function validateBytes(value, name) {
  if (value === Infinity) return value;
  return validateInteger(value, name, 0, Number.MAX_SAFE_INTEGER);
}

/** By its looks, as Node tells one: there are those of other realms. */
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

/** Accepts what may number a descriptor: an integer from 0 to 2 ** 31 - 1. */
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
 * Arrays and functions are no objects here, as with Node.
 *
 * @param {() => string | undefined} [advise] what to say of any other value
 */
function validateObject(value, name, advise) {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return value;
  }
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
 * The names that an object may have, made once for the two functions below.
 *
 * @param {readonly string[]} names
 * @param {() => Record<string, string>} [elsewhere] names that belong to another
 *   object, each with what to write in its place
 * @param {readonly string[]} [foreign] names that are ignored, near as they are
 */
function properties(names, elsewhere = () => ({}), foreign = []) {
  let nearest;
  return {
    names: new Set([...names, ...foreign]),
    /** What to write in the place of a name that is near to one of these. */
    meant: (name) => names.find((each) => each === name) ?? elsewhere()[name],
    nearest: (name) => (nearest ??= nearestOfAll(names, elsewhere()))(name),
  };
}

/** A function that finds which of the names another is near to. */
function nearestOfAll(names, elsewhere) {
  // Loaded with the first name that is none of those.
  const { nearestOf } = require('./nearest');
  const nearest = nearestOf(names);
  // One edit from those is too much of what others call their own options.
  const nearestElsewhere = nearestOf(Object.keys(elsewhere), Infinity);
  return (name) => nearest(name) ?? nearestElsewhere(name);
}

/**
 * Accepts an object that has no property but these. Node has no such check, and
 * no options where a misspelled name would let a guest do more than it should.
 *
 * @param {ReturnType<typeof properties>} allowed
 * @param {readonly string[]} [ignored] what else it may have
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
 * Accepts an object that misspells none of these properties. What is near to
 * none of them is for another reader, and ignored, as Node ignores it.
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

/** The first property that is near to one of these names and none of them. */
function findMisspelled(value, allowed) {
  for (const key in value) {
    if (isMisspelled(key, value, allowed)) return key;
  }
  // Accessors of a class are not enumerable. The last prototype is the one that
  // all objects share.
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
 * A name that is there under its right spelling, too, is not meant: what reads
 * a command line has `return-on-exit` beside `returnOnExit`.
 */
function isMisspelled(key, value, { names, nearest }) {
  if (names.has(key)) return false;
  const meant = nearest(key);
  // A method of a class of options sets none of them.
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
