'use strict';

// The code of a worker of a pool: runs the guests that it is sent, one after the other.

const { parentPort } = require('node:worker_threads');

const { runGuest } = require('./guest');
const { describeError } = require('./rebuilt-error');

/** The function that is called with each traced call of a guest. */
function sinkFor(trace) {
  return require('./trace').sendTrace(trace, (message) =>
    parentPort.postMessage(message),
  );
}

/** Replies to a thread that blocks, and so receives no events. */
function wake({ port, isOver }, outcome) {
  port.postMessage(outcome);
  Atomics.store(isOver, 0, 1);
  Atomics.notify(isOver, 0);
}

function runAny(guest) {
  return guest.shared === undefined
    ? runGuest(guest, (wasi) => wasi, sinkFor)
    : require('../threads/first').runFirst(guest);
}

function answer({ reply, ...guest }) {
  const { error, ...rest } = runAny(guest);
  const outcome =
    rest.how === 'exit' ? rest : { ...rest, error: describeError(error) };
  if (reply === undefined) parentPort.postMessage(outcome);
  else wake(reply, outcome);
}

/** Runs the guests that this worker is sent. */
function runGuests() {
  parentPort.on('message', answer);
  parentPort.postMessage({ how: 'ready' });
}

module.exports = { runGuests };
