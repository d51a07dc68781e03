'use strict';

// What the tests of the command share.

const fs = require('node:fs');
const path = require('node:path');

const { command } = require('./child');
const { assemble, scratch } = require('./guest');

/** Exit codes of the command itself: wrong options, a program that cannot be run, or is not there. */
const FAILURE = 125;
const CANNOT_RUN = 126;
const NOT_FOUND = 127;

/** Asserts that the command refuses, in one line, before any guest has run. */
function refuses(t, args, message, { expected = FAILURE, ...options } = {}) {
  const { exitCode, stdout, stderr } = command(args, options);
  t.is(stderr, `wasi-rs: ${message}\n`);
  t.deepEqual([exitCode, stdout], [expected, '']);
}

/** The same for a file that exists, and cannot be run. */
function cannotRun(t, args, message) {
  refuses(t, args, message, { expected: CANNOT_RUN });
}

/** The path of a module from text. */
async function file(t, source) {
  const name = path.join(scratch(t), 'test.wasm');
  fs.writeFileSync(name, await assemble(source));
  return name;
}

module.exports = { CANNOT_RUN, FAILURE, NOT_FOUND, cannotRun, file, refuses };
