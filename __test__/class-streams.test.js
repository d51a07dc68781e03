'use strict';

// Standard streams of `new WASI()` other than descriptors: bytes, functions, `'pipe'` …

const { Worker } = require('node:worker_threads');

const test = require('ava');

const { script } = require('./helpers/child');
const { WASI, sameAsNode } = require('./helpers/compare');
const { guest, guestPath } = require('./helpers/guest');
const { BUF, ERRNO, OUT, RawGuest } = require('./helpers/raw');
const { bytesOf } = require('./helpers/runs');

const SPIPE = 70;
const SOCKET_STREAM = 6;
const [STDIN, STDOUT, STDERR] = [0, 1, 2];

/** A guest with these options, and a function that starts it. */
function prepared(module, options) {
  const wasi = new WASI({ version: 'preview1', ...options });
  const imports = wasi.getImportObject();
  const instance = new WebAssembly.Instance(module, imports);
  return { wasi, instance, start: () => wasi.start(instance) };
}

/** `cat` with these options: what it printed, and its exit code. */
function cat(options, args = []) {
  const { wasi, start } = prepared(guest('cat'), {
    args: ['cat', ...args],
    stdout: 'pipe',
    ...options,
  });
  return { exitCode: start(), wasi, stdout: wasi.stdout };
}

/** Writes iovecs of these lengths to `BUF`, their bytes after them; returns the arguments of a call. */
function layIovs(raw, lengths) {
  let at = BUF + 0x100;
  for (const [index, length] of lengths.entries()) {
    raw.view.setUint32(BUF + 8 * index, at, true);
    raw.view.setUint32(BUF + 8 * index + 4, length, true);
    at += length;
  }
  return [BUF, lengths.length];
}

/** Calls fd_read with buffers of these lengths: errno and text. */
function read(raw, lengths) {
  const errno = raw.calls.fd_read(STDIN, ...layIovs(raw, lengths), OUT);
  const count = errno === 0 ? raw.view.getUint32(OUT, true) : 0;
  const bytes = Buffer.from(raw.calls.memory.buffer);
  return { errno, text: bytes.toString('utf8', BUF + 0x100).slice(0, count) };
}

/** Calls fd_write with a text. */
function write(raw, fd, text) {
  const iovs = layIovs(raw, [text.length]);
  Buffer.from(raw.calls.memory.buffer).write(text, BUF + 0x100);
  const errno = raw.calls.fd_write(fd, ...iovs, OUT);
  return { errno, count: raw.view.getUint32(OUT, true) };
}

test('the guest reads bytes and input', (t) => {
  const text = Buffer.from('grün 中文');
  for (const options of [
    { stdin: text },
    { stdin: new Uint8Array(text) },
    { stdin: new Uint8Array(text).buffer },
    { stdin: new DataView(new Uint8Array(text).buffer) },
    { input: text },
    { input: 'grün 中文' },
    { input: 'grün 中文', stdin: 'pipe' },
  ]) {
    t.deepEqual(cat(options).stdout, text);
  }
  for (const stdin of ['pipe', 'ignore', Buffer.alloc(0), () => null]) {
    t.is(cat({ stdin }).stdout.length, 0);
  }
});

test('bytes are copied when the instance is made', (t) => {
  const stdin = Buffer.from('before');
  const { wasi, start } = prepared(guest('cat'), { stdin, stdout: 'pipe' });
  stdin.fill('x');
  t.is(start(), 0);
  t.is(String(wasi.stdout), 'before');
});

test('a function provides input, and is not called after the end', (t) => {
  const pieces = ['first ', Buffer.from('second '), new Uint8Array(3), null];
  const sizes = [];
  const { stdout } = cat(
    {
      stdin(size) {
        sizes.push(size);
        return pieces.shift();
      },
    },
    ['4'],
  );
  t.is(String(stdout), 'first second \0\0\0');
  t.deepEqual(sizes, [4, 4, 4, 4]);
  for (const end of [null, undefined, '', Buffer.alloc(0)]) {
    let calls = 0;
    const stdin = () => {
      calls++;
      return end;
    };
    const raw = new RawGuest(WASI, { stdin });
    t.deepEqual(read(raw, [9]), { errno: 0, text: '' });
    t.deepEqual(read(raw, [9]), { errno: 0, text: '' });
    t.is(calls, 1);
  }
});

