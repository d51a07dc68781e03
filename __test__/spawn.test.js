'use strict';

// spawn(): a guest with the interface of a ChildProcess.

const { spawn: spawnProcess } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { PassThrough } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { setTimeout: later } = require('node:timers/promises');

const test = require('ava');

const { spawn } = require('../index.js');
const { script } = require('./helpers/child');
const { scratch } = require('./helpers/guest');
const { CAN_COUNT, WAITING, bytesOf, guestPath } = require('./helpers/runs');

const HELLO = guestPath('hello');
const CAT = guestPath('cat');
const EXIT = guestPath('exit');
const LONG = Buffer.alloc(3 << 20, 'abcdefghijklmnopqrstuvwxyz\n');

/** The names of events, in order, until 'close'. */
function events(child) {
  const seen = [];
  for (const name of ['spawn', 'error', 'exit', 'close']) {
    child.on(name, (...values) => seen.push([name, ...values]));
  }
  return new Promise((resolve) => child.once('close', () => resolve(seen)));
}

async function text(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return String(Buffer.concat(chunks));
}

test('events come in the order of node:child_process', async (t) => {
  const child = spawn(EXIT, { args: ['3', 'text'] });
  t.is(child.exitCode, null);
  t.is(child.reason, null);
  t.false(child.killed);
  t.false('pid' in child);
  const [seen, stdout, stderr] = await Promise.all([
    events(child),
    text(child.stdout),
    text(child.stderr),
  ]);
  t.deepEqual(seen, [['spawn'], ['exit', 3, 'exit'], ['close', 3, 'exit']]);
  t.deepEqual([stdout, stderr], ['text\n', '']);
  t.like(child, { exitCode: 3, reason: 'exit', killed: false });
});

test('killed is what it is in node:child_process', async (t) => {
  for (const [options, reason] of [
    [{ timeout: 20 }, 'timeout'],
    [{ cpuTime: 20 }, 'cpuTime'],
    [{ signal: AbortSignal.timeout(20) }, 'abort'],
  ]) {
    const child = spawn(await bytesOf('spin'), options);
    child.on('error', () => t.true(child.killed));
    t.is((await child.exited).reason, reason);
    t.true(child.killed);
  }
});

test('exited is the result, and never rejects', async (t) => {
  const child = spawn(EXIT, { args: ['3'] });
  child.stdout.resume();
  const result = await child.exited;
  t.like(result, {
    exitCode: 3,
    reason: 'exit',
    ok: false,
    stdout: null,
    stderr: null,
    entry: '_start',
  });
});

test('its streams are streams of Node, in both directions', async (t) => {
  const child = spawn(CAT);
  t.is(child.stdio[0], child.stdin);
  t.is(child.stdio[1], child.stdout);
  t.is(child.stdio[2], child.stderr);
  child.stdin.write('one ');
  const [first] = await once(child.stdout, 'data');
  t.is(String(first), 'one ');
  child.stdin.end('two');
  t.is(await text(child.stdout), 'two');
  t.like(await child.exited, { exitCode: 0 });
});

test('a long text passes through it, and through a pipeline of two', async (t) => {
  const [first, second] = [spawn(CAT), spawn(CAT)];
  const read = text(second.stdout);
  first.stdin.end(LONG);
  await pipeline(first.stdout, second.stdin);
  t.true((await read) === String(LONG));
});

test('a pipeline of more guests than threads does not deadlock', async (t) => {
  const guests = Array.from({ length: 20 }, () => spawn(CAT));
  for (let i = 1; i < guests.length; i++) {
    guests[i - 1].stdout.pipe(guests[i].stdin);
  }
  guests[0].stdin.end('through all of them');
  t.is(await text(guests.at(-1).stdout), 'through all of them');
});

if (process.platform !== 'win32') {
  test('a pipeline with processes, in both directions', async (t) => {
    const before = spawnProcess('printf', ['one\ntwo\n']);
    const guest = spawn(CAT, { stdin: before.stdout });
    const after = spawnProcess('wc', ['-l']);
    guest.stdout.pipe(after.stdin);
    t.is((await text(after.stdout)).trim(), '2');
  });
}

