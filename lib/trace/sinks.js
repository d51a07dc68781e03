'use strict';

// Where a trace goes: lines to a descriptor or a stream, or calls to a function.

const fs = require('node:fs');

/** Milliseconds to the next attempt to write where there is no room. */
const PAUSE = 1;

const { wait } = Atomics;

/** Writes all of it, and waits for room as the guest's own output does. */
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

/** A descriptor. Who has stopped reading wants no more, and needs no telling. */
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

/** A stream of Node's. One that has ended or failed takes no more; that is its owner's to hear. */
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