test('what a function returns fills several buffers, and the rest is kept', (t) => {
  let calls = 0;
  const stdin = () => (calls++ === 0 ? 'abcdefghij' : null);
  const raw = new RawGuest(WASI, { stdin });
  t.deepEqual(read(raw, [0]), { errno: 0, text: '' });
  t.is(calls, 0);
  t.is(read(raw, [1, 0, 2]).text, 'abc');
  t.is(read(raw, [4]).text, 'defg');
  t.is(read(raw, [9]).text, 'hij');
  t.is(read(raw, [9]).text, '');
  t.is(calls, 2);
});

test('a function may return more than was asked for', (t) => {
  const all = Buffer.alloc(5_000_001, 'some bytes ');
  const pieces = [all, null];
  t.true(cat({ stdin: () => pieces.shift() }).stdout.equals(all));
});

test('a result that cannot be converted to bytes ends the guest', (t) => {
  for (const [value, received] of [
    [7, 'type number (7)'],
    [Promise.reject(new Error('unheard')), 'an instance of Promise'],
    [{}, 'an instance of Object'],
    [false, 'type boolean (false)'],
  ]) {
    const { start } = prepared(guest('cat'), { stdin: () => value });
    t.throws(start, {
      instanceOf: TypeError,
      code: 'ERR_INVALID_RETURN_VALUE',
      message: `Expected bytes, a string, null or undefined to be returned from the "options.stdin" function but got ${received}.`,
    });
  }
});

test('a function gets a copy of what is written', (t) => {
  const input = Buffer.alloc(300_000, '0123456789');
  const chunks = [];
  const { exitCode, stdout } = cat({
    input,
    stdout: (chunk) => chunks.push(chunk),
  });
  t.is(exitCode, 0);
  t.is(stdout, null);
  t.true(chunks.length > 1);
  for (const chunk of chunks) {
    t.true(Buffer.isBuffer(chunk));
    t.is(chunk.buffer.byteLength, chunk.length);
    chunk.buffer.slice(0);
  }
  t.true(Buffer.concat(chunks).equals(input));
  const { port1, port2 } = new MessageChannel();
  // A copy can be transferred.
  port1.postMessage(null, [chunks[0].buffer]);
  port2.close();
  t.is(chunks[0].length, 0);
});

test('a function that returns a promise ends the guest', (t) => {
  const { start } = prepared(guest('hello'), {
    stdout: async () => {
      throw new Error('unheard');
    },
  });
  t.throws(start, {
    code: 'ERR_INVALID_RETURN_VALUE',
    message:
      'Expected no promise to be returned from the "options.stdout" function but got an instance of Promise.',
  });
});

test('the output of a pipe is the same object until more is written', (t) => {
  const raw = new RawGuest(WASI, { stdout: 'pipe', stderr: 'pipe' });
  const { wasi } = raw;
  t.deepEqual([wasi.stdout.length, wasi.stderr.length], [0, 0]);
  write(raw, STDOUT, 'one ');
  const first = wasi.stdout;
  t.is(String(first), 'one ');
  t.is(wasi.stdout, first);
  write(raw, STDERR, 'wrong');
  write(raw, STDOUT, 'two');
  t.is(String(wasi.stdout), 'one two');
  t.is(String(wasi.stderr), 'wrong');
  t.is(String(first), 'one ');
  wasi.close();
  t.is(String(wasi.stdout), 'one two');
  t.is(String(new Proxy(wasi, {}).stdout), 'one two');
  t.is(String(Object.create(wasi).stderr), 'wrong');
  const { stdout, stderr } = new WASI({ version: 'preview1' });
  t.deepEqual([stdout, stderr], [null, null]);
  t.throws(() => Reflect.get(WASI.prototype, 'stdout', {}), {
    code: 'ERR_INVALID_ARG_TYPE',
  });
});

