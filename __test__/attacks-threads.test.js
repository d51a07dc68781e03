'use strict';

// Guests that misuse threads, and modules that implement wasi-threads incompletely.

const test = require('ava');

const { WASI, run, runSync, spawn } = require('../index.js');
const { script } = require('./helpers/child');
const { assemble } = require('./helpers/guest');

const FEATURES = { threads: true, bulk_memory: true };

/** A module with threads, from the code of its first thread and of the others. */
function threaded({ start, spawned = '', shared = 'shared', more = '' }) {
  return assemble(
    `(module
      (import "env" "memory" (memory 1 16 ${shared}))
      (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
      (export "memory" (memory 0))
      ${more}
      ${start ? `(func (export "_start") (local $i i32) ${start})` : ''}
      ${spawned})`,
    FEATURES,
  );
}

const STARTED = (body) =>
  `(func (export "wasi_thread_start") (param $tid i32) (param $argument i32) ${body})`;

/** Exits with what `thread-spawn` returned, negated. */
const EXIT_WITH_ERRNO =
  '(call $proc_exit (i32.sub (i32.const 0) (call $spawn (i32.const 1))))';

const WAIT_FOR_EVER =
  '(loop $l (drop (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const -1))) (br $l))';

test('without a wasi_thread_start no thread is spawned', async (t) => {
  const NOTSUP = 58;
  const program = await threaded({ start: EXIT_WITH_ERRNO });
  const options = { check: false };
  t.is((await run(program, options)).exitCode, NOTSUP);
  t.is(runSync(program, options).exitCode, NOTSUP);
  const global = '(global (export "wasi_thread_start") i32 (i32.const 0))';
  const other = await threaded({ start: EXIT_WITH_ERRNO, spawned: global });
  t.is((await run(other, options)).exitCode, NOTSUP);
});

test('a wasi_thread_start of another type ends the guest', async (t) => {
  const program = await threaded({
    start: `(drop (call $spawn (i32.const 1))) ${WAIT_FOR_EVER}`,
    spawned: '(func (export "wasi_thread_start") (param i64 i32))',
  });
  await t.throwsAsync(run(program), {
    instanceOf: TypeError,
    message: /BigInt/,
  });
  t.throws(() => runSync(program), { instanceOf: TypeError });
});

test('a memory that is not shared has no threads', async (t) => {
  const program = await threaded({ start: EXIT_WITH_ERRNO, shared: '' });
  const refused = {
    code: 'ERR_WASI_UNSUPPORTED_PROGRAM',
    message: /imports wasi.thread-spawn, but no memory that is shared/,
  };
  await t.throwsAsync(run(program), refused);
  t.throws(() => runSync(program), refused);
});

test('a guest that spawns threads without end has at most max of them', async (t) => {
  // Each spawns until that fails, and waits.
  const body = `(loop $l (br_if $l (i32.gt_s (call $spawn (i32.const 1)) (i32.const 0))))`;
  const program = await threaded({
    start: `${body} (call $proc_exit (i32.const 5))`,
    spawned: STARTED(`${body} ${WAIT_FOR_EVER}`),
  });
  const options = { threads: { max: 4 }, check: false };
  t.is((await run(program, options)).exitCode, 5);
  // The first keeps trying, and fails each time.
  const endless = await threaded({
    start: '(loop $l (drop (call $spawn (i32.const 1))) (br $l))',
    spawned: STARTED(WAIT_FOR_EVER),
  });
  const ended = await run(endless, { ...options, timeout: 500 });
  t.is(ended.reason, 'timeout');
});

test('tids are different, above 0, and below 2 ** 29', async (t) => {
  // It counts 100 times that a tid is greater than the one before.
  const program = await threaded({
    start: `(local $tid i32) (local $last i32)
      (loop $l
        (local.set $tid (call $spawn (i32.const 1)))
        (if (i32.le_s (local.get $tid) (local.get $last)) (then (call $proc_exit (i32.const 1))))
        (if (i32.ge_s (local.get $tid) (i32.const 0x20000000)) (then (call $proc_exit (i32.const 2))))
        (local.set $last (local.get $tid))
        (drop (memory.atomic.wait32 (i32.const 0) (local.get $i) (i64.const 5000000000)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $l (i32.lt_s (local.get $i) (i32.const 100))))
      (call $proc_exit (i32.const 9))`,
    spawned: STARTED(
      `(drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
       (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))`,
    ),
  });
  const options = { threads: { max: 2 }, check: false };
  t.is((await run(program, options)).exitCode, 9);
});

