'use strict';

// Guests that are suspended where they would wait: startAsync().

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const os = require('node:os');
const { Readable, Writable } = require('node:stream');

const ava = require('ava');

const { WASI } = require('..');
const { ROOT } = require('./helpers/child');
const { assemble } = require('./helpers/guest');

/** Tests for engines with JSPI: Node.js 24 and newer. */
const SUSPENDS = typeof WebAssembly.Suspending === 'function';
const test = SUSPENDS ? ava : ava.skip;

const IMPORTS = `
  (import "wasi_snapshot_preview1" "fd_read"
    (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "host" "call" (func $host (param i32) (result i32)))
  (memory (export "memory") 1)
  ;; At 100: an iovec for 8 bytes at 108, which are "hello".
  (data (i32.const 100) "\\6c\\00\\00\\00\\08\\00\\00\\00hello\\n")
  ;; Sleeps for so many milliseconds: by a subscription at 200, the event is at 300.
  (func $sleep (param $ms i32) (result i32)
    (i32.store (i32.const 208) (i32.const 0))
    (i32.store (i32.const 216) (i32.const 1))
    (i64.store (i32.const 224)
      (i64.mul (i64.extend_i32_u (local.get $ms)) (i64.const 1000000)))
    (call $poll (i32.const 200) (i32.const 300) (i32.const 1) (i32.const 400)))`;

async function prepare(body, { host, more = '', ...options } = {}) {
  const source = `(module ${IMPORTS} ${more} (func (export "_start") ${body}))`;
  const module = new WebAssembly.Module(await assemble(source));
  const wasi = new WASI({ version: 'preview1', ...options });
  const wasiImports = wasi.getImportObject({ suspending: true });
  const imports = { ...wasiImports, host: { call: host ?? ((n) => n) } };
  return { wasi, instance: new WebAssembly.Instance(module, imports) };
}

async function start(body, { timeout, signal, ...options } = {}) {
  const { wasi, instance } = await prepare(body, options);
  return wasi.startAsync(instance, { timeout, signal });
}

const suspending = (call) => new WebAssembly.Suspending(call);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

(SUSPENDS ? ava.skip : ava)(
  'where nothing can be suspended, an error says what can',
  async (t) => {
    const wasi = new WASI({ version: 'preview1' });
    t.throws(() => wasi.getImportObject({ suspending: true }), {
      code: 'ERR_WASI_NO_SUSPENDING',
      message: /Node\.js has from version 24 on: this is v\d/,
    });
    await t.throwsAsync(wasi.startAsync({ exports: {} }), {
      code: 'ERR_WASI_NO_SUSPENDING',
    });
    t.throws(() => new WASI({ version: 'preview1', stdin: process.stdin }), {
      code: 'ERR_WASI_NO_SUSPENDING',
    });
  },
);

test('exit codes are those of start()', async (t) => {
  t.is(await start(''), 0);
  t.is(await start('(call $exit (i32.const 7))'), 7);
});

test('a guest that sleeps does not block the event loop', async (t) => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  t.teardown(() => clearInterval(timer));
  const before = performance.now();
  const sleeps = '(call $exit (call $sleep (i32.const 50)))';
  const guests = Array.from({ length: 100 }, () => start(sleeps));
  t.deepEqual(new Set(await Promise.all(guests)), new Set([0]));
  t.true(performance.now() - before >= 50);
  t.true(turns > 0);
});

test('a timeout counts from the start of the call', async (t) => {
  // A call that waits is made again, and must not begin its timeout anew.
  const { wasi, instance } = await prepare(
    '(call $exit (call $sleep (i32.const 60)))',
  );
  const timer = setInterval(() => wasi.close(), 1);
  t.teardown(() => clearInterval(timer));
  const before = performance.now();
  t.is(await wasi.startAsync(instance), 0);
  t.true(performance.now() - before >= 60);
});

test('functions of the host that return promises', async (t) => {
  const host = suspending(async (n) => {
    await pause(1);
    return n + 1;
  });
  t.is(await start('(call $exit (call $host (i32.const 41)))', { host }), 42);
});

test('what such a function rejects with is thrown unchanged', async (t) => {
  const failure = { not: 'even an Error' };
  const host = suspending(() => Promise.reject(failure));
  const started = start('(drop (call $host (i32.const 0)))', { host });
  t.is(await started.catch((error) => error), failure);
});

