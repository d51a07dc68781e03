'use strict';

// JavaScript is trusted, but must not be able to crash the process through this
// package: whatever a program replaces, before or after the addon is loaded, and
// whichever functions it can reach.

const test = require('ava');

const { script } = require('./helpers/child');
const { WASI } = require('./helpers/compare');
const { assemble } = require('./helpers/guest');

/**
 * What a program logs, as JSON. It runs with a flag by which memories move when they
 * grow, and their old bytes are unmapped: an access to those crashes the process.
 */
function hostile(t, source) {
  const { exitCode, stdout, stderr } = script(source, {
    flags: ['--disable-wasm-trap-handler', '--no-warnings'],
  });
  t.deepEqual([exitCode, stderr], [0, '']);
  return JSON.parse(stdout);
}

test('a class that extends WASI cannot intercept the functions of its instances', (t) => {
  let stolen;
  class Thief extends WASI {
    set wasiImport(functions) {
      stolen = functions;
      throw new Error('stolen');
    }
  }
  const wasi = new Thief({ version: 'preview1' });
  t.is(stolen, undefined);
  t.is(Object.keys(wasi.wasiImport).length, 46);
});

const RANDOM = `
  const { WASI } = require('wasi-rs');
  const wasi = new WASI({ version: 'preview1' });
  const memory = new WebAssembly.Memory({ initial: 16, maximum: 8192 });
  wasi.finalizeBindings({ exports: { memory } });
  const { random_get } = wasi.wasiImport;
  const filled = (len) => {
    const errno = random_get(0, len);
    return [errno, new Uint8Array(memory.buffer, 0, len).some((byte) => byte !== 0)];
  };`;

test('the length of typed arrays is replaced by a getter', (t) => {
  const results = hostile(
    t,
    `${RANDOM}
     const results = [filled(8)];
     const typedArray = Object.getPrototypeOf(Uint8Array.prototype);
     const { get } = Object.getOwnPropertyDescriptor(typedArray, 'length');
     let length = () => 1;
     Object.defineProperty(typedArray, 'length', {
       get() { return length ? length() : get.call(this); },
       configurable: true,
     });
     memory.grow(4000);
     const errno = random_get(0, 1000000);
     length = undefined;
     results.push([errno, new Uint8Array(memory.buffer, 0, 1000000).some((byte) => byte !== 0)]);
     console.log(JSON.stringify(results));`,
  );
  t.deepEqual(results, [
    [0, true],
    [0, true],
  ]);
});

test('the prototypes of arrays have elements', (t) => {
  const results = hostile(
    t,
    `for (const { prototype } of [Object, Array, String, Object.getPrototypeOf(Uint8Array), Uint8Array]) {
       Object.defineProperty(prototype, '0', { get: () => 1, set() {}, configurable: true });
     }
     ${RANDOM}
     const results = [filled(8)];
     memory.grow(4000);
     results.push(filled(1000000));
     process.stdout.write(JSON.stringify(results));`,
  );
  t.deepEqual(results, [
    [0, true],
    [0, true],
  ]);
});

test('constructors and iterators are replaced before the addon is loaded', (t) => {
  const { seen, results } = hostile(
    t,
    `const seen = [];
     const look = (value) => {
       if (typeof value === 'function' && value.name === 'random_get') seen.push('a native function');
       if (value instanceof ArrayBuffer && value.byteLength < 200) seen.push('the block');
     };
     require('wasi-rs/package.json');
     const originals = {};
     for (const name of ['Float64Array', 'BigUint64Array', 'Uint32Array', 'Uint8Array']) {
       originals[name] = globalThis[name];
       globalThis[name] = new Proxy(globalThis[name], {
         construct(target, args, newTarget) {
           args.forEach(look);
           return Reflect.construct(target, args, newTarget);
         },
       });
     }
     const iterate = Array.prototype[Symbol.iterator];
     Array.prototype[Symbol.iterator] = function () {
       for (let i = 0; i < this.length; i++) look(this[i]);
       return iterate.call(this);
     };
     ${RANDOM}
     Object.assign(globalThis, originals);
     Array.prototype[Symbol.iterator] = iterate;
     const results = [filled(8)];
     memory.grow(4000);
     results.push(filled(1000000));
     console.log(JSON.stringify({ seen, results }));`,
  );
  t.deepEqual(seen, []);
  t.deepEqual(results, [
    [0, true],
    [0, true],
  ]);
});

