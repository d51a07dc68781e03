'use strict';

const { getSystemErrorMap } = require('node:util');

/** What the command reports in one line, without a stack, before it ends. */
class CommandError extends Error {}

/** A guest has been ended: its time was over. */
class TimeError extends Error {
  /** @param {'timeout' | 'cpuTime'} limit which time that was */
  constructor(limit) {
    super();
    this.limit = limit;
  }
}

/**
 * What the system says about a failed call, without Node's decoration. The
 * numbers of WASI's errors are not the system's, but their names are.
 */
function systemReason({ code, message }) {
  const name = code?.replace('UVWASI_', '');
  const errors = [...(getSystemErrorMap?.().values() ?? [])];
  return errors.find(([known]) => known === name)?.[1] ?? message;
}

module.exports = { CommandError, TimeError, systemReason };
