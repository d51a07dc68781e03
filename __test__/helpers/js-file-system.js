'use strict';

// JavaScript file systems: that of a MemoryFS, of which a test replaces some functions by
// ones that misbehave.

const { MemoryFS, WASI } = require('../..');
const { INTERFACE } = require('../../lib/fs/interface');
const { BUF, OFLAGS, OUT, RIGHTS, RawGuest } = require('./raw');

const PREOPEN = 3;
const READ = { base: RIGHTS.fd_read };
const WRITE = { base: RIGHTS.fd_read | RIGHTS.fd_write };
const CREATE = { ...WRITE, oflags: OFLAGS.CREAT };

/**
 * An object with the functions of a MemoryFS, except those that are replaced. A
 * replacement gets the original function, and then its arguments; `undefined` removes
 * the function.
 */
function fileSystem(replacements = {}, memory = new MemoryFS()) {
  const fs = {};
  for (const name of INTERFACE) fs[name] = memory[name];
  for (const [name, replacement] of Object.entries(replacements)) {
    const original = fs[name];
    fs[name] =
      typeof replacement === 'function'
        ? (...args) => replacement(original, ...args)
        : replacement;
  }
  return fs;
}

/**
 * A guest over a file system, and the file system. Functions are replaced after the guest
 * was made.
 */
function guestOver(replacements, options) {
  const memory = new MemoryFS();
  memory.mkdirSync('/dir/sub', { recursive: true });
  memory.writeFileSync('/file', 'content');
  memory.writeFileSync('/dir/nested', 'nested');
  memory.symlinkSync('dir/nested', '/link');
  const fs = fileSystem({}, memory);
  const raw = new RawGuest(WASI, { preopens: { '/': fs }, ...options });
  Object.assign(fs, fileSystem(replacements, memory));
  return { raw, fs, memory, calls: raw.calls, wasi: raw.wasi };
}

/** Reads up to `length` bytes into one buffer, at an offset if one is given. */
function read(raw, fd, length, at) {
  const iovs = raw.lay(Buffer.from(new Uint32Array([BUF, length]).buffer));
  const errno =
    at === undefined
      ? raw.calls.fd_read(fd, iovs[0], 1, OUT)
      : raw.calls.fd_pread(fd, iovs[0], 1, at, OUT);
  if (errno !== 0) return errno;
  const count = raw.view.getUint32(OUT, true);
  return Buffer.from(raw.calls.memory.buffer, BUF, count).toString();
}

function write(raw, fd, text) {
  Buffer.from(raw.calls.memory.buffer).write(text, BUF);
  const [iovs] = raw.lay(
    Buffer.from(new Uint32Array([BUF, text.length]).buffer),
  );
  return raw.calls.fd_write(fd, iovs, 1, OUT);
}

const stat = (raw, name, follow = 1) =>
  raw.calls.path_filestat_get(PREOPEN, follow, ...raw.lay(name), OUT);

/** The names that a directory lists. */
function list(raw, fd, length = 4096) {
  const errno = raw.calls.fd_readdir(fd, BUF, length, 0n, OUT);
  if (errno !== 0) return errno;
  const end = BUF + raw.view.getUint32(OUT, true);
  const names = [];
  for (let at = BUF; at + 24 <= end;) {
    const nameLength = raw.view.getUint32(at + 16, true);
    const name = Buffer.from(raw.calls.memory.buffer, at + 24, nameLength);
    names.push(name.toString());
    at += 24 + nameLength;
  }
  return names;
}

/** Every function of a file system that calls of a guest use. */
const CALLED = [
  'lstatSync',
  'openSync',
  'readSync',
  'writeSync',
  'fstatSync',
  'readdirSync',
  'readlinkSync',
  'closeSync',
  'ftruncateSync',
];

/** Has a guest call each of them; returns the errors, and what was read. */
function callAll({ raw, calls }) {
  const opened = raw.tryOpen(PREOPEN, 'link', WRITE);
  const { fd } = opened;
  return {
    opened: opened.errno,
    read: read(raw, fd, 6),
    written: write(raw, fd, '!'),
    again: read(raw, fd, 9, 0n),
    truncated: calls.fd_filestat_set_size(fd, 3n),
    stat: calls.fd_filestat_get(fd, OUT),
    size: raw.view.getBigUint64(OUT + 32, true),
    listed: list(raw, PREOPEN),
    closed: calls.fd_close(fd),
  };
}

/** The value that a function throws, which may be undefined. */
function caught(t, body) {
  try {
    body();
  } catch (error) {
    return error;
  }
  return t.fail('nothing was thrown');
}

/** A function that fails with this code. */
const failing = (code) => () => {
  throw Object.assign(new Error(code), { code });
};

module.exports = {
  CALLED,
  CREATE,
  PREOPEN,
  READ,
  WRITE,
  callAll,
  caught,
  failing,
  fileSystem,
  guestOver,
  list,
  read,
  stat,
  write,
};
