'use strict';

const { readArguments } = require('./arguments');
const {
  CommandError,
  EXIT_CANNOT_RUN,
  EXIT_CPU_TIME,
  EXIT_FAILURE,
  EXIT_NOT_FOUND,
  EXIT_TIMEOUT,
  EXIT_TRAP,
  TimeError,
  systemReason,
} = require('./error');

/** What wasi-libc ends with where it may not ask for what a program begins with. */
const EXIT_REFUSED = 71;

const HELP = `\
Usage: wasi-rs [OPTION]... FILE.wasm [ARG]...

Runs a WASI command (preview1, or the older snapshot 0). It sees its file's
name and the ARGs, standard input, output and error, and nothing else of the
host but what the options give it. FILE.wasm may be - for standard input, or
a file in the text format, if the package wabt is there.

Options, all before FILE.wasm:
  --dir HOST[::GUEST]  give it the directory HOST, under the name GUEST
                       (without GUEST: under the name HOST)
  --ro-dir HOST[::GUEST]
                       the same, but it can change nothing in that directory
  --tmpfs GUEST[:SIZE] give it an empty directory in memory, named GUEST, for
                       SIZE bytes at most, say 64M (without SIZE: 256M)
  --mount SOURCE::GUEST[:ro]
                       give it what is in SOURCE, named GUEST: a directory, or
                       an archive (.zip, else tar, which may be compressed),
                       over which it writes in memory; with :ro, to read
  --overlay DIR::GUEST give it the directory DIR, named GUEST, over which it
                       writes in memory
  --write-back TAR[::GUEST]
                       when it has ended, write to TAR what it has changed in
                       memory (in the directory GUEST, if there are several)
  --listen [HOST:]PORT give it a socket that listens there, where it accepts
                       connections: as descriptor 3 or, with directories, the
                       next one after them (without HOST: 127.0.0.1; with
                       PORT 0: at a port that is free, which is printed)
  --listen unix:PATH   the same, at a path
  --devices            give it /dev with null, zero, random, urandom and its own
                       stdin, stdout and stderr
  --env NAME[=VALUE]   set an environment variable for it
                       (without VALUE: to the value that NAME has here, if any)
  --env-inherit        give it all environment variables that there are here
  --argv0 NAME         the name by which it is called (without: its file's)
  --capability NAME    let it make the calls of this group only, and of others
                       given so: args, env, clock, random, stdio, fs:read,
                       fs:write, poll, sockets, exit, or the name of one call
                       (without this option: all calls)
  --limit NAME=NUMBER  let it have no more than that of one thing: descriptors,
                       iovecs, subscriptions, pathLength, symlinkHops or
                       randomChunk
  --max-memory SIZE    let its memory grow to SIZE at most: 64M, or K, G, or a
                       number of bytes
  --cpu-time TIME      end it when it has computed for TIME, which is written as
                       that of --timeout; what waits does not compute
  --threads NUMBER     let it have no more than so many threads at a time beside
                       its first (without this option: four for a processor)
  --timeout TIME       end it after TIME: 10s, or ms, m, h, or a number of
                       seconds; 0 is no limit
  --invoke NAME        call the function NAME that it exports, with the ARGs,
                       which are numbers, and print what it returns; before that
                       its _initialize, if it has one
  --stub-imports       if it imports functions that are not of WASI, run it all
                       the same, until it calls one
  --seed NUMBER        give it the random bytes of this seed: the same each time
  --clock TIME         have its clocks begin at TIME, say 2030-01-31T12:00:00Z,
                       and move by a millisecond with each reading
  --trace[=NAME,...]   print each call that it makes to standard error, or those
                       of these names: as for --capability
  --trace-summary      print how many calls it made, how many failed, how many
                       bytes they moved and how long they took
  --completions SHELL  print what has bash, zsh or fish complete these options
  -h, --help           print this text
  -V, --version        print the version of wasi-rs

Exit codes:
  0 to 255  what the command exited with
  ${EXIT_TIMEOUT}       the command did not end in its --timeout
  ${EXIT_FAILURE}       the command line is wrong, or something else than the command failed
  ${EXIT_CANNOT_RUN}       FILE.wasm cannot be run
  ${EXIT_NOT_FOUND}       there is no FILE.wasm
  ${EXIT_TRAP}       the command trapped
  ${EXIT_CPU_TIME}       the command computed for longer than its --cpu-time
`;

/** What is said of a guest whose time was over, and the exit code, by which time that was. */
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
  // Where that cannot be written either, the exit code is left.
  process.stderr.once('error', () => {}).write(`wasi-rs: ${message}\n`);
}

function reportUnwritten(error) {
  // What has stopped reading wants no more, and needs no telling.
  if (error.code === 'EPIPE') return;
  report(`cannot write: ${systemReason(error)}`);
  process.exitCode = EXIT_FAILURE;
}

/** The reason and, below it, where in the guest it happened. */
function reportTrap(file, error) {
  // What the guest threw and nobody caught is no Error, and has no message.
  const reason = error.message ?? 'uncaught exception';
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => line.includes('wasm://'));
  report([`${file} trapped: ${reason}`, ...frames].join('\n'));
}

/** What `--capability` has withheld, where that is likely to be why it ended so. */
function reportRefused(refused) {
  const calls = refused();
  if (calls.length > 0) {
    report(`it has no --capability for ${calls.join(', ')}, which it called`);
  }
}

/** Anything else is a mistake of ours, and shows its stack. */
function isExpected(error) {
  return error instanceof CommandError || error.code === 'ERR_WASI_NO_BINARY';
}

/** Runs a program whose bytes are there. */
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

/** Runs the program of a command; a promise where that takes others to assemble it. */
function runFile(command) {
  // Loaded late: neither --help nor a misspelled option needs the addon.
  const { bytesOf } = require('./program');
  const bytes = bytesOf(command.file);
  return Buffer.isBuffer(bytes)
    ? run(command, bytes)
    : bytes.then((assembled) => run(command, assembled)).catch(fail);
}

/** The exit code for what is wrong, which is reported. */
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
    if (command.help) return print(HELP);
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
