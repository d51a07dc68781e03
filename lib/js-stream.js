'use strict';

// Functions of the user as standard streams. The native side calls a wrapper of such a
// function for a read or a write, as it calls a JavaScript file system (see
// js-file-system/), with a buffer that it lends.

const { StringDecoder } = require('node:string_decoder');

const { bufferOf, isBytes } = require('./bytes');
const { invalidReturnValue } = require('./errors');
const { HEAD } = require('./js-file-system/operations');

const { slice } = Uint8Array.prototype;

const NOTHING = Buffer.alloc(0);

/** What the user's function returned, as bytes: none at the end. */
function bytesOf(value, name) {
  if (value === null || value === undefined) return NOTHING;
  if (typeof value === 'string') return Buffer.from(value);
  if (isBytes(value)) return bufferOf(value, name);
  throw refusal('bytes, a string, null or undefined', name, value);
}

function refusal(expected, name, value) {
  // Nobody awaits the promise: a rejection must not be an unhandled one.
  if (typeof value?.then === 'function') value.then(undefined, () => {});
  return invalidReturnValue(refusal, expected, name, value);
}

/**
 * A stream that is read from a function. It is called when all that it returned before
 * has been read, and not again once it has returned no bytes.
 *
 * @param {(size: number) => unknown} give
 * @param {string} name what to call it in errors
 */
function readBy(give, name) {
  let left = NOTHING;
  let isOver = false;
  return (_operation, _a, _b, _handle, length, _position, buffer) => {
    if (left.length === 0 && !isOver) {
      const bytes = bytesOf(give(length), name);
      isOver = bytes.length === 0;
      // It may have called the guest, which may have read meanwhile.
      left = left.length === 0 ? bytes : Buffer.concat([left, bytes]);
    }
    const count = Math.min(length, left.length);
    buffer.set(left.subarray(0, count), HEAD);
    left = left.subarray(count);
    return count;
  };
}

/**
 * A stream that is written to a function, which gets a copy of the bytes.
 *
 * @param {(chunk: Buffer) => unknown} take
 * @param {string} name what to call it in errors
 */
function writtenBy(take, name) {
  return (_operation, _a, _b, _handle, length, _position, buffer) => {
    handOver(Reflect.apply(slice, buffer, [HEAD, HEAD + length]), take, name);
    return length;
  };
}

function handOver(chunk, take, name) {
  const taken = take(chunk);
  if (typeof taken?.then === 'function') {
    throw refusal('no promise', name, taken);
  }
}

/**
 * The same with text in an encoding. A character is passed on when it is complete.
 *
 * @param {(text: string) => unknown} take
 * @returns `serve`, and `end()`, which passes on an incomplete character
 */
function writtenAsText(take, encoding, name) {
  const decoder = new StringDecoder(encoding);
  const takeSome = (text) => (text === '' ? undefined : take(text));
  return {
    serve: writtenBy((chunk) => takeSome(decoder.write(chunk)), name),
    end: () => handOver(decoder.end(), takeSome, name),
  };
}

module.exports = { readBy, writtenAsText, writtenBy };
