'use strict';

// The trace of a guest: by the class, run(), spawn(), runSync(), a Pool and the command;
// and that no receiver of a trace can crash the host.

const fs = require('node:fs');
const path = require('node:path');
const { Writable } = require('node:stream');

const ava = require('ava');

const { MemoryFS, Pool, WASI, run, runSync, spawn } = require('..');
const { ROOT, command, node, script } = require('./helpers/child');
const { assemble, guest, guestPath, scratch } = require('./helpers/guest');
const { bytesOf } = require('./helpers/runs');
const { RawGuest } = require('./helpers/raw');

const test = ava;
const suspendingTest = 'Suspending' in WebAssembly ? ava : ava.skip;

const CSV2JSON = path.join(ROOT, 'examples/csv2json.wasm');
const EXIT = guestPath('exit');
const CAT = guestPath('cat');

/** A line without the time that the call took, which every line has. */
function timeless(t, line) {
  const [, rest] = /^(.*) <\d+\.\d{6}>$/.exec(line) ?? [];
  t.not(rest, undefined, line);
  return rest;
}

const linesOf = (t, text) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => timeless(t, line));

/** The trace of a guest that makes calls of a test. */
function tracedRaw(t, options = {}) {
  const calls = [];
  const { trace, ...rest } = options;
  const raw = new RawGuest(WASI, {
    trace: { to: (call) => calls.push(call), ...trace },
    ...rest,
  });
  return { raw, calls, last: () => timeless(t, String(calls.at(-1))) };
}

test('a call is a line in the format of strace', (t) => {
  const memory = new MemoryFS({ file: 'text', dir: {} });
  const { raw, last } = tracedRaw(t, { preopens: { '/d': memory } });
  const { calls } = raw;
  const text = (at, string) =>
    Buffer.from(string).copy(Buffer.from(calls.memory.buffer), at);

  text(100, 'data/x');
  calls.path_open(3, 1, 100, 6, 9, 0n, 0n, 1, 200);
  t.is(
    last(),
    'path_open(3, SYMLINK_FOLLOW, "data/x", CREAT|TRUNC, APPEND) = noent',
  );
  text(100, 'file');
  calls.path_open(3, 0, 100, 4, 0, 0x42n, 0n, 0, 200);
  t.is(last(), 'path_open(3, "file") = success, 4');
  calls.fd_seek(4, -1n, 2, 208);
  t.is(last(), 'fd_seek(4, -1, end) = success, 3');
  calls.fd_filestat_get(4, 208);
  t.is(
    last(),
    'fd_filestat_get(4) = success, {filetype=regular_file, size=4, ...}',
  );
  calls.fd_fdstat_set_rights(4, 2n, 0n);
  t.is(last(), 'fd_fdstat_set_rights(4, FD_READ) = success');
  calls.fd_prestat_dir_name(3, 300, 2);
  t.is(last(), 'fd_prestat_dir_name(3, [2]) = success, "/d"');
  calls.clock_res_get(9, 0);
  t.is(last(), 'clock_res_get(9) = inval');
  calls.fd_close(-1);
  t.is(last(), 'fd_close(4294967295) = badf');
  calls.sock_shutdown(4, 7);
  t.is(last(), 'sock_shutdown(4, RD|WR|0x4) = notcapable');
});

