'use strict';

// Guests with threads (wasi-threads): by the class, run(), runSync(), spawn(), pools
// and the command. threads.rs documents its arguments.

const { execFileSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { setImmediate } = require('node:timers/promises');
const { Worker } = require('node:worker_threads');

const test = require('ava');

const { Pool, WASI, run, runSync, spawn } = require('../index.js');
const { makeShared } = require('../lib/threads/group');
const { command, script } = require('./helpers/child');
const { assemble, guest, guestPath, scratch } = require('./helpers/guest');
const { sharedMemory, withThreads } = require('./helpers/thread');

const THREADS = guestPath('threads');
const GROUP = require.resolve('../lib/threads/group');
/** What the first thread is doing when another ends the guest. */
const PLACES = ['computes', 'joins', 'locks', 'reads', 'sleeps'];

/** Runs the guest with the class. */
function start(args, options, limits) {
  const { wasi, module, imports } = withThreads('threads', args, options);
  const instance = new WebAssembly.Instance(module, imports);
  const exitCode = wasi.start(instance, limits);
  return { exitCode, stdout: String(wasi.stdout), wasi };
}

/** The ways to run it, each as a function of arguments and options that returns the outcome. */
const WAYS = {
  'new WASI()': async (args, options) => {
    const { exitCode, stdout } = start(args, options);
    return { exitCode, stdout };
  },
  'run()': async (args, options) => {
    const { exitCode, stdout } = await run(THREADS, {
      args,
      check: false,
      encoding: 'utf8',
      ...options,
    });
    return { exitCode, stdout };
  },
  'runSync()': async (args, options) => {
    const { exitCode, stdout } = runSync(THREADS, {
      args,
      check: false,
      encoding: 'utf8',
      ...options,
    });
    return { exitCode, stdout };
  },
  'spawn()': async (args, options) => {
    const child = spawn(THREADS, { args, ...options });
    const chunks = [];
    child.stderr.resume();
    for await (const chunk of child.stdout) chunks.push(chunk);
    const { exitCode } = await child.exited;
    return { exitCode, stdout: String(Buffer.concat(chunks)) };
  },
  'the command': async (args, { preopens = {}, stdin = 'pipe' } = {}) => {
    const dirs = Object.entries(preopens).map(
      ([name, dir]) => `--dir=${dir}::${name}`,
    );
    const { exitCode, stdout } = command([...dirs, THREADS, ...args], {
      stdio: [stdin, 'pipe', 'pipe'],
    });
    return { exitCode, stdout };
  },
};

for (const [name, way] of Object.entries(WAYS)) {
  test(`threads are spawned and joined: ${name}`, async (t) => {
    t.deepEqual(await way(['join', '5']), { exitCode: 0, stdout: '15\n' });
    t.deepEqual(await way(['cycles', '200']), {
      exitCode: 0,
      stdout: '200\n',
    });
  });

  test(`threads share one descriptor table: ${name}`, async (t) => {
    const preopens = { '/data': scratch(t) };
    t.deepEqual(await way(['shared'], { preopens }), {
      exitCode: 0,
      stdout: 'written in the first\n',
    });
  });

  test(`the guest is over when its first thread is: ${name}`, async (t) => {
    t.deepEqual(await way(['outlive']), { exitCode: 0, stdout: 'over\n' });
  });

  test(`an exit in a thread ends a first one that …, by ${name}`, async (t) => {
    // Windows has no FIFO.
    const isWindows = process.platform === 'win32';
    for (const place of PLACES.filter(
      (each) => !isWindows || each !== 'reads',
    )) {
      const options = place === 'reads' ? await endless(t, name) : {};
      const ended = await way(['exit', place], options);
      t.deepEqual(ended, { exitCode: 7, stdout: '' }, place);
    }
  });
}

/** Options with an input that never comes, as that of spawn() is. */
async function endless(t, name) {
  if (name === 'spawn()') return {};
  const fifo = path.join(scratch(t), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const stdin = fs.openSync(fifo, 'r+');
  t.teardown(() => fs.closeSync(stdin));
  return { stdin };
}

test('a trap in a thread ends the guest, wherever the first one is', async (t) => {
  for (const place of PLACES.filter((each) => each !== 'reads')) {
    const args = ['trap', place];
    const result = await run(THREADS, { args, check: false });
    t.is(result.reason, 'trap', place);
    t.true(result.error instanceof WebAssembly.RuntimeError);
    t.is(result.error.message, 'unreachable');
    t.regex(result.error.stack, /wasm-function/);
    t.throws(() => start(args), {
      instanceOf: WebAssembly.RuntimeError,
      message: 'unreachable',
    });
    const { exitCode, stderr } = command([THREADS, ...args]);
    t.is(exitCode, 134);
    t.regex(stderr, /threads\.wasm trapped: unreachable\n {4}at wasm:/);
  }
});

test('what a thread writes before it panics is there', async (t) => {
  const error = await t.throwsAsync(
    run(THREADS, { args: ['panic', 'joins'], threads: { max: 1 } }),
    { code: 'ERR_WASI_RUN' },
  );
  t.regex(error.message, /trapped: unreachable\n[^]*in a thread/);
});

test('up to max threads, and then EAGAIN', async (t) => {
  for (const max of [1, 3]) {
    const options = { args: ['most', '1000'], threads: { max } };
    const result = await run(THREADS, { ...options, encoding: 'utf8' });
    t.is(result.stdout, `${max} WouldBlock 1\n`);
  }
  t.is(
    start(['most', '1000'], { threads: { max: 2 } }).stdout,
    '2 WouldBlock 1\n',
  );
  const { stdout } = command(['--threads', '2', THREADS, 'most', '1000']);
  t.is(stdout, '2 WouldBlock 1\n');
});

test('an exit ends all threads', async (t) => {
  const threads = { max: 12 };
  for (const way of [WAYS['new WASI()'], WAYS['run()'], WAYS['runSync()']]) {
    const made = await way(['live', '12'], { threads });
    t.deepEqual(made, { exitCode: 0, stdout: '12 none\n' });
    const most = await way(['live', '1000', 'exit'], { threads });
    t.deepEqual(most, { exitCode: 7, stdout: '12 WouldBlock\n' });
  }
});

test('threads can be started before the guest', (t) => {
  const threads = { max: 2, warm: 2 };
  t.is(start(['most', '9'], { threads }).stdout, '2 WouldBlock 1\n');
});

test('workers of threads that ended are reused', async (t) => {
  // Two threads at most, for a thousand.
  const options = { args: ['cycles', '1000'], threads: { max: 2 } };
  t.is((await run(THREADS, options)).text(), '1000\n');
});

test('with threads: false such a program is refused', async (t) => {
  const refused = {
    code: 'ERR_WASI_UNSUPPORTED_PROGRAM',
    message:
      'threads.wasm imports what is not of WASI: wasi.thread-spawn. It was built for a host of threads (wasi-threads), which it has with options.threads',
  };
  await t.throwsAsync(run(THREADS, { threads: false }), refused);
  t.throws(() => runSync(THREADS, { threads: false }), refused);
  const wasi = new WASI({ version: 'preview1' });
  const memory = sharedMemory();
  t.throws(() => wasi.getImportObject({ module: guest('threads'), memory }), {
    code: 'ERR_WASI_UNSUPPORTED_PROGRAM',
    message: /takes the option threads/,
  });
});

test('a thread that cannot be spawned is an error of the guest’s', async (t) => {
  const options = { args: ['join', '1'], threads: { max: 0 }, check: false };
  const { reason, stderr } = await run(THREADS, options);
  t.is(reason, 'trap');
  t.regex(String(stderr), /failed to spawn thread.*WouldBlock/s);
});

test.serial(
  'no thread ends before the outcome of the guest is stored',
  async (t) => {
    for (const [how, leave] of [
      ['it rests', 'group.next(0, true)'],
      [
        'it fails',
        "group.outcome.end({ how: 'failure', error: new Error('late') })",
      ],
    ]) {
      const shared = makeShared(1);
      const words = new Int32Array(shared.outcome);
      // The state in which end() of another thread leaves it.
      words[0] = 1;
      const worker = new Worker(
        `const { parentPort, workerData } = require('node:worker_threads');
      const { ThreadGroup } = require(${JSON.stringify(GROUP)});
      const group = new ThreadGroup({ shared: workerData });
      ${leave};
      parentPort.postMessage(group.outcome.isOver);`,
        { eval: true, workerData: shared },
      );
      t.teardown(() => worker.terminate());
      const left = once(worker, 'message');
      const seen = [];
      worker.once('message', (isOver) => seen.push(isOver));
      while (seen.length === 0 && Atomics.notify(words, 0) === 0) {
        await setImmediate();
      }
      words[0] = 2;
      Atomics.notify(words, 0);
      t.deepEqual(await left, [true], how);
    }
  },
);

test('a guest whose threads compute is ended in time', async (t) => {
  const args = ['sum', '3', '1000000000'];
  const options = { args, timeout: 300, check: false };
  const timedOut = { exitCode: null, reason: 'timeout' };
  t.like(await run(THREADS, options), timedOut);
  t.like(runSync(THREADS, options), timedOut);
  t.throws(() => start(args, {}, { timeout: 300 }), {
    code: 'ERR_SCRIPT_EXECUTION_TIMEOUT',
  });
  t.is(command(['--timeout', '300ms', THREADS, ...args]).exitCode, 124);
});

test('kill() ends all threads, and their CPU time counts together', async (t) => {
  const args = ['sum', '2', '1000000000'];
  const child = spawn(THREADS, { args });
  child.stdout.resume();
  child.stderr.resume();
  setTimeout(() => child.kill(), 500);
  t.like(await child.exited, { exitCode: null, reason: 'kill' });

  const limit = { args, cpuTime: 400, check: false };
  for (const result of [await run(THREADS, limit), runSync(THREADS, limit)]) {
    t.is(result.reason, 'cpuTime');
    t.true(result.usage.cpuTime >= 400);
  }
  const ended = command(['--cpu-time', '400ms', THREADS, ...args]);
  t.is(ended.exitCode, 152);
});

test('memory is limited for all threads', async (t) => {
  const options = { args: ['grow', '5000'], encoding: 'utf8' };
  const free = await run(THREADS, options);
  t.is(free.stdout, '5000\n');
  const limited = await run(THREADS, { ...options, maxMemory: 8 << 20 });
  t.true(Number(limited.stdout) < 128, limited.stdout);
});

test('writes of several threads are not mixed, and share maxBuffer', async (t) => {
  const options = { args: ['write', '2000'], encoding: 'utf8' };
  const { stdout } = await run(THREADS, options);
  const lines = stdout.trimEnd().split('\n');
  t.is(lines.length, 4000);
  for (const name of ['one', 'two']) {
    const own = lines.filter((line) => line.startsWith(name));
    t.deepEqual(
      own,
      Array.from({ length: 2000 }, (_, i) => `${name} ${i}`),
    );
  }
  const taken = [];
  await run(THREADS, { ...options, stdout: (chunk) => taken.push(chunk) });
  t.is(taken.join('').length, stdout.length);

  const limit = { maxBuffer: 1000, check: false };
  for (const ended of [
    await run(THREADS, { ...options, ...limit }),
    runSync(THREADS, { ...options, ...limit }),
  ]) {
    t.is(ended.reason, 'maxBuffer');
    t.is(ended.stdout.length, 1000);
  }
  t.throws(() => start(['write', '2000'], { maxBuffer: 1000 }), {
    code: 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER',
    message: 'stdout maxBuffer length exceeded',
  });
});

test('a thread of a pool ends with the threads of its guest, and is replaced', async (t) => {
  const pool = new Pool({ size: 1 });
  for (let i = 0; i < 3; i++) {
    t.is((await pool.run(THREADS, { args: ['join', '2'] })).text(), '3\n');
    t.is((await pool.run(guestPath('hello'))).text(), 'hello\n');
  }
  await pool.close();
});

test('threads that open, renumber and close the same numbers keep the table intact', async (t) => {
  for (const threads of ['2', '4']) {
    const preopens = { '/data': scratch(t) };
    const args = ['race', threads, '300'];
    const { stdout } = await run(THREADS, { args, preopens, encoding: 'utf8' });
    t.is(stdout, `${threads * 300} rounds, 0 wrong\n`);
  }
});

test('returnOnExit: false ends the process by an exit in a thread', (t) => {
  const source = (args) => `
    const { WASI } = require('wasi-rs');
    const module = new WebAssembly.Module(require('node:fs').readFileSync(${JSON.stringify(THREADS)}));
    const memory = new WebAssembly.Memory({ initial: 17, maximum: 16384, shared: true });
    const wasi = new WASI({ version: 'preview1', args: ['threads', ...${JSON.stringify(args)}],
      threads: true, returnOnExit: false });
    const instance = new WebAssembly.Instance(module, wasi.getImportObject({ module, memory }));
    process.on('exit', (code) => console.log('exit', code));
    console.log('returned', wasi.start(instance));`;
  t.like(script(source(['exit', 'joins'])), {
    exitCode: 7,
    stdout: 'exit 7\n',
  });
  t.like(script(source(['join', '1'])), {
    exitCode: 0,
    stdout: '1\nreturned 0\nexit 0\n',
  });
});

test('a worker that waits for a guest with threads can be terminated', async (t) => {
  const worker = new Worker(
    `const { WASI } = require('wasi-rs');
     const { parentPort, workerData: { program } } = require('node:worker_threads');
     const memory = new WebAssembly.Memory({ initial: 17, maximum: 16384, shared: true });
     const wasi = new WASI({ version: 'preview1', args: ['threads', 'sum', '2', '1000000000'], threads: true });
     const instance = new WebAssembly.Instance(program, wasi.getImportObject({ module: program, memory }));
     parentPort.postMessage('begins');
     wasi.start(instance);`,
    { eval: true, workerData: { program: guest('threads') } },
  );
  await new Promise((resolve) => worker.once('message', resolve));
  await new Promise((resolve) => setTimeout(resolve, 200));
  t.is(await worker.terminate(), 1);
});

test('the program’s own process.exit ends threads as well', (t) => {
  const { exitCode, stderr } = script(`
    const { spawn } = require('wasi-rs');
    const child = spawn(${JSON.stringify(THREADS)}, { args: ['sum', '2', '1000000000'] });
    child.on('spawn', () => setTimeout(() => process.exit(3), 200));`);
  t.is(exitCode, 3, stderr);
});

test('threads of a guest do not keep the process alive', (t) => {
  const { exitCode, stdout } = script(`
    const { run, runSync } = require('wasi-rs');
    const options = { args: ['join', '2'], encoding: 'utf8' };
    console.log(runSync(${JSON.stringify(THREADS)}, options).stdout.trim());
    run(${JSON.stringify(THREADS)}, options).then(({ stdout }) => console.log(stdout.trim()));`);
  t.deepEqual({ exitCode, stdout }, { exitCode: 0, stdout: '3\n3\n' });
});

test('options.threads is checked', async (t) => {
  for (const [threads, code] of [
    ['yes', 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [{ max: -1 }, 'ERR_OUT_OF_RANGE'],
    [{ max: 4097 }, 'ERR_OUT_OF_RANGE'],
    [{ max: 1, warm: 2 }, 'ERR_OUT_OF_RANGE'],
    [{ most: 1 }, 'ERR_INVALID_ARG_VALUE'],
  ]) {
    t.throws(() => new WASI({ version: 'preview1', threads }), { code });
    await t.throwsAsync(run(THREADS, { threads }), { code });
  }
  for (const value of ['many', '-1', '4097']) {
    const { exitCode, stderr } = command([`--threads=${value}`, THREADS]);
    t.is(exitCode, 125);
    t.regex(stderr, /^wasi-rs: --threads .* is no number of threads/);
  }
});

test('functions and streams are refused for a guest with threads', async (t) => {
  for (const [name, value] of Object.entries({
    stdin: () => null,
    stdout: () => {},
    stderr: () => {},
  })) {
    const expected = {
      code: 'ERR_INVALID_ARG_VALUE',
      message: new RegExp(`'options.${name}' must be no function`),
    };
    t.throws(() => start(['join'], { [name]: value }), expected);
    t.throws(() => runSync(THREADS, { [name]: value }), expected);
  }
  for (const options of [
    { trace: () => {} },
    { clock: { realtime: () => 0n } },
    { random: () => {} },
  ]) {
    t.throws(() => start(['join'], options), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
  }
  await t.throwsAsync(run(THREADS, { trace: true }), {
    code: 'ERR_WASI_UNSUPPORTED_PROGRAM',
    message: /whose calls cannot be traced/,
  });
  const imports = { env: { f() {} } };
  t.throws(() => runSync(THREADS, { imports }), {
    code: 'ERR_WASI_UNSUPPORTED_PROGRAM',
    message: /into which options.imports cannot follow it/,
  });
});

test('a module with threads needs its options, and the error says which', (t) => {
  const module = guest('threads');
  const make = () => new WASI({ version: 'preview1', threads: true });
  const shared = sharedMemory();
  const own = new WebAssembly.Memory({ initial: 17 });
  const type = { code: 'ERR_INVALID_ARG_TYPE' };
  const value = { code: 'ERR_INVALID_ARG_VALUE' };
  t.throws(() => make().getImportObject(), type);
  t.throws(() => make().getImportObject({ module: {} }), type);
  t.throws(() => make().getImportObject({ module, memory: {} }), type);
  t.throws(() => make().getImportObject({ module }), value);
  t.throws(() => make().getImportObject({ module, memory: own }), value);
  const both = { module, memory: shared, suspending: true };
  t.throws(() => make().getImportObject(both), value);
  const wasi = make();
  wasi.getImportObject({ module, memory: shared });
  t.throws(() => wasi.getImportObject({ module, memory: shared }), {
    code: 'ERR_INVALID_STATE',
  });
});

test('a module without threads has its memory, and runs in the calling thread', (t) => {
  const module = guest('imported_memory');
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 });
  for (const threads of [undefined, true]) {
    const wasi = new WASI({ version: 'preview1', threads, stdout: 'pipe' });
    const imports = wasi.getImportObject({ module, memory });
    t.is(typeof imports.wasi, threads ? 'object' : 'undefined');
    const instance = new WebAssembly.Instance(module, imports);
    t.is(wasi.start({ exports: { memory, ...instance.exports } }), 0);
  }
});

test('thread-spawn can be called by JavaScript', (t) => {
  const { wasi, module, imports } = withThreads('threads', ['join', '1']);
  const { 'thread-spawn': threadSpawn } = imports.wasi;
  t.is(threadSpawn(), -28);
  t.is(threadSpawn('0'), -28);
  t.is(threadSpawn(0, 0), -28);
  t.throws(() => threadSpawn(0), { code: 'ERR_WASI_NOT_STARTED' });
  t.is(wasi.start(new WebAssembly.Instance(module, imports)), 0);
  // The guest is over.
  t.is(threadSpawn(0), -6);
  t.throws(() => wasi.start({ exports: {} }), {
    code: 'ERR_WASI_ALREADY_STARTED',
  });
});

test('the instance that runs _start is the first in its memory', async (t) => {
  const bytes = await assemble(
    `(module
      (import "env" "memory" (memory 2 16 shared))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (import "wasi" "thread-spawn" (func (param i32) (result i32)))
      (global $isFirst (mut i32) (i32.const 0))
      (func $begin
        (global.set $isFirst (i32.eqz (i32.atomic.rmw.xchg (i32.const 0) (i32.const 1))))
        (drop (memory.grow (i32.const 1)))
        (i32.store (i32.const 131072) (i32.add (i32.const 2)
          (i32.load (i32.const 131072)))))
      (start $begin)
      (export "memory" (memory 0))
      (func (export "_start") (call $exit (i32.add
        (i32.add (global.get $isFirst) (i32.load (i32.const 131072)))
        (i32.load (i32.const 65536))))))`,
    { threads: true },
  );
  const memory = new WebAssembly.Memory({
    initial: 2,
    maximum: 16,
    shared: true,
  });
  // What the host has written to the memory is kept.
  new Int32Array(memory.buffer)[65_536 / 4] = 40;
  const module = new WebAssembly.Module(bytes);
  const wasi = new WASI({ version: 'preview1', threads: true });
  const imports = wasi.getImportObject({ module, memory });
  t.is(wasi.start(new WebAssembly.Instance(module, imports)), 43);
});

test('a guest with threads may declare a call with other types, and gets EINVAL', async (t) => {
  // Then JavaScript functions replace those of the adapter, and have the memory.
  const program = await assemble(
    `(module
      (import "env" "memory" (memory 1 2 shared))
      (import "wasi" "thread-spawn" (func (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "sched_yield" (func (param i32) (result i32)))
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
      (data (i32.const 0) "\\08\\00\\00\\00\\03\\00\\00\\00hi\\n")
      (func (export "wasi_thread_start") (param i32 i32))
      (func (export "_start") (drop
        (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))`,
    { threads: true },
  );
  const expected = { reason: 'exit', exitCode: 0, stdout: 'hi\n' };
  t.like(runSync(program, { encoding: 'utf8' }), expected);
  t.like(await run(program, { encoding: 'utf8' }), expected);
});
