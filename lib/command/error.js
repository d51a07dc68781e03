'use strict';

const { getSystemErrorMap } = require('node:util');

// Exit codes that are not the guest's, as env(1), timeout(1) and `docker run` have them.

/** That of timeout(1). */
const EXIT_TIMEOUT = 124;
/** The command line is wrong, or something else than the program fails. */
const EXIT_FAILURE = 125;
/** There is a file, and it cannot be run. */
const EXIT_CANNOT_RUN = 126;
/** There is no such file. */
const EXIT_NOT_FOUND = 127;
/** What a shell reports for a process whose CPU time was over: 128 + SIGXCPU. */
const EXIT_CPU_TIME = 152;
/** What a shell reports for a process that aborted: 128 + SIGABRT. */
const EXIT_TRAP = 134;

/** What the command reports in one line, without a stack, before it ends. */
class CommandError extends Error {
  constructor(message, exitCode = EXIT_FAILURE) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Refuses a command line. */
function refuse(problem) {
  throw new CommandError(`${problem} (see wasi-rs --help)`);
}

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
 * numbers of WASI's errors are not the system's, but their names are. ENOTFOUND is
 * the name that `node:dns` has for an unknown host.
 */
function systemReason({ code, message }) {
  const name =
    code === 'ENOTFOUND' ? 'EAI_NONAME' : code?.replace('UVWASI_', '');
  const errors = [...(getSystemErrorMap?.().values() ?? [])];
  return errors.find(([known]) => known === name)?.[1] ?? message;
}

module.exports = {
  CommandError,
  EXIT_CANNOT_RUN,
  EXIT_CPU_TIME,
  EXIT_FAILURE,
  EXIT_NOT_FOUND,
  EXIT_TIMEOUT,
  EXIT_TRAP,
  TimeError,
  refuse,
  systemReason,
};
