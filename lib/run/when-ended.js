'use strict';

const { finished } = require('node:stream');

const { prematureClose } = require('../errors');
const { clearInterval, setInterval } = require('../core');

/** Milliseconds between two checks of a stream that emits no 'close'. */
const INTERVAL = 20;

/**
 * Calls a function when a stream has ended, failed or been destroyed; also one with
 * `emitClose: false`, which can be destroyed without an event.
 *
 * @param {import('node:stream').Stream} stream
 * @param {{ readable?: false, writable?: false }} sides the side of a duplex stream that
 *   does not matter
 * @param {(error?: Error) => void} onEnd is called once
 * @returns {() => void} stops that
 */
function whenEnded(stream, sides, onEnd) {
  let timer;
  const stopListening = finished(stream, sides, (error) => {
    clearInterval(timer);
    onEnd(error);
  });
  const stop = () => {
    clearInterval(timer);
    stopListening();
  };
  const state =
    sides.readable === false ? stream._writableState : stream._readableState;
  if (state?.emitClose === false) {
    timer = setInterval(() => {
      if (!stream.destroyed) return;
      stop();
      onEnd(stream.errored ?? prematureClose(whenEnded));
    }, INTERVAL);
  }
  return stop;
}

module.exports = { whenEnded };