test('buffers are shown by their lengths, and written data as far as was asked for', (t) => {
  const written = Buffer.from('grün "\n\u2028\u0085\x1b');
  const cases = [
    [32, '"grün \\"\\n\\u2028\\u0085\\u001b"'],
    // Not within a character.
    [3, '"gr"...'],
    [4, '"grü"...'],
    [0, '14'],
  ];
  for (const [strings, shown] of cases) {
    const { raw, last } = tracedRaw(t, {
      stdout: 'ignore',
      trace: { strings },
    });
    const bytes = Buffer.from(raw.calls.memory.buffer);
    written.copy(bytes, 100);
    bytes.writeUInt32LE(100, 0);
    bytes.writeUInt32LE(written.length, 4);
    raw.calls.fd_write(1, 0, 2, 50);
    t.is(last(), `fd_write(1, [${shown}, ""]) = success, ${written.length}`);
  }
  const { raw, last } = tracedRaw(t, { input: 'text', stdout: 'ignore' });
  const bytes = Buffer.from(raw.calls.memory.buffer);
  bytes.writeUInt32LE(4096, 4);
  raw.calls.fd_read(0, 0, 1, 50);
  t.is(last(), 'fd_read(0, [4096]) = success, 4');
  bytes.writeUInt32LE(60_000, 0);
  bytes.writeUInt32LE(3, 4);
  bytes.fill(0xff, 60_000, 60_003);
  raw.calls.fd_write(1, 0, 1, 50);
  t.is(last(), 'fd_write(1, ["\\xff\\xff\\xff"]) = success, 3');
  // More elements than are shown of a list.
  raw.calls.fd_write(1, 1000, 20, 50);
  t.true(
    last().startsWith(`fd_write(1, [${'"", '.repeat(16)}...]) = success, 0`),
  );
});

test('poll_oneoff', (t) => {
  const { raw, last, calls } = tracedRaw(t, { stdin: 'ignore' });
  const bytes = Buffer.from(raw.calls.memory.buffer);
  bytes.writeBigUInt64LE(7n, 0);
  bytes.writeUInt32LE(1, 16);
  bytes.writeBigUInt64LE(1000n, 24);
  bytes.writeUInt16LE(1, 40);
  bytes.writeUInt8(1, 48 + 8);
  bytes.writeUInt8(2, 96 + 8);
  bytes.writeUInt32LE(99, 96 + 16);
  raw.calls.poll_oneoff(0, 500, 3, 900);
  t.regex(
    last(),
    /^poll_oneoff\(\[clock\(monotonic, 1000, SUBSCRIPTION_CLOCK_ABSTIME\), fd_read\(0\), fd_write\(99\)\]\) = success, \[clock, fd_read\(0.*\), fd_write = badf\]$/,
  );
  const [{ args, out }] = calls;
  t.like(args.subscriptions[0], {
    userdata: 7n,
    type: 'clock',
    id: 'monotonic',
    timeout: 1000n,
  });
  t.like(out.events[2], { type: 'fd_write', error: 'badf' });
});

test('the layouts of snapshot 0 are known', async (t) => {
  const calls = [];
  const wasi = new WASI({
    version: 'unstable',
    preopens: { '/d': new MemoryFS({ file: 'text' }) },
    trace: (call) => calls.push(call),
  });
  const module = guest('raw_calls_unstable');
  const instance = new WebAssembly.Instance(module, wasi.getImportObject());
  wasi.initialize(instance);
  const { memory, ...raw } = instance.exports;
  Buffer.from('file').copy(Buffer.from(memory.buffer), 100);
  raw.path_filestat_get(3, 0, 100, 4, 200);
  raw.path_open(3, 0, 100, 4, 0, 0x3fffffffn, 0n, 0, 200);
  raw.fd_seek(4, 0n, 1, 208);
  const lines = calls.map((call) => timeless(t, String(call)));
  t.deepEqual(lines, [
    'path_filestat_get(3, "file") = success, {filetype=regular_file, size=4, ...}',
    'path_open(3, "file") = success, 4',
    'fd_seek(4, 0, end) = success, 4',
  ]);
  t.is(calls[0].out.filestat.nlink, 1);
});

test('a function gets the call with its arguments and results', (t) => {
  const { raw, calls } = tracedRaw(t, { args: ['a', 'bc'] });
  raw.calls.args_sizes_get(0, 4);
  const [{ nanos, ...call }] = calls;
  t.true(nanos > 0);
  t.deepEqual(
    { ...call },
    {
      name: 'args_sizes_get',
      args: {},
      result: 'success',
      out: { argc: 2, argv_buf_size: 5 },
      thread: 0,
    },
  );
  raw.calls.fd_seek(1, 0n, 1, 0);
  t.deepEqual(calls[1].args, { fd: 1, offset: 0n, whence: 'cur' });
});