test('a guest that writes waits for its reader', async (t) => {
  const child = spawn(await bytesOf('flood'));
  await once(child, 'spawn');
  await later(20);
  // The sizes of a pipe, and of the buffer of the stream.
  t.true(child.stdout.readableLength < 1 << 20);
  let length = 0;
  child.stdout.on('data', (chunk) => {
    length += chunk.length;
    if (length > 10 << 20) child.kill();
  });
  t.like(await child.exited, { reason: 'kill' });
});

test('output is complete before the event close', async (t) => {
  for (let i = 0; i < 50; i++) {
    const child = spawn(CAT, { input: LONG.subarray(0, 60_000) });
    let length = 0;
    child.stdout.on('data', (chunk) => {
      length += chunk.length;
    });
    await once(child, 'close');
    t.is(length, 60_000);
  }
});

test('a guest whose output nobody reads closes', async (t) => {
  const child = spawn(HELLO);
  t.deepEqual(await events(child), [
    ['spawn'],
    ['exit', 0, 'exit'],
    ['close', 0, 'exit'],
  ]);
});

test('standard streams other than pipes are null', async (t) => {
  const fd = fs.openSync(path.join(scratch(t), 'output'), 'w+');
  const child = spawn(HELLO, { stdin: 'ignore', stdout: fd, stderr: 'ignore' });
  t.deepEqual(child.stdio, [null, null, null]);
  t.like(await child.exited, { exitCode: 0 });
  t.is(fs.readFileSync(fd, 'utf8'), '');
  const bytes = Buffer.alloc(10);
  t.is(fs.readSync(fd, bytes, 0, 10, 0), 6);
  fs.closeSync(fd);
});

test('sources and sinks are taken as by run(), and their errors are events', async (t) => {
  let written = '';
  const child = spawn(CAT, {
    stdin: ['one ', 'two'],
    stdout: (chunk) => {
      written += chunk;
    },
  });
  t.is(child.stdin, null);
  t.is(child.stdout, null);
  await once(child, 'close');
  t.is(written, 'one two');

  const error = new Error('callback');
  const failing = spawn(HELLO, {
    stdout() {
      throw error;
    },
  });
  const seen = await events(failing);
  t.deepEqual(
    seen.filter(([name]) => name === 'error'),
    [['error', error]],
  );
});

for (const [how, [program, options]] of Object.entries(WAITING)) {
  test(`kill() ends a guest that waits ${how}`, async (t) => {
    const child = spawn(program, options);
    child.stdout.resume();
    const seen = events(child);
    await once(child, 'spawn');
    await later(5);
    t.true(child.kill());
    t.true(child.killed);
    t.deepEqual((await seen).slice(-2), [
      ['exit', null, 'kill'],
      ['close', null, 'kill'],
    ]);
    t.false(child.kill());
  });
}

test('kill() ends a guest that computes, and one whose output nobody reads', async (t) => {
  for (const name of ['spin', 'flood']) {
    const child = spawn(await bytesOf(name));
    await once(child, 'spawn');
    await later(5);
    child.kill();
    t.like(await child.exited, { exitCode: null, reason: 'kill' });
  }
});

test('kill() as a guest begins, in a thread that is ended with it', async (t) => {
  const spin = new WebAssembly.Module(await bytesOf('spin'));
  for (let i = 0; i < 60; i++) {
    const child = spawn(spin);
    await once(child, 'spawn');
    if (i % 2 === 0) child.kill();
    else setImmediate(() => child.kill());
    t.like(await child.exited, { exitCode: null, reason: 'kill' });
  }
});

test('kill() right after spawn() ends a guest before it begins', async (t) => {
  const child = spawn(HELLO);
  t.true(child.kill());
  t.deepEqual(await events(child), [
    ['exit', null, 'kill'],
    ['close', null, 'kill'],
  ]);
  t.is(child.listenerCount('error'), 1);
});

test('kill() with a reason', async (t) => {
  const cause = new Error('why');
  const child = spawn(CAT);
  child.kill(cause);
  child.kill(new Error('too late'));
  t.is((await child.exited).error, cause);
});

test('a guest that ends by itself before kill() keeps its exit code', async (t) => {
  const child = spawn(EXIT, { args: ['7'] });
  child.stdout.resume();
  child.once('exit', () => t.false(child.kill()));
  t.like(await child.exited, { exitCode: 7, reason: 'exit' });
  t.false(child.killed);
});

