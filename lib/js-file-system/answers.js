'use strict';

// The results of operations of a file system as numbers: a result, or a negative errno.

const { loadBinding } = require('../core');

/** A function of the file system returned something that is not valid. */
class InvalidResult extends Error {}

// WASI's errnos by code, made with the first error.
let numbers;

/** Codes that are treated as another one of POSIX. */
const SAME = {
  __proto__: null,
  ERR_ACCESS_DENIED: 'EACCES',
  ERR_METHOD_NOT_IMPLEMENTED: 'ENOTSUP',
  EOPNOTSUPP: 'ENOTSUP',
  EWOULDBLOCK: 'EAGAIN',
};

/** The negative errno for a code; undefined for a code that is not one of POSIX. */
function failure(code) {
  numbers ??= new Map(
    loadBinding()
      .errnoNames()
      .map((name, number) => [name, number]),
  );
  const number = numbers.get(SAME[code] ?? code);
  return number > 0 ? -number : undefined;
}

/** The negative errno for an error that an operation threw. An error without a POSIX code is thrown again. */
function answerTo(error) {
  if (error instanceof InvalidResult) return failure('EIO');
  const code =
    typeof error === 'object' && error !== null ? error.code : undefined;
  const answer = typeof code === 'string' ? failure(code) : undefined;
  if (answer === undefined) throw error;
  return answer;
}

/** Whether a file system has a method. */
function has(fs, name) {
  return typeof fs[name] === 'function';
}

/** The result of an operation whose method is missing. */
const unsupported = () => failure('ENOTSUP');

/** Checks that a value is a whole number from 0 to `most`. */
function whole(value, most = Number.MAX_SAFE_INTEGER) {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new InvalidResult();
}

module.exports = { InvalidResult, answerTo, failure, has, unsupported, whole };
