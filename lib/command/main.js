'use strict';

const { readArguments } = require('./arguments');
const {
  CommandError,
  EXIT_CPU_TIME,
  EXIT_FAILURE,
  EXIT_TIMEOUT,
  EXIT_TRAP,
  TimeError,
  systemReason,
} = require('./error');

/** The exit code of wasi-libc if it may not call what it calls before main(). */
const EXIT_REFUSED = 71;

/** The message and the exit code for a guest that was ended by a time limit. */
const TIME_ERRORS = {
  timeout: { problem: 'did not end within', code: EXIT_TIMEOUT },
  cpuTime: { problem: 'computed for longer than', code: EXIT_CPU_TIME },
};

// The streams are made when they are first used: a guest that writes by itself
// must not find its pipe changed by them.

function print(text) {
  process.stdout.once('error', reportUnwritten).write(text);
  return 0;
}

function report(message) {
  // If that cannot be written either, the exit code still tells.
  process.stderr.once('error', () => {}).write(`wasi-rs: ${message}\n`);
}

function reportUnwritten(error) {
  // A reader that has closed the pipe, such as head(1), is no error.
  if (error.code === 'EPIPE') return;
  report(`cannot write: ${systemReason(error)}`);
  process.exitCode = EXIT_FAILURE;
}

/** Reports a trap: the reason, and the stack of the guest below it. */
function reportTrap(file, error) {
  // An uncaught WebAssembly.Exception is not an Error, and has no message.
  const reason = error.message ?? 'uncaught exception';
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => line.includes('wasm://'));
  report([`${file} trapped: ${reason}`, ...frames].join('\n'));
}

/** Reports the calls that `--capability` refused, as they are the likely reason. */
function reportRefused(refused) {
  const calls = refused();
  if (calls.length > 0) {
    report(`it has no --capability for ${calls.join(', ')}, which it called`);
  }
}

/** Whether an error is for the user; any other is a bug of ours, and shows its stack. */
function isExpected(error) {
  return error instanceof CommandError || error.code === 'ERR_WASI_NO_BINARY';
}

/** Runs a program. */
function run(command, bytes) {
  const { prepareGuest } = require('./guest');
  const { start, finish, refused, summary } = prepareGuest(command, bytes);
  let exitCode = EXIT_TRAP;
  try {
    const ended = start();
    // The system keeps the lowest eight bits of an exit code, and Node refuses
    // some of the others.
    exitCode = ended.exitCode & 0xff;
    if (command.invoke !== undefined) {
      print(require('./invoke').printed(ended.returned));
    }
  } catch (error) {
    if (error instanceof TimeError) {
      const { problem, code } = TIME_ERRORS[error.limit];
      report(`${command.file} ${problem} ${command[error.limit]} ms`);
      exitCode = code;
    } else {
      reportTrap(command.file, error);
    }
  }
  finish();
  if (exitCode === EXIT_REFUSED || exitCode === EXIT_TRAP) {
    reportRefused(refused);
  }
  const counted = summary();
  if (counted !== undefined) process.stderr.write(counted);
  return exitCode;
}

/** Runs the file of a command. The result is a promise if it is in the text format. */
function runFile(command) {
  // Loaded late: neither --help nor a misspelled option needs the addon.
  const { bytesOf } = require('./program');
  const bytes = bytesOf(command.file);
  return Buffer.isBuffer(bytes)
    ? run(command, bytes)
    : bytes.then((assembled) => run(command, assembled)).catch(fail);
}

/** Reports an error, and gives the exit code for it. */
function fail(error) {
  if (!isExpected(error)) throw error;
  report(error.message);
  return error.exitCode ?? EXIT_FAILURE;
}

/**
 * The command `wasi-rs`.
 *
 * @param {string[]} argv what follows the command's name
 * @returns {number | Promise<number>} the exit code
 */
function main(argv) {
  try {
    const command = readArguments(argv);
    if (command.help) return print(require('./help').HELP);
    if (command.version) {
      return print(`${require('../../package.json').version}\n`);
    }
    if (command.completions) {
      const { completionsFor } = require('./completions');
      return print(completionsFor(command.completions));
    }
    return runFile(command);
  } catch (error) {
    return fail(error);
  }
}

module.exports = { main };
