'use strict';

// How it is told in numbers what came of a function of a file system.

const { loadBinding } = require('../binding');

/** What is wrong with what a function returned: it makes no sense. */
class Nonsense extends Error {}

// The numbers of WASI's errors, by code; made when the first error is.
let numbers;

/** Codes that stand for one of POSIX's. */
const SAME = {
  __proto__: null,
  ERR_ACCESS_DENIED: 'EACCES',
  ERR_METHOD_NOT_IMPLEMENTED: 'ENOTSUP',
  EOPNOTSUPP: 'ENOTSUP',
  EWOULDBLOCK: 'EAGAIN',
};

/** The negative of the number of an error with this code, if it is one of a file system. */
function failure(code) {
  numbers ??= new Map(
    loadBinding()
      .errnoNames()
      .map((name, number) => [name, number]),
  );
  const number = numbers.get(SAME[code] ?? code);
  return number > 0 ? -number : undefined;
}

/** The reply for an error that an operation threw; one that is not a file system error is thrown again. */
function answerTo(error) {
  if (error instanceof Nonsense) return failure('EIO');
  const code =
    typeof error === 'object' && error !== null ? error.code : undefined;
  const answer = typeof code === 'string' ? failure(code) : undefined;
  if (answer === undefined) throw error;
  return answer;
}

/** A method of a file system, which must have it. */
function has(fs, name) {
  return typeof fs[name] === 'function';
}

/** What a call of a method that is not there comes to. */
const unsupported = () => failure('ENOTSUP');

/** A whole number that a double holds, from 0 up to `most`. */
function whole(value, most = Number.MAX_SAFE_INTEGER) {
  if (Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw new Nonsense();
}

module.exports = { Nonsense, answerTo, failure, has, unsupported, whole };
