'use strict';

// JavaScript is trusted, but no crash of the process may come of it through this
// package: whatever a program replaces, before or after the addon is loaded, and
// whatever functions it gets hold of.

const test = require('ava');

const { script } = require('./helpers/child');
const { WASI } = require('./helpers/compare');
const { duck, scratch } = require('./helpers/guest');

/**
 * What a program logs, as JSON. It runs where memories that grow move, and their
 * old bytes are gone: an access to those ends the process.
 */
function hostile(t, source) {
  const { exitCode, stdout, stderr } = script(source, {
    flags: ['--disable-wasm-trap-handler', '--no-warnings'],
  });
  t.deepEqual([exitCode, stderr], [0, '']);
  return JSON.parse(stdout);
}

test('a class that extends WASI has no say in where its functions go', (t) => {
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

test('functions of an instance that could not be made serve no other', (t) => {
  const Native = Object.getPrototypeOf(WASI);
  const victim = new WASI({
    version: 'preview1',
    preopens: { '/victim': scratch(t) },
  });
  const options = {
    version: 'preview1',
    args: [],
    env: [],
    preopens: [],
    stdin: 0,
    stdout: 1,
    stderr: 2,
    returnOnExit: true,
  };
  // An object that is one already cannot become another, but gets its functions.
  const { wasiImport } = victim;
  t.throws(() => Native.call(victim, options));
  const stolen = victim.wasiImport;
  const next = new WASI({
    version: 'preview1',
    preopens: { '/next': scratch(t) },
  });
  next.finalizeBindings(duck({}));
  if (stolen === wasiImport) return t.pass();
  t.throws(() => stolen.fd_prestat_get(3, 0), { code: 'ERR_WASI_NOT_STARTED' });
  t.not(stolen, wasiImport);
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

test('a getter in the place of the length of typed arrays', (t) => {
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

test('elements in the prototypes of arrays', (t) => {
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

test('constructors and iterators that are replaced before the addon is loaded', (t) => {
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

test('a memory whose bytes are a program’s own, and are taken away', (t) => {
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

test('a second memory for functions that know the first', (t) => {
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
