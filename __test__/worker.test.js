'use strict';

// One instance for each thread, with one memory, as packages built for
// wasm32-wasi-threads use the class.

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { Worker } = require('node:worker_threads');

const test = require('ava');

const { ROOT } = require('./helpers/child');
const { WASI } = require('./helpers/compare');
const { guest, guestPath, scratch } = require('./helpers/guest');

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

test('a worker may be terminated during a call', async (t) => {
  // It makes calls all the time, so that the termination comes during one.
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

/** A thread of a package: an ES module with an instance of its own. */
const THREAD = `
  import { parentPort, workerData } from 'node:worker_threads';
  import { WASI } from ${JSON.stringify(pathToFileURL(INDEX).href)};

  const { memory, module, root, place } = workerData;
  const wasi = new WASI({
    version: 'preview1',
    env: process.env,
    preopens: { '/': root, [root]: root },
  });
  const [kStarted] = Object.getOwnPropertySymbols(wasi).filter(
    ({ description }) => description === 'kStarted',
  );
  const exits = [];
  wasi.wasiImport.proc_exit = (code) => exits.push(code);
  const { exports } = new WebAssembly.Instance(module, {
    ...wasi.getImportObject(),
    env: { memory },
  });
  const threadExports = { __proto__: null, ...exports, memory, _initialize() {} };
  wasi.initialize(new Proxy({ exports: threadExports }, {}));
  wasi[kStarted] = false;

  exports.proc_exit(place);
  const bytes = Buffer.from(memory.buffer, place);
  bytes.write('file', 0);
  const FD_READ = 2n;
  const errnos = [
    exports.path_open(4, 0, place, 4, 0, FD_READ, 0n, 0, place + 16),
  ];
  const fd = bytes.readUInt32LE(16);
  bytes.writeUInt32LE(place + 64, 32);
  bytes.writeUInt32LE(64, 36);
  errnos.push(exports.fd_read(fd, place + 32, 1, place + 16));
  const length = bytes.readUInt32LE(16);
  const text = bytes.toString('utf8', 64, 64 + length);
  parentPort.postMessage({ errnos, exits, text });
  setInterval(() => {}, 1000);
`;

test('threads as packages of napi-rs start them, until they are terminated', async (t) => {
  const root = scratch(t);
  fs.writeFileSync(path.join(root, 'file'), 'content');
  const thread = path.join(root, 'thread.mjs');
  fs.writeFileSync(thread, THREAD);
  const memory = new WebAssembly.Memory({
    initial: 2,
    maximum: 65536,
    shared: true,
  });
  const module = guest('raw_calls_shared');

  const wasi = new WASI({ version: 'preview1', preopens: { '/': root } });
  const symbols = Object.fromEntries(
    Object.getOwnPropertySymbols(wasi).map((symbol) => [
      symbol.description,
      symbol,
    ]),
  );
  const instance = new WebAssembly.Instance(module, {
    ...wasi.getImportObject(),
    env: { memory },
  });
  wasi[symbols.kInstance] = instance;
  wasi[symbols.kSetMemory](memory);
  t.is(instance.exports.random_get(0x8000, 64), 0);

  const workers = [0x1000, 0x2000, 0x3000].map((place) => ({
    place,
    worker: new Worker(thread, { workerData: { memory, module, root, place } }),
  }));
  const said = await Promise.all(
    workers.map(
      ({ worker }) =>
        new Promise((resolve, reject) => {
          worker.once('message', resolve);
          worker.once('error', reject);
        }),
    ),
  );
  t.deepEqual(
    said,
    workers.map(({ place }) => ({
      errnos: [0, 0],
      exits: [place],
      text: 'content',
    })),
  );
  const codes = workers.map(({ worker }) => worker.terminate());
  t.deepEqual(await Promise.all(codes), [1, 1, 1]);
  t.is(instance.exports.random_get(0x8000, 64), 0);
});

const onLinux = process.platform === 'linux' ? test : test.skip;

/** The result of each call with more than 2 GiB, in turn: errno and count. */
const moveALot = (WASI) => {
  const fs = process.getBuiltinModule?.('node:fs') ?? require('node:fs');
  const opened = [fs.openSync('/dev/zero', 'r'), fs.openSync('/dev/null', 'w')];
  const wasi = new WASI({
    version: 'preview1',
    stdin: opened[0],
    stdout: opened[1],
  });
  const memory = new WebAssembly.Memory({ initial: 1024 });
  wasi.initialize({ exports: { memory } });
  const view = new DataView(memory.buffer);
  // 1024 times the same 4 MiB.
  for (let at = 1024; at < 1024 + 8 * 1024; at += 8) {
    view.setUint32(at, 16_384, true);
    view.setUint32(at + 4, 2 ** 22, true);
  }
  const answers = [
    ['fd_write', 1],
    ['fd_pwrite', 1, 0n],
    ['fd_read', 0],
    ['fd_pread', 0, 0n],
  ].map(([name, fd, ...offset]) => {
    const errno = wasi.wasiImport[name](fd, 1024, 1024, ...offset, 16);
    return [name, errno, view.getUint32(16, true)];
  });
  opened.forEach((fd) => fs.closeSync(fd));
  return answers;
};

onLinux(
  'one call reads or writes at most what Linux does, in any thread',
  async (t) => {
    const most = 0x7fff_f000;
    for (const answers of [moveALot(WASI), await inWorker(moveALot)]) {
      for (const [name, errno, count] of answers) {
        t.is(errno, 0, name);
        // A signal can end a read of this device early.
        t.true(count > 0 && count <= most, `${name}: ${count}`);
        if (name.includes('write')) t.is(count, most, name);
      }
    }
  },
);
