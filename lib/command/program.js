'use strict';

// Reads, assembles and compiles the program of the command.

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

/** Stands for standard input. */
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

/** The package `wabt`, resolved from the working directory, else from here. */
function loadAssembler() {
  for (const from of [join(process.cwd(), DASH), __filename]) {
    try {
      return createRequire(from)('wabt');
    } catch {
      // Not found there.
    }
  }
  return undefined;
}

/** Features of WebAssembly that `wabt` enables only by options. */
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
    // The names of functions, for the stack of a trap.
    return Buffer.from(module.toBinary({ write_debug_names: true }).buffer);
  } catch (error) {
    throw cannotRun(`cannot assemble ${file}: ${error.message.trim()}`);
  }
}

/** Whether a program is in the text format, by its name or its content. */
function isText(file, bytes) {
  if (file.endsWith('.wat')) return true;
  // A module begins with a NUL byte.
  return bytes[0] !== 0 && require('../formats').isTextFormat(bytes);
}

/** The bytes of a program; a promise of them if it has to be assembled. */
function bytesOf(file) {
  const bytes = readProgram(file);
  return isText(file, bytes) ? assemble(file, bytes) : bytes;
}

/**
 * Compiles a program, with its memory limited to `maxMemory` bytes.
 *
 * @throws {CommandError} if it is not a module, or not a valid one
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
