'use strict';

const { finished } = require('node:stream');

const { prematureClose } = require('../errors');
const { clearInterval, setInterval } = require('./timers');

/** Milliseconds between two looks at a stream that does not say when it is destroyed. */
const LOOK = 20;

/**
 * Hears of the end of a stream, whether it says so or not: one that is made with
 * `emitClose: false` can be destroyed without an event.
 *
 * @param {import('node:stream').Stream} stream
 * @param {{ readable?: false, writable?: false }} sides which of its ends is not meant
 * @param {(error?: Error) => void} onEnd is called once
 * @returns {() => void} ends that
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
    }, LOOK);
  }
  return stop;
}

module.exports = { whenEnded };
