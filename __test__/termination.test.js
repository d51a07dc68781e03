'use strict';

// A guest that waits in a worker can be terminated: neither worker.terminate() nor
// process.exit() waits for it. The tests pass if they end.

const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const path = require('node:path');

const test = require('ava');

const { ROOT } = require('./helpers/child');
const { assemble, scratch } = require('./helpers/guest');

const onUnix = process.platform === 'win32' ? test.skip : test;

/** A guest that repeats one call forever, whatever it returns. */
const calling = (name, ...args) => `(module
  (import "wasi_snapshot_preview1" "${name}"
    (func $call (param${' i32'.repeat(args.length)}) (result i32)))
  (import "host" "running" (func $running))
  (memory (export "memory") 2)
  (; a buffer: 64 KiB ;)
  (data (i32.const 0) "\\00\\00\\01\\00\\00\\00\\01\\00")
  (; two subscriptions: a hundred years of the monotonic clock, standard input ;)
  (data (i32.const 80) "\\01")
  (data (i32.const 88) "\\00\\00\\ac\\d3\\7d\\d6\\c3\\2b")
  (data (i32.const 120) "\\01")
  (func (export "_start")
    call $running
    (loop $again
      (drop (call $call ${args.map((arg) => `(i32.const ${arg})`).join(' ')}))
      br $again)))`;

const SLEEPS = calling('poll_oneoff', 64, 1024, 1, 1020);
const POLLS = calling('poll_oneoff', 64, 1024, 2, 1020);
const READS = calling('fd_read', 0, 0, 1, 1020);
const WRITES = calling('fd_write', 1, 0, 1, 1020);
const RECEIVES = calling('sock_recv', 0, 0, 1, 0, 1020, 1016);
const RECEIVES_ALL = calling('sock_recv', 0, 0, 1, 2, 1020, 1016);
const SENDS = calling('sock_send', 1, 0, 1, 0, 1020);
const ACCEPTS = calling('sock_accept', 0, 0, 1020);

/** A guest that makes one call after the other, each of which takes very long. */
const endless = (name, call) => `(module
  (import "wasi_snapshot_preview1" "${name}"
    (func $call (param${' i32'.repeat(call.length)}) (result i32)))
  (import "host" "running" (func $running))
  (memory (export "memory") 1024)
  (func (export "_start") (local $at i32)
    (; 1024 buffers, each of nearly all of the 64 MiB ;)
    (loop $next
      (i32.store (local.get $at) (i32.const 16384))
      (i32.store offset=4 (local.get $at) (i32.const 67092480))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 8192))))
    call $running
    (loop $again
      (drop (call $call ${call.map((arg) => `(i32.const ${arg})`).join(' ')}))
      br $again)))`;

const WRITES_ALL = endless('fd_write', [1, 0, 1024, 10_000]);
const RECEIVES_LONG = endless('sock_recv', [0, 0, 1024, 2, 10_000, 10_004]);
const RANDOM = endless('random_get', [16_384, 67_092_480]);

/** A guest that opens \`fifo\` with these rights. */
const opening = (rights) => `(module
  (import "wasi_snapshot_preview1" "path_open" (func $open
    (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "host" "running" (func $running))
  (memory (export "memory") 1)
  (data (i32.const 0) "fifo")
  (func (export "_start")
    call $running
    (loop $again
      (drop (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4)
        (i32.const 0) (i64.const ${rights}) (i64.const 0) (i32.const 0)
        (i32.const 64)))
      br $again)))`;

/** A host that starts a guest in a worker, and does `end` while it waits. */
const host = (guest, options, end) => `
  const fs = require('node:fs');
  const net = require('node:net');
  const { Worker } = require('node:worker_threads');
  const body = \`
    const { parentPort, workerData } = require('node:worker_threads');
    const { WASI } = require('wasi-rs');
    const { bytes, options } = workerData;
    const wasi = new WASI({ version: 'preview1', ...options });
    const running = () => parentPort.postMessage('running');
    const imports = { ...wasi.getImportObject(), host: { running } };
    const wasm = new WebAssembly.Module(bytes);
    wasi.start(new WebAssembly.Instance(wasm, imports));
  \`;
  const bytes = Buffer.from('${guest.toString('hex')}', 'hex');
  const workerData = { bytes, options: { ${options} } };
  const worker = new Worker(body, { eval: true, workerData });
  // A guest cannot report that it is waiting.
  worker.once('message', () => setTimeout(() => { ${end} }, 200));
`;

/**
 * The exit code of a host whose standard input and output nobody uses; they are sockets,
 * as Node makes them.
 */
async function run(source) {
  const child = spawn(process.execPath, ['--eval', source], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
    timeout: 50_000,
    killSignal: 'SIGKILL',
  });
  const [exitCode, signal] = await once(child, 'exit');
  return exitCode ?? signal;
}

/** `worker.terminate()` must resolve, with the exit code of a terminated worker. */
const TERMINATE = `
  worker.terminate().then((code) => { process.exitCode = 40 + code; });`;

async function terminates(t, source, options = '') {
  const guest = await assemble(source);
  t.is(await run(host(guest, options, TERMINATE)), 41);
}

/** An expression for both ends of a FIFO, which nobody else uses. */
function fifo(t) {
  const file = path.join(scratch(t), 'fifo');
  execFileSync('mkfifo', [file]);
  return `fs.openSync(${JSON.stringify(file)}, 'r+')`;
}

