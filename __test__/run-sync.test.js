'use strict';

// runSync(): a guest in the calling thread.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { MemoryFS, run, runSync } = require('../index.js');
const { ON_NODE } = require('./helpers/answers');
const { script } = require('./helpers/child');
const { assemble, guest, scratch } = require('./helpers/guest');
const { AGES, CAN_COUNT, bytesOf, guestPath } = require('./helpers/runs');

const HELLO = guestPath('hello');
const CAT = guestPath('cat');
const EXIT = guestPath('exit');
const POLL = guestPath('poll');

test('the result is that of run()', async (t) => {
  const options = { args: ['0', 'text'], encoding: 'utf8' };
  const result = runSync(EXIT, options);
  const { usage, ...expected } = await run(EXIT, options);
  t.true(usage.wallTime > 0 && result.usage.wallTime > 0);
  t.deepEqual(
    { ...result, usage: undefined },
    { ...expected, usage: undefined },
  );
  t.is(result.constructor, (await run(HELLO)).constructor);
  t.is(result.text(), 'text\n');
});

test('the result has the CPU time', (t) => {
  const { cpuTime } = runSync(HELLO).usage;
  // Windows counts in ticks of 16 ms.
  t.true(process.platform === 'win32' ? cpuTime >= 0 : cpuTime > 0);
});

test('a guest has so much CPU time and no more', async (t) => {
  const cpuTime = 30;
  for (const name of ['spin', 'flood']) {
    const options = { cpuTime, check: false, stdout: 'ignore' };
    const { exitCode, reason, usage } = runSync(await bytesOf(name), options);
    t.deepEqual([exitCode, reason], [null, 'cpuTime'], name);
    t.true(usage.cpuTime >= cpuTime && usage.wallTime >= cpuTime);
  }
  const spin = await bytesOf('spin');
  const error = t.throws(() => runSync(spin, { cpuTime }));
  t.is(error.message, 'wasm was ended: its CPU time was over (cpuTime)');
  t.throws(() => runSync(HELLO, { cpuTime: -1 }), { code: 'ERR_OUT_OF_RANGE' });
});

test('with cpuTime the result is the same as without', async (t) => {
  const cpuTime = 60_000;
  const fs = new MemoryFS({ 'a.txt': 'text' });
  const thrown = (...args) => t.throws(() => runSync(...args));
  for (const [program, options] of [
    [HELLO, {}],
    [CAT, { input: 'x'.repeat(1_000_000), encoding: 'latin1' }],
    [EXIT, { args: ['7', 'text'], check: false }],
    [await bytesOf('flood'), { maxBuffer: 100_000, check: false }],
    [await bytesOf('badStart'), { check: false }],
    [await bytesOf('grow'), { maxMemory: 1 << 20, check: false }],
    [guestPath('files'), { args: ['read', '/a.txt'], preopens: { '/': fs } }],
  ]) {
    const { usage, error, ...result } = runSync(program, {
      ...options,
      cpuTime,
    });
    const { usage: _, error: without, ...expected } = runSync(program, options);
    t.deepEqual(result, expected);
    t.is(error?.message, without?.message);
    t.true(usage.wallTime > 0);
  }
  t.is(thrown(EXIT, { args: ['3'], cpuTime }).code, 'ERR_WASI_RUN');
  const waits = { args: ['-v', AGES], check: false };
  t.is(runSync(POLL, { ...waits, timeout: 30, cpuTime }).reason, 'timeout');
  const waited = { args: [`after:1:${10n ** 8n}`], cpuTime };
  const { reason, usage } = runSync(POLL, waited);
  t.is(reason, 'exit');
  t.true(usage.cpuTime < usage.wallTime);
});

test('functions are refused with cpuTime, as the guest runs in another thread', (t) => {
  for (const [name, value] of [
    ['stdin', () => null],
    ['stdout', () => {}],
    ['stderr', () => {}],
    ['imports', { env: {} }],
  ]) {
    const error = t.throws(() => runSync(HELLO, { [name]: value, cpuTime: 1 }));
    t.is(error.code, 'ERR_INVALID_ARG_VALUE');
    t.regex(
      error.message,
      new RegExp(`'options\\.${name}' cannot be given with`),
    );
  }
});

test('a thread that ends with its guest is an error, and the next one has another', async (t) => {
  const { exitCode, stdout } = await script(
    `const { runSync } = require('./index.js');
     const { Worker } = require('node:worker_threads');
     const HELLO = ${JSON.stringify(HELLO)};
     const spin = new Uint8Array([${[...(await bytesOf('spin'))]}]);
     runSync(HELLO, { cpuTime: 1000 });
     console.log(runSync(HELLO, { cpuTime: 1000, encoding: 'utf8' }).stdout);
     new Worker(\`
       const { runSync } = require('./index.js');
       const { spin } = require('node:worker_threads').workerData;
       try { runSync(spin, { cpuTime: 20 }); } catch ({ message }) { console.log(message); }
     \`, { eval: true, workerData: { spin } });`,
  );
  t.is(exitCode, 0);
  t.regex(stdout, /^hello\n\nwasm was ended: its CPU time was over/);
});