test('pointers out of bounds are shown as such', (t) => {
  const { raw, last, calls } = tracedRaw(t, {
    preopens: { '/': new MemoryFS() },
  });
  const outside = 0xffff_fff0;
  raw.calls.path_unlink_file(3, outside, 100);
  t.is(last(), 'path_unlink_file(3, 0xfffffff0[100]) = overflow');
  raw.calls.fd_write(1, outside, 2 ** 31 - 1, outside);
  t.is(last(), 'fd_write(1, 0xfffffff0[2147483647]) = overflow');
  raw.calls.poll_oneoff(outside, 0, 1, 0);
  t.is(last(), 'poll_oneoff(0xfffffff0[1]) = overflow');
  const bytes = Buffer.from(raw.calls.memory.buffer);
  bytes.writeUInt32LE(outside, 0);
  bytes.writeUInt32LE(50, 4);
  raw.calls.fd_write(1, 0, 1, 100);
  t.is(last(), 'fd_write(1, [50]) = overflow');
  t.is(calls.at(-1).args.ciovs[0].bytes, undefined);
});

test('every call is traced, with every kind of argument', (t) => {
  const { raw, calls } = tracedRaw(t);
  const { memory: _, proc_exit: _exit, ...all } = raw.calls;
  const names = Object.keys(all);
  t.is(names.length, 45);
  for (const [name, call] of Object.entries(all)) {
    const wide = new Set();
    let last;
    const argument = (number) => (_element, index) => ({
      [Symbol.toPrimitive]() {
        last = index;
        return wide.has(index) ? BigInt(number) : number;
      },
    });
    for (const number of [0, 1, -1, 64, 2 ** 31]) {
      const args = Array.from({ length: call.length }, argument(number));
      for (let tries = 0; tries <= args.length; tries++) {
        try {
          call(...args);
          break;
        } catch (error) {
          // An i64 must be a bigint.
          t.true(error instanceof TypeError, name);
          wide.add(last);
        }
      }
    }
  }
  t.deepEqual(new Set(calls.map(({ name }) => name)), new Set(names));
  for (const call of calls) timeless(t, String(call));
});

test('calls of JavaScript with wrong arguments are shown as such', (t) => {
  const calls = [];
  const wasi = new WASI({
    version: 'preview1',
    trace: (call) => calls.push(call),
  });
  const { fd_close: close, fd_seek: seek } = wasi.wasiImport;
  t.is(close('x'), 28);
  t.is(close(), 28);
  t.is(seek(1, 1, 1, 1), 28);
  for (const call of calls) {
    t.is(call.args, null);
    t.is(timeless(t, String(call)), `${call.name}(?) = inval`);
  }
  t.is(calls.length, 3);
  t.is(close.name, 'bound fd_close');
  t.is(close.length, 1);
});

test('failed calls', (t) => {
  const lines = (trace) => {
    const calls = [];
    runSync(CSV2JSON, {
      args: ['/none'],
      check: false,
      trace: { to: ({ name }) => calls.push(name), ...trace },
    });
    return [...new Set(calls)];
  };
  t.true(lines({}).includes('fd_write'));
  t.deepEqual(lines({ calls: [] }), []);
  t.deepEqual(lines({ calls: ['env', 'fd_prestat'] }).toSorted(), [
    'environ_sizes_get',
    'fd_prestat_get',
  ]);
  t.deepEqual(lines({ calls: ['exit'] }), ['proc_exit']);
  t.deepEqual(lines({ failed: true }), ['fd_prestat_get']);
});

test('a call that does not return has no result', (t) => {
  const lines = [];
  const result = runSync(EXIT, {
    args: ['7'],
    check: false,
    trace: (call) => lines.push(String(call)),
  });
  t.is(result.exitCode, 7);
  t.is(timeless(t, lines.at(-1)), 'proc_exit(7) = ?');
});

