'use strict';

// Threads that do not start: what waits for one fails, and does not wait forever. Each
// test has a copy of the package whose workers run other code.

const { execFile, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');

const test = require('ava');

const { HANGS, ROOT } = require('./helpers/child');
const { assemble, guestPath, scratch } = require('./helpers/guest');

const BINARY = fs
  .readdirSync(ROOT)
  .find((name) => /^wasi-rs\..*\.node$/.test(name));

/** Expressions that wait for a worker: their values, or promises of them. */
const WAYS = {
  'runSync() of a guest with threads': 'runSync(THREADS)',
  'runSync() with a limit of CPU time': 'runSync(HELLO, { cpuTime: 60_000 })',
  'run() of a guest with threads': 'run(THREADS)',
  'run()': 'run(HELLO)',
  'spawn()': "new Promise((_, reject) => spawn(HELLO).on('error', reject))",
  'start() of the class': `(() => {
    const module = new WebAssembly.Module(require('node:fs').readFileSync(THREADS));
    const memory = new WebAssembly.Memory({ initial: 17, maximum: 16384, shared: true });
    const wasi = new WASI({ version: 'preview1', threads: true });
    const imports = wasi.getImportObject({ module, memory });
    return wasi.start(new WebAssembly.Instance(module, imports));
  })()`,
};

/** The package, with this code for workers, or without their file. */
function packageWith(t, worker) {
  const directory = scratch(t);
  for (const name of ['index.js', 'binding.js', 'package.json', 'lib']) {
    const to = path.join(directory, name);
    fs.cpSync(path.join(ROOT, name), to, { recursive: true });
  }
  const file = path.join(directory, 'lib/worker.js');
  const own = path.join(directory, 'lib/own-worker.js');
  fs.renameSync(file, own);
  if (worker !== undefined) fs.writeFileSync(file, worker);
  return directory;
}

/** The error of a way with such a package, and after how many milliseconds. */
async function failureOf(t, worker, way) {
  const source = `
    const { Pool, WASI, run, runSync, spawn } = require(${JSON.stringify(packageWith(t, worker))});
    const THREADS = ${JSON.stringify(guestPath('threads'))};
    const CAT = ${JSON.stringify(guestPath('cat'))};
    const HELLO = ${JSON.stringify(guestPath('hello'))};
    const start = performance.now();
    (async () => ${way})().then(
      () => console.log(JSON.stringify({ message: 'nothing was thrown' })),
      ({ message, code }) =>
        console.log(JSON.stringify({ message, code, time: performance.now() - start })),
    );`;
  const options = {
    env: { ...process.env, WASI_RS_BINARY: path.join(ROOT, BINARY) },
    timeout: HANGS,
  };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--no-warnings', '--eval', source],
    options,
  );
  return JSON.parse(stdout);
}

const SAID = {
  'no file': [undefined, /did not start|Cannot find module/],
  'a throw': ["throw new Error('broken');", /did not start|broken/],
  'an exit': [
    'process.exit(3);',
    /did not start|The thread of the guest ended/,
  ],
};

for (const [what, [worker, message]] of Object.entries(SAID)) {
  test(`a worker that begins with ${what} is an error at once`, async (t) => {
    for (const [name, way] of Object.entries(WAYS)) {
      t.regex((await failureOf(t, worker, way)).message, message, name);
    }
  });
}

test('an error while a thread of a guest is loaded is the error of the guest', async (t) => {
  const worker = fs
    .readFileSync(path.join(ROOT, 'lib/worker.js'), 'utf8')
    .replace("'./threads/worker'", "'./threads/nowhere'");
  for (const way of ['runSync(THREADS)', WAYS['start() of the class']]) {
    const { code, message } = await failureOf(t, worker, way);
    t.is(code, 'MODULE_NOT_FOUND');
    t.regex(message, /nowhere/);
  }
});

/** A worker that never starts: any, or only those that the guest spawns. */
const STUCK = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);';
const SPAWNED_ARE_STUCK = `
  const { workerData } = require('node:worker_threads');
  if (workerData?.slot !== undefined) ${STUCK}
  require('./own-worker');`;

test('a worker that does not start is waited for 30 seconds', async (t) => {
  const stuck = await Promise.all([
    failureOf(t, STUCK, WAYS['runSync() of a guest with threads']),
    failureOf(t, STUCK, WAYS['runSync() with a limit of CPU time']),
    failureOf(t, STUCK, WAYS['run()']),
    failureOf(t, SPAWNED_ARE_STUCK, WAYS['runSync() of a guest with threads']),
    failureOf(t, SPAWNED_ARE_STUCK, WAYS['run() of a guest with threads']),
    failureOf(t, SPAWNED_ARE_STUCK, WAYS['start() of the class']),
  ]);
  for (const { message, time } of stuck) {
    t.is(message, 'The thread of the guest did not start');
    t.true(time >= 30_000, String(time));
  }
});

/** A guest that spawns a thread every five seconds, for a minute; all of them keep running. */
const ONE_MORE = `(module
  (import "env" "memory" (memory 1 2 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (func (export "wasi_thread_start") (param i32 i32)
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
  (func (export "_start") (local $left i32)
    (local.set $left (i32.const 12))
    (loop $again
      (drop (call $spawn (i32.const 0)))
      (drop (memory.atomic.wait32 (i32.const 4) (i32.const 0) (i64.const 5000000000)))
      (br_if $again
        (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))))`;

