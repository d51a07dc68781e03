'use strict';

const { invalidArgValue } = require('./errors');
const {
  validateArray,
  validateFd,
  validateObject,
  validateString,
} = require('./validators');

/** What a module of each version names in its imports. */
const IMPORT_MODULES = {
  __proto__: null,
  preview1: 'wasi_snapshot_preview1',
  unstable: 'wasi_unstable',
};

function readVersion(value) {
  const version = validateString(value, 'options.version');
  if (version in IMPORT_MODULES) return version;
  throw invalidArgValue(
    readVersion,
    'options.version',
    'unsupported WASI version',
    version,
  );
}

/** Any value is an argument: `String()` takes even a symbol. */
function readArgs(value = []) {
  return Array.from(validateArray(value, 'options.args'), String);
}

/** `KEY=value` each; an `undefined` value unsets, as for child processes. */
function readEnv(value = {}) {
  return Object.entries(validateObject(value, 'options.env'))
    .filter(([, text]) => text !== undefined)
    .map(([key, text]) => `${key}=${text}`);
}

function readPreopens(value = {}) {
  return Object.entries(validateObject(value, 'options.preopens')).map(
    ([mappedPath, realPath]) => ({ mappedPath, realPath: String(realPath) }),
  );
}

/**
 * Checks the options of `new WASI()` and brings them into the plain form that
 * the native class takes.
 *
 * The order is Node's, since the first mistake is the one that is reported.
 * `returnOnExit` is not read here: Node looks at it after the preopens have
 * been opened.
 *
 * @param {unknown} options
 */
function readOptions(options) {
  validateObject(options, 'options');
  const version = readVersion(options.version);
  const args = readArgs(options.args);
  const env = readEnv(options.env);
  const preopens = readPreopens(options.preopens);
  const { stdin = 0, stdout = 1, stderr = 2 } = options;
  return {
    version,
    args,
    env,
    preopens,
    stdin: validateFd(stdin, 'options.stdin'),
    stdout: validateFd(stdout, 'options.stdout'),
    stderr: validateFd(stderr, 'options.stderr'),
  };
}

module.exports = { IMPORT_MODULES, readOptions };
