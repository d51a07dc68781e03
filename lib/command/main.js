'use strict';

const { version } = require('../../package.json');
const { readArguments } = require('./arguments');
const { CommandError, TimeError, systemReason } = require('./error');

const EXIT_USAGE = 2;
/** That of timeout(1). */
const EXIT_TIMEOUT = 124;
/** What a shell reports for a process whose CPU time was over: 128 + SIGXCPU. */
const EXIT_CPU_TIME = 152;
/** What a shell reports for a process that aborted: 128 + SIGABRT. */
const EXIT_TRAP = 134;

const HELP = `\
Usage: wasi-rs [OPTION]... FILE.wasm [ARG]...

Runs a WASI command (preview1, or the older snapshot 0). It sees its file's
name and the ARGs, standard input, output and error, and nothing else of the
host but what the options give it.

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
  --timeout TIME       end it after TIME: 10s, or ms, m, h, or a number of
                       seconds; 0 is no limit
  -h, --help           print this text
  -V, --version        print the version of wasi-rs

Exit codes:
  0 to 255  what the command exited with
  ${EXIT_USAGE}         the command line is wrong, or FILE.wasm cannot be run
  ${EXIT_TIMEOUT}       the command did not end in its --timeout
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
  process.exitCode = EXIT_USAGE;
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

/** Anything else is a mistake of ours, and shows its stack. */
function isExpected(error) {
  return error instanceof CommandError || error.code === 'ERR_WASI_NO_BINARY';
}

function run(command) {
  // Loaded late: neither --help nor a misspelled option needs the addon.
  const { prepareGuest } = require('./guest');
  const { start, finish } = prepareGuest(command);
  let exitCode = EXIT_TRAP;
  try {
    // The system keeps the lowest eight bits of an exit code, and Node refuses
    // some of the others.
    exitCode = start() & 0xff;
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
  return exitCode;
}

/**
 * The command `wasi-rs`.
 *
 * @param {string[]} argv what follows the command's name
 * @returns {number} the exit code
 */
function main(argv) {
  try {
    const command = readArguments(argv);
    if (command.help) return print(HELP);
    if (command.version) return print(`${version}\n`);
    return run(command);
  } catch (error) {
    if (!isExpected(error)) throw error;
    report(error.message);
    return EXIT_USAGE;
  }
}

module.exports = { main };
