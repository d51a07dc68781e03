'use strict';

// The thread of a pool: runs the guests that it is sent, one after the other.

const { parentPort } = require('node:worker_threads');

const { runGuest } = require('./guest');
const { describeError } = require('./rebuilt-error');

parentPort.on('message', (guest) => {
  const { how, exitCode, error } = runGuest(guest, (wasi) => wasi);
  parentPort.postMessage(
    how === 'exit' ? { how, exitCode } : { how, error: describeError(error) },
  );
});

parentPort.postMessage({ how: 'ready' });