test('a memory whose buffer is an object of the program, and is detached', (t) => {
  const results = hostile(
    t,
    `// Whatever this returns is taken for the bytes of every memory.
     let bytes = new ArrayBuffer(1 << 20);
     Object.defineProperty(WebAssembly.Memory.prototype, 'buffer', { get: () => bytes, configurable: true });
     const { WASI } = require('wasi-rs');
     const wasi = new WASI({ version: 'preview1' });
     wasi.finalizeBindings({ exports: { memory: new WebAssembly.Memory({ initial: 1 }) } });
     const { random_get } = wasi.wasiImport;
     const outcome = () => { try { return random_get(0, 1 << 20); } catch (error) { return error.name; } };
     const results = [outcome()];
     structuredClone(bytes, { transfer: [bytes] });
     results.push(outcome());
     bytes = new ArrayBuffer(1 << 20, { maxByteLength: 1 << 21 });
     results.push(outcome());
     bytes.resize?.(8);
     results.push(outcome());
     console.log(JSON.stringify(results));`,
  );
  t.deepEqual(results, [0, 'Error', 0, 61]);
});

test('the argument buffer is written or detached during a call', async (t) => {
  const guest = await assemble(`(module
    (import "wasi_snapshot_preview1" "fd_prestat_get" (func $prestat (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_create_directory"
      (func $mkdir (param i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1)
    (data (i32.const 0) "d")
    (func (export "_start")
      (if (i32.ne (call $mkdir (i32.const 3) (i32.const 0) (i32.const 1)) (i32.const 20))
        (then unreachable))
      (call $exit (call $prestat (i32.const 9) (i32.const 8)))))`);
  const results = hostile(
    t,
    `const fs = require('node:fs');
     let memory;
     WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
       construct: (...args) => (memory = Reflect.construct(...args)),
     });
     const { runSync } = require('wasi-rs');
     const guest = Buffer.from('${Buffer.from(guest).toString('base64')}', 'base64');
     const run = (inTheMiddle) => {
       const lstatSync = (path) => {
         if (path === '/d') inTheMiddle();
         return fs.lstatSync('/');
       };
       const files = { ...fs, lstatSync };
       const { exitCode, reason } = runSync(guest, { preopens: { '/': files }, check: false });
       return [exitCode, reason];
     };
     const results = [run(() => {})];
     results.push(run(() => new Uint8Array(memory.buffer).fill(255)));
     results.push(run(() => memory.grow(0)));
     results.push(run(() => {}));
     console.log(JSON.stringify(results));`,
  );
  // EEXIST, and EBADF as exit code. Then no call comes to anything, and no exit either.
  t.deepEqual(results, [
    [8, 'exit'],
    [8, 'exit'],
    [0, 'exit'],
    [null, 'trap'],
  ]);
});

test('functions that have a memory get another one', (t) => {
  const results = hostile(
    t,
    `${RANDOM}
     const kSetMemory = Object.getOwnPropertySymbols(wasi)
       .find(({ description }) => description === 'kSetMemory');
     const results = [filled(8)];
     const other = new WebAssembly.Memory({ initial: 16 });
     wasi[kSetMemory](other);
     other.grow(4000);
     results.push(random_get(0, 1000000));
     results.push(new Uint8Array(other.buffer, 0, 1000000).some((byte) => byte !== 0));
     console.log(JSON.stringify(results));`,
  );
  t.deepEqual(results, [[0, true], 0, true]);
});

