'use strict';

// Instances in several threads with the same options and the same shared memory are
// one guest.

const { Worker } = require('node:worker_threads');

const test = require('ava');

const { WASI } = require('../index.js');
const { ROOT } = require('./helpers/child');
const { guest, scratch } = require('./helpers/guest');
const { answering } = require('./helpers/thread');

const MODULE = guest('raw_calls_shared');
const SUCCESS = 0;
const BADF = 8;

function sharedMemory() {
  return new WebAssembly.Memory({ initial: 2, maximum: 65_536, shared: true });
}

/** An instance with this memory. */
function instanceOf(memory, options) {
  const wasi = new WASI({ version: 'preview1', ...options });
  const imports = { ...wasi.getImportObject(), env: { memory } };
  const { exports } = new WebAssembly.Instance(MODULE, imports);
  wasi.initialize({ exports });
  return { wasi, exports };
}

/** The same in a thread of its own. */
async function thread(t, memory, options) {
  const worker = new Worker(
    `const { parentPort, workerData: { module: program, memory, options } } = require('node:worker_threads');
     const { WASI } = require('wasi-rs');
     const wasi = new WASI({ version: 'preview1', ...options });
     const imports = { ...wasi.getImportObject(), env: { memory } };
     const { exports: calls } = new WebAssembly.Instance(program, imports);
     wasi.initialize({ exports: calls });
     parentPort.on('message', ([name, ...args]) => {
       parentPort.postMessage(name === 'close' ? wasi.close() : calls[name](...args));
     });
     parentPort.postMessage('there');`,
    { eval: true, workerData: { module: MODULE, memory, options } },
  );
  return answering(t, worker);
}

test('they share one descriptor table', async (t) => {
  t.is(process.cwd(), ROOT);
  const memory = sharedMemory();
  const preopens = { '/data': scratch(t) };
  // Arguments and environment variables give access to nothing.
  const one = instanceOf(memory, { preopens, env: { ONE: '1' } });
  const two = await thread(t, memory, { preopens, args: ['two'] });
  const three = await thread(t, memory, { preopens });
  t.is(await two.call('fd_sync', 3), SUCCESS);
  t.is(one.exports.fd_renumber(3, 2), SUCCESS);
  t.is(await two.call('fd_sync', 3), BADF);
  t.is(await two.call('fd_sync', 2), SUCCESS);
  t.is(await three.call('fd_close', 2), SUCCESS);
  t.is(one.exports.fd_sync(2), BADF);
});

test('the guest stays open when one of its threads ends, and is closed with the last', async (t) => {
  const memory = sharedMemory();
  const preopens = { '/data': scratch(t) };
  const one = await thread(t, memory, { preopens });
  const two = await thread(t, memory, { preopens });
  t.is(await one.call('fd_renumber', 3, 2), SUCCESS);
  await one.end();
  t.is(await two.call('fd_sync', 2), SUCCESS);
  await two.end();
  // The next one is a new guest.
  const three = await thread(t, memory, { preopens });
  t.is(await three.call('fd_sync', 3), SUCCESS);
});

test('a guest that is closed is not joined by others', async (t) => {
  const memory = sharedMemory();
  const preopens = { '/data': scratch(t) };
  const one = instanceOf(memory, { preopens });
  one.wasi.close();
  const two = await thread(t, memory, { preopens });
  t.is(await two.call('fd_sync', 3), SUCCESS);
  t.is(one.exports.fd_sync(3), BADF);
});

for (const [what, make] of Object.entries({
  'another memory': (t, given) => [sharedMemory(), given],
  'another directory': (t, given, memory) => [
    memory,
    { preopens: { '/data': scratch(t) } },
  ],
  'another name of it': (t, { preopens }, memory) => [
    memory,
    { preopens: { '/other': preopens['/data'] } },
  ],
  'fewer rights': (t, { preopens }, memory) => [
    memory,
    { preopens: { '/data': { path: preopens['/data'], readOnly: true } } },
  ],
  'fewer capabilities': (t, given, memory) => [
    memory,
    { ...given, capabilities: ['fd_renumber', 'fd_sync', 'fd_close'] },
  ],
  'other limits': (t, given, memory) => [
    memory,
    { ...given, limits: { descriptors: 9 } },
  ],
  'other streams': (t, given, memory) => [memory, { ...given, stdout: 2 }],
  devices: (t, given, memory) => [memory, { ...given, devices: true }],
})) {
  test(`they are two guests with ${what}`, async (t) => {
    const memory = sharedMemory();
    const given = { preopens: { '/data': scratch(t) } };
    const one = instanceOf(memory, given);
    const [otherMemory, other] = make(t, given, memory);
    const two = await thread(t, otherMemory, other);
    t.is(one.exports.fd_close(3), SUCCESS);
    t.is(await two.call('fd_sync', 3), SUCCESS);
  });
}

test('they are two guests if one was given more since', async (t) => {
  const memory = sharedMemory();
  const given = { preopens: { '/data': scratch(t) } };
  const wasi = new WASI({ version: 'preview1', ...given });
  wasi.mount('/data/more', scratch(t));
  const imports = { ...wasi.getImportObject(), env: { memory } };
  const { exports } = new WebAssembly.Instance(MODULE, imports);
  wasi.initialize({ exports });
  const two = await thread(t, memory, given);
  t.is(exports.fd_close(3), SUCCESS);
  t.is(await two.call('fd_sync', 3), SUCCESS);
});

test('a memory that is not shared belongs to one guest', (t) => {
  const given = { preopens: { '/data': scratch(t) } };
  const make = () => {
    const wasi = new WASI({ version: 'preview1', ...given });
    const module = guest('raw_calls');
    const instance = new WebAssembly.Instance(module, wasi.getImportObject());
    wasi.initialize(instance);
    return instance.exports;
  };
  const [one, two] = [make(), make()];
  t.is(one.fd_close(3), SUCCESS);
  t.is(two.fd_sync(3), SUCCESS);
});