test('a program is a path, a URL, bytes or a module', (t) => {
  const bytes = fs.readFileSync(HELLO);
  for (const program of [
    HELLO,
    bytes,
    new Uint8Array(bytes).buffer,
    guest('hello'),
  ]) {
    t.is(runSync(program).text(), 'hello\n');
    t.is(runSync(program).text(), 'hello\n');
  }
  for (const program of [Promise.resolve(HELLO), new Response(bytes), 7]) {
    t.throws(() => runSync(program), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  t.throws(() => runSync('no/such.wasm'), { code: 'ENOENT' });
});

test('input, exit codes, traps and checks are as for run()', async (t) => {
  t.is(runSync(CAT, { input: 'text' }).text(), 'text');
  t.is(runSync(CAT).text(), '');
  const error = t.throws(() => runSync(EXIT, { args: ['3'] }));
  t.like(error, { code: 'ERR_WASI_RUN', name: 'WASIRunError' });
  t.is(error.result.exitCode, 3);
  t.like(runSync(EXIT, { args: ['3'], check: false }), { exitCode: 3 });
  const trap = runSync(guestPath('trap'), { check: false });
  t.is(trap.reason, 'trap');
  t.true(trap.error instanceof WebAssembly.RuntimeError);
  for (const name of ['badInitialize', 'badStart', 'deep', 'throws']) {
    t.like(
      runSync(await bytesOf(name), { check: false }),
      { reason: 'trap' },
      name,
    );
  }
  t.like(runSync(guestPath('reactor')), { entry: '_initialize', ok: true });
  t.like(runSync(HELLO, { maxBuffer: 3, check: false }), {
    reason: 'maxBuffer',
  });
  t.like(runSync(await bytesOf('flood'), { maxBuffer: 10, check: false }), {
    reason: 'maxBuffer',
  });
  const grow = await bytesOf('grow');
  t.like(runSync(grow, { maxMemory: 2 ** 18, check: false }), { exitCode: 4 });
});

test('standard streams are descriptors', (t) => {
  const file = path.join(scratch(t), 'output');
  const fd = fs.openSync(file, 'w');
  t.like(runSync(HELLO, { stdout: fd }), { stdout: null });
  fs.closeSync(fd);
  t.is(fs.readFileSync(file, 'utf8'), 'hello\n');
  t.like(runSync(HELLO, { stdout: 'ignore', stderr: 'inherit' }), { ok: true });
});

test('streams and functions that need an event loop are refused', (t) => {
  const VALUE = 'ERR_INVALID_ARG_VALUE';
  const cases = [
    { stdout: process.stdout },
    { stdin: ['a'] },
    { stdout: new WritableStream() },
    { signal: new AbortController().signal },
    { pool: {} },
  ];
  for (const options of cases) {
    t.throws(() => runSync(HELLO, options), { code: VALUE });
  }
});

test('functions are called during a read or a write', (t) => {
  const pieces = ['gr', Buffer.from('ü'), new Uint8Array([0x62, 0x65, 0xc3])];
  const stdin = () => pieces.shift();
  const chunks = [];
  const stdout = (chunk) => chunks.push(chunk);
  t.like(runSync(CAT, { stdin, stdout }), { ok: true, stdout: null });
  t.true(chunks.every((chunk) => Buffer.isBuffer(chunk)));
  t.is(Buffer.concat(chunks).toString('latin1'), 'grÃ¼beÃ');
});

test('with an encoding, functions get strings of whole characters, except at the end', (t) => {
  const pieces = [[0x67, 0xc3], [0xbc], [0x6e, 0xc3]].map((bytes) =>
    Buffer.from(bytes),
  );
  const texts = [];
  const options = {
    stdin: () => pieces.shift(),
    stdout: (text) => texts.push(text),
    encoding: 'utf8',
  };
  t.like(runSync(CAT, options), { ok: true, stdout: null, stderr: '' });
  t.deepEqual(texts, ['g', 'ü', 'n', '\ufffd']);
});

test('what a function of a stream throws is thrown unchanged, and a promise is refused', (t) => {
  const error = new Error('no more');
  const fails = () => {
    throw error;
  };
  t.is(
    t.throws(() => runSync(CAT, { stdin: fails, check: false })),
    error,
  );
  t.is(
    t.throws(() => runSync(HELLO, { stdout: fails, timeout: 60_000 })),
    error,
  );
  // At the end, when the rest of a character is passed.
  const failsThen = (text) => text === '\ufffd' && fails();
  const options = { input: Buffer.from([0xc3]), stdout: failsThen };
  t.is(
    t.throws(() => runSync(CAT, { ...options, encoding: 'utf8' })),
    error,
  );
  for (const encoding of ['buffer', 'utf8']) {
    const code = 'ERR_INVALID_RETURN_VALUE';
    t.throws(() => runSync(HELLO, { stdout: async () => {}, encoding }), {
      code,
      message: /no promise .* "options.stdout"/,
    });
  }
  t.throws(() => runSync(CAT, { stdin: () => 7 }), {
    code: 'ERR_INVALID_RETURN_VALUE',
  });
});

test('imports are functions of the host, in addition to those of WASI', async (t) => {
  const asks = await bytesOf('asks');
  const result = runSync(asks, {
    imports: { host: { ask: () => 7 } },
    check: false,
  });
  t.like(result, { exitCode: 7, reason: 'exit' });
  t.throws(() => runSync(asks), { code: 'ERR_WASI_UNSUPPORTED_PROGRAM' });
  t.throws(() => runSync(asks, { imports: { host: {} } }), {
    code: 'ERR_WASI_UNSUPPORTED_PROGRAM',
  });
  t.throws(() => runSync(asks, { imports: 7 }), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
  t.throws(() => runSync(asks, { imports: { host: { ask: 7 } } }), {
    instanceOf: WebAssembly.LinkError,
  });
});

test('imports may replace a call, or add one', async (t) => {
  const program = await assemble(`(module
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "sock_open" (func $open (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (call $exit (i32.add (call $yield) (call $open)))))`);
  const imports = {
    wasi_snapshot_preview1: { sched_yield: () => 40, sock_open: () => 2 },
  };
  t.is(runSync(program, { imports, check: false }).exitCode, 42);
});

test('what an import throws is thrown unchanged', async (t) => {
  const asks = await bytesOf('asks');
  for (const error of [
    new Error('import'),
    new RangeError('import'),
    undefined,
    0,
  ]) {
    const ask = () => {
      throw error;
    };
    for (const more of [{}, { check: false }, { timeout: 60_000 }]) {
      let thrown = 'nothing';
      try {
        runSync(asks, { imports: { host: { ask } }, ...more });
      } catch (caught) {
        thrown = caught;
      }
      t.is(thrown, error);
    }
  }
});

test('a guest within an import of another', async (t) => {
  const asks = await bytesOf('asks');
  const ask = () => runSync(HELLO, { timeout: 60_000 }).text().length;
  const imports = { host: { ask } };
  const options = { imports, timeout: 60_000, check: false };
  t.is(runSync(asks, options).exitCode, 6);
});

// Bun and Deno have no timeout for scripts.
const onNode = ON_NODE ? test : test.skip;

onNode('a guest whose time is over is ended, whatever it does', async (t) => {
  const guests = {
    computing: [await bytesOf('spin'), {}],
    flooding: [await bytesOf('flood'), { stdout: 'ignore' }],
    waiting: [POLL, { args: ['-v', AGES] }],
  };
  for (const [what, [program, options]] of Object.entries(guests)) {
    const result = runSync(program, { ...options, timeout: 30, check: false });
    t.like(result, { exitCode: null, reason: 'timeout', ok: false }, what);
    t.true(result.usage.wallTime >= 29, what);
  }
  const error = t.throws(() =>
    runSync(POLL, { args: ['-v', AGES], timeout: 30 }),
  );
  t.is(error.message, 'poll.wasm was ended: its time was over (timeout)');
  t.true(['', 'polling\n'].includes(error.result.text()));
  t.like(runSync(HELLO, { timeout: 60_000 }), { ok: true });
});

if (CAN_COUNT) {
  // In a process of its own: other tests open files in this one.
  onNode('descriptors are constant over some hundreds of runs', (t) => {
    const { exitCode, stdout, stderr } = script(`
      const { runSync } = require('wasi-rs');
      const { bytesOf, guestPath, openDescriptors } = require('./__test__/helpers/runs');
      bytesOf('spin').then((spin) => {
        const round = () => {
          runSync(guestPath('cat'), { input: 'a', preopens: { '/': '.' } });
          runSync(guestPath('trap'), { check: false });
          runSync(spin, { timeout: 1, check: false });
          runSync(guestPath('hello'), { timeout: 1000 });
        };
        round();
        const before = openDescriptors();
        for (let i = 0; i < 50; i++) round();
        console.log(openDescriptors() - before);
      });`);
    t.deepEqual([exitCode, stderr], [0, '']);
    t.true(Number(stdout) <= 2, stdout);
  });
}
