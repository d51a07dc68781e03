'use strict';

// start(instance, { timeout }): a guest that is ended in the calling thread.

const fs = require('node:fs');

const test = require('ava');

const { node, script } = require('./helpers/child');
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
  (data (i32.const 32) "\\00\\00\\90\\f9\\e6\\fd\\c8\\2b")`;

const GUESTS = {
  'that computes': '(loop $again (br $again))',
  'that makes calls': '(loop $again (drop (call $yield)) (br $again))',
  'that waits': `
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
    // It is over: its calls fail.
    t.throws(() => wasi.wasiImport.sched_yield(), { code: 'ERR_WASI_EXITED' });
    t.throws(() => wasi.start(instance), { code: 'ERR_WASI_ALREADY_STARTED' });
  });
}

test('a timeout with returnOnExit: false does not end the process', async (t) => {
  for (const which of ['that computes', 'that makes calls', 'that waits']) {
    const wasi = new WASI({ version: 'preview1', returnOnExit: false });
    const imports = { ...wasi.getImportObject(), host: { call() {} } };
    const module = new WebAssembly.Module(await program(GUESTS[which]));
    const instance = new WebAssembly.Instance(module, imports);
    t.throws(() => wasi.start(instance, { timeout: 50 }), TIMED_OUT);
  }
});

const onLinux = fs.existsSync('/proc/self/fd') ? test : test.skip;

/** The output of a program that starts guests in one turn of the event loop. */
async function starting(code) {
  const bytes = Buffer.from(await program('')).toString('base64');
  return node([
    '--eval',
    `const fs = require('node:fs');
    const { WASI } = require(${JSON.stringify(require.resolve('..'))});
    const module = new WebAssembly.Module(Buffer.from('${bytes}', 'base64'));
    const start = (options) => {
      const wasi = new WASI({ version: 'preview1' });
      const imports = { ...wasi.getImportObject(), host: { call() {} } };
      return wasi.start(new WebAssembly.Instance(module, imports), options);
    };
    const open = () => fs.readdirSync('/proc/self/fd').length;
    ${code}`,
  ]);
}

onLinux('a timer is freed when the guest is over', async (t) => {
  const { exitCode, stdout } = await starting(`
    start({ timeout: 60000 });
    const before = open();
    for (let i = 0; i < 100; i++) start({ timeout: 60000 });
    console.log(open() - before);`);
  t.deepEqual([exitCode, stdout], [0, '0\n']);
});

onLinux('too few descriptors for a timer are an error', async (t) => {
  const { exitCode, stdout, stderr } = await starting(`
    start({ timeout: 60000 });
    const free = [];
    for (;;) {
      try { free.push(fs.openSync('/dev/null')); } catch { break; }
    }
    const codes = new Set();
    while (free.length > 0 && codes.size < 2) {
      try { codes.add(start({ timeout: 60000 })); } catch ({ code }) { codes.add(code); }
      fs.closeSync(free.pop());
    }
    console.log(...codes);`);
  t.deepEqual([exitCode, stdout, stderr], [0, 'EMFILE 0\n', '']);
});

onLinux(
  'a worker that is ended with a guest in it leaves nothing open',
  async (t) => {
    const waits = Buffer.from(await program(GUESTS['that waits'])).toString(
      'base64',
    );
    const { exitCode, stdout } = await starting(`
    const { once } = require('node:events');
    const { Worker } = require('node:worker_threads');
    const script = \`
      const { parentPort } = require('node:worker_threads');
      const { WASI } = require(${JSON.stringify(require.resolve('..'))});
      const module = new WebAssembly.Module(Buffer.from('${waits}', 'base64'));
      const wasi = new WASI({ version: 'preview1' });
      const imports = { ...wasi.getImportObject(), host: { call() {} } };
      const instance = new WebAssembly.Instance(module, imports);
      parentPort.postMessage('ready');
      wasi.start(instance, { timeout: 2 ** 31 });\`;
    const end = async () => {
      const worker = new Worker(script, { eval: true });
      await once(worker, 'message');
      await worker.terminate();
    };
    (async () => {
      await end();
      const before = open();
      for (let i = 0; i < 3; i++) await end();
      console.log(open() - before);
    })();`);
    t.deepEqual([exitCode, stdout], [0, '0\n']);
  },
);

test('a guest that ends in time ends as without a timeout', async (t) => {
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

test('what an import throws is thrown unchanged', async (t) => {
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

test('a guest within another has a timeout of its own', async (t) => {
  const inner = await instantiate(GUESTS['that computes']);
  const outer = await instantiate('(call $host)', () => {
    t.throws(
      () => inner.wasi.start(inner.instance, { timeout: 50 }),
      TIMED_OUT,
    );
  });
  t.is(outer.wasi.start(outer.instance, { timeout: 60_000 }), 0);
});

test('options of start() that Node ignores', async (t) => {
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
  for (const timeout of [-1, 1.5, NaN, Infinity, 2 ** 32]) {
    refused({ timeout }, 'ERR_OUT_OF_RANGE');
  }
  refused({ timeOut: 50 }, 'ERR_INVALID_ARG_VALUE');
  // It has not started.
  t.is(wasi.start(instance), 0);
});

test('mocked clocks and timers do not affect timeouts', async (t) => {
  const forever = '(func (export "_start") (loop $again (br $again)))';
  const guest = await assemble(
    `(module (memory (export "memory") 1) ${forever})`,
  );
  const withThreads = await assemble(
    `(module
    (import "env" "memory" (memory 1 2 shared))
    (import "wasi" "thread-spawn" (func (param i32) (result i32)))
    (export "memory" (memory 0))
    (func (export "wasi_thread_start") (param i32 i32))
    ${forever})`,
    { threads: true },
  );
  const bytes = (module) =>
    `Buffer.from('${Buffer.from(module).toString('base64')}', 'base64')`;
  const { stdout, stderr } = script(`
    const { run, runSync } = require('wasi-rs');
    // As libraries for mocking do.
    const timers = require('node:timers');
    const timer = { ref: () => timer, unref: () => timer };
    for (const name of ['setImmediate', 'setInterval', 'setTimeout']) {
      timers[name] = globalThis[name] = () => timer;
    }
    process.hrtime = Object.assign(() => [1000, 0], { bigint: () => 10n ** 12n });
    performance.now = () => 1000;
    Date.now = () => 10 ** 12;
    const options = { check: false, timeout: 300 };
    (async () => {
      const results = [
        runSync(${bytes(guest)}, options),
        runSync(${bytes(guest)}, { ...options, cpuTime: 600_000 }),
        runSync(${bytes(withThreads)}, options),
        await run(${bytes(guest)}, options),
      ];
      console.log(JSON.stringify(results.map(({ reason }) => reason)));
    })();`);
  t.is(stderr, '');
  t.deepEqual(
    JSON.parse(stdout),
    Array.from({ length: 4 }, () => 'timeout'),
  );
});