test('each thread has globals of its own, with their initial values', async (t) => {
  const program = await threaded({
    more: '(global $count (mut i32) (i32.const 0))',
    start: `(drop (call $spawn (i32.const 1)))
      (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))
      (drop (call $spawn (i32.const 1)))
      (drop (memory.atomic.wait32 (i32.const 0) (i32.const 1) (i64.const -1)))
      (call $proc_exit (i32.load (i32.const 4)))`,
    spawned: STARTED(
      `(global.set $count (i32.add (global.get $count) (i32.const 1)))
       (i32.store (i32.const 4) (global.get $count))
       (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
       (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))`,
    ),
  });
  // The second is run by the worker of the first.
  const options = { threads: { max: 1 }, check: false };
  t.is((await run(program, options)).exitCode, 1);
});

test('a stack overflow in a thread ends the guest, and not the process', async (t) => {
  const program = await threaded({
    more: '(func $deeper (call $deeper))',
    start: `(drop (call $spawn (i32.const 1))) ${WAIT_FOR_EVER}`,
    spawned: STARTED('(call $deeper)'),
  });
  const ended = await run(program, { check: false });
  t.is(ended.reason, 'trap');
  t.regex(ended.error.message, /call stack/);
});

test('kill() ends threads that wait for memory, and for the host', async (t) => {
  for (const spawned of [
    WAIT_FOR_EVER,
    '(loop $l (drop (call $yield)) (br $l))',
    '(loop $l (br $l))',
  ]) {
    const program = await threaded({
      start: `(drop (call $spawn (i32.const 1))) ${WAIT_FOR_EVER}`,
      spawned: STARTED(spawned),
    });
    const child = spawn(program, { stdout: 'ignore', stderr: 'ignore' });
    child.once('spawn', () => setTimeout(() => child.kill(), 100));
    t.is((await child.exited).reason, 'kill');
  }
});

test('a library has its threads in others than that which calls it', (t) => {
  const { exitCode, stdout, stderr } = script(`
    const { WASI } = require('wasi-rs');
    const { assemble } = require('./__test__/helpers/guest');
    (async () => {
      const bytes = await assemble(\`(module
        (import "env" "memory" (memory 1 16 shared))
        (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
        (export "memory" (memory 0))
        (func (export "spawn") (param i32) (result i32) (call $spawn (local.get 0)))
        (func (export "wasi_thread_start") (param i32 i32)
          (if (i32.eqz (local.get 1)) (then unreachable))
          (i32.atomic.store (i32.const 0) (local.get 1))
          (drop (memory.atomic.notify (i32.const 0) (i32.const 1)))))\`, { threads: true });
      const module = new WebAssembly.Module(bytes);
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 16, shared: true });
      const wasi = new WASI({ version: 'preview1', threads: true });
      const imports = wasi.getImportObject({ module, memory });
      const { exports } = new WebAssembly.Instance(module, imports);
      wasi.initialize({ exports });
      const words = new Int32Array(memory.buffer);
      console.log(exports.spawn(7) > 0);
      Atomics.wait(words, 0, 0);
      console.log(words[0]);
      process.once('uncaughtException', (error) => {
        console.log(error.message, exports.spawn(7));
        wasi.close();
      });
      // The thread does not keep the process alive.
      const timer = setInterval(() => {}, 1000);
      process.on('uncaughtException', () => clearInterval(timer));
      exports.spawn(0);
    })();`);
  t.deepEqual(
    { exitCode, stdout, stderr },
    { exitCode: 0, stdout: 'true\n7\nunreachable -6\n', stderr: '' },
  );
});

test('a module that imports other functions than WASI’s has no threads', async (t) => {
  const bytes = await assemble(
    `(module
      (import "env" "memory" (memory 1 16 shared))
      (import "env" "f" (func))
      (import "wasi" "thread-spawn" (func (param i32) (result i32)))
      (export "memory" (memory 0))
      (func (export "_start")))`,
    FEATURES,
  );
  const module = new WebAssembly.Module(bytes);
  const memory = new WebAssembly.Memory({
    initial: 1,
    maximum: 16,
    shared: true,
  });
  const wasi = new WASI({ version: 'preview1', threads: true });
  t.throws(() => wasi.getImportObject({ module, memory }), {
    code: 'ERR_WASI_UNSUPPORTED_PROGRAM',
    message: /imports env.f, which cannot follow it into its threads/,
  });
});