test('timeout and signal end it', async (t) => {
  const timed = spawn(CAT, { timeout: 20 });
  t.like(await timed.exited, { exitCode: null, reason: 'timeout' });

  const controller = new AbortController();
  const child = spawn(CAT, { signal: controller.signal });
  const seen = events(child);
  await once(child, 'spawn');
  controller.abort('enough');
  const [, [, error], ...rest] = await seen;
  t.like(error, { name: 'AbortError', code: 'ABORT_ERR', cause: 'enough' });
  t.deepEqual(rest, [
    ['exit', null, 'abort'],
    ['close', null, 'abort'],
  ]);

  const aborted = spawn(CAT, { signal: AbortSignal.abort() });
  const [[name, abortError]] = await events(aborted);
  t.deepEqual([name, abortError.code], ['error', 'ABORT_ERR']);
});

test('a signal or program that fails after the end has no effect', async (t) => {
  for (const name of ['exit', 'close']) {
    const controller = new AbortController();
    const child = spawn(HELLO, { signal: controller.signal });
    child.once(name, () => controller.abort());
    const seen = await events(child);
    await later(1);
    t.deepEqual(seen, [['spawn'], ['exit', 0, 'exit'], ['close', 0, 'exit']]);
  }
  let reject;
  const program = new Promise((_, fail) => {
    reject = fail;
  });
  const child = spawn(program);
  child.kill();
  const seen = await events(child);
  reject(new Error('late'));
  await later(1);
  t.deepEqual(
    seen.map(([name]) => name),
    ['exit', 'close'],
  );
});

test('a signal that throws is an error of the child', async (t) => {
  const error = new Error('addEventListener');
  const signal = {
    aborted: false,
    addEventListener() {
      throw error;
    },
    removeEventListener() {},
  };
  const child = spawn(HELLO, { signal });
  t.deepEqual((await events(child))[0], ['error', error]);
  t.like(await child.exited, { reason: 'error', error });
});

if (CAN_COUNT) {
  test('a lack of descriptors is an event, and those that were opened are closed', (t) => {
    // In a process of its own, with a low limit of descriptors.
    const ended = script(`
      const fs = require('node:fs');
      const { run, spawn } = require('wasi-rs');
      const hello = new WebAssembly.Module(
        fs.readFileSync('./__test__/guests/hello.wasm'));
      const fill = () => {
        const all = [];
        try {
          for (;;) all.push(fs.openSync('/dev/null'));
        } catch {
          return all;
        }
      };
      const room = () => {
        const all = fill();
        all.forEach((fd) => fs.closeSync(fd));
        return all.length;
      };
      (async () => {
        await run(hello);
        const all = fill();
        // One pipe, and a half.
        for (const fd of all.splice(-3)) fs.closeSync(fd);
        const before = room();
        const codes = [];
        for (let i = 0; i < 3; i++) {
          const child = spawn(hello);
          codes.push(String(child.stdio));
          await new Promise((resolve) => {
            child.on('error', ({ code }) => codes.push(code)).on('close', resolve);
          });
          await run(hello, { stdout() {}, stderr() {} }).catch(({ code }) => codes.push(code));
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
        const after = room();
        all.forEach((fd) => fs.closeSync(fd));
        console.log([...new Set(codes)].join(' '), before - after);
      })();`);
    t.deepEqual(ended, { exitCode: 0, stdout: ',, EMFILE 0\n', stderr: '' });
  });

  for (const [what, makesFail] of [
    ['number', 'Stdio.prototype.takeFd = fail;'],
    ['stream', "require('node:net').Socket = fail;"],
  ]) {
    test(`a pipe whose other end cannot be made (${what}) is closed at once`, (t) => {
      const ended = script(`
        const fs = require('node:fs');
        const { spawn } = require('wasi-rs');
        const { Stdio } = require('./lib/core').loadBinding();
        const fail = function () { throw new Error('none'); };
        ${makesFail}
        const count = () => fs.readdirSync('/proc/self/fd').length;
        // The console has such a stream, too.
        const print = (value) => fs.writeSync(1, value + '\\n');
        const bytes = fs.readFileSync('./__test__/guests/hello.wasm');
        const before = count();
        const child = spawn(bytes);
        print(count() - before);
        child.on('error', ({ message }) => print(message));`);
      t.deepEqual(ended, { exitCode: 0, stdout: '0\nnone\n', stderr: '' });
    });
  }
}