test('setters on Object.prototype do not get what is internal to this package', async (t) => {
  const guest = await assemble(`(module
    (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
    (import "wasi_unstable" "sched_yield" (func $old (result i32)))
    (memory (export "memory") 1)
    (func (export "_start") (drop (call $yield)) (drop (call $old))))`);
  const results = hostile(
    t,
    `const { WASI, run, runSync } = require('wasi-rs');
     const guest = Buffer.from('${Buffer.from(guest).toString('base64')}', 'base64');
     const stolen = [];
     const names = ['number', 'setMemory', 'suspending', 'call', 'memory', 'wasiImport', 'bind',
       'wasi_snapshot_preview1', 'wasi_unstable'];
     for (const name of names) {
       Object.defineProperty(Object.prototype, name, {
         set(value) { stolen.push(name); },
         configurable: true,
       });
     }
     const wasi = new WASI({ version: 'preview1' });
     const suspending = 'Suspending' in WebAssembly;
     const module = new WebAssembly.Module(guest);
     const { wasi_snapshot_preview1, wasi_unstable } =
       wasi.getImportObject({ suspending, module });
     wasi.finalizeBindings({ exports: { memory: new WebAssembly.Memory({ initial: 1 }) } });
     const codes = [wasi_snapshot_preview1, wasi_unstable].map((version) => version.sched_yield());
     codes.push(runSync(guest).exitCode, runSync(guest, { imports: { env: {} } }).exitCode);
     run(guest).then(({ exitCode }) => {
       codes.push(exitCode);
       for (const name of names) delete Object.prototype[name];
       console.log(JSON.stringify({ codes, stolen }));
     });`,
  );
  t.deepEqual(results, { codes: [0, 0, 0, 0, 0], stolen: [] });
});

test('properties of Object.prototype open nothing for a guest', (t) => {
  const result = hostile(
    t,
    `const { WASI } = require('wasi-rs');
     const listener = { isListener: true, host: '127.0.0.1', port: 0, backlog: 1 };
     for (const name of ['sockets', 'given', 'listeners', 'connections']) {
       Object.defineProperty(Object.prototype, name, {
         value: [listener],
         configurable: true,
         writable: true,
       });
     }
     let code = 0;
     try {
       const wasi = new WASI({ __proto__: null, version: 'preview1' });
       wasi.finalizeBindings({ exports: { memory: new WebAssembly.Memory({ initial: 1 }) } });
       code = wasi.wasiImport.fd_fdstat_get(3, 0);
     } finally {
       for (const name of ['sockets', 'given', 'listeners', 'connections'])
         delete Object.prototype[name];
     }
     console.log(JSON.stringify(code));`,
  );
  t.is(result, 8);
});

test('options that limit a guest are read by nothing that can be replaced', (t) => {
  const replacements = [
    'Array.prototype.every = () => true;',
    'Array.prototype.some = () => false;',
    'Array.prototype.map = () => [];',
    'Object.fromEntries = () => ({});',
    'Array.prototype[Symbol.iterator] = function* () {};',
  ];
  for (const replacement of replacements) {
    const result = hostile(
      t,
      `const { WASI } = require('wasi-rs');
       const memory = new WebAssembly.Memory({ initial: 1 });
       const options = { version: 'preview1', capabilities: [] };
       let code = 'refused';
       ${replacement}
       try {
         const wasi = new WASI(options);
         wasi.finalizeBindings({ exports: { memory } });
         code = wasi.wasiImport.clock_time_get(1, 0n, 0);
       } catch {}
       require('fs').writeSync(1, JSON.stringify(code));`,
    );
    t.true([76, 'refused'].includes(result), `${replacement} ${result}`);
  }
  for (const name of ['includes', 'some', 'every']) {
    const result = hostile(
      t,
      `const { WASI } = require('wasi-rs');
       Array.prototype.${name} = () => true;
       let code = 'accepted';
       try { new WASI({ version: 'preview1', capabilites: [] }); } catch { code = 'refused'; }
       require('fs').writeSync(1, JSON.stringify(code));`,
    );
    t.is(result, 'refused', name);
  }
});
