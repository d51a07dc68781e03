'use strict';

// The trace of a guest in a thread of its own. That thread writes to a descriptor
// itself. Functions and streams belong to the thread that started the guest: calls are
// sent there by message, a limited number at a time.

const { sinkOf } = require('../trace/sinks');
const { TraceCall } = require('../trace/trace-call');

const { add, load, notify, wait } = Atomics;

/** How many calls may be sent and not yet handled. */
const MOST = 256;

/**
 * For the thread that starts a guest: the trace to send to the guest's thread, and the
 * function that handles the calls which that sends back.
 *
 * @param {object} plan see `readTrace()`
 * @returns {{ trace: object, receive: (call: object, version: string) => void }}
 */
function receiveTrace(plan) {
  const { to, ...trace } = plan;
  if (typeof to === 'number') return { trace: plan, receive: () => {} };
  const taken = new Int32Array(new SharedArrayBuffer(4));
  const sink = sinkOf(to);
  const receive = (call, version) => {
    add(taken, 0, 1);
    notify(taken, 0);
    sink(new TraceCall(call, version));
  };
  return { trace: { ...trace, taken }, receive };
}

/**
 * For the thread of the guest: the function that is called with each call.
 *
 * @param {object} trace from `receiveTrace()`
 * @param {(message: object) => void} send
 */
function sendTrace({ to, taken }, send) {
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

module.exports = { receiveTrace, sendTrace };
