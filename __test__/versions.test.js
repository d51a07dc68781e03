'use strict';

// Modules that import from both versions of WASI, whose calls share one guest.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { Pool, WASI, run, runSync, spawn } = require('..');
const { loadBinding } = require('../lib/core');
const { command } = require('./helpers/child');
const { assemble, guest, guestPath, scratch } = require('./helpers/guest');

const BOTH = guestPath('both_versions');
const SUSPENDS = typeof WebAssembly.Suspending === 'function';

/** A directory with the file that the guest reads. */
function data(t) {
  const directory = scratch(t);
  fs.writeFileSync(path.join(directory, 'data'), '0123456789');
  return directory;
}

const preopens = (t) => ({ preopens: { '/': data(t) } });
const SUCCESS = [0, 'both\n'];

test('run(), runSync(), spawn() and a Pool run modules that import both', async (t) => {
  const options = { ...preopens(t), encoding: 'utf8', check: false };
  const pool = new Pool({ size: 1 });
  const results = [
    runSync(BOTH, options),
    // In another thread, and with functions instead of an adapter.
    runSync(BOTH, { ...options, cpuTime: 60_000 }),
    runSync(BOTH, { ...options, imports: { env: {} } }),
    await run(BOTH, options),
    await run(new WebAssembly.Module(fs.readFileSync(BOTH)), options),
    await pool.run(BOTH, options),
  ];
  await pool.close();
  for (const { exitCode, stdout } of results) {
    t.deepEqual([exitCode, stdout], SUCCESS);
  }
  const child = spawn(BOTH, preopens(t));
  let text = '';
  for await (const chunk of child.stdout) text += chunk;
  t.deepEqual([(await child.exited).exitCode, text], SUCCESS);
});

test('the command runs modules that import both', (t) => {
  const dir = ['--dir', `${data(t)}::/`];
  for (const options of [[], ['--cpu-time', '1m'], ['--stub-imports']]) {
    const { exitCode, stdout } = command([...options, ...dir, BOTH]);
    t.deepEqual([exitCode, stdout], SUCCESS, options.join(' '));
  }
});

/** The lines of a trace that are about one call, without its time. */
const linesOf = (trace, call) =>
  trace
    .split('\n')
    .filter((line) => line.startsWith(`${call}(`))
    .map((line) => line.replace(/ <[\d.]+>$/, ''));

test('a trace reads each call by its version', async (t) => {
  const dir = ['--dir', `${data(t)}::/`];
  const { exitCode, stderr } = command(['--trace', ...dir, BOTH]);
  t.is(exitCode, 0);
  const seeks = [
    'fd_seek(4, 3, set) = success, 3',
    'fd_seek(4, 2, cur) = success, 5',
    'fd_seek(4, 1, cur) = success, 6',
    'fd_seek(4, -1, end) = success, 9',
    'fd_seek(4, -2, end) = success, 8',
  ];
  t.deepEqual(linesOf(stderr, 'fd_seek'), [...seeks, ...seeks]);
  // From another thread, and to a function of this one.
  const lines = [];
  const trace = (call) => lines.push(String(call));
  t.is((await run(BOTH, { ...preopens(t), trace })).exitCode, 0);
  t.deepEqual(linesOf(lines.join('\n'), 'fd_seek'), [...seeks, ...seeks]);
});

/** The class, with getImportObject({ module }). */
async function started(t, options, { suspending = false } = {}) {
  const wasi = new WASI({ stdout: 'pipe', ...preopens(t), ...options });
  const module = guest('both_versions');
  const imports = wasi.getImportObject({ module, suspending });
  const instance = new WebAssembly.Instance(module, imports);
  const exitCode = suspending
    ? await wasi.startAsync(instance)
    : wasi.start(instance);
  t.deepEqual([exitCode, String(wasi.stdout)], SUCCESS);
  return { wasi, imports };
}

test('getImportObject({ module }) has both', async (t) => {
  const names = {
    preview1: 'wasi_snapshot_preview1',
    unstable: 'wasi_unstable',
  };
  for (const [version, name] of Object.entries(names)) {
    const { wasi, imports } = await started(t, { version });
    t.is(imports[name], wasi.wasiImport);
    t.deepEqual(Object.keys(imports).sort(), Object.values(names));
    // Without a module, as in Node.
    t.deepEqual(Object.entries(wasi.getImportObject()), [
      [name, wasi.wasiImport],
    ]);
    // The same functions again, as `wasiImport` is.
    const again = wasi.getImportObject({ module: guest('both_versions') });
    for (const each of Object.values(names)) t.is(again[each], imports[each]);
    const functions = (from) =>
      Object.entries(from).map(([call, { name: called, length }]) => [
        call,
        called,
        length,
      ]);
    t.deepEqual(
      functions(imports.wasi_unstable),
      functions(imports.wasi_snapshot_preview1),
    );
  }
});

