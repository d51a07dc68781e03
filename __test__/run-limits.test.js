'use strict';

// run(): timeout, cpuTime, signal and maxMemory.

const fs = require('node:fs');
const path = require('node:path');
const { PassThrough } = require('node:stream');
const { setTimeout: later } = require('node:timers/promises');

const test = require('ava');

const { Pool, run, runSync, spawn } = require('../index.js');
const { script } = require('./helpers/child');
const { assemble, guest, scratch } = require('./helpers/guest');
const { AGES, bytesOf, guestPath, rejection } = require('./helpers/runs');

const HELLO = guestPath('hello');
const CAT = guestPath('cat');
const POLL = guestPath('poll');

/** The result of a timeout long enough for the guest to have printed, on however busy a machine. */
async function whenPrinted(runFor) {
  for (let timeout = 30; ; timeout *= 2) {
    const error = await runFor(timeout);
    if (error.result.text() !== '') return error;
  }
}

/** A guest that imports a memory of so many pages, and exits with the result of growing it by 100. */
const growsImported = (memory) =>
  assemble(
    `(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (import "env" "memory" (memory ${memory}))
      (func (export "_start")
        (drop (memory.grow (i32.const 100)))
        (call $exit (memory.size))))`,
    { threads: true },
  );

test('a memory that a program imports is made for it, with the limit', async (t) => {
  const PAGE = 2 ** 16;
  const file = guestPath('imported_memory');
  const bytes = fs.readFileSync(file);
  const pool = new Pool();
  const ways = {
    run,
    runSync,
    spawn: (...args) => spawn(...args).exited,
    pool: (...args) => pool.run(...args),
  };
  for (const [way, start] of Object.entries(ways)) {
    t.like(await start(file), { exitCode: 0 }, way);
    t.like(await start(bytes), { exitCode: 0 }, way);
    const pages = async (memory, options) => {
      const check = way === 'spawn' ? {} : { check: false };
      const grown = await start(await growsImported(memory), {
        ...options,
        ...check,
      });
      return grown.exitCode;
    };
    t.is(await pages('3'), 103, way);
    t.is(await pages('3 40'), 3, way);
    t.is(await pages('3 200', { maxMemory: 103 * PAGE }), 103, way);
    t.is(await pages('3 200 shared'), 103, way);
    t.is(await pages('3 200 shared', { maxMemory: 102 * PAGE }), 3, way);
    t.is(await pages('3 200', { maxMemory: 102 * PAGE }), 3, way);
    t.is(await pages('3', { maxMemory: 102 * PAGE }), 3, way);
  }
  t.is((await run(file)).text(), 'imported\n');
  await pool.close();

  const compiled = new WebAssembly.Module(bytes);
  const unknown = {
    code: 'ERR_WASI_UNSUPPORTED_PROGRAM',
    message:
      /imports a memory, env.memory. One is made for programs that are given by path or as bytes, and have no other/,
  };
  await t.throwsAsync(run(compiled), unknown);
  t.throws(() => runSync(compiled), unknown);
  // A memory of the host is used.
  const memory = new WebAssembly.Memory({ initial: 5, maximum: 5 });
  const imports = { env: { memory } };
  t.like(runSync(await growsImported('3'), { imports, check: false }), {
    exitCode: 5,
  });
});

test('a guest has so much CPU time and no more', async (t) => {
  const cpuTime = 30;
  for (const start of [run, (...args) => spawn(...args).exited]) {
    const options = { cpuTime, ...(start === run && { check: false }) };
    const result = await start(await bytesOf('spin'), options);
    t.like(result, { exitCode: null, reason: 'cpuTime', ok: false });
    t.true(result.usage.cpuTime >= cpuTime);
    t.true(result.usage.wallTime >= cpuTime);
  }
  const error = await rejection(
    run(await bytesOf('flood'), { cpuTime, stdout: 'ignore' }),
  );
  t.is(error.message, 'wasm was ended: its CPU time was over (cpuTime)');
  // A guest that waits uses less than this in that time.
  const waiting = { args: [`after:1:${10n ** 8n}`], cpuTime: 60_000 };
  const { reason, usage } = await run(POLL, waiting);
  t.is(reason, 'exit');
  t.true(usage.cpuTime < usage.wallTime);
  // Windows counts it in ticks, and this may take less than one.
  const isByTheTick = process.platform === 'win32';
  t.true(isByTheTick ? usage.cpuTime >= 0 : usage.cpuTime > 0);
  t.like(await run(HELLO, { cpuTime: 0 }), { ok: true });
});

test('a guest whose time is over is ended, whatever it does', async (t) => {
  const reads = new PassThrough();
  const guests = {
    computing: [await bytesOf('spin'), {}],
    'waiting for a time': [POLL, { args: [AGES] }],
    'waiting for input': [CAT, { stdin: reads }],
    'writing to what takes no more': [
      await bytesOf('flood'),
      { stdout: () => later(50) },
    ],
  };
  for (const [what, [program, options]] of Object.entries(guests)) {
    const result = await run(program, {
      ...options,
      timeout: 30,
      check: false,
    });
    t.like(result, { exitCode: null, reason: 'timeout', ok: false }, what);
    t.true(result.usage.wallTime >= 29, what);
  }
  const error = await whenPrinted((timeout) =>
    rejection(run(POLL, { args: ['-v', AGES], timeout })),
  );
  t.is(error.message, 'poll.wasm was ended: its time was over (timeout)');
  t.is(error.result.text(), 'polling\n');
  t.like(await run(HELLO, { timeout: 0 }), { ok: true });
  t.like(await run(HELLO, { timeout: 2 ** 31 - 1 }), { ok: true });
});