test('a worker that does not start is detected while later ones start', async (t) => {
  const firstIsStuck = (condition) => `
    const { threadId, workerData } = require('node:worker_threads');
    if (${condition}) ${STUCK}
    require('./own-worker');`;
  const bytes = (await assemble(ONE_MORE, { threads: true })).toString(
    'base64',
  );
  const options = '{ threads: { max: 12 } }';
  const program = `Buffer.from('${bytes}', 'base64')`;
  const pool = `(async () => {
    const pool = new Pool({ size: 2, maxRuns: 1 });
    let error;
    pool.run(HELLO).catch((reason) => { error = reason; });
    while (error === undefined) await pool.run(HELLO);
    throw error;
  })()`;
  const ofGuest = firstIsStuck('workerData?.slot === 0');
  const stuck = await Promise.all([
    failureOf(t, ofGuest, `runSync(${program}, ${options})`),
    failureOf(t, ofGuest, `run(${program}, ${options})`),
    failureOf(t, firstIsStuck('threadId === 1'), pool),
  ]);
  for (const { message, time } of stuck) {
    t.is(message, 'The thread of the guest did not start');
    t.true(time >= 30_000, String(time));
  }
});

/** Workers that start one after the other, the last after more than 30 seconds. */
const ONE_BY_ONE = `
  const { threadId } = require('node:worker_threads');
  const wait = new Int32Array(new SharedArrayBuffer(4));
  Atomics.wait(wait, 0, 0, threadId * 4000);
  require('./own-worker');`;

test('workers that start slowly are waited for as long as one starts', async (t) => {
  // All have their threads before one ends.
  const way = `(async () => {
    const { once } = require('node:events');
    const guests = Array.from({ length: 10 }, () => spawn(CAT));
    await Promise.all(guests.map((guest) => once(guest, 'spawn')));
    const ends = guests.map((guest) => once(guest, 'exit'));
    guests.forEach((guest) => guest.stdin.end());
    const codes = (await Promise.all(ends)).map(([code]) => code);
    throw Object.assign(new Error('all'), { code: String(codes) });
  })()`;
  const { message, code } = await failureOf(t, ONE_BY_ONE, way);
  t.is(message, 'all');
  t.is(code, String(Array(10).fill(0)));
});

const onUnix = process.platform === 'win32' ? test.skip : test;

/** A command that runs programs with other settings of the system, if that is possible. */
const UNSHARE = ['unshare', '--user', '--map-root-user', '--mount'];
const canUnshare =
  process.platform === 'linux' &&
  spawnSync(UNSHARE[0], [...UNSHARE.slice(1), 'true']).status === 0;
const whereUnshared = canUnshare ? test : test.skip;

/** The output of a program that a shell starts after these commands, perhaps with a prefix. */
async function printedAfter(words, source, before = []) {
  const line = `${words} exec "$0" --no-warnings --eval "$1"`;
  const [command, ...args] = [...before, 'sh', '-c', line];
  const { stdout } = await promisify(execFile)(
    command,
    [...args, process.execPath, source],
    { timeout: HANGS },
  );
  return JSON.parse(stdout);
}

onUnix('with too few descriptors, a guest has fewer threads', async (t) => {
  const options = {
    args: ['live', '30', 'exit'],
    check: false,
    encoding: 'utf8',
    threads: { max: 30 },
  };
  const source = `
    const { run, runSync } = require(${JSON.stringify(ROOT)});
    (async () => {
      const results = [];
      for (const way of [run, runSync]) {
        const { exitCode, stdout } = await way(
          ${JSON.stringify(guestPath('threads'))},
          ${JSON.stringify(options)},
        );
        results.push({ exitCode, stdout });
      }
      console.log(JSON.stringify(results));
    })();`;
  // The limit of the shell, which the program inherits.
  for (const result of await printedAfter('ulimit -n 80;', source)) {
    t.is(result.exitCode, 7);
    const [, made] = /^(\d+) WouldBlock\n$/.exec(result.stdout);
    t.true(Number(made) < 30, made);
  }
});

whereUnshared(
  'with too few memory mappings, a guest has fewer threads, and a run without any fails',
  async (t) => {
    const file = path.join(scratch(t), 'max_map_count');
    const mount = `mount --bind '${file}' /proc/sys/vm/max_map_count &&`;
    const printed = (most, source) => {
      fs.writeFileSync(file, String(most));
      return printedAfter(mount, source, UNSHARE);
    };
    const source = (body) => `
      const { run, runSync, spawn } = require(${JSON.stringify(ROOT)});
      const THREADS = ${JSON.stringify(guestPath('threads'))};
      const HELLO = ${JSON.stringify(guestPath('hello'))};
      (async () => console.log(JSON.stringify(${body})))();`;
    const live = `(await Promise.all([run, runSync].map((way) => way(THREADS, {
      args: ['live', '30', 'exit'], check: false, encoding: 'utf8', threads: { max: 30 },
    })))).map(({ exitCode, stdout }) => [exitCode, stdout])`;
    for (const [exitCode, stdout] of await printed(1200, source(live))) {
      t.is(exitCode, 7);
      const [, made] = /^(\d+) WouldBlock\n$/.exec(stdout);
      t.true(Number(made) < 30, made);
    }
    // Node itself needs so few.
    const none = `await Promise.all([
      () => run(HELLO), () => runSync(HELLO, { cpuTime: 1000 }), () => run(THREADS),
      () => runSync(THREADS), () => new Promise((_, reject) => spawn(HELLO).on('error', reject)),
    ].map(async (way) => { try { return await way(); } catch ({ code }) { return code; } }))`;
    t.deepEqual(await printed(60, source(none)), Array(5).fill('ENOMEM'));
  },
);
