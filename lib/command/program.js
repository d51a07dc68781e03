'use strict';

// The file that is to be run: its bytes, and what it is.

const { readFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');

const { compileSync, prepareBytes } = require('../run/program');
const {
  CommandError,
  EXIT_CANNOT_RUN,
  EXIT_NOT_FOUND,
  systemReason,
} = require('./error');

const STDIN = 0;

/** The name of standard input in the place of a file. */
const DASH = '-';

function cannotRun(message) {
  return new CommandError(message, EXIT_CANNOT_RUN);
}

function readProgram(file) {
  try {
    return readFileSync(file === DASH ? STDIN : file);
  } catch (error) {
    throw new CommandError(
      `cannot read ${file}: ${systemReason(error)}`,
      error.code === 'ENOENT' ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN,
    );
  }
}

/** The package `wabt`, as it is found from the working directory, else from here. */
function loadAssembler() {
  for (const from of [join(process.cwd(), DASH), __filename]) {
    try {
      return createRequire(from)('wabt');
    } catch {
      // It may be in the other place.
    }
  }
  return undefined;
}

/** Features that modules use and the package has to be told of. */
const FEATURES = { exceptions: true, bulk_memory: true, tail_call: true };

async function assemble(file, text) {
  const load = loadAssembler();
  if (load === undefined) {
    throw cannotRun(
      `${file} is in WebAssembly's text format, and the package wabt, which assembles that, is not there: npm install wabt`,
    );
  }
  const wabt = await load();
  try {
    const module = wabt.parseWat(file, String(text), FEATURES);
    // Names of functions are what a backtrace shows.
    return Buffer.from(module.toBinary({ write_debug_names: true }).buffer);
  } catch (error) {
    throw cannotRun(`cannot assemble ${file}: ${error.message.trim()}`);
  }
}

/** Whether a program is to be assembled, by its name or by what it looks like. */
function isText(file, bytes) {
  if (file.endsWith('.wat')) return true;
  // A module begins with NUL, and no text does.
  return bytes[0] !== 0 && require('../formats').isTextFormat(bytes);
}

/** The bytes of a program; a promise of them if it has to be assembled. */
function bytesOf(file) {
  const bytes = readProgram(file);
  return isText(file, bytes) ? assemble(file, bytes) : bytes;
}

/**
 * Compiles a program, which can have no more memory than that.
 *
 * @throws {CommandError} what it is if it is none, or what is wrong with it
 */
function compile(file, bytes, maxMemory) {
  try {
    return compileSync(prepareBytes(bytes, file, maxMemory));
  } catch (error) {
    throw cannotRun(
      error.code === 'ERR_WASI_UNSUPPORTED_PROGRAM'
        ? error.message
        : `cannot compile ${file}: ${error.message}`,
    );
  }
}

module.exports = { bytesOf, cannotRun, compile };