test('a trap is what the engine throws', async (t) => {
  await t.throwsAsync(start('unreachable'), {
    instanceOf: WebAssembly.RuntimeError,
  });
  const waits = '(drop (call $sleep (i32.const 1))) unreachable';
  await t.throwsAsync(start(waits), { instanceOf: WebAssembly.RuntimeError });
});

test('a guest cannot catch its end, whenever it is stopped', async (t) => {
  const catching = `
    (try
      (do (drop (call $sleep (i32.const 100000))))
      (catch_all (drop (call $host (i32.const 1)))))
    (drop (call $host (i32.const 2)))`;
  const calls = [];
  const { wasi, instance } = await prepare(catching, {
    host: (n) => calls.push(n),
  });
  const started = wasi.startAsync(instance);
  await pause(5);
  wasi.stop(9);
  t.is(await started, 9);
  t.deepEqual(calls, []);
});

test('stop() ends a guest that waits for a promise that never settles', async (t) => {
  let resume;
  const calls = [];
  const host = suspending((n) => {
    calls.push(n);
    return new Promise((resolve) => {
      resume = () => resolve(0);
    });
  });
  const body = `
    (drop (call $host (i32.const 1)))
    (drop (call $yield))
    (drop (call $host (i32.const 2)))`;
  const { wasi, instance } = await prepare(body, { host });
  const started = wasi.startAsync(instance);
  wasi.stop(3);
  t.is(await started, 3);
  // It is resumed, and ends at its next call.
  resume();
  await pause(5);
  t.deepEqual(calls, [1]);
});

test('a guest is ended after its time', async (t) => {
  const ends = {
    waits: '(drop (call $sleep (i32.const 100000)))',
    'makes calls': '(loop $again (drop (call $yield)) (br $again))',
    'waits for its host': '(drop (call $host (i32.const 0)))',
  };
  const host = suspending(() => new Promise(() => {}));
  for (const [which, body] of Object.entries(ends)) {
    for (const returnOnExit of [true, false]) {
      const before = performance.now();
      const options = { host, timeout: 30, returnOnExit };
      await t.throwsAsync(
        start(body, options),
        {
          code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
          message: 'Script execution timed out after 30ms',
        },
        which,
      );
      t.true(performance.now() - before >= 29);
    }
  }
  t.is(await start('(call $exit (i32.const 5))', { timeout: 10_000 }), 5);
});

test('a signal ends it', async (t) => {
  const controller = new AbortController();
  const { signal } = controller;
  const body = '(drop (call $sleep (i32.const 100000)))';
  const started = start(body, { signal, returnOnExit: false });
  await pause(5);
  controller.abort('enough');
  const error = await t.throwsAsync(started, { name: 'AbortError' });
  t.is(error.cause, 'enough');
  await t.throwsAsync(start(body, { signal }), { name: 'AbortError' });
});

test('an instance is started once', async (t) => {
  const { wasi, instance } = await prepare(
    '(drop (call $sleep (i32.const 5)))',
  );
  const started = wasi.startAsync(instance);
  const again = { code: 'ERR_WASI_ALREADY_STARTED' };
  await t.throwsAsync(wasi.startAsync(instance), again);
  t.throws(() => wasi.start(instance), again);
  t.is(await started, 0);
  await t.throwsAsync(wasi.startAsync(instance), again);
});

test('another export can be called while the guest is suspended', async (t) => {
  const more = `
    (func (export "answer") (result i32) (drop (call $yield)) (i32.const 42))
    (func (export "sleep") (result i32) (call $sleep (i32.const 1)))
    (func (export "write") (result i32)
      (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 400)))`;
  const { wasi, instance } = await prepare(
    '(call $exit (call $sleep (i32.const 20)))',
    { more, stdout: fs.openSync(os.devNull, 'w') },
  );
  const started = wasi.startAsync(instance);
  const { answer, sleep, write } = instance.exports;
  t.is(answer(), 42);
  t.is(write(), 0);
  // An export that was called with `promising` may be suspended, another may not.
  t.is(await WebAssembly.promising(sleep)(), 0);
  t.throws(() => sleep(), { instanceOf: WebAssembly.SuspendError });
  t.is(await started, 0);
});

