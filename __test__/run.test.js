'use strict';

// run(): a promise of the exit code and output of a program.

const fs = require('node:fs');
const path = require('node:path');
const { PassThrough } = require('node:stream');
const { pathToFileURL } = require('node:url');

const test = require('ava');

const { Pool, run, runSync } = require('../index.js');
const { script } = require('./helpers/child');
const { NODE_MAJOR } = require('./helpers/compare');
const { assemble, scratch } = require('./helpers/guest');
const { bytesOf, guestPath, rejection } = require('./helpers/runs');

const HELLO = guestPath('hello');
const CAT = guestPath('cat');
const EXIT = guestPath('exit');
const POLL = guestPath('poll');

test('a result has exit code, reason, entry, output and usage', async (t) => {
  const result = await run(EXIT, { args: ['0', 'text'] });
  t.like(result, {
    exitCode: 0,
    reason: 'exit',
    error: undefined,
    entry: '_start',
    ok: true,
  });
  t.deepEqual(result.stdout, Buffer.from('text\n'));
  t.deepEqual(result.stderr, Buffer.alloc(0));
  t.is(result.text(), 'text\n');
  t.true(result.usage.wallTime > 0);
});

test('args follow the name of the program; the environment is empty unless given', async (t) => {
  const file = guestPath('args_env');
  const result = await run(file, { args: ['a', 'b c'], env: { X: '1' } });
  t.is(
    result.text(),
    'arg 0: args_env.wasm\narg 1: a\narg 2: b c\nenv 0: X=1\n',
  );
  const named = await run(file, { argv0: 'other' });
  t.is(named.text(), 'arg 0: other\n');
  const bytes = await run(fs.readFileSync(file));
  t.is(bytes.text(), 'arg 0: wasm\n');
});

const HELLO_BYTES = fs.readFileSync(HELLO);

/** The bytes somewhere in a larger buffer. */
function inside(bytes) {
  const larger = new Uint8Array(bytes.length + 20);
  larger.set(bytes, 7);
  return larger.subarray(7, 7 + bytes.length);
}

const PROGRAMS = {
  'a path': () => HELLO,
  'a relative path': () => path.relative(process.cwd(), HELLO),
  'a URL': () => pathToFileURL(HELLO),
  'a Buffer': () => HELLO_BYTES,
  'a part of a buffer': () => inside(HELLO_BYTES),
  'an ArrayBuffer': () => new Uint8Array(HELLO_BYTES).buffer,
  'a DataView': () => {
    const { buffer, byteOffset, byteLength } = inside(HELLO_BYTES);
    return new DataView(buffer, byteOffset, byteLength);
  },
  'a SharedArrayBuffer': () => {
    const shared = new SharedArrayBuffer(HELLO_BYTES.length);
    new Uint8Array(shared).set(HELLO_BYTES);
    return shared;
  },
  'a module': () => new WebAssembly.Module(HELLO_BYTES),
  'a Response': () => new Response(HELLO_BYTES),
  'a Blob': () => new Blob([HELLO_BYTES]),
  'a module for snapshot 0': () => guestPath('hello_unstable'),
};

for (const [kind, program] of Object.entries(PROGRAMS)) {
  test(`a program is ${kind}, or a promise of it`, async (t) => {
    t.is((await run(program())).text(), 'hello\n');
    t.is((await run(Promise.resolve(program()))).text(), 'hello\n');
  });
}

test('a promise of a program that is rejected rejects the run', async (t) => {
  const error = new Error('not found');
  t.is(await rejection(run(Promise.reject(error))), error);
});

test('a value that is not a program is an error that says what it is', async (t) => {
  for (const value of [undefined, null, 7, {}, [], () => {}]) {
    const error = await rejection(run(value));
    t.is(error.code, 'ERR_INVALID_ARG_TYPE', String(value));
    const promised = await rejection(run(Promise.resolve(value)));
    t.is(promised.code, 'ERR_INVALID_ARG_TYPE', String(value));
  }
  const component = Buffer.from('\0asm\x0d\0\x01\0', 'latin1');
  const cases = [
    [component, /^wasm is a WebAssembly component, /],
    [Buffer.from('(module)'), /text format/],
    [Buffer.from('\x7fELF\x02', 'latin1'), /a native program$/],
    [Buffer.from('#!/bin/sh'), /a script$/],
    [Buffer.alloc(0), /^wasm is no WebAssembly module: it is empty$/],
    [new Response('', { status: 404, statusText: 'Not Found' }), /404 Not F/],
    [await assemble('(module (import "env" "log" (func)))'), /: env\.log\./],
    [await assemble('(module (import "gojs" "a" (func)))'), /GOOS=wasip1$/],
    [await bytesOf('asks'), /host\.ask\. .*runSync\(\) takes/],
    [
      await assemble(
        '(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))))',
      ),
      /exports no memory$/,
    ],
    [
      await assemble(
        '(module (import "wasi_snapshot_preview1" "sock_open" (func)))',
      ),
      /wasi_snapshot_preview1\.sock_open/,
    ],
  ];
  for (const [value, message] of cases) {
    const error = await rejection(run(value));
    t.is(error.code, 'ERR_WASI_UNSUPPORTED_PROGRAM', error.message);
    t.regex(error.message, message);
  }
});

