'use strict';

const { once } = require('node:events');

const { WASI } = require('../..');
const { guest } = require('./guest');

/** A memory for guests with threads, large enough for all of them. */
function sharedMemory() {
  const maximum = 16_384;
  return new WebAssembly.Memory({ initial: 17, maximum, shared: true });
}

/** A guest with threads under the class, and its imports. */
function withThreads(name, args, options) {
  const module = guest(name);
  const wasi = new WASI({
    version: 'preview1',
    args: [name, ...args],
    threads: true,
    stdout: 'pipe',
    stderr: 'pipe',
    ...options,
  });
  const memory = sharedMemory();
  return { wasi, module, imports: wasi.getImportObject({ module, memory }) };
}

/**
 * A worker that posts one message when it is ready, and one reply to each message: `call`
 * resolves to that.
 */
async function answering(t, worker) {
  t.teardown(() => worker.terminate());
  await once(worker, 'message');
  return {
    end: () => worker.terminate(),
    async call(...message) {
      worker.postMessage(message);
      const [errno] = await once(worker, 'message');
      return errno;
    },
  };
}

module.exports = { answering, sharedMemory, withThreads };