test('a guest that the host calls during a call can make calls, but not wait', async (t) => {
  const more = `
    (func (export "write") (result i32)
      (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 400)))`;
  const { wasi, instance } = await prepare(
    '(call $exit (call $host (i32.const 0)))',
    {
      more,
      stdout: fs.openSync(os.devNull, 'w'),
      host: () => instance.exports.write(),
    },
  );
  t.is(await wasi.startAsync(instance), 0);
});

test('start() runs the same instance, if it does not have to wait', async (t) => {
  const exits = await prepare('(call $exit (i32.const 4))');
  t.is(exits.wasi.start(exits.instance), 4);
  const waits = await prepare('(drop (call $sleep (i32.const 1)))');
  t.throws(() => waits.wasi.start(waits.instance), {
    instanceOf: WebAssembly.SuspendError,
  });
});

test('a descriptor of the host is polled until it is ready', async (t) => {
  // The guest exits with how much it has read of standard input.
  const program = await assemble(`(module ${IMPORTS}
    (func (export "_start")
      (drop (call $read (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 400)))
      (call $exit (i32.load (i32.const 400)))))`);
  const child = spawn(process.execPath, [
    '--no-warnings',
    '--eval',
    `const { WASI } = require(${JSON.stringify(ROOT)});
    const wasi = new WASI({ version: 'preview1' });
    const instance = new WebAssembly.Instance(
      new WebAssembly.Module(Buffer.from('${program.toString('base64')}', 'base64')),
      { ...wasi.getImportObject({ suspending: true }), host: { call() {} } },
    );
    wasi.startAsync(instance).then((exitCode) => process.exit(exitCode));
    console.log('it waits, and the loop goes on');`,
  ]);
  t.teardown(() => child.kill());
  await once(child.stdout, 'data');
  await pause(20);
  child.stdin.write('hello');
  t.deepEqual(await once(child, 'exit'), [5, null]);
});

/** Copies standard input to standard output, and exits with 0. */
const CAT = `
  (block $end (loop $again
    (i32.store (i32.const 1000) (i32.const 2000))
    (i32.store (i32.const 1004) (i32.const 60000))
    (br_if $end (call $read (i32.const 0) (i32.const 1000) (i32.const 1) (i32.const 400)))
    (br_if $end (i32.eqz (i32.load (i32.const 400))))
    (i32.store (i32.const 1004) (i32.load (i32.const 400)))
    (loop $rest
      (if (call $write (i32.const 1) (i32.const 1000) (i32.const 1) (i32.const 400))
        (then (call $exit (i32.const 1))))
      (i32.store (i32.const 1000)
        (i32.add (i32.load (i32.const 1000)) (i32.load (i32.const 400))))
      (i32.store (i32.const 1004)
        (i32.sub (i32.load (i32.const 1004)) (i32.load (i32.const 400))))
      (br_if $rest (i32.load (i32.const 1004))))
    (br $again)))`;

/** A slow stream of Node that keeps what is written to it. */
function slowSink() {
  const chunks = [];
  const sink = new Writable({
    write(chunk, _encoding, onWritten) {
      chunks.push(chunk);
      setTimeout(onWritten, 1);
    },
  });
  return { sink, text: () => Buffer.concat(chunks).toString() };
}

async function* slowly(pieces) {
  for (const piece of pieces) {
    await pause(2);
    yield piece;
  }
}

const PIECES = ['one ', Buffer.from('two '), '', 'x'.repeat(200_000), ' end'];
const ALL = PIECES.map(String).join('');

const SOURCES = {
  'an asynchronous iterable': () => slowly(PIECES),
  'a stream of Node': () => Readable.from(slowly(PIECES)),
  'a stream of the Web': () =>
    Readable.toWeb(
      Readable.from(slowly(PIECES.filter((piece) => piece !== ''))),
    ),
};

for (const [which, source] of Object.entries(SOURCES)) {
  test(`a guest reads ${which}, and writes to streams`, async (t) => {
    const { sink, text } = slowSink();
    t.is(await start(CAT, { stdin: source(), stdout: sink }), 0);
    t.is(text(), ALL);
    t.false(sink.writableEnded);
    const chunks = [];
    const stdout = new WritableStream({ write: (chunk) => chunks.push(chunk) });
    t.is(await start(CAT, { stdin: source(), stdout }), 0);
    t.is(Buffer.concat(chunks).toString(), ALL);
  });
}

