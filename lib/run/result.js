'use strict';

const { STOPPED } = require('./prepare');

const errors = () => require('../errors');

/** Reasons that override the guest's own end. */
const OVERRIDES = new Set(['abort', 'error']);

/**
 * How a guest ended.
 *
 * @param {object} reply its result: see `runGuest()`. `how` is `'died'` if its thread
 *   was terminated
 * @param {object} [why] why the host ended it, if it has
 * @param {boolean} overflowed whether it wrote more than `maxBuffer`
 */
function outcomeOf({ how, exitCode, error }, why, overflowed) {
  if (why !== undefined) {
    // It may have ended by itself in the meantime. In a thread that is being
    // terminated the native functions fail, so that there is no exit code.
    const endedItself =
      how === 'trap' ||
      (how === 'exit' &&
        why.reason !== 'memory' &&
        exitCode !== STOPPED &&
        exitCode !== undefined);
    if (!endedItself || OVERRIDES.has(why.reason)) return why;
  }
  if (how === 'failure') return { exitCode: null, reason: 'error', error };
  // However it ended: a part of its output is missing.
  if (overflowed) return { exitCode: null, reason: 'maxBuffer' };
  if (how === 'exit') return { exitCode, reason: 'exit' };
  return { exitCode: null, reason: 'trap', error };
}

/** Adds source lines to the stack of a trap. */
function locate(error, module) {
  require('../backtrace').addPlaces(error, module);
}

/**
 * Why the native side has ended a guest, if it has.
 *
 * @param {{ hasOutgrown: boolean }} prepared
 */
function whyOf({ hasOutgrown }) {
  return hasOutgrown ? { exitCode: null, reason: 'memory' } : undefined;
}

/** How much of the end of standard error an error shows. */
const SHOWN_LINES = 10;
const SHOWN_CHARACTERS = 2000;

/** How a guest ended, and its output. */
class Result {
  #end;

  constructor({ exitCode, reason, error, entry, refused, usage }, stdio) {
    this.exitCode = exitCode;
    this.reason = reason;
    this.error = error;
    this.entry = entry;
    this.stdout = stdio.take(1);
    this.stderr = stdio.take(2);
    this.refused = refused;
    this.usage = usage;
    this.#end = stdio.endOf(2);
  }

  /** The last lines that it wrote to standard error, if that was captured. */
  static lastLines(result) {
    const lines = result.#end.trimEnd().slice(-SHOWN_CHARACTERS).split('\n');
    return lines.slice(-SHOWN_LINES).join('\n');
  }

  /** Whether it ended with exit code 0. */
  get ok() {
    return this.reason === 'exit' && this.exitCode === 0;
  }

  /** What it wrote to standard output, as a string. */
  text() {
    if (this.stdout === null) {
      throw errors().invalidState(
        this.text,
        'standard output was not captured',
      );
    }
    return String(this.stdout);
  }
}

/** The message for each reason. */
const REASONS = {
  __proto__: null,
  exit: ({ exitCode }) => `exited with code ${exitCode}`,
  trap: ({ error }) => `trapped: ${error?.message ?? 'uncaught exception'}`,
  timeout: () => 'was ended: its time was over (timeout)',
  cpuTime: () => 'was ended: its CPU time was over (cpuTime)',
  memory: () => 'was ended: it had more memory than maxMemory',
  maxBuffer: () => 'was ended: it wrote more than maxBuffer',
};

/** The calls that a guest was refused, which may be why it has failed. */
function explainRefused({ refused }) {
  return refused.length === 0
    ? ''
    : `. It has no capability for ${refused.join(', ')}, which it called`;
}

/** The error of run() for a guest that did not end with exit code 0. */
class WASIRunError extends Error {
  constructor(name, result) {
    const { error, reason } = result;
    const last = Result.lastLines(result);
    const message = `${name} ${REASONS[reason](result)}${explainRefused(result)}`;
    super(
      last === '' ? message : `${message}\n${last}`,
      error === undefined ? {} : { cause: error },
    );
    this.code = 'ERR_WASI_RUN';
    this.result = result;
  }
}

Object.defineProperty(WASIRunError.prototype, 'name', {
  __proto__: null,
  value: 'WASIRunError',
  writable: true,
  configurable: true,
});

/** Returns a result, or throws the error for it. */
function settle({ check, name }, result) {
  const { reason, error } = result;
  // These two are not ends of the guest itself, so `check` is not asked.
  if (reason === 'error') throw error;
  if (reason === 'abort') throw Object.assign(error, { result });
  if (check && !result.ok) throw new WASIRunError(name, result);
  return result;
}

module.exports = {
  OVERRIDES,
  Result,
  locate,
  outcomeOf,
  settle,
  whyOf,
};
