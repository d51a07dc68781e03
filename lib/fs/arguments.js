'use strict';

// Reads the arguments of functions of node:fs, with Node's checks.

const { constants } = require('node:fs');
const { fileURLToPath } = require('node:url');
const { isAnyArrayBuffer, isDate, isSharedArrayBuffer } =
  require('node:util').types;

const { checkThere, isBytes: isContent } = require('../bytes');
const { invalidArgType, invalidArgValue, outOfRange } = require('../errors');
const { validateFd, validateInteger } = require('../validators');

const MAX_UINT32 = 2 ** 32 - 1;

/** The size of the buffer that a function makes which is called without one. */
const DEFAULT_BUFFER = 16 << 10;

const isBytes = (value) => value instanceof Uint8Array;

/** A path of the guest: a string, bytes, or a `file:` URL, which is read as a POSIX path on any host. */
function readPath(value, name = 'path') {
  const path =
    value instanceof URL ? fileURLToPath(value, { windows: false }) : value;
  if (typeof path !== 'string' && !isBytes(path)) {
    const expected = 'of type string or an instance of Buffer or URL';
    throw invalidArgType(readPath, name, expected, path);
  }
  if (isBytes(path)) checkThere(path, name);
  if (path.includes(typeof path === 'string' ? '\0' : 0)) {
    const reason = 'must be a string, Uint8Array, or URL without null bytes';
    throw invalidArgValue(readPath, name, reason, path);
  }
  return path;
}

/** A path as a string. */
const textOf = (path) =>
  typeof path === 'string' ? path : Buffer.from(path).toString();

/** The path of an entry, whose name is bytes, in a directory. */
const joined = (path, name) => {
  const above = Buffer.from(path);
  const slash = above.at(-1) === '/'.charCodeAt(0) ? '' : '/';
  return Buffer.concat([above, Buffer.from(slash), name]);
};

const readFd = (value) => validateFd(value, 'fd');

const { O_APPEND, O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } =
  constants;
// Windows has no such flag.
const { O_SYNC = 0 } = constants;

const MODES = {
  __proto__: null,
  r: O_RDONLY,
  'r+': O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  'w+': O_RDWR | O_CREAT | O_TRUNC,
  a: O_WRONLY | O_CREAT | O_APPEND,
  'a+': O_RDWR | O_CREAT | O_APPEND,
};

/** The letters that may follow the first, and the flags that they add. */
const LETTERS = {
  __proto__: null,
  r: { s: O_SYNC },
  w: { x: O_EXCL },
  a: { x: O_EXCL, s: O_SYNC },
};

/** The flags of `open(2)` that a string such as `'wx+'` stands for. */
function readFlags(value = O_RDONLY, name = 'flags') {
  if (value === null) return O_RDONLY;
  if (typeof value === 'number')
    return validateInteger(value, name, -(2 ** 31), 2 ** 31 - 1);
  const [, mode, plus] =
    /^(rs?|sr|wx?|xw|a[xs]?|[xs]a)(\+?)$/.exec(value) ?? [];
  if (typeof value !== 'string' || mode === undefined) {
    throw invalidArgValue(readFlags, name, 'is invalid', value);
  }
  const main = /[rwa]/.exec(mode)[0];
  const letter = mode.replace(main, '');
  return MODES[main + plus] | (LETTERS[main][letter] ?? 0);
}

/** A mode, which is checked and has no effect: WASI has no permissions. */
function readMode(value, name = 'mode') {
  if (value === undefined || value === null) return;
  if (typeof value === 'string') {
    if (/^[0-7]+$/.test(value)) return;
    const reason = 'must be a 32-bit unsigned integer or an octal string';
    throw invalidArgValue(readMode, name, reason, value);
  }
  validateInteger(value, name, 0, MAX_UINT32);
}

function readEncoding(value, name = 'encoding') {
  if (value && value !== 'buffer' && !Buffer.isEncoding(value)) {
    throw invalidArgValue(readEncoding, name, 'is invalid encoding', value);
  }
  return value;
}

