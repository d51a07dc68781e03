'use strict';

// One guest in several threads, which open it by its token: it stays open until the last
// of them ends.

const fs = require('node:fs');
const { Worker } = require('node:worker_threads');

const test = require('ava');

const { loadBinding } = require('../lib/core');
const { ROOT } = require('./helpers/child');
const { guest, scratch } = require('./helpers/guest');
const { binary } = require('./helpers/install');
const { answering } = require('./helpers/thread');

const { prepare } = loadBinding();

/** A guest with a directory, for several threads. */
function prepared(t) {
  const directory = scratch(t);
  const handle = prepare({
    version: 'preview1',
    args: [],
    env: [],
    preopens: [{ mappedPath: '/data', realPath: directory }],
    devices: false,
    stdin: 0,
    stdout: 1,
    stderr: 2,
    returnOnExit: () => true,
  });
  // The guest is closed with its handle, so nothing else may refer to that.
  t.teardown(() => handle.close());
  return handle;
}

/** A thread that opens it, and for each message makes a call and posts the errno. */
async function thread(t, token, { isThread = true } = {}) {
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     const { loadBinding } = require('./lib/core');
     const { attach, giveFunctions } = loadBinding();
     const native = attach(workerData.token, true, workerData.isThread);
     const wasi = {};
     giveFunctions(wasi, native.number, 'preview1');
     const instance = new WebAssembly.Instance(workerData.module,
       { wasi_snapshot_preview1: wasi.wasiImport });
     native.setMemory(instance.exports.memory);
     parentPort.on('message', ([name, ...args]) => {
       parentPort.postMessage(instance.exports[name](...args));
     });
     parentPort.postMessage('there');`,
    {
      eval: true,
      cwd: ROOT,
      workerData: { token, isThread, module: guest('raw_calls') },
    },
  );
  return answering(t, worker);
}

const SUCCESS = 0;
const BADF = 8;

test('what one thread closes is closed for the others', async (t) => {
  const { token } = prepared(t);
  const [one, two] = [await thread(t, token), await thread(t, token)];
  t.is(await one.call('fd_close', 3), SUCCESS);
  t.is(await two.call('fd_close', 3), BADF);
});

test('a guest stays open when a thread other than the last ends', async (t) => {
  const handle = prepared(t);
  const { token } = handle;
  const options = { isThread: false };
  const one = await thread(t, token, options);
  const two = await thread(t, token, options);
  t.is(handle.holders, 2);
  await one.end();
  t.is(handle.holders, 1);
  t.false(handle.hasStopped);
  t.is(await two.call('fd_sync', 3), SUCCESS);
  await two.end();
  t.is(handle.holders, 0);
  const three = await thread(t, token, options);
  t.is(await three.call('fd_sync', 3), BADF);
});

test('a guest is over when one of its threads dies', async (t) => {
  const handle = prepared(t);
  const [one, two] = [
    await thread(t, handle.token),
    await thread(t, handle.token),
  ];
  t.is(await two.call('fd_sync', 3), SUCCESS);
  await one.end();
  t.true(handle.hasStopped);
  t.true(handle.hasLostThread);
});

test('an unknown token opens no guest', (t) => {
  const { attach } = loadBinding();
  const gone = {
    code: 'ERR_WASI_GUEST_GONE',
    message:
      'The guest is gone: who prepared it has dropped it, or is another copy of wasi-rs',
  };
  for (const token of [Buffer.alloc(16, 1), Buffer.alloc(3)]) {
    t.throws(() => attach(token, true, true), gone);
  }
});

test('tokens of guests differ, and a guest has one', (t) => {
  const handle = prepared(t);
  t.is(handle.token.length, 16);
  t.deepEqual(handle.token, handle.token);
  t.notDeepEqual(handle.token, prepared(t).token);
});

test('two copies of the package have separate guests', (t) => {
  const copy = fs.mkdtempSync(`${scratch(t)}/copy-`);
  fs.copyFileSync(binary(), `${copy}/wasi-rs.node`);
  const other = require(`${copy}/wasi-rs.node`);
  const { token } = prepared(t);
  t.throws(() => other.attach(token, true, true), {
    code: 'ERR_WASI_GUEST_GONE',
    message: /another copy of wasi-rs/,
  });
});
