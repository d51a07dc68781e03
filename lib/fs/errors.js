'use strict';

// The errors of system calls, as node:fs throws them.

const { constants } = require('node:os');
const { getSystemErrorMap } = require('node:util');

const { loadBinding } = require('../binding');
const { textOf } = require('./arguments');

/** How it is called where a path leads out of what the guest has. */
const REFUSED = 'EACCES';

// All of them are made when the first error is: most programs see none.
let codes;
let systemErrors;

/** The code of an error of WASI's, by its number. */
function codeOf(number) {
  codes ??= loadBinding().errnoNames();
  // No system has the word that WASI has for it.
  return codes[number] === 'ENOTCAPABLE' ? REFUSED : codes[number];
}

/** Number and message of a code, as libuv has them. */
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

/** The answer of a native function, which is no error. */
function check(answer, syscall, path, dest) {
  if (typeof answer !== 'number' || answer >= 0) return answer;
  const error = systemError(codeOf(-answer), syscall, path, dest);
  Error.captureStackTrace?.(error, check);
  throw error;
}

/** Whether the native function failed with this code. */
function failed(answer, code) {
  return typeof answer === 'number' && answer < 0 && codeOf(-answer) === code;
}

module.exports = { check, describe, failed, systemError };
