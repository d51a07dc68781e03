'use strict';

// What is taken as bytes wherever bytes are.

const { isAnyArrayBuffer, isDataView } = require('node:util').types;

// Loaded with the first mistake.
const errors = () => require('./errors');

const { keys } = Uint8Array.prototype;

/** Whether a value is a view of bytes or the buffer behind one. */
function isBytes(value) {
  return ArrayBuffer.isView(value) || isAnyArrayBuffer(value);
}

/** Whether a buffer has been given away, or a view leads out of what there is of its own. */
function isGone(bytes) {
  try {
    // Of a DataView that is gone, this throws.
    if (bytes.byteLength > 0 || isDataView(bytes)) return false;
    if (ArrayBuffer.isView(bytes)) Reflect.apply(keys, bytes, []);
    else void new Uint8Array(bytes);
    return false;
  } catch {
    return true;
  }
}

/** Refuses bytes that are gone, of which the engine speaks without a name. */
function checkThere(bytes, name) {
  if (!isGone(bytes)) return;
  const reason = 'must not be detached, or out of the bounds of its buffer';
  throw errors().invalidArgValue(checkThere, name, reason, shownOf(bytes));
}

/** What can be shown of bytes that are gone: inspecting a DataView throws. */
function shownOf(bytes) {
  return isDataView(bytes) ? 'DataView' : bytes;
}

/** The same bytes, not copied. */
function bufferOf(bytes, name) {
  checkThere(bytes, name);
  return ArrayBuffer.isView(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : Buffer.from(bytes);
}

module.exports = { bufferOf, checkThere, isBytes };
