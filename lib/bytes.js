'use strict';

// What is taken as bytes wherever bytes are.

const { isAnyArrayBuffer } = require('node:util').types;

/** Whether a value is a view of bytes or the buffer behind one. */
function isBytes(value) {
  return ArrayBuffer.isView(value) || isAnyArrayBuffer(value);
}

/** The same bytes, not copied. */
function bufferOf(bytes) {
  return ArrayBuffer.isView(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : Buffer.from(bytes);
}

module.exports = { bufferOf, isBytes };
