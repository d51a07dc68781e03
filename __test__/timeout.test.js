'use strict';

// A guest that is ended after a time, in the thread that started it.

const test = require('ava');

const { WASI } = require('./helpers/compare');
const { assemble } = require('./helpers/guest');

const IMPORTS = `
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "host" "call" (func $host))
  (memory (export "memory") 1)
  ;; A subscription to the monotonic clock, for a hundred years.
  (data (i32.const 16) "\\00\\00\\00\\00\\00\\00\\00\\00\\01\\00\\00\\00\\00\\00\\00\\00")
  (data (i32.const 40) "\\00\\00\\90\\f9\\e6\\fd\\c8\\2b")`;

const GUESTS = {
  'that computes': '(loop $again (br $again))',
  'that makes calls': '(loop $again (drop (call $yield)) (br $again))',
  'that waits': `
    (i32.store (i32.const 16) (i32.const 1))
    (drop (call $poll (i32.const 8) (i32.const 100) (i32.const 1) (i32.const 200)))
    unreachable`,
  'that calls its host, which computes': '(call $host)',
};

const program = (body) =>
  assemble(`(module ${IMPORTS} (func (export "_start") ${body}))`);

async function instantiate(body, host = () => {}) {
  const wasi = new WASI({ version: 'preview1' });
  const imports = { ...wasi.getImportObject(), host: { call: host } };
  const module = new WebAssembly.Module(await program(body));
  return { wasi, instance: new WebAssembly.Instance(module, imports) };
}

const TIMED_OUT = {
  code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
  message: 'Script execution timed out after 50ms',
};

for (const [which, body] of Object.entries(GUESTS)) {
  test(`a guest ${which} is ended after its time`, async (t) => {
    const { wasi, instance } = await instantiate(body, () => {
      for (;;);
    });
    const before = performance.now();
    const error = t.throws(
      () => wasi.start(instance, { timeout: 50 }),
      TIMED_OUT,
    );
    t.is(error.constructor, Error);
    t.true(performance.now() - before >= 49);
    // It is over: a call of it comes to nothing any more.
    t.throws(() => wasi.wasiImport.sched_yield(), { code: 'ERR_WASI_EXITED' });
    t.throws(() => wasi.start(instance), { code: 'ERR_WASI_ALREADY_STARTED' });
  });
}

test('a guest that ends in time ends as ever', async (t) => {
  for (const [body, code] of [
    ['', 0],
    ['(call $exit (i32.const 7))', 7],
  ]) {
    const { wasi, instance } = await instantiate(body);
    t.is(wasi.start(instance, { timeout: 2 ** 32 - 1 }), code);
    t.is(wasi.wasiImport.sched_yield(), 0);
  }
  const { wasi, instance } = await instantiate('unreachable');
  t.throws(() => wasi.start(instance, { timeout: 60_000 }), {
    instanceOf: WebAssembly.RuntimeError,
  });
});

test('what an import throws comes through', async (t) => {
  const thrown = { code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' };
  const { wasi, instance } = await instantiate('(call $host)', () => {
    throw thrown;
  });
  try {
    wasi.start(instance, { timeout: 60_000 });
    t.fail();
  } catch (error) {
    t.is(error, thrown);
  }
});

test('a guest in another has a time of its own', async (t) => {
  const inner = await instantiate(GUESTS['that computes']);
  const outer = await instantiate('(call $host)', () => {
    t.throws(
      () => inner.wasi.start(inner.instance, { timeout: 50 }),
      TIMED_OUT,
    );
  });
  t.is(outer.wasi.start(outer.instance, { timeout: 60_000 }), 0);
});

test('options that Node would not look at', async (t) => {
  for (const options of [undefined, null, 5, 'timeout', {}, { limit: 1 }]) {
    const { wasi, instance } = await instantiate('');
    t.is(wasi.start(instance, options), 0);
  }
});

test('mistakes', async (t) => {
  const { wasi, instance } = await instantiate('');
  const refused = (options, code) =>
    t.throws(() => wasi.start(instance, options), { code });
  for (const timeout of ['50', null, 50n, true]) {
    refused({ timeout }, 'ERR_INVALID_ARG_TYPE');
  }
  for (const timeout of [0, -1, 1.5, NaN, Infinity, 2 ** 32]) {
    refused({ timeout }, 'ERR_OUT_OF_RANGE');
  }
  refused({ timeOut: 50 }, 'ERR_INVALID_ARG_VALUE');
  // Nothing has begun.
  t.is(wasi.start(instance), 0);
});
