'use strict';

// Buffers and views, which are taken wherever bytes are.

const { isAnyArrayBuffer, isDataView } = require('node:util').types;

// Loaded with the first error.
const errors = () => require('./errors');

const { keys } = Uint8Array.prototype;

/** Whether a value is an ArrayBuffer, a SharedArrayBuffer or a view of one. */
function isBytes(value) {
  return ArrayBuffer.isView(value) || isAnyArrayBuffer(value);
}

/** Whether a buffer is detached, or a view is out of the bounds of its buffer. */
function isGone(bytes) {
  try {
    // `byteLength` throws for such a DataView.
    if (bytes.byteLength > 0 || isDataView(bytes)) return false;
    if (ArrayBuffer.isView(bytes)) Reflect.apply(keys, bytes, []);
    else void new Uint8Array(bytes);
    return false;
  } catch {
    return true;
  }
}

/** Refuses such bytes with the name of the argument, which errors of the engine lack. */
function checkThere(bytes, name) {
  if (!isGone(bytes)) return;
  const reason = 'must not be detached, or out of the bounds of its buffer';
  throw errors().invalidArgValue(checkThere, name, reason, shownOf(bytes));
}

/** What an error shows of such bytes: inspecting a DataView would throw. */
function shownOf(bytes) {
  return isDataView(bytes) ? 'DataView' : bytes;
}

/** A Buffer over the same bytes, which are not copied. */
function bufferOf(bytes, name) {
  checkThere(bytes, name);
  return ArrayBuffer.isView(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : Buffer.from(bytes);
}

module.exports = { bufferOf, checkThere, isBytes };