test('a missing file or invalid module rejects with the error of the system or engine', async (t) => {
  t.is((await rejection(run('no/such.wasm'))).code, 'ENOENT');
  t.is(
    (await rejection(run(new URL('http://x/a.wasm')))).code,
    'ERR_INVALID_URL_SCHEME',
  );
  const broken = Buffer.concat([HELLO_BYTES.subarray(0, 20)]);
  t.true((await rejection(run(broken))) instanceof WebAssembly.CompileError);
  const wrong = await assemble(`(module
    (import "wasi_snapshot_preview1" "sched_yield" (func (param f64)))
    (memory (export "memory") 1) (func (export "_start") (call 0 (f64.const 0))))`);
  // JavaScript functions can be imported with any types.
  t.like(await run(wrong), { exitCode: 0 });
});

test('a file that has changed is compiled again', async (t) => {
  const file = path.join(scratch(t), 'program.wasm');
  fs.copyFileSync(HELLO, file);
  t.is((await run(file)).text(), 'hello\n');
  fs.copyFileSync(guestPath('args_env'), file);
  t.is((await run(file)).text(), 'arg 0: program.wasm\n');
  fs.writeFileSync(file, 'no module');
  t.is((await rejection(run(file))).code, 'ERR_WASI_UNSUPPORTED_PROGRAM');
  fs.copyFileSync(HELLO, file);
  t.is((await run(file)).text(), 'hello\n');
});

test('the entry is _start, else _initialize, else none', async (t) => {
  t.like(await run(guestPath('reactor')), { entry: '_initialize', ok: true });
  t.like(await run(await bytesOf('library')), { entry: null, ok: true });
  const both = await assemble(`(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (func (export "_initialize") unreachable)
    (func (export "_start") (call $exit (i32.const 3))))`);
  t.like(await run(both, { check: false }), { entry: '_start', exitCode: 3 });
  t.like(await run(guestPath('reactor_exit'), { check: false }), {
    entry: '_initialize',
    exitCode: 5,
    reason: 'exit',
    ok: false,
  });
});

test('exit codes are those that start() returns', async (t) => {
  for (const [argument, exitCode] of [
    ['1', 1],
    ['255', 255],
    ['256', 256],
    ['0x7fffffff', 0x7fff_ffff],
    // The exit code of a guest that the host has ended.
    [String(0x5354_4f50), 0x5354_4f50],
  ]) {
    const result = await run(EXIT, { args: [argument], check: false });
    t.like(result, { exitCode, reason: 'exit', ok: false });
  }
});

test('a program may exit in its start function', async (t) => {
  const program = await bytesOf('exitsInStart');
  for (const result of [
    await run(program, { check: false }),
    runSync(program, { check: false }),
    runSync(program, { check: false, timeout: 60_000 }),
  ]) {
    t.like(result, { exitCode: 5, reason: 'exit', error: undefined });
  }
});

test('an exit code other than 0 rejects with an error that has the result', async (t) => {
  const error = await rejection(run(EXIT, { args: ['3', 'text'] }));
  t.true(error instanceof Error);
  t.like(error, {
    name: 'WASIRunError',
    code: 'ERR_WASI_RUN',
    message: 'exit.wasm exited with code 3',
  });
  t.regex(error.stack, /^WASIRunError: exit\.wasm exited with code 3\n/);
  t.like(error.result, { exitCode: 3, reason: 'exit', ok: false });
  t.is(error.result.text(), 'text\n');
});

test('the message of the error has the last lines of standard error', async (t) => {
  const error = await rejection(run(CAT, { args: ['0'] }));
  t.is(error.message, 'cat.wasm exited with code 64\nusage: cat [BUFFER_SIZE]');
  const encoded = await rejection(run(CAT, { args: ['0'], encoding: 'utf8' }));
  t.is(encoded.message, error.message);
  t.is(encoded.result.stderr, 'usage: cat [BUFFER_SIZE]\n');
});