/** Options over their defaults; a string is an encoding. */
function readOptions(value, defaults = {}) {
  if (value === undefined || value === null) return defaults;
  const options = typeof value === 'string' ? { encoding: value } : value;
  if (typeof options !== 'object') {
    throw invalidArgType(
      readOptions,
      'options',
      'one of type string or object',
      value,
    );
  }
  readEncoding(options.encoding);
  return { ...defaults, ...options };
}

/** Seconds since 1970, from a number of seconds or a Date. */
function readTime(value, name = 'time') {
  if (typeof value === 'string' && !Number.isNaN(Number(value))) {
    return Number(value);
  }
  if (Number.isFinite(value)) return value;
  if (isDate(value)) return value.getTime() / 1000;
  throw invalidArgType(
    readTime,
    name,
    'an instance of Date or an Time in seconds',
    value,
  );
}

/** The bytes of a view; a copy if its memory is shared. */
function bytesOf(view) {
  const { buffer, byteOffset, byteLength } = view;
  const bytes = isBytes(view)
    ? view
    : new Uint8Array(buffer, byteOffset, byteLength);
  return isSharedArrayBuffer(buffer) ? Buffer.from(bytes) : bytes;
}

function readView(value, name = 'buffer') {
  if (ArrayBuffer.isView(value)) {
    checkThere(value, name);
    return value;
  }
  throw invalidArgType(
    readView,
    name,
    'an instance of Buffer, TypedArray, or DataView',
    value,
  );
}

/** Data to write: bytes, or a string in an encoding. */
function readData(value, encoding, name = 'data') {
  if (typeof value === 'string') return Buffer.from(value, encoding ?? 'utf8');
  if (ArrayBuffer.isView(value)) return bytesOf(readView(value, name));
  throw invalidArgType(
    readData,
    name,
    'of type string or an instance of Buffer, TypedArray, or DataView',
    value,
  );
}

/** The content of a file in a tree: bytes, or a string in UTF-8. */
function readContent(value, name) {
  if (typeof value === 'string') return Buffer.from(value);
  if (isContent(value)) checkThere(value, name);
  if (ArrayBuffer.isView(value)) return bytesOf(value);
  if (isAnyArrayBuffer(value)) return bytesOf(new Uint8Array(value));
  throw invalidArgType(
    readContent,
    name,
    'of type string or an instance of ArrayBuffer, TypedArray, or DataView',
    value,
  );
}

/** A position in a file; -1 is the offset of its descriptor. */
function readPosition(value) {
  if (value === undefined || value === null) return -1;
  if (typeof value === 'bigint') return Math.max(-1, Number(value));
  if (typeof value !== 'number') {
    throw invalidArgType(
      readPosition,
      'position',
      'of type bigint or integer',
      value,
    );
  }
  return validateInteger(value, 'position', -1, Number.MAX_SAFE_INTEGER);
}

/** The part of a buffer from `offset`, as Node checks it for reading and writing. */
function readRange(view, offset, length) {
  const { byteLength } = view;
  const start = validateInteger(
    offset ?? 0,
    'offset',
    0,
    Number.MAX_SAFE_INTEGER,
  );
  if (start > byteLength)
    throw outOfRange(readRange, 'offset', `<= ${byteLength}`, start);
  const count = validateInteger(
    length ?? byteLength - start,
    'length',
    0,
    Number.MAX_SAFE_INTEGER,
  );
  const most = byteLength - start;
  if (count > most) throw outOfRange(readRange, 'length', `<= ${most}`, count);
  return [start, start + count];
}

module.exports = {
  DEFAULT_BUFFER,
  bytesOf,
  isBytes,
  isContent,
  joined,
  readContent,
  readData,
  readEncoding,
  readFd,
  readFlags,
  readMode,
  readOptions,
  readPath,
  readPosition,
  readRange,
  readTime,
  readView,
  textOf,
};