test('getImportObject({ module }) adds only what the module imports', (t) => {
  const wasi = new WASI({ version: 'preview1' });
  const only = (name) =>
    Object.keys(wasi.getImportObject({ module: guest(name) }));
  t.deepEqual(only('hello'), ['wasi_snapshot_preview1']);
  t.deepEqual(only('hello_unstable'), [
    'wasi_snapshot_preview1',
    'wasi_unstable',
  ]);
});

test('a trace of the class has the calls of both', async (t) => {
  const lines = [];
  const trace = (call) => lines.push(String(call));
  await started(t, { version: 'unstable', trace });
  const seeks = linesOf(lines.join('\n'), 'fd_seek');
  t.is(seeks.length, 10);
  t.is(seeks[1], 'fd_seek(4, 2, cur) = success, 5');
});

(SUSPENDS ? test : test.skip)('calls of both are suspended', async (t) => {
  const unstable = 'wasi_unstable';
  const preview1 = 'wasi_snapshot_preview1';
  // Reads a byte by each version, and exits with their difference.
  const source = `(module
      (import "${preview1}" "fd_read" (func $read1 (param i32 i32 i32 i32) (result i32)))
      (import "${unstable}" "fd_read" (func $read0 (param i32 i32 i32 i32) (result i32)))
      (import "${unstable}" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (data (i32.const 0) "\\40\\00\\00\\00\\01\\00\\00\\00\\41\\00\\00\\00\\01\\00\\00\\00")
      (func (export "_start")
        (drop (call $read1 (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))
        (drop (call $read0 (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 32)))
        (call $exit (i32.sub (i32.load8_u (i32.const 65)) (i32.load8_u (i32.const 64))))))`;
  const module = new WebAssembly.Module(await assemble(source));
  async function* stdin() {
    for (const text of ['a', 'f']) {
      await new Promise((resolve) => setImmediate(resolve));
      yield text;
    }
  }
  const { Readable } = require('node:stream');
  const wasi = new WASI({
    version: 'preview1',
    stdin: Readable.from(stdin(), { objectMode: false }),
  });
  const imports = wasi.getImportObject({ module, suspending: true });
  const instance = new WebAssembly.Instance(module, imports);
  t.is(await wasi.startAsync(instance), 5);
  await started(t, { version: 'unstable' }, { suspending: true });
});

/** Opens `data` by one version in its first thread, and seeks in it by both in another. */
const THREADED = `(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek1 (param i32 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "fd_seek" (func $seek0 (param i32 i64 i32 i32) (result i32)))
  (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "env" "memory" (memory 1 1 shared))
  (export "memory" (memory 0))
  (data (i32.const 16) "data")
  (func (export "wasi_thread_start") (param i32 i32)
    (drop (call $seek0 (i32.load (i32.const 0)) (i64.const -3) (i32.const 1) (i32.const 8)))
    (drop (call $seek1 (i32.load (i32.const 0)) (i64.const 2) (i32.const 1) (i32.const 8)))
    (call $exit (i32.load (i32.const 8))))
  (func (export "_start")
    (if (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0)
          (i64.const 0x26) (i64.const 0) (i32.const 0) (i32.const 0))
      (then unreachable))
    (if (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0)) (then unreachable))
    (drop (memory.atomic.wait32 (i32.const 64) (i32.const 0) (i64.const -1)))))`;

test('threads can import both', async (t) => {
  const bytes = await assemble(THREADED, { threads: true });
  const options = { ...preopens(t), check: false };
  t.is((await run(bytes, options)).exitCode, 9);
  t.is(runSync(bytes, options).exitCode, 9);
  const file = path.join(scratch(t), 'threaded.wasm');
  fs.writeFileSync(file, bytes);
  t.is(command(['--dir', `${data(t)}::/`, file]).exitCode, 9);
  for (const version of ['preview1', 'unstable']) {
    const wasi = new WASI({ version, threads: true, ...preopens(t) });
    const module = new WebAssembly.Module(bytes);
    const memory = new WebAssembly.Memory({
      initial: 1,
      maximum: 1,
      shared: true,
    });
    const imports = wasi.getImportObject({ module, memory });
    t.is(wasi.start(new WebAssembly.Instance(module, imports)), 9);
  }
});

test('an adapter has a function per version for calls that differ', (t) => {
  const { adapterModule, callNames } = loadBinding();
  const one = (call, version) =>
    Buffer.from(adapterModule(call, version)).toString('hex');
  const differing = callNames().filter(
    (call) => one(call, 'preview1') !== one(call, 'unstable'),
  );
  t.deepEqual(differing, [
    'fd_filestat_get',
    'fd_seek',
    'path_filestat_get',
    'poll_oneoff',
  ]);
});