const TRAPS = {
  trap: 'unreachable',
  badInitialize: 'unreachable',
  badStart: 'unreachable',
  deep: /call stack/,
  throws: 'uncaught exception',
};

for (const [name, message] of Object.entries(TRAPS)) {
  test(`a trap is the reason, with the error of the engine: ${name}`, async (t) => {
    const program = name === 'trap' ? guestPath(name) : await bytesOf(name);
    const error = await rejection(run(program));
    t.is(error.code, 'ERR_WASI_RUN');
    t.like(error.result, { exitCode: null, reason: 'trap', ok: false });
    t.is(error.cause, error.result.error);
    if (typeof message === 'string') t.is(error.cause.message, message);
    else t.regex(error.cause.message, message);
    if (name !== 'throws') t.regex(error.cause.stack, /wasm:\/\//);
    t.like(await run(program, { check: false }), { reason: 'trap' });
  });
}

test('a RuntimeError stays one', async (t) => {
  const { error } = await run(guestPath('trap'), { check: false });
  t.true(error instanceof WebAssembly.RuntimeError);
  t.is(error.name, 'RuntimeError');
});

test('encoding makes strings of output, as for spawnSync()', async (t) => {
  const input = 'é€';
  const bytes = Buffer.from(input);
  for (const encoding of ['utf8', 'latin1', 'hex', 'base64']) {
    const result = await run(CAT, { input, encoding });
    t.is(result.stdout, bytes.toString(encoding), encoding);
  }
  for (const encoding of ['buffer', null]) {
    t.deepEqual((await run(CAT, { input, encoding })).stdout, bytes);
  }
  const error = await rejection(run(CAT, { encoding: 'klingon' }));
  t.like(error, { code: 'ERR_UNKNOWN_ENCODING' });
});

test('an error shows standard error as text, whatever the encoding', async (t) => {
  for (const encoding of ['hex', 'base64', 'utf16le', 'latin1', 'buffer']) {
    const options = { args: ['nonsense'], encoding };
    const error = await rejection(run(POLL, options));
    t.regex(error.message, /\n.*poll/);
  }
});

test('an unknown option is an error that names it', async (t) => {
  const cases = {
    imports: /is for runSync\(\) alone/,
    version: /is read from the imports/,
    returnOnExit: /is in its result/,
    stdio: /is unknown/,
    cwd: /is unknown/,
    shell: /is unknown/,
    killSignal: /is unknown/,
  };
  for (const [name, message] of Object.entries(cases)) {
    const error = await rejection(run(HELLO, { [name]: {} }));
    t.is(error.code, 'ERR_INVALID_ARG_VALUE', name);
    t.regex(error.message, message, name);
  }
});

test('a program that rejects after the run has failed is not an unhandled rejection', (t) => {
  const ended = script(`
    const { run, spawn } = require('wasi-rs');
    const late = () => new Promise((_, reject) => setTimeout(reject, 1, new Error('late')));
    const signal = AbortSignal.abort();
    Promise.allSettled([
      run(late(), { signal }),
      run(late(), { timeout: -1 }),
    ]).then((all) => {
      try {
        spawn(late(), { timeout: -1 });
      } catch {}
      spawn(late(), { signal }).on('error', () => {});
      setTimeout(() => console.log(all.map(({ reason }) => reason.code).join()), 20);
    });`);
  t.deepEqual(ended, {
    exitCode: 0,
    stdout: 'ABORT_ERR,ERR_OUT_OF_RANGE\n',
    stderr: '',
  });
});

test('timers that a program replaces are not those of guests', (t) => {
  const ended = script(`
    const { run, spawn } = require('wasi-rs');
    const timers = require('node:timers');
    for (const name of ['setTimeout', 'setInterval', 'setImmediate']) {
      globalThis[name] = timers[name] = () => 7;
    }
    process.nextTick = () => {};
    const { bytesOf } = require('./__test__/helpers/runs');
    (async () => {
      console.log((await run('./__test__/guests/hello.wasm')).text().trim());
      const child = spawn(await bytesOf('spin'));
      child.once('spawn', () => child.kill());
      console.log((await child.exited).reason);
      const { reason } = await run(await bytesOf('spin'), { timeout: 1, check: false });
      console.log(reason);
    })();`);
  t.deepEqual(ended, {
    exitCode: 0,
    stdout: 'hello\nkill\ntimeout\n',
    stderr: '',
  });
});

test('options of the wrong kind are refused', async (t) => {
  const TYPE = 'ERR_INVALID_ARG_TYPE';
  const RANGE = 'ERR_OUT_OF_RANGE';
  const VALUE = 'ERR_INVALID_ARG_VALUE';
  const cases = [
    [{ args: 'a' }, TYPE],
    [{ argv0: 7 }, TYPE],
    [{ env: 'a' }, TYPE],
    [{ preopens: 7 }, TYPE],
    [{ preopens: { '/': { path: '.', readonly: true } } }, VALUE],
    [{ limits: { memory: 1 } }, VALUE],
    [{ capabilities: ['all'] }, VALUE],
    [{ devices: 1 }, TYPE],
    [{ stdin: {} }, TYPE],
    [{ stdin: 'text' }, VALUE],
    [{ stdin: () => {} }, TYPE],
    [{ stdin: -1 }, RANGE],
    [{ stdout: {} }, TYPE],
    [{ stdout: 'overlapped' }, VALUE],
    [{ stderr: 1.5 }, RANGE],
    [{ maxBuffer: -1 }, RANGE],
    [{ maxBuffer: '1' }, TYPE],
    [{ maxMemory: -1 }, RANGE],
    [{ cpuTime: -1 }, RANGE],
    [{ cpuTime: 1.5 }, RANGE],
    [{ cpuTime: 2 ** 31 }, RANGE],
    [{ cpuTime: '1' }, TYPE],
    [{ timeout: -1 }, RANGE],
    [{ timeout: 1.5 }, RANGE],
    [{ timeout: 2 ** 31 }, RANGE],
    [{ timeout: Infinity }, RANGE],
    [{ timeout: '1' }, TYPE],
    [{ signal: {} }, TYPE],
    [{ signal: { aborted: false } }, TYPE],
    [Object.create({ imports: {} }), VALUE],
    [Object.create({ timeOut: 7 }), VALUE],
    [
      new (class {
        get capabilites() {
          return [];
        }
      })(),
      VALUE,
    ],
    [{ signal: null }, TYPE],
    [{ check: 1 }, TYPE],
    [{ pool: {} }, TYPE],
    [{ pool: 7 }, TYPE],
    [null, TYPE],
    [7, TYPE],
    [[], TYPE],
  ];
  for (const [options, code] of cases) {
    const error = await rejection(run(HELLO, options));
    t.is(error.code, code, `${JSON.stringify(options)}: ${error.message}`);
  }
  const undefinedOnes = {
    args: undefined,
    signal: undefined,
    imports: undefined,
  };
  t.like(await run(HELLO, undefinedOnes), { ok: true });
});

test('preopens, capabilities, limits and devices are those of the class', async (t) => {
  const directory = scratch(t);
  const options = { preopens: { '/': directory }, check: false };
  await run(guestPath('close_stdio'), { ...options, args: ['report', '0'] });
  t.regex(fs.readFileSync(path.join(directory, 'report'), 'utf8'), /errno=0/);
  const missing = { '/': path.join(directory, 'missing') };
  const error = await rejection(run(HELLO, { preopens: missing }));
  t.like(error, { code: 'UVWASI_ENOENT', dest: '/' });
  const refused = await run(HELLO, { capabilities: ['exit'], check: false });
  t.like(refused, { exitCode: 1 });
});

test('a thousand runs at once: each has its own output, and none is lost', async (t) => {
  const controller = new AbortController();
  const results = await Promise.all(
    Array.from({ length: 1000 }, (_, i) =>
      run(EXIT, { args: ['0', `guest ${i}`], signal: controller.signal }),
    ),
  );
  results.forEach((result, i) => t.is(result.text(), `guest ${i}\n`));
});

test('a guest that floods or spins does not keep others from running', async (t) => {
  const controller = new AbortController();
  const { signal } = controller;
  const bad = [
    run(await bytesOf('spin'), { signal }),
    run(CAT, { stdin: new PassThrough(), signal }),
  ].map(rejection);
  const pool = new Pool({ size: 2 });
  for (let i = 0; i < 20; i++) t.true((await run(HELLO, { pool })).ok);
  await pool.close();
  controller.abort();
  for (const each of bad) t.is((await each).code, 'ABORT_ERR');
});

test('waiting for a guest leaves the event loop free', async (t) => {
  let ticks = 0;
  const timer = setInterval(() => ticks++, 1);
  await run(POLL, { args: ['after:1:100000000'] });
  clearInterval(timer);
  t.true(ticks > 3, `${ticks}`);
});

if (NODE_MAJOR >= 22) {
  test('an uncaught exception of standard WebAssembly is a trap', async (t) => {
    t.like(await run(await bytesOf('throws'), { check: false }), {
      reason: 'trap',
    });
  });
}
