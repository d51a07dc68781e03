'use strict';

const {
  EXIT_CANNOT_RUN,
  EXIT_CPU_TIME,
  EXIT_FAILURE,
  EXIT_NOT_FOUND,
  EXIT_TIMEOUT,
  EXIT_TRAP,
} = require('./error');

/** What `--help` prints. */
const HELP = `\
Usage: wasi-rs [OPTION]... FILE.wasm [ARG]...

Runs a WASI program (preview1, or the older snapshot 0) and exits with its exit
code. The program has standard input, output and error, its file's name and the
ARGs as arguments, and nothing else of the host but what the options grant.
FILE.wasm may be - for standard input, or a file in the text format if the
package wabt is installed.

Options, all before FILE.wasm:

Files
  --dir HOST[::GUEST]  preopen the directory HOST as GUEST
                       (default of GUEST: HOST)
  --ro-dir HOST[::GUEST]
                       the same, read-only
  --tmpfs GUEST[:SIZE] preopen an empty directory in memory as GUEST, with room
                       for SIZE bytes, such as 64M (default: 256M)
  --mount SOURCE::GUEST[:ro]
                       mount SOURCE at GUEST: a directory, which the program
                       may change, or an archive (.zip, else tar, which may be
                       compressed), changes to which stay in memory; with :ro,
                       read-only
  --overlay DIR::GUEST mount the directory DIR at GUEST; changes stay in memory
  --write-back TAR[::GUEST]
                       at the end, write the changes in memory to the archive
                       TAR (those at GUEST, if several have changes in memory)
  --devices            mount /dev, with null, zero, random, urandom, stdin,
                       stdout and stderr

Arguments, environment, sockets
  --env NAME[=VALUE]   set an environment variable
                       (default of VALUE: that of NAME in this environment)
  --env-inherit        pass all environment variables on
  --argv0 NAME         set argv[0] (default: the file's name)
  --listen [HOST:]PORT pass a listening TCP socket: as descriptor 3, or the next
                       one after the preopens (default of HOST: 127.0.0.1; with
                       PORT 0 a free port, which is printed)
  --listen unix:PATH   the same, with a Unix domain socket

Limits
  --timeout TIME       end the program after TIME: 10s, or with ms, m or h, or a
                       number of seconds; 0 is no limit
  --cpu-time TIME      end it after TIME of CPU time, in which waiting does not
                       count
  --max-memory SIZE    limit its memory to SIZE: 64M, or with K or G, or a
                       number of bytes
  --threads NUMBER     limit the threads that it may have at a time beside its
                       main thread (default: four for each processor)
  --capability NAME    allow only a group of calls; may be repeated: args, env,
                       clock, random, stdio, fs:read, fs:write, poll, sockets,
                       exit, or the name of a call (default: all calls)
  --limit NAME=NUMBER  set another limit: descriptors, iovecs, subscriptions,
                       pathLength, symlinkHops or randomChunk

Running
  --invoke NAME        call the exported function NAME with the ARGs, which are
                       numbers, and print its results; _initialize is called
                       before, if it is exported
  --stub-imports       run a program that imports functions which are not of
                       WASI; it traps when it calls one
  --seed NUMBER        make random bytes from this seed: the same in each run
  --clock TIME         start the clocks at TIME, such as 2030-01-31T12:00:00Z;
                       each reading advances them by a millisecond
  --trace[=NAME,...]   print each call, or those named as for --capability, to
                       standard error
  --trace-summary      print the number of calls, of errors and of bytes, and
                       the time that the calls took

About wasi-rs
  --completions SHELL  print a script that completes these options in bash, zsh
                       or fish
  -h, --help           print this text
  -V, --version        print the version of wasi-rs

Exit codes:
  0 to 255  that of the program
  ${EXIT_TIMEOUT}       the program did not end within its --timeout
  ${EXIT_FAILURE}       wrong options, or wasi-rs itself failed
  ${EXIT_CANNOT_RUN}       FILE.wasm cannot be run
  ${EXIT_NOT_FOUND}       FILE.wasm was not found
  ${EXIT_TRAP}       the program trapped
  ${EXIT_CPU_TIME}       the program used more than its --cpu-time
`;

module.exports = { HELP };