test('poll_oneoff waits for such a stream', async (t) => {
  // The subscription at 248 is to standard input, beside the clock at 200.
  const polls = `
    (i32.store8 (i32.const 256) (i32.const 1))
    (i64.store (i32.const 248) (i64.const 7))
    (i32.store (i32.const 216) (i32.const 1))
    (i64.store (i32.const 224) (i64.const 100000000000))
    (drop (call $poll (i32.const 200) (i32.const 300) (i32.const 2) (i32.const 400)))
    (call $exit (i32.add
      (i32.mul (i32.load (i32.const 300)) (i32.const 10))
      (i32.load (i32.const 400))))`;
  t.is(await start(polls, { stdin: slowly(['x']) }), 71);
});

test('what is not read stays in the stream', async (t) => {
  let reads = 0;
  const stdin = new Readable({
    read() {
      reads++;
    },
  });
  t.is(await start('', { stdin }), 0);
  t.is(reads, 0);
  const more = new Readable({
    read() {
      this.push('x'.repeat(1000));
    },
  });
  const reading = `
    (drop (call $read (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 400)))
    (call $exit (i32.load (i32.const 400)))`;
  t.is(await start(reading, { stdin: more }), 8);
  t.deepEqual([more.destroyed, more.isPaused()], [false, true]);
});

test('the error of a stream is thrown unchanged', async (t) => {
  const failure = new Error('the source failed');
  async function* failing() {
    yield 'some';
    await pause(1);
    throw failure;
  }
  const { sink } = slowSink();
  t.is(
    await start(CAT, { stdin: failing(), stdout: sink }).catch(
      (error) => error,
    ),
    failure,
  );
  const stdout = new Writable({
    write: (_chunk, _encoding, onWritten) => onWritten(failure),
  });
  const writing = start(CAT, { stdin: slowly(PIECES), stdout });
  t.is(await writing.catch((error) => error), failure);
});

test('a sink that fails at the last write is an error', async (t) => {
  const failure = new Error('the sink failed');
  const failsAfter = (wait, options) =>
    new Writable({
      write: (_chunk, _encoding, onWritten) => wait(() => onWritten(failure)),
      ...options,
    });
  for (const stdout of [
    failsAfter((call) => call()),
    failsAfter(setImmediate),
    failsAfter((call) => call(), { autoDestroy: false }),
    failsAfter((call) => call(), {
      destroy: (error, onDestroyed) => setTimeout(onDestroyed, 5, error),
    }),
  ]) {
    const writing = start(
      '(drop (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 150)))',
      { stdout },
    );
    t.is(await writing.catch((error) => error), failure);
  }
});

test('an export that is called after the end reads end-of-file, and cannot write', async (t) => {
  const PIPE = 64;
  const { sink, text } = slowSink();
  const { wasi, instance } = await prepare('', {
    stdin: slowly(PIECES),
    stdout: sink,
    more: `
      (func (export "read") (result i32 i32)
        (call $read (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 150))
        (i32.load (i32.const 150)))
      (func (export "write") (result i32)
        (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 150)))`,
  });
  await wasi.startAsync(instance);
  const { read, write } = instance.exports;
  t.deepEqual(await WebAssembly.promising(read)(), [0, 0]);
  t.is(await WebAssembly.promising(write)(), PIPE);
  t.is(text(), '');
});

