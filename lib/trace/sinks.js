'use strict';

// The targets of a trace: a descriptor or a stream for lines, a function for calls.

const fs = require('node:fs');

/** Milliseconds until the next attempt to write to a full pipe. */
const PAUSE = 1;

const { wait } = Atomics;

/** Writes all of a text, and waits for room if the descriptor is non-blocking. */
function writeAll(fd, text) {
  let bytes = Buffer.from(text);
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(fd, bytes));
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
      wait(cell, 0, 0, PAUSE);
    }
  }
}

/** A descriptor. EPIPE ends the trace without an error. */
function toDescriptor(fd) {
  let isOver = false;
  return (call) => {
    if (isOver) return;
    try {
      writeAll(fd, `${call}\n`);
    } catch (error) {
      if (error.code !== 'EPIPE') throw error;
      isOver = true;
    }
  };
}

/** A stream of Node. Nothing is written to one that has ended or failed; its owner gets the error. */
function toStream(stream) {
  return (call) => {
    if (stream.writable !== false) stream.write(`${call}\n`);
  };
}

/** @param {number | NodeJS.WritableStream | ((call: object) => void)} to */
function sinkOf(to) {
  switch (typeof to) {
    case 'number':
      return toDescriptor(to);
    case 'function':
      return (call) => void to(call);
    default:
      return toStream(to);
  }
}

module.exports = { sinkOf };
