'use strict';

// One instance for each thread, on one memory, as packages built for
// wasm32-wasi-threads use the class.

const path = require('node:path');
const { Worker } = require('node:worker_threads');

const test = require('ava');

const { ROOT } = require('./helpers/child');
const { WASI } = require('./helpers/compare');
const { guestPath, scratch } = require('./helpers/guest');

const INDEX = path.join(ROOT, 'index.js');

/** Runs `body` in a worker, with `WASI` and `data`; resolves to what it returns. */
function inWorker(body, data) {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const { WASI } = require(workerData.index);
     (async () => (${body})(WASI, workerData.data))().then(
       (result) => parentPort.postMessage({ result }),
       (error) => parentPort.postMessage({ error }),
     );`,
    { eval: true, workerData: { index: INDEX, data } },
  );
  return new Promise((resolve, reject) => {
    worker.once('error', reject);
    worker.once('message', async ({ result, error }) => {
      await worker.terminate();
      if (error) reject(error);
      else resolve(result);
    });
  });
}

test('several workers on one shared memory', async (t) => {
  const memory = new WebAssembly.Memory({
    initial: 1,
    maximum: 4,
    shared: true,
  });
  const work = (WASI, { memory, slot }) => {
    const wasi = new WASI({ version: 'preview1', env: process.env });
    const kStarted = Object.getOwnPropertySymbols(wasi).find(
      ({ description }) => description === 'kStarted',
    );
    const exports = new Proxy({ memory, _initialize() {} }, {});
    wasi.initialize({ __proto__: null, exports });
    wasi[kStarted] = false;
    wasi.initialize({ __proto__: null, exports });
    for (let i = 0; i < 1000; i++) {
      wasi.wasiImport.random_get(slot * 64, 64);
    }
    return wasi.wasiImport.clock_time_get(0, 1n, slot * 64);
  };
  const results = await Promise.all(
    [0, 1, 2, 3].map((slot) => inWorker(work, { memory, slot })),
  );
  t.deepEqual(results, [0, 0, 0, 0]);
  for (const slot of [0, 1, 2, 3]) {
    t.true(new BigUint64Array(memory.buffer)[slot * 8] > 0n);
  }
});

test('a worker that grows the memory is seen by the others', async (t) => {
  const memory = new WebAssembly.Memory({
    initial: 1,
    maximum: 4,
    shared: true,
  });
  const wasi = new WASI({ version: 'preview1' });
  wasi.finalizeBindings({ exports: { memory } });
  t.is(wasi.wasiImport.random_get(65536 + 8, 8), 61);
  await inWorker((_, { memory }) => memory.grow(1), { memory });
  t.is(wasi.wasiImport.random_get(65536 + 8, 8), 0);
});

test('a worker may be ended in the middle of a call', async (t) => {
  // It calls without a pause, so that the end finds it inside of a call.
  const spin = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { WASI } = require(workerData.index);
    const wasi = new WASI({ version: 'preview1' });
    wasi.finalizeBindings({
      exports: { memory: new WebAssembly.Memory({ initial: 1 }) },
    });
    parentPort.postMessage('ready');
    for (;;) wasi.wasiImport.random_get(0, 65536);`;
  for (let i = 0; i < 5; i++) {
    const worker = new Worker(spin, {
      eval: true,
      workerData: { index: INDEX },
    });
    await new Promise((resolve) => {
      worker.once('message', resolve);
    });
    await worker.terminate();
  }
  t.pass();
});

test('a program runs in a worker', async (t) => {
  const directory = scratch(t);
  const code = await inWorker(
    async (WASI, { directory, guest }) => {
      const { readFile } = require('node:fs/promises');
      const wasi = new WASI({
        version: 'preview1',
        args: ['exit', '5'],
        preopens: { '/': directory },
      });
      const { instance } = await WebAssembly.instantiate(
        await readFile(guest),
        wasi.getImportObject(),
      );
      return wasi.start(instance);
    },
    { directory, guest: guestPath('exit') },
  );
  t.is(code, 5);
});
