'use strict';

// Programs with threads.

const { makeShared } = require('../threads/group');
const { readThreads } = require('../threads/options');
const { runThreads } = require('../threads/start');
const { TimeError } = require('./error');

/**
 * Runs a guest with threads to its end.
 *
 * @param {object} guest see `prepareGuest()`
 * @param {object} prepared the native side of the guest
 * @param {object} command see `readArguments()`
 * @returns {{ exitCode: number }}
 * @throws the error that ended it
 */
function startThreads(guest, prepared, { cpuTime, timeout, threads }) {
  const { max, warm } = readThreads(
    threads === undefined ? true : { max: threads },
  );
  const { module, wasi, isWasiOnly, memory, description } = guest;
  const { hasThreadStart } = description;
  const { token } = prepared;
  const program = {
    token,
    module,
    wasi,
    isWasiOnly,
    memory,
    entry: '_start',
  };
  const { reply, why } = runThreads(
    prepared,
    { ...program, hasThreadStart, shared: makeShared(max), warm },
    { cpuTime, timeout },
  );
  prepared.close();
  if (why !== undefined) throw new TimeError(why.reason);
  if (reply.how !== 'exit') throw reply.error;
  return { exitCode: reply.exitCode };
}

module.exports = { startThreads };
