'use strict';

const {
  Result,
  STOPPED,
  guestOf,
  outcomeOf,
  prepareGuest,
  runGuest,
  settle,
  whyOf,
} = require('./guest');
const { readRunOptions } = require('./options');
const { checkRunnable, loadSync, nameOf } = require('./program');
const { now } = require('../core');

/** The imports of WASI, and those of the option `imports`, which replace them. */
function addImports(wasi, imports) {
  const all = { __proto__: null, ...imports };
  for (const [from, functions] of Object.entries(wasi)) {
    all[from] = { ...functions, ...imports[from] };
  }
  return all;
}

const sinkFor = ({ to }) => require('../trace/sinks').sinkOf(to);

const TIMED_OUT = { exitCode: null, reason: 'timeout' };

/** Runs a guest in another thread, or in several. */
function runElsewhere(prepared, guest, most) {
  return guest.shared === undefined
    ? require('./in-worker').runInWorker(prepared, guest, most)
    : require('../threads/start').runThreads(prepared, guest, most);
}

/** Runs a prepared guest, and returns how it ended. */
function runPrepared(prepared, guest, { imports, cpuTime, timeout, stdio }) {
  if (guest.shared !== undefined || cpuTime !== undefined) {
    const { reply, why } = runElsewhere(prepared, guest, { cpuTime, timeout });
    return outcomeOf(reply, why ?? whyOf(prepared), stdio.overflowed);
  }
  const body = () =>
    runGuest(guest, (wasi) => addImports(wasi, imports), sinkFor);
  if (timeout === undefined) {
    return outcomeOf(body(), whyOf(prepared), stdio.overflowed);
  }
  prepared.stopAfter(timeout, STOPPED);
  const { callFor } = require('../timed');
  const reply = callFor(body, timeout)?.value;
  if (reply === undefined) return TIMED_OUT;
  const why = prepared.hasTimedOut ? TIMED_OUT : whyOf(prepared);
  return outcomeOf(reply, why, stdio.overflowed);
}

function runSync(program, options = {}) {
  const plan = readRunOptions(options, 'runSync', nameOf(program, false));
  const { imports, maxMemory, name, stdio, threads } = plan;
  const module = loadSync(program, maxMemory);
  const description = checkRunnable(module, name, plan);
  if (threads && description.threadSpawn) stdio.refuseFunctions();
  stdio.open();
  const prepared = prepareGuest(plan);
  const startTime = now();
  let outcome;
  try {
    const guest = guestOf(prepared, module, description, plan);
    // A LinkError that they throw must not be taken for one of the adapter.
    if (Reflect.ownKeys(imports).length > 0) guest.isWasiOnly = false;
    outcome = runPrepared(prepared, guest, plan);
  } finally {
    prepared.close();
  }
  if (outcome.reason === 'trap') {
    require('../backtrace').addPlaces(outcome.error, module);
  }
  if (outcome.reason !== 'error') stdio.endOutput();
  const wallTime = now() - startTime;
  const { cpuTime, refused } = prepared;
  const { entry } = description;
  const ended = { ...outcome, entry, refused, usage: { wallTime, cpuTime } };
  return settle(plan, new Result(ended, stdio));
}

module.exports = { runSync };