test('a sink that blocks does not keep a guest from ending', async (t) => {
  const stuck = new Writable({ write() {} });
  const stdin = () => Readable.from([Buffer.alloc(1 << 20)]);
  await t.throwsAsync(
    start(CAT, { stdin: stdin(), stdout: stuck, timeout: 50 }),
    { code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' },
  );
  const { wasi, instance } = await prepare(CAT, {
    stdin: stdin(),
    stdout: new Writable({ write() {} }),
  });
  const started = wasi.startAsync(instance);
  await pause(20);
  wasi.stop(6);
  t.is(await started, 6);
});

test('such streams need startAsync()', async (t) => {
  const { wasi, instance } = await prepare('', { stdin: slowly([]) });
  t.throws(() => wasi.start(instance), {
    code: 'ERR_INVALID_STATE',
    message: /use startAsync\(\)/,
  });
  t.is(await wasi.startAsync(instance), 0);
});

test('bad input', async (t) => {
  const wasi = new WASI({ version: 'preview1' });
  t.throws(() => wasi.getImportObject({ suspending: 1 }), {
    code: 'ERR_INVALID_ARG_TYPE',
    message: /"options\.suspending" property must be of type boolean/,
  });
  const { instance } = await prepare('');
  await t.throwsAsync(wasi.startAsync(instance), {
    code: 'ERR_INVALID_STATE',
    message: /getImportObject\(\{ suspending: true \}\)/,
  });
  wasi.getImportObject({ suspending: true });
  for (const [options, message] of [
    [{ timeout: 0 }, /"options\.timeout" is out of range/],
    [{ timeout: '1' }, /"options\.timeout" property must be of type number/],
    [{ signal: {} }, /"options\.signal" property must be an instance of/],
    [{ timout: 1 }, /'options\.timout' is unknown/],
    [1, /"options" argument must be of type object/],
  ]) {
    await t.throwsAsync(wasi.startAsync(instance, options), { message });
  }
  // None of these counts as a start.
  await t.throwsAsync(wasi.startAsync({}), { code: 'ERR_INVALID_ARG_TYPE' });
  await t.throwsAsync(wasi.startAsync({ exports: {} }), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
});

test('close() does not wait for a sink that blocks', async (t) => {
  const stuck = new Writable({ write() {} });
  const { wasi, instance } = await prepare(
    `(drop (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 0)))
     (drop (call $host (i32.const 0)))`,
    { stdout: stuck, host: suspending(() => pause(20)) },
  );
  const ended = wasi.startAsync(instance);
  await pause(5);
  wasi.close();
  t.is(await ended, 0);
  t.is(stuck.writableLength, 8);
  // Also after it has ended by itself, while its output is being written.
  const late = await prepare(
    '(drop (call $write (i32.const 1) (i32.const 100) (i32.const 1) (i32.const 0)))',
    { stdout: new Writable({ write() {} }) },
  );
  const written = late.wasi.startAsync(late.instance);
  await pause(20);
  late.wasi.close();
  t.is(await written, 0);
});

test('a guest that waits for connections, and for what they send', async (t) => {
  const source = `(module
    (import "wasi_snapshot_preview1" "fd_fdstat_set_flags"
      (func $flags (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_accept"
      (func $accept (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_recv"
      (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sock_send"
      (func $send (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
    (memory (export "memory") 1)
    (; At 0: a buffer of 8 bytes at 100. The connection is at 16, how many came at 4. ;)
    (data (i32.const 0) "\\64\\00\\00\\00\\08\\00\\00\\00")
    (func $check (param i32) (if (local.get 0) (then unreachable)))
    (func (export "_start") (local $left i32)
      (local.set $left (i32.const 2))
      (; It is in no hurry. ;)
      (call $check (call $flags (i32.const 3) (i32.const 0)))
      (loop $next
        (i32.store (i32.const 4) (i32.const 8))
        (call $check (call $accept (i32.const 3) (i32.const 0) (i32.const 16)))
        (call $check (call $recv (i32.load (i32.const 16)) (i32.const 0) (i32.const 1)
          (i32.const 0) (i32.const 4) (i32.const 32)))
        (call $check (call $send (i32.load (i32.const 16)) (i32.const 0) (i32.const 1)
          (i32.const 0) (i32.const 36)))
        (call $check (call $close (i32.load (i32.const 16))))
        (local.set $left (i32.sub (local.get $left) (i32.const 1)))
        (br_if $next (local.get $left)))))`;
  const module = new WebAssembly.Module(await assemble(source));
  const wasi = new WASI({ version: 'preview1', listeners: [{ port: 0 }] });
  const imports = wasi.getImportObject({ suspending: true });
  const ended = wasi.startAsync(new WebAssembly.Instance(module, imports));
  // Client, server and host are all in this thread.
  for (const text of ['one', 'another']) {
    await pause(20);
    const socket = net.connect(wasi.listeners[0].address().port);
    await once(socket, 'connect');
    await pause(20);
    socket.write(text);
    const chunks = await socket.toArray();
    t.is(Buffer.concat(chunks).toString(), text);
  }
  t.is(await ended, 0);
});