test('a guest that sleeps for a hundred years', (t) => terminates(t, SLEEPS));
onUnix('a guest that waits for input or a time', (t) => terminates(t, POLLS));
test('a guest that reads what nobody writes', (t) => terminates(t, READS));
onUnix('a guest that writes what nobody reads', (t) => terminates(t, WRITES));
onUnix('a guest that receives', (t) => terminates(t, RECEIVES));
onUnix('a guest that receives all', (t) => terminates(t, RECEIVES_ALL));
onUnix('a guest that sends', (t) => terminates(t, SENDS));

onUnix('a guest that reads from an empty FIFO', (t) =>
  terminates(t, READS, `stdin: ${fifo(t)}`),
);

onUnix('a guest that writes to a full FIFO', (t) =>
  terminates(t, WRITES, `stdout: ${fifo(t)}`),
);

onUnix('a guest that accepts connections', (t) => {
  const address = JSON.stringify(path.join(scratch(t), 'socket'));
  const server = `net.createServer().unref().listen(${address})`;
  return terminates(t, ACCEPTS, `stdin: ${server}._handle.fd`);
});

for (const [what, rights] of Object.entries({ read: 2, write: 64 })) {
  onUnix(`a guest that opens a FIFO to ${what}`, async (t) => {
    const directory = scratch(t);
    execFileSync('mkfifo', [path.join(directory, 'fifo')]);
    const preopens = `preopens: { '/': ${JSON.stringify(directory)} }`;
    await terminates(t, opening(rights), preopens);
  });
}

test('a guest that asks for random bytes without end', (t) =>
  terminates(t, RANDOM));

for (const [what, source] of Object.entries({
  'writes to a socket that is read from without end': WRITES_ALL,
  'receives from a socket that is sent to without end': RECEIVES_LONG,
})) {
  onUnix(`a guest that ${what}`, async (t) => {
    const guest = await assemble(source);
    const child = spawn(
      process.execPath,
      ['--eval', host(guest, '', TERMINATE)],
      { cwd: ROOT, stdio: ['pipe', 'pipe', 'inherit'], timeout: 50_000 },
    );
    const chunk = Buffer.alloc(1024);
    const feed = () => {
      if (child.stdin.write(chunk)) setImmediate(feed);
      else child.stdin.once('drain', feed);
    };
    child.stdin.on('error', () => {});
    child.stdout.resume();
    feed();
    const [exitCode] = await once(child, 'exit');
    child.stdin.destroy();
    t.is(exitCode, 41);
  });
}

for (const [what, source] of Object.entries({ sleeps: SLEEPS, reads: READS })) {
  test(`process.exit() in the main thread while a guest ${what}`, async (t) => {
    const guest = await assemble(source);
    t.is(await run(host(guest, '', 'process.exit(42);')), 42);
  });

  test(`the main thread ends while a guest ${what}`, async (t) => {
    const end = 'process.exitCode = 43; worker.unref();';
    const guest = await assemble(source);
    t.is(await run(host(guest, '', end)), 43);
  });
}

test('a worker terminates the worker of a guest that sleeps', async (t) => {
  const guest = await assemble(SLEEPS);
  const nested = host(guest, '', TERMINATE);
  t.is(
    await run(
      `const { Worker } = require('node:worker_threads');
       const outer = new Worker(${JSON.stringify(nested)}, { eval: true });
       outer.once('exit', (code) => { process.exitCode = code; });`,
    ),
    41,
  );
});

/** Code that has native code call JavaScript, which calls `stay()`. */
const CALLED = {
  'an option that is a getter': `
    new WASI({ version, get returnOnExit() { stay(); } });`,
  'a file system that is opened': `
    new WASI({ version, preopens: { '/': { ...fs, lstatSync: stay, statSync: stay } } });`,
  'a file system, by wasi.fs': `
    let isOpen = false;
    const statSync = (...args) => (isOpen ? stay() : fs.statSync(...args));
    const all = { ...fs, lstatSync: statSync, statSync };
    const wasi = new WASI({ version, preopens: { '/': all } });
    isOpen = true;
    wasi.fs.statSync('/file');`,
  'a clock': `
    called({ clock: { realtime: stay } }).clock_time_get(0, 0n, 64);`,
  'random bytes': `called({ random: stay }).random_get(64, 8);`,
  'standard input': `called({ stdin: stay }).fd_read(0, 0, 1, 64);`,
  'standard output': `called({ stdout: stay }).fd_write(1, 0, 1, 64);`,
};

for (const [what, body] of Object.entries(CALLED)) {
  test(`a worker is terminated while native code calls JavaScript: ${what}`, async (t) => {
    // Code that catches everything, and continues forever, is ended all the same.
    const worker = `
      const fs = require('node:fs');
      const { workerData: words } = require('node:worker_threads');
      const { WASI } = require('wasi-rs');
      const version = 'preview1';
      const called = (options) => {
        const wasi = new WASI({ version, ...options });
        const memory = new WebAssembly.Memory({ initial: 1 });
        wasi.initialize({ exports: { memory } });
        // One iovec: 16 bytes at 256.
        new Uint32Array(memory.buffer).set([256, 16]);
        return wasi.wasiImport;
      };
      const stay = () => {
        Atomics.store(words, 0, 1);
        Atomics.notify(words, 0);
        for (;;);
      };
      try {
        ${body}
      } catch {}
      for (;;) Atomics.wait(words, 1, 0);`;
    const source = `
      const { Worker } = require('node:worker_threads');
      const words = new Int32Array(new SharedArrayBuffer(8));
      const options = { eval: true, workerData: words };
      const worker = new Worker(${JSON.stringify(worker)}, options);
      worker.once('error', (error) => { console.error(error); process.exit(1); });
      Promise.resolve(Atomics.waitAsync(words, 0, 0).value).then(() => {
        ${TERMINATE}
      });`;
    t.is(await run(source), 41);
  });
}