test('calls that capabilities refuse are traced, and named in the error', async (t) => {
  const heard = [];
  const options = {
    capabilities: ['args', 'env', 'exit'],
    trace: (call) => heard.push(timeless(t, String(call))),
  };
  const message =
    'csv2json.wasm exited with code 71. It has no capability for fd_prestat_get, which it called';
  for (const start of [run, async (...args) => runSync(...args)]) {
    const error = await t.throwsAsync(() => start(CSV2JSON, options));
    t.is(error.message, message);
    t.deepEqual(error.result.refused, ['fd_prestat_get']);
    t.deepEqual(heard.splice(0), [
      'fd_prestat_get(3) = notcapable (capabilities)',
      'proc_exit(71) = ?',
    ]);
  }
  const { refused } = await run(EXIT, { args: ['0'] });
  t.deepEqual(refused, []);
});

test('calls that rights and readOnly refuse are traced', (t) => {
  const memory = new MemoryFS({ file: '' });
  for (const preopen of [
    { fs: memory, readOnly: true },
    { fs: memory, rights: ['fd_read', 'path_open'] },
  ]) {
    const { raw, last } = tracedRaw(t, { preopens: { '/': preopen } });
    Buffer.from('file').copy(Buffer.from(raw.calls.memory.buffer), 100);
    raw.calls.path_unlink_file(3, 100, 4);
    t.is(last(), 'path_unlink_file(3, "file") = notcapable');
  }
});

/** Each way to run a program with a trace to a descriptor of the test. */
const WAYS = {
  run,
  async runSync(...args) {
    return runSync(...args);
  },
  async spawn(program, options) {
    return spawn(program, options).exited;
  },
  async Pool(program, options) {
    const pool = new Pool({ size: 1 });
    try {
      return await pool.run(program, options);
    } finally {
      await pool.close();
    }
  },
};

for (const [way, start] of Object.entries(WAYS)) {
  test(`${way}: to a descriptor, a stream and a function`, async (t) => {
    const file = path.join(scratch(t), 'trace');
    const fd = fs.openSync(file, 'w');
    await start(EXIT, { args: ['0', 'text'], trace: fd });
    fs.closeSync(fd);
    const lines = linesOf(t, fs.readFileSync(file, 'utf8'));
    t.true(
      lines.some((line) => line.startsWith('fd_write(1, ["text')),
      lines.join('\n'),
    );

    const chunks = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        chunks.push(chunk);
        done();
      },
    });
    await start(EXIT, { args: ['0', 'text'], trace: { to: stream } });
    t.deepEqual(linesOf(t, String(Buffer.concat(chunks))), lines);

    const calls = [];
    await start(EXIT, {
      args: ['0', 'text'],
      trace: (call) => calls.push(call),
    });
    t.deepEqual(
      calls.map((call) => timeless(t, String(call))),
      lines,
    );
    const { args } = calls.find(({ name }) => name === 'fd_write');
    t.deepEqual(Buffer.from(args.ciovs[0].bytes), Buffer.from('text\n'));
  });

  test(`${way}: what a function throws ends the guest, and is thrown unchanged`, async (t) => {
    const error = new Error('enough');
    let count = 0;
    const trace = () => {
      count++;
      throw error;
    };
    const spin = await bytesOf('flood');
    const options = {
      trace,
      ...(way === 'spawn' ? { stdout: 'ignore' } : { stdout: 'ignore' }),
    };
    if (way === 'spawn') {
      const child = spawn(spin, options);
      child.on('error', () => {});
      const result = await child.exited;
      t.is(result.reason, 'error');
      t.is(result.error, error);
    } else {
      t.is(await t.throwsAsync(() => start(spin, options)), error);
    }
    t.true(count > 0);
  });
}

test('a guest in a thread waits for the function that gets its calls', async (t) => {
  // It writes forever: without a limit the trace would fill the memory.
  const most = 256;
  const enough = 2000;
  let count = 0;
  const controller = new AbortController();
  const flood = await bytesOf('flood');
  const running = run(flood, {
    stdout: 'ignore',
    signal: controller.signal,
    trace() {
      if (++count === enough) controller.abort();
    },
  });
  await t.throwsAsync(running, { name: 'AbortError' });
  t.true(count >= enough);
  // One call is being made when it is stopped, and one ends.
  t.true(count <= enough + most + 2);
});