test('more than maxBuffer ends the guest, and what fits is kept', (t) => {
  for (const stream of ['stdout', 'stderr']) {
    const { wasi, start } = prepared(guest('hello'), {
      stdout: 'pipe',
      stderr: 'pipe',
      maxBuffer: 3,
    });
    if (stream === 'stdout') {
      t.throws(start, {
        instanceOf: RangeError,
        code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER',
        message: 'stdout maxBuffer length exceeded',
      });
      t.is(String(wasi.stdout), 'hel');
    } else {
      const raw = new RawGuest(WASI, { stderr: 'pipe', maxBuffer: 3 });
      t.deepEqual(write(raw, STDERR, 'abc'), { errno: 0, count: 3 });
      t.throws(() => write(raw, STDERR, 'd'), {
        message: 'stderr maxBuffer length exceeded',
      });
      t.is(String(raw.wasi.stderr), 'abc');
    }
  }
  t.is(cat({ input: 'text', maxBuffer: 4 }).exitCode, 0);
  t.is(cat({ input: 'text', maxBuffer: Infinity }).exitCode, 0);
});

test('a guest that exceeds maxBuffer ends at the first byte too many, with returnOnExit: false too', async (t) => {
  const flood = new WebAssembly.Module(await bytesOf('flood'));
  const { wasi, start } = prepared(flood, {
    stdout: 'pipe',
    maxBuffer: 1_000_000,
    returnOnExit: false,
  });
  t.throws(start, { code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER' });
  t.is(wasi.stdout.length, 1_000_000);
});

test("'ignore' discards output, and 'inherit' is the stream of the process", (t) => {
  t.is(prepared(guest('hello'), { stdout: 'ignore' }).start(), 0);
  const { stdout, stderr } = script(
    `const { WASI } = require('wasi-rs');
     const { readFileSync } = require('node:fs');
     const run = (file, options) => {
       const wasi = new WASI({ version: 'preview1', ...options });
       const module = new WebAssembly.Module(readFileSync(file));
       return wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
     };
     const all = { stdin: 'inherit', stdout: 'inherit', stderr: 'inherit' };
     run(${JSON.stringify(guestPath('hello'))}, all);
     run(${JSON.stringify(guestPath('hello'))}, { ...all, stdout: 'ignore' });`,
  );
  t.deepEqual([stdout, stderr], ['hello\n', '']);
});

test('what a function throws is thrown unchanged, and the guest cannot catch it', (t) => {
  for (const thrown of [new Error('mine'), undefined, null, 'text', 7, {}]) {
    for (const [name, options] of [
      ['cat', { stdin: () => fail(thrown) }],
      ['hello', { stdout: () => fail(thrown) }],
      ['hello', { stdout: () => fail(thrown), returnOnExit: false }],
    ]) {
      const { start } = prepared(guest(name), options);
      t.is(caught(start), thrown);
    }
    // Outside of start(), too.
    const raw = new RawGuest(WASI, { stdout: () => fail(thrown) });
    t.is(
      caught(() => write(raw, STDOUT, 'text')),
      thrown,
    );
  }
});

function fail(thrown) {
  throw thrown;
}

/** What a function throws. */
function caught(body) {
  try {
    body();
  } catch (error) {
    return error;
  }
  return new Error('nothing was thrown');
}

test('a function can call the guest, grow its memory, and make calls', (t) => {
  const chunks = [];
  const raw = new RawGuest(WASI, {
    stdin(size) {
      if (depth-- === 0) return null;
      raw.calls.memory.grow(1);
      const nested = read(raw, [size]);
      t.is(nested.errno, 0);
      return `${depth}${nested.text}`;
    },
    stdout(chunk) {
      raw.calls.memory.grow(1);
      chunks.push(String(chunk));
      if (chunks.length < 4) t.is(write(raw, STDOUT, 'nested').errno, 0);
    },
  });
  let depth = 3;
  t.is(read(raw, [100]).errno, 0);
  depth = 0;
  t.deepEqual(write(raw, STDOUT, 'outer'), { errno: 0, count: 5 });
  t.deepEqual(chunks, ['outer', 'nested', 'nested', 'nested']);
});

test('a nested read loses no input', (t) => {
  let calls = 0;
  const raw = new RawGuest(WASI, {
    stdin() {
      calls++;
      if (calls === 1) {
        t.is(read(raw, [2]).text, 'ne');
        return 'outer';
      }
      return calls === 2 ? 'nested' : null;
    },
  });
  t.is(read(raw, [3]).text, 'ste');
  t.is(read(raw, [9]).text, 'douter');
});

test('bytes are read from the memory as it is after a growth', (t) => {
  const chunks = [];
  const { instance, start } = prepared(guest('grow_during'), {
    stdout(chunk) {
      chunks.push(chunk);
      instance.exports.memory.grow(1);
    },
  });
  start();
  t.true(chunks.length > 1);
});

test('a function can stop and close its instance', (t) => {
  let calls = 0;
  const stopped = prepared(guest('cat'), {
    stdin: () => 'for ever',
    stdout: () => {
      calls++;
      stopped.wasi.stop(9);
    },
  });
  t.is(stopped.start(), 9);
  t.is(calls, 1);
  const closed = prepared(guest('cat'), {
    stdin: () => {
      closed.wasi.close();
      return 'text';
    },
    stdout: () => t.fail('it is closed'),
  });
  t.not(closed.start(), 0);
});

test('a write of gigabytes is passed in chunks, and can be interrupted', (t) => {
  let total = 0;
  const raw = new RawGuest(WASI, {
    stdout(chunk) {
      total += chunk.length;
      if (total >= 2 ** 22) raw.wasi.stop(3);
    },
  });
  raw.calls.memory.grow(4 * 1024);
  const size = 4 * 1024 * 65_536;
  for (let index = 0; index < 16; index++) {
    raw.view.setUint32(BUF + 8 * index, 0x10000, true);
    raw.view.setUint32(BUF + 8 * index + 4, size, true);
  }
  const error = t.throws(() => raw.calls.fd_write(STDOUT, BUF, 16, OUT));
  t.like(error, { code: 'ERR_WASI_EXITED', exitCode: 3 });
  t.is(total, 2 ** 22);
});

test('to the guest each of them is a pipe', (t) => {
  for (const options of [
    { stdin: () => 'x', stdout: () => {}, stderr: () => {} },
    { stdin: Buffer.from('x'), stdout: 'pipe', stderr: 'ignore' },
  ]) {
    const raw = new RawGuest(WASI, options);
    const { calls, view } = raw;
    for (const fd of [STDIN, STDOUT, STDERR]) {
      t.is(calls.fd_fdstat_get(fd, OUT), 0);
      t.is(view.getUint8(OUT), SOCKET_STREAM);
      t.is(calls.fd_filestat_get(fd, OUT), 0);
      t.is(view.getUint8(OUT + 16), SOCKET_STREAM);
      // The error of Node for a pipe.
      t.is(calls.fd_seek(fd, 0n, 0, OUT), ERRNO.NOTCAPABLE);
      t.is(calls.fd_tell(fd, OUT), ERRNO.NOTCAPABLE);
    }
    t.is(calls.fd_pread(STDIN, ...raw.iovs(), 0n, OUT), SPIPE);
    t.is(calls.fd_pwrite(STDOUT, ...raw.iovs(), 0n, OUT), SPIPE);
    t.is(calls.fd_write(STDIN, ...raw.iovs(), OUT), ERRNO.NOTCAPABLE);
    t.is(calls.fd_read(STDOUT, ...raw.iovs(), OUT), ERRNO.NOTCAPABLE);
    for (const [tag, fd] of [
      [1, STDIN],
      [2, STDOUT],
    ]) {
      view.setUint8(BUF + 8, tag);
      view.setUint32(BUF + 16, fd, true);
      t.is(calls.poll_oneoff(BUF, BUF + 0x100, 1, OUT), 0);
      t.is(view.getUint32(OUT, true), 1);
      t.is(view.getUint16(BUF + 0x108, true), 0);
    }
    for (const fd of [STDIN, STDOUT, STDERR]) {
      t.is(calls.fd_close(fd), 0);
      t.is(calls.fd_close(fd), ERRNO.BADF);
    }
  }
});

test('devices lead to the same streams', (t) => {
  const chunks = [];
  const raw = new RawGuest(WASI, {
    devices: true,
    stdin: () => 'input',
    stdout: (chunk) => chunks.push(String(chunk)),
  });
  const fd = raw.open(3, 'stdout', { base: 1n << 6n });
  write(raw, fd, 'text');
  t.deepEqual(chunks, ['text']);
});

test('functions work in a worker, which can be terminated during one', async (t) => {
  const source = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { readFileSync } = require('node:fs');
    const { WASI } = require(workerData.index);
    const run = (options) => {
      const wasi = new WASI({ version: 'preview1', ...options });
      const module = new WebAssembly.Module(readFileSync(workerData.cat));
      wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
      return wasi;
    };
    const pieces = ['one ', 'two', null];
    const wasi = run({ stdin: () => pieces.shift(), stdout: 'pipe' });
    parentPort.postMessage(String(wasi.stdout));
    run({ stdin: () => 'for ever', stdout: () => {
      parentPort.postMessage('runs');
      for (;;);
    } });`;
  const workerData = {
    index: require.resolve('..'),
    cat: guestPath('cat'),
  };
  const worker = new Worker(source, { eval: true, workerData });
  const heard = [];
  await new Promise((resolve, reject) => {
    worker.on('error', reject);
    worker.on('message', (message) => {
      heard.push(message);
      if (heard.length === 2) resolve();
    });
  });
  t.deepEqual(heard, ['one two', 'runs']);
  t.is(await worker.terminate(), 1);
});

test('a timeout ends a guest during a function', (t) => {
  const { wasi, instance } = prepared(guest('cat'), {
    stdin: () => 'for ever',
    stdout: () => {},
  });
  t.throws(() => wasi.start(instance, { timeout: 50 }), {
    code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
  });
  const stuck = prepared(guest('cat'), {
    stdin() {
      for (;;);
    },
  });
  t.throws(() => stuck.wasi.start(stuck.instance, { timeout: 50 }), {
    code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
  });
});

test('an invalid option is an error that names it', (t) => {
  const refused = (options) =>
    t.throws(() => new WASI({ version: 'preview1', ...options }));
  const cases = [
    [{ input: 7 }, 'ERR_INVALID_ARG_TYPE', 'options.input'],
    [{ input: null }, 'ERR_INVALID_ARG_TYPE', 'options.input'],
    [{ input: '', stdin: 0 }, 'ERR_INVALID_ARG_VALUE', 'options.input'],
    [{ input: '', stdin: 'inherit' }, 'ERR_INVALID_ARG_VALUE', 'options.input'],
    [{ input: '', stdin: () => '' }, 'ERR_INVALID_ARG_VALUE', 'options.input'],
    [{ maxBuffer: '1' }, 'ERR_INVALID_ARG_TYPE', 'options.maxBuffer'],
    [{ maxBuffer: null }, 'ERR_INVALID_ARG_TYPE', 'options.maxBuffer'],
    [{ maxBuffer: -1 }, 'ERR_OUT_OF_RANGE', 'options.maxBuffer'],
    [{ maxBuffer: 1.5 }, 'ERR_OUT_OF_RANGE', 'options.maxBuffer'],
    [{ maxBuffer: Number.NaN }, 'ERR_OUT_OF_RANGE', 'options.maxBuffer'],
  ];
  for (const [options, code, name] of cases) {
    const error = refused(options);
    t.is(error.code, code);
    t.true(error.message.includes(`${name}`), error.message);
  }
});

test('any other value is refused with Node’s error', (t) => {
  for (const stream of ['stdin', 'stdout', 'stderr']) {
    for (const value of ['', 'a', 'pipes', 'Pipe', 'overlapped', null, {}]) {
      const options = { version: 'preview1', [stream]: value };
      sameAsNode(t, (Class) => new Class(options));
    }
    if (stream === 'stdin') continue;
    const bytes = { version: 'preview1', [stream]: new Uint8Array(1) };
    sameAsNode(t, (Class) => new Class(bytes));
  }
});
