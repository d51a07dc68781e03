'use strict';

const { getSystemErrorMap } = require('node:util');

// Exit codes that are not the guest's, as of env(1), timeout(1) and `docker run`.

/** The guest did not end within its timeout. */
const EXIT_TIMEOUT = 124;
/** The command line is wrong, or something other than the guest failed. */
const EXIT_FAILURE = 125;
/** The file cannot be run. */
const EXIT_CANNOT_RUN = 126;
/** There is no such file. */
const EXIT_NOT_FOUND = 127;
/** What a shell reports for a process whose CPU time was over: 128 + SIGXCPU. */
const EXIT_CPU_TIME = 152;
/** What a shell reports for a process that aborted: 128 + SIGABRT. */
const EXIT_TRAP = 134;

/** An error that the command reports in one line, without a stack. */
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

/** A guest was ended by a time limit. */
class TimeError extends Error {
  /** @param {'timeout' | 'cpuTime'} limit */
  constructor(limit) {
    super();
    this.limit = limit;
  }
}

/**
 * The system's message for an error, without the rest of Node's message. WASI's errnos
 * have the same names as the system's, but other numbers. ENOTFOUND is the code of
 * `node:dns` for an unknown host.
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