test('a guest cannot catch what a function throws', async (t) => {
  const bytes = await assemble(`(module
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
      (loop $again
        try (drop (call $yield)) catch_all end
        (br $again))))`);
  const wasi = new WASI({
    version: 'preview1',
    trace() {
      throw 7;
    },
  });
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(bytes),
    wasi.getImportObject(),
  );
  let thrown;
  try {
    wasi.start(instance);
  } catch (error) {
    thrown = error;
  }
  t.is(thrown, 7);
});

test('calls that a function has the guest make are not traced', async (t) => {
  const bytes = await assemble(`(module
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (memory (export "memory") 1)
    (func (export "again") (drop (memory.grow (i32.const 1))) (drop (call $yield)))
    (func (export "_start") (drop (call $yield))))`);
  const names = [];
  const wasi = new WASI({
    version: 'preview1',
    trace({ name }) {
      names.push(name);
      instance.exports.again();
    },
  });
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(bytes),
    wasi.getImportObject(),
  );
  t.is(wasi.start(instance), 0);
  t.deepEqual(names, ['sched_yield']);
});

test('a function may close the guest, or stop it', (t) => {
  for (const end of ['close', 'stop']) {
    const names = [];
    const wasi = new WASI({
      version: 'preview1',
      args: ['csv2json', '--version'],
      stdout: 'ignore',
      stderr: 'ignore',
      trace({ name }) {
        names.push(name);
        if (names.length === 2) wasi[end](...(end === 'stop' ? [9] : []));
      },
    });
    const instance = new WebAssembly.Instance(
      new WebAssembly.Module(fs.readFileSync(CSV2JSON)),
      wasi.getImportObject(),
    );
    const exitCode = wasi.start(instance);
    t.is(end === 'stop' ? exitCode : 9, 9);
    t.true(names.length >= 2);
  }
});

test('a stream that fails, has ended or is full does not affect the guest', async (t) => {
  const failing = new Writable({
    write(_chunk, _encoding, done) {
      done(new Error('no room'));
    },
  });
  const errors = [];
  failing.on('error', (error) => errors.push(error.message));
  const ended = new Writable({ write: (_c, _e, done) => done() });
  ended.end();
  const destroyed = new Writable({ write: (_c, _e, done) => done() });
  destroyed.destroy();
  // It never takes anything.
  const full = new Writable({ highWaterMark: 1, write() {} });
  for (const stream of [failing, ended, destroyed, full]) {
    for (const start of Object.values(WAYS)) {
      const { exitCode } = await start(EXIT, { args: ['0'], trace: stream });
      t.is(exitCode, 0);
    }
  }
  t.deepEqual(errors, ['no room']);
});

test('a stream whose write throws ends the guest', (t) => {
  const error = new Error('broken');
  const stream = {
    on() {},
    write() {
      throw error;
    },
  };
  t.is(
    t.throws(() => runSync(EXIT, { args: ['0'], trace: stream })),
    error,
  );
});

test('a descriptor that is not open is refused at once', async (t) => {
  for (const trace of [54_321, { to: 54_321 }]) {
    for (const make of [
      () => new WASI({ version: 'preview1', trace }),
      () => runSync(EXIT, { trace }),
      () => spawn(EXIT, { trace }),
    ]) {
      t.throws(make, { code: 'EBADF' });
    }
    await t.throwsAsync(() => run(EXIT, { trace }), { code: 'EBADF' });
  }
});

test('a descriptor that is closed meanwhile ends the guest; closing the other end of a pipe does not', (t) => {
  // In a process of its own: another thread of this one could get the number.
  const file = JSON.stringify(path.join(scratch(t), 'trace'));
  const { stdout } = script(`
    const fs = require('node:fs');
    const { WASI } = require('wasi-rs');
    const fd = fs.openSync(${file}, 'w');
    const wasi = new WASI({ version: 'preview1', trace: fd });
    const program = fs.readFileSync(${JSON.stringify(EXIT)});
    const instance = new WebAssembly.Instance(
      new WebAssembly.Module(program),
      wasi.getImportObject(),
    );
    fs.closeSync(fd);
    try {
      wasi.start(instance);
    } catch ({ code }) {
      console.log(code);
    }`);
  t.is(stdout, 'EBADF\n');
});

