'use strict';

const { fstatSync } = require('node:fs');

const { invalidArgType } = require('../errors');
const {
  properties,
  validateBoolean,
  validateFd,
  validateInteger,
  validateProperties,
} = require('../validators');
const { loadBinding } = require('../core');

const STDERR = 2;

/** How many bytes of a written buffer are shown by default, as by strace. */
const DEFAULT_STRINGS = 32;
const MOST_STRINGS = 2 ** 20;

const TRACE = properties(['to', 'calls', 'failed', 'strings']);

const isStream = (value) =>
  typeof value?.write === 'function' && typeof value.on === 'function';

/** Reads the target: an open descriptor, a stream or a function. */
function readTo(value, name) {
  if (value === true) return STDERR;
  if (typeof value === 'number') {
    // A descriptor that is not open is an error here, and not at the first call.
    fstatSync(validateFd(value, name));
    return value;
  }
  if (typeof value === 'function' || isStream(value)) return value;
  const expected = 'true, a file descriptor, a function or a stream.Writable';
  throw invalidArgType(readTo, name, expected, value);
}

/** The names of the calls that capabilities stand for. */
function callsOf(capabilities, readCapabilities) {
  if (capabilities === undefined) return undefined;
  const { capabilityCalls } = loadBinding();
  return readCapabilities(capabilities).flatMap((name) =>
    capabilityCalls(name),
  );
}

/**
 * Checks an option `trace`.
 *
 * @param {(names: unknown, name: string) => string[]} readCapabilities
 * @returns {{ to: unknown, calls?: string[], failed: boolean, strings: number } | undefined}
 */
function readTrace(value, readCapabilities) {
  const name = 'options.trace';
  if (value === false) return undefined;
  const isDescribed =
    typeof value === 'object' && value !== null && !isStream(value);
  if (isDescribed) validateProperties(value, name, TRACE);
  const {
    to = true,
    calls,
    failed = false,
    strings = DEFAULT_STRINGS,
  } = isDescribed ? value : { to: value };
  return {
    to: readTo(to, isDescribed ? `${name}.to` : name),
    calls: callsOf(calls, (names) => readCapabilities(names, `${name}.calls`)),
    failed: validateBoolean(failed, `${name}.failed`),
    strings: validateInteger(strings, `${name}.strings`, 0, MOST_STRINGS),
  };
}

module.exports = { DEFAULT_STRINGS, STDERR, readTrace };
