'use strict';

// A program in C with POSIX threads, with wasi-libc. pthreads.c documents its arguments;
// it exits with 1 and says where, if anything differs from POSIX.

const test = require('ava');

const { run, runSync } = require('../index.js');
const { command } = require('./helpers/child');
const { guestPath } = require('./helpers/guest');
const { withThreads } = require('./helpers/thread');

const PTHREADS = guestPath('pthreads');

/** The ways to run it, each as a function of arguments and options that returns the outcome. */
const WAYS = {
  'new WASI()'(args, options) {
    const { wasi, module, imports } = withThreads('pthreads', args, options);
    const exitCode = wasi.start(new WebAssembly.Instance(module, imports));
    return { exitCode, stdout: String(wasi.stdout) };
  },
  async 'run()'(args, options) {
    const all = { args, check: false, encoding: 'utf8', ...options };
    const { exitCode, stdout } = await run(PTHREADS, all);
    return { exitCode, stdout };
  },
  'runSync()'(args, options) {
    const all = { args, check: false, encoding: 'utf8', ...options };
    const { exitCode, stdout } = runSync(PTHREADS, all);
    return { exitCode, stdout };
  },
  'the command'(args, { threads } = {}) {
    const most = threads === undefined ? [] : ['--threads', threads.max];
    const { exitCode, stdout } = command([...most, PTHREADS, ...args]);
    return { exitCode, stdout };
  },
};

for (const [name, way] of Object.entries(WAYS)) {
  test(`locks, conditions, thread-locals, attributes: ${name}`, async (t) => {
    t.deepEqual(await way(['all']), { exitCode: 0, stdout: 'all\n' });
  });

  test(`main returns while threads compute, wait and sleep: ${name}`, async (t) => {
    t.deepEqual(await way(['returns']), { exitCode: 5, stdout: 'returns\n' });
  });

  test(`exit() in a thread, with atexit() handlers: ${name}`, async (t) => {
    t.deepEqual(await way(['exit']), { exitCode: 6, stdout: 'at exit\n' });
  });

  test(`pthread_create() beyond max: ${name}`, async (t) => {
    const ended = await way(['most'], { threads: { max: 3 } });
    t.deepEqual(ended, { exitCode: 0, stdout: '3 EAGAIN\n' });
  });
}