test('an error of the options is thrown; one of the program is an event', async (t) => {
  t.throws(() => spawn(HELLO, { stdin: {} }), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => spawn(7), { code: 'ERR_INVALID_ARG_TYPE' });
  for (const name of ['encoding', 'maxBuffer', 'check', 'imports', 'cwd']) {
    t.throws(
      () => spawn(HELLO, { [name]: 1 }),
      { code: 'ERR_INVALID_ARG_VALUE' },
      name,
    );
  }
  const cases = [
    [['no/such.wasm'], 'ENOENT'],
    [[Buffer.from('garbage')], 'ERR_WASI_UNSUPPORTED_PROGRAM'],
    [[HELLO, { preopens: { '/': 'no/such' } }], 'UVWASI_ENOENT'],
    [[HELLO, { stdout: 987_654 }], 'UVWASI_EBADF'],
  ];
  for (const [args, code] of cases) {
    const child = spawn(...args);
    const [[name, error], ...rest] = await events(child);
    t.deepEqual([name, error.code], ['error', code]);
    t.deepEqual(rest, [['close', null, 'error']], code);
    t.like(await child.exited, { reason: 'error', error });
  }
});

test('a trap is the reason', async (t) => {
  const child = spawn(guestPath('trap'));
  const { reason, error } = await child.exited;
  t.is(reason, 'trap');
  t.true(error instanceof WebAssembly.RuntimeError);
  const initialize = spawn(await bytesOf('badInitialize'));
  t.like(await initialize.exited, { reason: 'trap', entry: '_initialize' });
});

test('writing to a guest that has ended fails as with a process', async (t) => {
  const bytes = await fs.promises.readFile(HELLO);
  const child = spawn(bytes);
  const errors = [];
  child.stdin.on('error', ({ code }) => errors.push(code));
  child.once('spawn', () => {
    for (let i = 0; i < 20; i++) child.stdin.write(LONG);
  });
  child.stdout.resume();
  t.like(await child.exited, { exitCode: 0, reason: 'exit' });
  await once(child, 'close');
  t.true(child.stdin.destroyed);
  child.stdin.write('late');
  await later(1);
  // For a pipe of Windows that nobody reads, the error of libuv is EOF.
  const expected = new Set(['EPIPE', 'EOF', 'ERR_STREAM_DESTROYED']);
  t.true(
    errors.every((code) => expected.has(code)),
    `${errors}`,
  );
});

test('a guest that closes its standard output ends the stream, and continues', async (t) => {
  const directory = scratch(t);
  const child = spawn(guestPath('close_stdio'), {
    args: ['report', '0', '1', '2'],
    preopens: { '/': directory },
  });
  child.stdin.on('error', () => {});
  t.is(await text(child.stdout), '');
  t.like(await child.exited, { exitCode: 0 });
  t.regex(fs.readFileSync(path.join(directory, 'report'), 'utf8'), /open fd=0/);
});

test('destroying stdout does not end a guest that does not write', async (t) => {
  const child = spawn(CAT);
  await once(child, 'spawn');
  child.stdout.destroy();
  child.stdin.end();
  t.like(await child.exited, { exitCode: 0, reason: 'exit' });
});

test('input takes the place of a pipe', async (t) => {
  const child = spawn(CAT, { input: 'text' });
  t.is(child.stdin, null);
  t.is(await text(child.stdout), 'text');
});

if (Symbol.asyncDispose) {
  test('using and await using end it', async (t) => {
    const child = spawn(CAT);
    await child[Symbol.asyncDispose]();
    t.is(child.reason, 'kill');
    const other = spawn(CAT);
    other[Symbol.dispose]();
    t.like(await other.exited, { reason: 'kill' });
    const over = spawn(HELLO);
    await over.exited;
    await over[Symbol.asyncDispose]();
    t.is(over.reason, 'exit');
  });
}

test('ref() and unref() return the child', async (t) => {
  const child = spawn(HELLO);
  t.is(child.unref().ref(), child);
  await child.exited;
  t.is(child.unref().ref(), child);
});

test('a source that waits does not keep a guest from ending', async (t) => {
  const child = spawn(HELLO, { stdin: new PassThrough() });
  child.stdout.resume();
  t.like(await child.exited, { exitCode: 0 });
  await t.notThrowsAsync(once(spawn(HELLO), 'close'));
});