test('an aborted signal rejects as it does those of node:child_process', async (t) => {
  const reason = new Error('no longer wanted');
  const error = await rejection(
    run(HELLO, { signal: AbortSignal.abort(reason), check: false }),
  );
  t.like(error, {
    name: 'AbortError',
    code: 'ABORT_ERR',
    message: 'The operation was aborted',
    cause: reason,
  });
  t.like(error.result, { exitCode: null, reason: 'abort' });
});

test('a signal ends a guest at any time: when it loads, waits for a thread, or runs', async (t) => {
  const spin = await bytesOf('spin');
  for (const milliseconds of [0, 1, 5, 30]) {
    const controller = new AbortController();
    const { signal } = controller;
    const running = [
      [CAT, { stdin: new PassThrough() }],
      [spin, {}],
      [POLL, { args: [AGES] }],
      [spin, {}],
    ].map(([program, options]) => run(program, { ...options, signal }));
    setTimeout(() => controller.abort('enough'), milliseconds);
    for (const promise of running) {
      t.like(await rejection(promise), { code: 'ABORT_ERR', cause: 'enough' });
    }
  }
});

test('aborting a signal after the end has no effect, and the signal keeps nothing alive', async (t) => {
  const controller = new AbortController();
  t.like(await run(HELLO, { signal: controller.signal }), { ok: true });
  controller.abort();
  await later(1);
  t.pass();
});

test('many guests can share one signal, without a warning', (t) => {
  const ended = script(`
    const { run } = require('wasi-rs');
    const controller = new AbortController();
    const { signal } = controller;
    const guest = (name) => './__test__/guests/' + name + '.wasm';
    Promise.all(Array.from({ length: 50 }, () => run(guest('hello'), { signal })))
      .then(() => {
        const waiting = Array.from({ length: 50 }, () => run(guest('cat'), {
          signal, stdin: 'pipe', input: 'a', stdout: () => new Promise(() => {}),
        }));
        setTimeout(() => controller.abort(), 5);
        return Promise.allSettled(waiting);
      })
      .then((all) => console.log(all.every(({ reason }) => reason.code === 'ABORT_ERR')));`);
  t.deepEqual(ended, { exitCode: 0, stdout: 'true\n', stderr: '' });
});

test('maxMemory limits the growth of memory', async (t) => {
  const grow = await bytesOf('grow');
  const file = path.join(scratch(t), 'grow.wasm');
  fs.writeFileSync(file, grow);
  const pages = 65_536;
  for (const program of [grow, file]) {
    const exitCodes = [];
    for (const maxMemory of [pages, 10 * pages, 12 * pages - 1]) {
      exitCodes.push(
        (await run(program, { maxMemory, check: false })).exitCode,
      );
    }
    t.deepEqual(exitCodes, [1, 10, 11]);
  }
});

test('a compiled module that exceeds maxMemory is ended at its next call', async (t) => {
  const grow = await WebAssembly.compile(await bytesOf('growOnce'));
  const page = 65_536;
  for (const start of [run, async (...args) => runSync(...args)]) {
    const result = (program, maxMemory) =>
      start(program, { maxMemory, check: false });
    const outgrown = { exitCode: null, reason: 'memory', ok: false };
    t.like(await result(grow, 9 * page - 1), outgrown);
    t.like(await result(grow, 9 * page), { exitCode: 9, reason: 'exit' });
    t.like(await result(guest('hello'), page), { reason: 'exit' });
    t.like(await result(guest('hello'), page - 1), outgrown);
    const error = await rejection(start(grow, { maxMemory: page }));
    t.is(error.message, 'wasm was ended: it had more memory than maxMemory');
  }
});

test('maxMemory must be at least the initial memory', async (t) => {
  const small = await rejection(run(HELLO, { maxMemory: 65_535 }));
  t.true(small instanceof RangeError, String(small));
  t.like(await run(HELLO, { maxMemory: Infinity }), { ok: true });
});

test('maxMemory is the sum of all memories and tables', async (t) => {
  const tables = `(table $a 1 funcref) (table $b 1 funcref)
    (func $grow (export "_start")
      (call $exit (i32.add
        (i32.eq (table.grow $a (ref.null func) (i32.const 8191)) (i32.const 1))
        (i32.eq (table.grow $b (ref.null func) (i32.const 8192)) (i32.const -1)))))`;
  const program = await assemble(
    `(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1) ${tables})`,
    { reference_types: true },
  );
  const options = { maxMemory: 2 ** 17, check: false };
  t.is((await run(program, options)).exitCode, 2);
  const large = await assemble(
    '(module (memory (export "memory") 1) (table 10000000 funcref) (func (export "_start")))',
  );
  t.is((await rejection(run(large, options))).code, 'ERR_OUT_OF_RANGE');
  t.like(await run(large), { ok: true });
});

/** (module (type (array (mut i8))) (func (export "_start"))) */
const COLLECTED = Buffer.from(
  '0061736d01000000010702' +
    '5e7801' +
    '600000' +
    '03020101' +
    '070a01065f7374617274' +
    '0000' +
    '0a040102000b',
  'hex',
);

test('maxMemory refuses a program with objects that it does not limit', async (t) => {
  const error = await rejection(run(COLLECTED, { maxMemory: 2 ** 20 }));
  t.is(error.code, 'ERR_WASI_UNSUPPORTED_PROGRAM');
  t.regex(error.message, /objects that are collected/);
});