(process.platform === 'win32' ? ava.skip : ava)(
  'who has stopped reading the trace wants no more',
  (t) => {
    const { stdout, exitCode } = node(
      [
        '-e',
        `const { spawnSync } = require('node:child_process');
         const { status } = spawnSync('sh', ['-c',
           'exec 3>&1; { "$0" "$1" --trace "$2" 0 text 2>&1 >&3; echo exit $? >&3; } | true',
           process.execPath, 'bin/wasi-rs.js', ${JSON.stringify(EXIT)}], { stdio: 'inherit' });
         process.exitCode = status;`,
      ],
      { cwd: ROOT },
    );
    t.is(exitCode, 0);
    t.is(stdout, 'text\nexit 0\n');
  },
);

test('invalid traces are refused', (t) => {
  const refused = (trace, code, message) => {
    const error = t.throws(() => new WASI({ version: 'preview1', trace }));
    t.is(error.code, code, String(trace));
    if (message) t.true(error.message.includes(message), error.message);
  };
  for (const value of [null, 'stderr', 1n, Symbol('x')]) {
    refused(
      value,
      'ERR_INVALID_ARG_TYPE',
      'true, a file descriptor, a function or a stream.Writable',
    );
  }
  for (const value of [-1, 1.5, 2 ** 31]) refused(value, 'ERR_OUT_OF_RANGE');
  refused(
    { file: 'x' },
    'ERR_INVALID_ARG_VALUE',
    "'options.trace.file' is unknown",
  );
  refused({ to: 'x' }, 'ERR_INVALID_ARG_TYPE', 'options.trace.to');
  refused({ to: false }, 'ERR_INVALID_ARG_TYPE');
  refused({ calls: 'fd_read' }, 'ERR_INVALID_ARG_TYPE');
  refused(
    { calls: ['fd_raed'] },
    'ERR_INVALID_ARG_VALUE',
    'options.trace.calls[0]',
  );
  refused({ failed: 1 }, 'ERR_INVALID_ARG_TYPE', 'options.trace.failed');
  for (const strings of [-1, 1.5, 2 ** 20 + 1])
    refused({ strings }, 'ERR_OUT_OF_RANGE');
  t.true(new WASI({ version: 'preview1', trace: false }) instanceof WASI);
});

test('a guest without a trace has the plain functions', (t) => {
  const { wasiImport } = new WASI({ version: 'preview1' });
  const traced = new WASI({
    version: 'preview1',
    trace: { calls: ['clock'], to: () => {} },
  });
  const source = (call) => Function.prototype.toString.call(call);
  for (const [name, call] of Object.entries(wasiImport)) {
    t.true(source(call).includes(`bound ${name}`), name);
    t.is(
      source(traced.wasiImport[name]) === source(call),
      !name.startsWith('clock_'),
      name,
    );
  }
});

suspendingTest(
  'a call that is suspended is traced once, when it is over',
  async (t) => {
    const bytes = await assemble(`(module
    (import "wasi_snapshot_preview1" "poll_oneoff"
      (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 16) "\\01")
    (data (i32.const 24) "\\80\\96\\98\\00") ;; 10 ms
    (func (export "_start")
      (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))
      (drop (call $yield))))`);
    const calls = [];
    const wasi = new WASI({
      version: 'preview1',
      trace: (call) => calls.push(call),
    });
    const imports = wasi.getImportObject({ suspending: true });
    const instance = new WebAssembly.Instance(
      new WebAssembly.Module(bytes),
      imports,
    );
    t.is(await wasi.startAsync(instance), 0);
    t.deepEqual(
      calls.map((call) => timeless(t, String(call))),
      [
        'poll_oneoff([clock(monotonic, 10000000)]) = success, [clock]',
        'sched_yield() = success',
      ],
    );
    // The whole time that it was suspended.
    t.true(calls[0].nanos >= 9e6);
  },
);

