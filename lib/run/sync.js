'use strict';

const { performance } = require('node:perf_hooks');

const { callFor } = require('../timed');
const { runGuest } = require('./guest');
const { readRunOptions } = require('./options');
const { STOPPED, guestOf, prepareGuest } = require('./prepare');
const { checkRunnable, loadSync, nameOf } = require('./program');
const { Result, outcomeOf, settle } = require('./result');

/** WASI, and what the host adds to it. */
function addImports(wasi, imports) {
  const all = { ...imports };
  for (const [from, functions] of Object.entries(wasi)) {
    all[from] = { ...functions, ...imports[from] };
  }
  return all;
}

/** Runs a guest that is prepared, and tells how that ended. */
function runPrepared(prepared, guest, { imports, timeout, stdio }) {
  const body = () => runGuest(guest, (wasi) => addImports(wasi, imports));
  if (timeout === undefined) {
    return outcomeOf(body(), undefined, stdio.overflowed);
  }
  prepared.stopAfter(timeout, STOPPED);
  const reply = callFor(body, timeout)?.value;
  const why = { exitCode: null, reason: 'timeout' };
  if (reply === undefined) return why;
  const isOver = prepared.hasTimedOut;
  return outcomeOf(reply, isOver ? why : undefined, stdio.overflowed);
}

function runSync(program, options = {}) {
  const plan = readRunOptions(options, 'runSync', nameOf(program, false));
  const { imports, maxMemory, name, native, stdio } = plan;
  const module = loadSync(program, maxMemory);
  const description = checkRunnable(module, name, imports);
  stdio.open();
  const prepared = prepareGuest(native, stdio.natives, description.version);
  const startTime = performance.now();
  let outcome;
  try {
    const guest = guestOf(prepared, module, description);
    outcome = runPrepared(prepared, guest, plan);
  } finally {
    prepared.close();
  }
  const wallTime = performance.now() - startTime;
  const { entry } = description;
  return settle(plan, new Result({ ...outcome, entry, wallTime }, stdio));
}

module.exports = { runSync };
