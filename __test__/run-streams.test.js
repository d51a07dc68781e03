'use strict';

// run(): standard input from values, files and streams; standard output and
// standard error into functions, files and streams.

const { constants } = require('node:buffer');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { PassThrough, Readable, Writable } = require('node:stream');
const { setTimeout: later } = require('node:timers/promises');

const test = require('ava');

const { Pool, run } = require('../index.js');
const { mostBytes } = require('../lib/run/stdio');
const { scratch } = require('./helpers/guest');
const { AGES, bytesOf, guestPath, rejection } = require('./helpers/runs');

const HELLO = guestPath('hello');
const CAT = guestPath('cat');
const POLL = guestPath('poll');

/** Longer than any buffer on the way. */
const LONG = Buffer.alloc(3 << 20, 'abcdefghijklmnopqrstuvwxyz\n');

/** Asserts that two long buffers are equal; ava would take minutes to show a difference. */
function sameBytes(t, actual, expected) {
  t.true(expected.equals(actual), `${actual.length} bytes`);
}

test('input is a string or bytes, of any length; without any, reads return end-of-file', async (t) => {
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

test('input is refused together with another standard input', async (t) => {
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

test('a source that fails ends the guest, and its error is the rejection', async (t) => {
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

test('a source that the guest does not read is left untouched', async (t) => {
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

test('an endless source is read only as far as the guest reads, and then closed', async (t) => {
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

test('return() is not called on a source that ended by itself', async (t) => {
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

test('standard output is a function, whose promise is awaited', async (t) => {
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

test('what a function throws ends the guest, and is the rejection', async (t) => {
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

/** A slow stream of Node that keeps what is written to it. */
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

test('standard output is a stream, which gets everything, and is not ended', async (t) => {
  const { chunks, stream } = slowWritable();
  await run(CAT, { input: LONG, stdout: stream });
  sameBytes(t, Buffer.concat(chunks), LONG);
  t.false(stream.writableEnded);
  t.is(stream.listenerCount('drain'), 0);
  t.is(stream.listenerCount('error'), 0);
  await run(HELLO, { stdout: stream });
  t.is(String(chunks.at(-1)), 'hello\n');
});

test('many guests write to one stream, with one listener for all', async (t) => {
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

test('standard output and standard error go to one stream', async (t) => {
  const { chunks, stream } = slowWritable();
  await run(CAT, { args: ['0'], stdout: stream, stderr: stream, check: false });
  t.is(String(Buffer.concat(chunks)), 'usage: cat [BUFFER_SIZE]\n');
});

test('standard output is a Web stream, which is not closed', async (t) => {
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

test('a stream that fails ends the guest, and its error is the rejection', async (t) => {
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

test('a stream that is or gets closed ends the guest', async (t) => {
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

test('a stream that is destroyed without an event is detected', async (t) => {
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

test('a slow sink gets all output, even after the timeout', async (t) => {
  const chunks = [];
  const given = [];
  const stdout = async (chunk) => {
    given.push(chunk);
    await later(50);
    chunks.push(chunk);
  };
  // Until the guest has written before its timeout.
  for (let timeout = 250; given.length === 0; timeout *= 2) {
    const options = { args: ['-v', AGES], stdout, timeout, check: false };
    t.like(await run(POLL, options), { reason: 'timeout' });
  }
  t.deepEqual(chunks, given);
  t.is(String(Buffer.concat(chunks)), 'polling\n');
});

test('the limit of each encoding fits the longest string', (t) => {
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

test('a signal ends a run whose output is still being written', async (t) => {
  const controller = new AbortController();
  const stdout = new Writable({
    write() {
      // It emits no event.
      controller.abort();
    },
  });
  const running = run(HELLO, { stdout, signal: controller.signal });
  t.is((await rejection(running)).code, 'ABORT_ERR');
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
