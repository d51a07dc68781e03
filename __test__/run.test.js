'use strict';

// run(): a program's output and exit code as a promise, whatever the program
// does and whatever it is given.

const { constants } = require('node:buffer');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { PassThrough, Readable, Writable } = require('node:stream');
const { setTimeout: later } = require('node:timers/promises');
const { pathToFileURL } = require('node:url');

const test = require('ava');

const { Pool, run, runSync, spawn } = require('../index.js');
const { mostBytes } = require('../lib/run/stdio');
const { script } = require('./helpers/child');
const { NODE_MAJOR } = require('./helpers/compare');
const { assemble, guest, scratch } = require('./helpers/guest');
const { bytesOf, guestPath } = require('./helpers/runs');

const HELLO = guestPath('hello');
const CAT = guestPath('cat');
const EXIT = guestPath('exit');
const POLL = guestPath('poll');
const AGES = `after:1:${10n ** 14n}`;

/** Asserts that two long buffers are equal; ava would show where not, for minutes. */
function sameBytes(t, actual, expected) {
  t.true(expected.equals(actual), `${actual.length} bytes`);
}

/** What a promise is rejected with. */
async function rejection(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it was not rejected');
}

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

test('args come behind the name of the program; the environment is what is given', async (t) => {
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

test('what is no program is an error that says what it is', async (t) => {
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

test('a file that is not there, or no module, rejects with what its system or engine says', async (t) => {
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
  // Calls have their types from JavaScript, which takes any.
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

test('exit codes are what start() returns', async (t) => {
  for (const [argument, exitCode] of [
    ['1', 1],
    ['255', 255],
    ['256', 256],
    ['0x7fffffff', 0x7fff_ffff],
    // What the host's own end of a guest gives it as exit code.
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

test('another exit code than 0 rejects with an error that has the result', async (t) => {
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

const LONG = Buffer.alloc(3 << 20, 'abcdefghijklmnopqrstuvwxyz\n');

test('input is a string or bytes, of any length, and none is the end', async (t) => {
  t.is((await run(CAT)).text(), '');
  t.is((await run(CAT, { input: '' })).text(), '');
  t.is((await run(CAT, { input: 'text' })).text(), 'text');
  t.is((await run(CAT, { stdin: Buffer.from('text') })).text(), 'text');
  sameBytes(t, (await run(CAT, { input: LONG })).stdout, LONG);
  const units = Uint16Array.of(0x6261, 0x6463).subarray(1);
  t.is((await run(CAT, { input: units })).text(), 'cd');
  const bytes = Buffer.from('before');
  const running = run(CAT, { input: bytes });
  bytes.fill('x');
  t.is((await running).text(), 'before');
});

test('input is refused beside another standard input', async (t) => {
  const error = await rejection(run(CAT, { input: 'a', stdin: 'ignore' }));
  t.is(error.code, 'ERR_INVALID_ARG_VALUE');
  t.is((await rejection(run(CAT, { input: 7 }))).code, 'ERR_INVALID_ARG_TYPE');
});

const PARTS = ['one ', 'two ', 'three'];

const SOURCES = {
  'a stream of Node': () => Readable.from(PARTS, { objectMode: false }),
  'a stream of objects': () => Readable.from(PARTS),
  'a stream of the Web': () => new Blob(PARTS).stream(),
  'an array': () => PARTS,
  'a generator': function* () {
    yield* PARTS.map((part) => Buffer.from(part));
  },
  'an asynchronous generator': async function* () {
    for (const part of PARTS) {
      await later(1);
      yield part;
    }
  },
  'a body': () => new Response(PARTS.join('')).body,
};

for (const [kind, make] of Object.entries(SOURCES)) {
  test(`standard input is ${kind}`, async (t) => {
    t.is((await run(CAT, { stdin: make() })).text(), PARTS.join(''));
  });
}

test('standard input is a file, or a stream of one', async (t) => {
  const file = path.join(scratch(t), 'input');
  fs.writeFileSync(file, LONG);
  const fd = fs.openSync(file);
  sameBytes(t, (await run(CAT, { stdin: fd })).stdout, LONG);
  fs.closeSync(fd);
  const stream = fs.createReadStream(file);
  sameBytes(t, (await run(CAT, { stdin: stream })).stdout, LONG);
});

test('a source that fails ends the guest, and its error comes out unchanged', async (t) => {
  const error = new Error('source');
  const failing = {
    'a stream': () => new Readable({ read() {} }).destroy(error),
    'a later stream': () =>
      new Readable({
        read() {
          setImmediate(() => this.destroy(error));
        },
      }),
    'a generator': async function* () {
      yield 'a';
      throw error;
    },
    'a stream of the Web': () =>
      new ReadableStream({
        start: (controller) => controller.error(error),
      }),
  };
  for (const [kind, make] of Object.entries(failing)) {
    t.is(await rejection(run(CAT, { stdin: make() })), error, kind);
  }
  const aborted = new Readable({ read() {} }).destroy();
  t.is(
    (await rejection(run(CAT, { stdin: aborted }))).code,
    'ERR_STREAM_PREMATURE_CLOSE',
  );
  t.is(
    (await rejection(run(CAT, { stdin: [7] }))).code,
    'ERR_INVALID_ARG_TYPE',
  );
  const objects = Readable.from([{}]);
  t.is(
    (await rejection(run(CAT, { stdin: objects }))).code,
    'ERR_INVALID_ARG_TYPE',
  );
});

test('a source that the guest does not read is left as it is', async (t) => {
  const stream = new PassThrough();
  stream.write('a');
  t.is((await run(HELLO, { stdin: stream })).text(), 'hello\n');
  t.false(stream.destroyed);
  t.is(stream.listenerCount('data'), 0);

  let isCancelled = false;
  const web = new ReadableStream({
    cancel() {
      isCancelled = true;
    },
  });
  await run(HELLO, { stdin: web });
  await later(1);
  t.false(isCancelled);
});

test('an endless source is asked for no more than the guest takes, and told the end', async (t) => {
  let given = 0;
  let isOver = false;
  function* endless() {
    try {
      for (;;) {
        given++;
        yield LONG;
      }
    } finally {
      isOver = true;
    }
  }
  t.is((await run(HELLO, { stdin: endless() })).text(), 'hello\n');
  await later(5);
  t.true(isOver);
  t.true(given < 10, `${given}`);
});

test('a source that has ended by itself is not told the end', async (t) => {
  const calls = [];
  const source = {
    [Symbol.iterator]() {
      return this;
    },
    next() {
      calls.push('next');
      return { value: 'a', done: calls.length > 1 };
    },
    return() {
      calls.push('return');
      return {};
    },
  };
  t.is((await run(CAT, { stdin: source })).text(), 'a');
  await later(1);
  t.deepEqual(calls, ['next', 'next']);
});

test('standard output is a function, which is waited for', async (t) => {
  const chunks = [];
  let inCall = 0;
  const result = await run(CAT, {
    input: LONG,
    stdout: async (chunk) => {
      t.is(++inCall, 1);
      chunks.push(chunk);
      if (chunks.length % 8 === 0) await later(1);
      inCall--;
    },
  });
  sameBytes(t, Buffer.concat(chunks), LONG);
  t.is(result.stdout, null);
  t.throws(() => result.text(), { code: 'ERR_INVALID_STATE' });
});

test('with an encoding, a function gets strings of whole characters', async (t) => {
  const input = '€'.repeat(100_000);
  let text = '';
  await run(CAT, {
    args: ['7'],
    input,
    encoding: 'utf8',
    stdout(chunk) {
      text += chunk;
    },
  });
  t.true(text === input);
});

test('standard error is a function', async (t) => {
  let text = '';
  const result = await run(CAT, {
    args: ['0'],
    check: false,
    stderr: (chunk) => {
      text += chunk;
    },
  });
  t.is(text, 'usage: cat [BUFFER_SIZE]\n');
  t.is(result.stderr, null);
});

test('what a function throws ends the guest, and comes out unchanged', async (t) => {
  const error = new Error('callback');
  const failing = {
    throws() {
      throw error;
    },
    rejects: () => Promise.reject(error),
    later: async () => {
      await later(1);
      throw error;
    },
  };
  const flood = await bytesOf('flood');
  for (const [how, stdout] of Object.entries(failing)) {
    t.is(await rejection(run(HELLO, { stdout })), error, how);
    t.is(await rejection(run(flood, { stdout })), error, how);
    t.is(await rejection(run(flood, { stdout, check: false })), error, how);
  }
  const nothing = () => {
    throw undefined;
  };
  const outcome = run(HELLO, { stdout: nothing }).then(
    () => 'fulfilled',
    (reason) => [reason],
  );
  t.deepEqual(await outcome, [undefined]);
});

/** A stream of Node that keeps what is written to it, and takes its time. */
function slowWritable() {
  const chunks = [];
  const stream = new Writable({
    highWaterMark: 1000,
    write(chunk, encoding, callback) {
      chunks.push(chunk);
      setImmediate(callback);
    },
  });
  return { chunks, stream };
}

test('standard output is a stream, all of which is written, and which is not ended', async (t) => {
  const { chunks, stream } = slowWritable();
  await run(CAT, { input: LONG, stdout: stream });
  sameBytes(t, Buffer.concat(chunks), LONG);
  t.false(stream.writableEnded);
  t.is(stream.listenerCount('drain'), 0);
  t.is(stream.listenerCount('error'), 0);
  await run(HELLO, { stdout: stream });
  t.is(String(chunks.at(-1)), 'hello\n');
});

test('many guests write to one stream, which has one listener for all', async (t) => {
  const { chunks, stream } = slowWritable();
  const pool = new Pool({ size: 12 });
  let most = 0;
  const children = Array.from({ length: 12 }, () => {
    const child = pool.spawn(CAT, { stdin: 'pipe', stdout: stream });
    child.once('spawn', () => {
      most = Math.max(most, stream.listenerCount('drain'));
      child.stdin.end('a');
    });
    return once(child, 'close');
  });
  await Promise.all(children);
  await pool.close();
  t.is(most, 1);
  t.is(stream.listenerCount('drain'), 0);
  t.is(String(Buffer.concat(chunks)), 'a'.repeat(12));
});

test('both outputs go to one stream', async (t) => {
  const { chunks, stream } = slowWritable();
  await run(CAT, { args: ['0'], stdout: stream, stderr: stream, check: false });
  t.is(String(Buffer.concat(chunks)), 'usage: cat [BUFFER_SIZE]\n');
});

test('standard output is a stream of the Web, which is not closed', async (t) => {
  const chunks = [];
  const stream = new WritableStream({
    write: async (chunk) => {
      chunks.push(chunk);
      await later(0);
    },
  });
  await run(CAT, { input: LONG, stdout: stream });
  sameBytes(t, Buffer.concat(chunks), LONG);
  t.false(stream.locked);
  await stream.close();
});

test('a stream that fails ends the guest, and its error comes out unchanged', async (t) => {
  const error = new Error('sink');
  const failing = {
    'at a write': new Writable({
      write: (chunk, encoding, callback) => callback(error),
    }),
    'in a while, with its last write': new Writable({
      write: (chunk, encoding, callback) => setTimeout(callback, 100, error),
    }),
    'and takes its time to close': new Writable({
      write: (chunk, encoding, callback) => callback(error),
      destroy: (reason, callback) => setTimeout(callback, 100, reason),
    }),
    'and is not destroyed': new Writable({
      autoDestroy: false,
      write: (chunk, encoding, callback) => callback(error),
    }),
    'of the Web': new WritableStream({
      write() {
        throw error;
      },
    }),
  };
  for (const [kind, stdout] of Object.entries(failing)) {
    t.is(await rejection(run(HELLO, { stdout })), error, kind);
  }
  const flood = await bytesOf('flood');
  const breaking = new Writable({
    write(chunk, encoding, callback) {
      setImmediate(() => this.destroy(error));
      callback();
    },
  });
  breaking.on('error', () => {});
  t.is(await rejection(run(flood, { stdout: breaking })), error);
});

test('a stream that has been closed, or is while nothing is written, ends the guest', async (t) => {
  const closed = new Writable({ write() {} }).destroy();
  const error = await rejection(run(HELLO, { stdout: closed }));
  t.is(error.code, 'ERR_STREAM_PREMATURE_CLOSE');

  const stdout = new PassThrough();
  const running = run(POLL, { args: ['-v', AGES], stdout });
  stdout.once('data', () => stdout.destroy());
  t.is((await rejection(running)).code, 'ERR_STREAM_PREMATURE_CLOSE');

  const locked = new WritableStream();
  locked.getWriter();
  t.true(
    (await rejection(run(HELLO, { stdout: locked }))) instanceof TypeError,
  );
});

test("'ignore' and descriptors", async (t) => {
  const file = path.join(scratch(t), 'output');
  const fd = fs.openSync(file, 'w');
  t.like(await run(HELLO, { stdout: fd }), { stdout: null, ok: true });
  fs.closeSync(fd);
  t.is(fs.readFileSync(file, 'utf8'), 'hello\n');
  t.like(await run(HELLO, { stdout: 'ignore' }), { stdout: null, ok: true });
  t.is((await run(CAT, { stdin: 'ignore' })).text(), '');
  const error = await rejection(run(HELLO, { stdout: 987_654 }));
  t.is(error.code, 'UVWASI_EBADF');
});

test('a guest that writes more than maxBuffer is ended, and what fits is kept', async (t) => {
  const flood = await bytesOf('flood');
  for (const maxBuffer of [0, 1, 100_000]) {
    const error = await rejection(run(flood, { maxBuffer }));
    t.is(error.code, 'ERR_WASI_RUN');
    t.like(error.result, { exitCode: null, reason: 'maxBuffer', ok: false });
    t.is(error.result.stdout.length, maxBuffer);
  }
  t.like(await run(HELLO, { maxBuffer: 5, check: false }), {
    reason: 'maxBuffer',
    exitCode: null,
  });
  t.like(await run(HELLO, { maxBuffer: 6 }), { reason: 'exit' });
  t.is(
    (await run(CAT, { input: LONG, maxBuffer: Infinity })).stdout.length,
    LONG.length,
  );
});

/** What a time comes to in which the guest has printed, on however busy a machine. */
async function whenPrinted(runFor) {
  for (let timeout = 30; ; timeout *= 2) {
    const error = await runFor(timeout);
    if (error.result.text() !== '') return error;
  }
}

/** Its memory is imported, and so many pages: it exits with what it comes to when it grows by 100. */
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
  // One that the host gives is taken.
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
  // Less than a guest can use in that time counts for one that waits.
  const waiting = { args: [`after:1:${10n ** 8n}`], cpuTime: 60_000 };
  const { reason, usage } = await run(POLL, waiting);
  t.is(reason, 'exit');
  t.true(usage.cpuTime < usage.wallTime);
  // On Windows it is counted by the tick, of which this may take none.
  const isByTheTick = process.platform === 'win32';
  t.true(isByTheTick ? usage.cpuTime >= 0 : usage.cpuTime > 0);
  t.like(await run(HELLO, { cpuTime: 0 }), { ok: true });
});

test('a stream that does not say when it is destroyed is noticed all the same', async (t) => {
  const code = 'ERR_STREAM_PREMATURE_CLOSE';
  for (const error of [undefined, new Error('gone')]) {
    const expected = error === undefined ? { code } : { is: error };
    const sink = new Writable({
      emitClose: false,
      write() {
        this.destroy(error);
      },
    });
    sink.on('error', () => {});
    await t.throwsAsync(run(HELLO, { stdout: sink }), expected);
    const source = new Readable({
      emitClose: false,
      read() {
        setImmediate(() => this.destroy(error));
      },
    });
    source.on('error', () => {});
    await t.throwsAsync(run(CAT, { stdin: source }), expected);
  }
});

test('what is stuck with the output of a guest does not outlive its time', async (t) => {
  const stuck = () => new Promise(() => {});
  const never = new Writable({ write() {} });
  for (const stdout of [stuck, never, new WritableStream({ write: stuck })]) {
    // The one has ended by itself, the other has not.
    for (const program of [HELLO, await bytesOf('flood')]) {
      const options = { stdout, timeout: 20, check: false };
      if (stdout instanceof WritableStream && stdout.locked) continue;
      t.like(await run(program, options), {
        exitCode: null,
        reason: 'timeout',
      });
    }
  }
});

test('what takes output late has it all, though the time is over', async (t) => {
  const chunks = [];
  const given = [];
  const stdout = async (chunk) => {
    given.push(chunk);
    await later(50);
    chunks.push(chunk);
  };
  // Until the guest has written before its time is over.
  for (let timeout = 250; given.length === 0; timeout *= 2) {
    const options = { args: ['-v', AGES], stdout, timeout, check: false };
    t.like(await run(POLL, options), { reason: 'timeout' });
  }
  t.deepEqual(chunks, given);
  t.is(String(Buffer.concat(chunks)), 'polling\n');
});

test('an error shows text, whatever the encoding', async (t) => {
  for (const encoding of ['hex', 'base64', 'utf16le', 'latin1', 'buffer']) {
    const options = { args: ['nonsense'], encoding };
    const error = await rejection(run(POLL, options));
    t.regex(error.message, /\n.*poll/);
  }
});

test('no more is kept than a string can have', (t) => {
  const { MAX_STRING_LENGTH } = constants;
  const sample = Buffer.alloc(1200, 'é');
  for (const encoding of [
    ...['utf8', 'UTF-8', 'hex', 'base64', 'base64url', 'latin1', 'utf16le'],
  ]) {
    const perByte = sample.toString(encoding).length / sample.length;
    t.true(mostBytes(encoding) * perByte <= MAX_STRING_LENGTH, encoding);
  }
  t.is(mostBytes('buffer'), Infinity);
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

test('a signal that is aborted after the end changes nothing, and keeps nothing', async (t) => {
  const controller = new AbortController();
  t.like(await run(HELLO, { signal: controller.signal }), { ok: true });
  controller.abort();
  await later(1);
  t.pass();
});

test('many guests have one signal, without a warning', (t) => {
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

test('a signal ends what is still being written', async (t) => {
  const controller = new AbortController();
  const stdout = new Writable({
    write() {
      // It never says that it has.
      controller.abort();
    },
  });
  const running = run(HELLO, { stdout, signal: controller.signal });
  t.is((await rejection(running)).code, 'ABORT_ERR');
});

test('maxMemory is what a guest can grow to', async (t) => {
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

test('a compiled module is ended at its next call when it has too much memory', async (t) => {
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

test('maxMemory needs room for what the program begins with', async (t) => {
  const small = await rejection(run(HELLO, { maxMemory: 65_535 }));
  t.true(small instanceof RangeError, String(small));
  t.like(await run(HELLO, { maxMemory: Infinity }), { ok: true });
});

test('maxMemory is what all memories have together, and all tables', async (t) => {
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

test('an option that is not offered is an error that says so', async (t) => {
  const cases = {
    imports: /is for runSync\(\) alone/,
    version: /the imports of the program tell/,
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

test('a program that nobody waits for any more rejects unheard', (t) => {
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

test('a guest that closes its standard output ends the stream, not itself', async (t) => {
  const stdout = new PassThrough();
  const directory = scratch(t);
  const result = await run(guestPath('close_stdio'), {
    args: ['report', '0', '1', '2'],
    preopens: { '/': directory },
    stdin: new PassThrough(),
    stdout,
    stderr: stdout,
  });
  t.true(result.ok);
});

test('a thousand at once: each has its own output, and none is lost', async (t) => {
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
  test('an exception of the standard kind is a trap', async (t) => {
    t.like(await run(await bytesOf('throws'), { check: false }), {
      reason: 'trap',
    });
  });
}
