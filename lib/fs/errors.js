'use strict';

// The errors of failed system calls, as node:fs throws them.

const { constants } = require('node:os');
const { getSystemErrorMap } = require('node:util');

const { loadBinding } = require('../core');
const { textOf } = require('./arguments');

/** The code for ENOTCAPABLE, such as of a path that leads out of the preopens. */
const REFUSED = 'EACCES';

// The codes by number, made with the first error: most programs see none.
let codes;
let systemErrors;

/** The code of an errno of WASI. */
function codeOf(number) {
  codes ??= loadBinding().errnoNames();
  // Only WASI has ENOTCAPABLE.
  return codes[number] === 'ENOTCAPABLE' ? REFUSED : codes[number];
}

/** The number and the message of libuv for a code. */
function describe(code) {
  systemErrors ??= new Map(
    Array.from(getSystemErrorMap(), ([errno, [name, message]]) => [
      name,
      { errno, message },
    ]),
  );
  return (
    systemErrors.get(code) ?? {
      errno: -(constants.errno[code] ?? 0),
      message: 'unknown error',
    }
  );
}

/**
 * The error of a call that failed with this code.
 *
 * @param {string} code
 * @param {string} syscall
 * @param {string | Uint8Array} [path]
 * @param {string | Uint8Array} [dest]
 */
function systemError(code, syscall, path, dest) {
  const { errno, message } = describe(code);
  let text = `${code}: ${message}, ${syscall}`;
  if (path !== undefined) text += ` '${textOf(path)}'`;
  if (dest !== undefined) text += ` -> '${textOf(dest)}'`;
  const error = new Error(text);
  Object.assign(error, { errno, code, syscall });
  if (path !== undefined) error.path = textOf(path);
  if (dest !== undefined) error.dest = textOf(dest);
  return error;
}

/** Returns the result of a native function, or throws the error that it stands for. */
function check(answer, syscall, path, dest) {
  if (typeof answer !== 'number' || answer >= 0) return answer;
  const error = systemError(codeOf(-answer), syscall, path, dest);
  Error.captureStackTrace?.(error, check);
  throw error;
}

/** Whether the result of a native function is the error with this code. */
function failed(answer, code) {
  return typeof answer === 'number' && answer < 0 && codeOf(-answer) === code;
}

module.exports = { check, describe, failed, systemError };
