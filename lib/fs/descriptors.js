'use strict';

// Opens files, and has the functions that take a descriptor.

const { validateInteger } = require('../validators');
const {
  bytesOf,
  readData,
  readFd,
  readFlags,
  readMode,
  readPath,
  readPosition,
  readRange,
  readTime,
  readView,
} = require('./arguments');
const { toNativeFlags } = require('./flags');
const { check } = require('./errors');
const { laidStats, place } = require('./stats');

/** The arguments after the buffer: single ones, or an object of them. */
function readTransfer(rest) {
  const [options] = rest;
  if (options === undefined || options === null || typeof options !== 'object')
    return rest;
  return [options.offset, options.length, options.position];
}

/** The position of a write: as in Node, anything but a number means none. */
const numberOrNone = (value) =>
  typeof value === 'number' || typeof value === 'bigint' ? value : undefined;

/** @param {import('../../target/binding').Files} files the native half */
function descriptors(files) {
  function openSync(path, flags, mode) {
    const name = readPath(path);
    const native = toNativeFlags(readFlags(flags));
    readMode(mode);
    return check(files.open(name, ...native), 'open', name);
  }

  function closeSync(fd) {
    check(files.close(readFd(fd)), 'close');
  }

  function readSync(fd, buffer, ...rest) {
    const number = readFd(fd);
    const view = readView(buffer);
    const [offset, length, position] = readTransfer(rest);
    const [start, end] = readRange(view, offset, length);
    const at = readPosition(position);
    if (start === end) return 0;
    const bytes = bytesOf(view);
    const to = bytes.subarray(start, end);
    const count = check(files.read(number, to, at), 'read');
    if (bytes.buffer !== view.buffer) {
      new Uint8Array(view.buffer, view.byteOffset).set(
        to.subarray(0, count),
        start,
      );
    }
    return count;
  }

  function writeSync(fd, data, ...rest) {
    const number = readFd(fd);
    if (typeof data === 'string') {
      const [position, encoding] = rest;
      const bytes = readData(data, encoding, 'buffer');
      return writeBytes(number, bytes, readPosition(numberOrNone(position)));
    }
    const bytes = readData(data, undefined, 'buffer');
    const [offset, length, position] = readTransfer(rest);
    const [start, end] = readRange(bytes, offset, length);
    const at = readPosition(numberOrNone(position));
    return writeBytes(number, bytes.subarray(start, end), at);
  }

  function writeBytes(fd, bytes, at) {
    return check(files.write(fd, bytes, at), 'write');
  }

  function fstatSync(fd, options) {
    const number = readFd(fd);
    check(files.fstat(number, place), 'fstat');
    return laidStats(options);
  }

  function ftruncateSync(fd, len = 0) {
    const number = readFd(fd);
    const size = validateInteger(
      len,
      'len',
      -Number.MAX_SAFE_INTEGER,
      Number.MAX_SAFE_INTEGER,
    );
    check(files.ftruncate(number, Math.max(0, size)), 'ftruncate');
  }

  function futimesSync(fd, atime, mtime) {
    const number = readFd(fd);
    const times = [readTime(atime, 'atime'), readTime(mtime, 'mtime')];
    check(files.futimes(number, ...times), 'futime');
  }

  function fsyncSync(fd) {
    check(files.sync(readFd(fd), false), 'fsync');
  }

  function fdatasyncSync(fd) {
    check(files.sync(readFd(fd), true), 'fdatasync');
  }

  /** Calls a function with a descriptor: a given one, or that of a path, which is open for that time. */
  function withFile(file, flags, mode, use) {
    if (typeof file === 'number') return use(readFd(file));
    const fd = openSync(file, flags, mode);
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  }

  function writeAll(fd, data) {
    for (let rest = data; rest.length > 0;) {
      rest = rest.subarray(writeBytes(fd, rest, -1));
    }
  }

  return {
    openSync,
    closeSync,
    readSync,
    writeSync,
    fstatSync,
    ftruncateSync,
    futimesSync,
    fsyncSync,
    fdatasyncSync,
    withFile,
    writeAll,
  };
}

module.exports = { descriptors };
