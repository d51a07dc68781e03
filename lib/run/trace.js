'use strict';

// The trace of a guest in a thread of its own. A descriptor is written to there.
// Functions and streams belong to the thread of their owner: what they are told
// goes there by message, a bounded number at a time.

const { sinkOf } = require('../trace/sinks');
const { TraceCall } = require('../trace/trace-call');

const { add, load, notify, wait } = Atomics;

/** How many calls may be on their way. */
const MOST = 256;

/**
 * What a thread has to know to trace a guest, and what is done with what it sends.
 *
 * @param {object} plan see `readTrace()`
 * @returns {{ trace: object, hear: (call: object, version: string) => void }}
 */
function hearTrace(plan) {
  const { to, ...trace } = plan;
  if (typeof to === 'number') return { trace: plan, hear: () => {} };
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const sink = sinkOf(to);
  const hear = (call, version) => {
    add(taken, 0, 1);
    notify(taken, 0);
    sink(new TraceCall(call, version));
  };
  return { trace: { ...trace, taken }, hear };
}

/**
 * The same in that thread: what tells of a call.
 *
 * @param {object} trace from `hearTrace()`
 * @param {(message: object) => void} send
 */
function tellHost({ to, taken }, send) {
  if (taken === undefined) return sinkOf(to);
  let sent = 0;
  return (call) => {
    for (
      let done = load(taken, 0);
      sent - done >= MOST;
      done = load(taken, 0)
    ) {
      wait(taken, 0, done);
    }
    sent++;
    send({
      how: 'trace',
      call: { ...call },
      version: TraceCall.versionOf(call),
    });
  };
}

module.exports = { hearTrace, tellHost };