test('NODE_DEBUG_NATIVE=wasi prints every call, as node:wasi does', (t) => {
  const source = `
    const { WASI, run, runSync } = require('wasi-rs');
    const program = ${JSON.stringify(EXIT)};
    const module = new WebAssembly.Module(require('node:fs').readFileSync(program));
    const wasi = new WASI({ version: 'preview1', args: ['exit', '3'] });
    wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
    runSync(program, { args: ['3'], check: false });
    runSync(program, { args: ['3'], check: false, trace: false });
    run(program, { args: ['3'], check: false });`;
  for (const [value, times] of [
    ['wasi', 3],
    ['http2,WASI', 3],
    ['wasix', 0],
    ['', 0],
  ]) {
    const env = { ...process.env, NODE_DEBUG_NATIVE: value };
    const { stderr, exitCode } = script(source, { env });
    t.is(exitCode, 0, stderr);
    t.is(stderr.split('proc_exit(3) = ?').length - 1, times, value);
  }
  const env = { ...process.env, NODE_DEBUG_NATIVE: 'wasi' };
  const { stderr } = command([EXIT, '3'], { env });
  t.true(stderr.includes('proc_exit(3) = ?'), stderr);
});

test('--trace', (t) => {
  const { stderr, stdout, exitCode } = command(['--trace', EXIT, '3', 'text']);
  t.deepEqual([exitCode, stdout], [3, 'text\n']);
  const lines = linesOf(t, stderr);
  t.is(lines.at(-1), 'proc_exit(3) = ?');
  t.true(
    lines.includes('fd_write(1, ["text\\n"]) = success, 5') ||
      lines.some((line) => line.startsWith('fd_write(1,')),
  );
  for (const scopes of [
    ['--trace=exit,fd_seek'],
    ['--trace=exit', '--trace=fd_seek'],
    ['--trace=wasi_snapshot_preview1:proc'],
  ]) {
    t.is(
      timeless(t, command([...scopes, EXIT, '3']).stderr.trimEnd()),
      'proc_exit(3) = ?',
    );
  }
  for (const [option, message] of [
    ['--trace=exti', '--trace exti is unknown: the names are args, env, '],
    ['--trace=', '--trace needs names of calls'],
    ['--trace=exit,', '--trace needs names of calls'],
  ]) {
    const refused = command([option, EXIT]);
    t.true(refused.stderr.startsWith(`wasi-rs: ${message}`), refused.stderr);
    t.is(refused.exitCode, 125);
  }
});

test('--trace-summary of a guest with threads, whose calls cannot be traced', (t) => {
  const { stderr, exitCode } = command([
    '--trace-summary',
    path.join(__dirname, 'guests/threads.wasm'),
  ]);
  t.is(exitCode, 126);
  t.regex(stderr, /threads\.wasm has threads, whose calls cannot be traced/);
});

test('--trace-summary', (t) => {
  const { stderr, exitCode } = command(['--trace-summary', CAT], {
    input: 'x'.repeat(10),
  });
  t.is(exitCode, 0);
  const rows = stderr
    .trimEnd()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  t.deepEqual(rows[0], [
    '%',
    'time',
    'seconds',
    'usecs/call',
    'calls',
    'errors',
    'bytes',
    'call',
  ]);
  const row = (name) => rows.find((cells) => cells.at(-1) === name);
  t.is(row('fd_read').at(-2), '10');
  t.is(row('fd_write').at(-2), '10');
  t.is(row('total').at(0), '100.00');
  // Both.
  const both = command(['--trace-summary', '--trace=exit', EXIT, '3']);
  t.is(both.exitCode, 3);
  const [first, second] = both.stderr.split('\n');
  t.is(timeless(t, first), 'proc_exit(3) = ?');
  t.true(second.startsWith('% time'));
});

test('the command names the call that --capability refused, if that ended the guest', (t) => {
  const missing = command(['--capability', 'exit', CSV2JSON]);
  t.is(missing.exitCode, 71);
  t.is(
    missing.stderr,
    'wasi-rs: it has no --capability for fd_prestat_get, which it called\n',
  );
  const trapped = command(['--capability', 'args', CSV2JSON]);
  t.is(trapped.exitCode, 134);
  t.true(
    trapped.stderr.endsWith(
      'wasi-rs: it has no --capability for fd_prestat_get, proc_exit, which it called\n',
    ),
  );
  // An exit of its own with that code.
  t.is(command([EXIT, '71']).stderr, '');
});
