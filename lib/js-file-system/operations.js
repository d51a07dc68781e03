'use strict';

// The operations of a file system that return a number, by the functions of node:fs.
//
// These functions are looked up at each call, so that a function which a program
// replaces meanwhile, as tests do by mocks, is called.

const nodeFs = require('node:fs');

const {
  InvalidResult,
  failure,
  has,
  unsupported,
  whole,
} = require('./answers');
const {
  bits,
  inodeOf,
  sizeOf,
  statsAt,
  statsBy,
  timeOf,
  typeOf,
} = require('./attributes');

/** The operations, by their numbers on the native side. */
const OPERATIONS = [
  lstat,
  open,
  close,
  read,
  write,
  fstat,
  truncate,
  futimes,
  sync,
  utimes,
  mkdir,
  rmdir,
  unlink,
  rename,
  link,
  symlink,
];

/** The lent buffer begins with a file's attributes, of 8 bytes each; the bytes of a file come after. */
const ATTRIBUTES = 7;
const HEAD = 8 * ATTRIBUTES;

// The buffer that the native side has last lent, and views of it.
let lent;
let words;
let data;

function look(buffer) {
  if (buffer === lent) return;
  words = new BigUint64Array(buffer.buffer, buffer.byteOffset, ATTRIBUTES);
  data = buffer.subarray(HEAD);
  lent = buffer;
}

function tell(stats, buffer) {
  if (stats === null || typeof stats !== 'object') throw new InvalidResult();
  const attributes = [
    BigInt(typeOf(stats)),
    inodeOf(stats.ino),
    bits(stats.nlink ?? 1),
    sizeOf(stats.size),
    timeOf(stats, 'atime'),
    timeOf(stats, 'mtime'),
    timeOf(stats, 'ctime'),
  ];
  // Only now: the getters above may have called this function again, with another buffer.
  look(buffer);
  for (let index = 0; index < ATTRIBUTES; index++) {
    words[index] = attributes[index];
  }
  return 0;
}

function lstat(fs, path, _b, _x, _y, _z, buffer) {
  const stats = statsAt(fs, path);
  return stats === undefined ? failure('ENOENT') : tell(stats, buffer);
}

function fstat(fs, _a, _b, fd, _y, _z, buffer) {
  if (!has(fs, 'fstatSync')) return unsupported();
  return tell(
    statsBy((options) => fs.fstatSync(fd, options)),
    buffer,
  );
}

const READ = 1;
const WRITE = 2;
const CREATE = 4;

const {
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW = 0,
  O_RDONLY,
  O_RDWR,
  O_WRONLY,
} = nodeFs.constants;

/** The flags of openSync(), of which all file systems know these. */
function flagsOf(how, fs) {
  const writes = (how & WRITE) !== 0;
  if (fs === nodeFs) {
    const access = writes ? (how & READ ? O_RDWR : O_WRONLY) : O_RDONLY;
    return access | O_NOFOLLOW | (how & CREATE ? O_CREAT | O_EXCL : 0);
  }
  if (how & CREATE) return 'wx+';
  if (writes && how & READ) return 'r+';
  if (!writes) return 'r';
  // There is no string for opening an existing file for writing only.
  return fs.constants?.O_WRONLY ?? O_WRONLY;
}

function open(fs, path, _b, how) {
  if (how & WRITE && !has(fs, 'writeSync')) return failure('EROFS');
  return whole(fs.openSync(path, flagsOf(how, fs), 0o666));
}

function close(fs, _a, _b, fd) {
  fs.closeSync(fd);
  return 0;
}

function read(fs, _a, _b, fd, length, position, buffer) {
  look(buffer);
  return whole(fs.readSync(fd, data, 0, length, position), length);
}

function write(fs, _a, _b, fd, length, position, buffer) {
  if (!has(fs, 'writeSync')) return unsupported();
  look(buffer);
  return withRoom(() =>
    whole(fs.writeSync(fd, data, 0, length, position), length),
  );
}

function truncate(fs, _a, _b, fd, size) {
  if (!has(fs, 'ftruncateSync')) return unsupported();
  return withRoom(() => {
    fs.ftruncateSync(fd, size);
    return 0;
  });
}

/** Calls an operation that may fail to allocate memory, which is EFBIG. */
function withRoom(operation) {
  try {
    return operation();
  } catch (error) {
    if (
      error instanceof RangeError &&
      (error.code !== undefined || /allocat|length/i.test(error.message))
    ) {
      return failure('EFBIG');
    }
    throw error;
  }
}

function futimes(fs, _a, _b, fd, atime, mtime) {
  if (!has(fs, 'futimesSync')) return unsupported();
  fs.futimesSync(fd, atime, mtime);
  return 0;
}

/** A file system without these functions has nothing to sync. */
function sync(fs, _a, _b, fd, dataOnly) {
  if (dataOnly && has(fs, 'fdatasyncSync')) fs.fdatasyncSync(fd);
  else if (has(fs, 'fsyncSync')) fs.fsyncSync(fd);
  return 0;
}

function utimes(fs, path, _b, atime, mtime, isLink) {
  if (has(fs, 'lutimesSync')) fs.lutimesSync(path, atime, mtime);
  else if (has(fs, 'utimesSync') && !isLink) {
    fs.utimesSync(path, atime, mtime);
  } else return unsupported();
  return 0;
}

function mkdir(fs, path) {
  if (!has(fs, 'mkdirSync')) return unsupported();
  fs.mkdirSync(path, 0o777);
  return 0;
}

function rmdir(fs, path) {
  if (!has(fs, 'rmdirSync')) return unsupported();
  try {
    fs.rmdirSync(path);
  } catch (error) {
    if (error?.code !== 'ENOTEMPTY' || !seemsEmpty(fs, path)) throw error;
    fs.rmSync(path, { __proto__: null, recursive: true });
  }
  return 0;
}

/**
 * Whether a directory whose removal was ENOTEMPTY lists no entries: memfs miscounts
 * them. On a disk another program may have removed them since.
 */
function seemsEmpty(fs, path) {
  return (
    fs !== nodeFs && has(fs, 'rmSync') && fs.readdirSync(path).length === 0
  );
}

function unlink(fs, path) {
  if (!has(fs, 'unlinkSync')) return unsupported();
  fs.unlinkSync(path);
  return 0;
}

function rename(fs, from, to) {
  if (!has(fs, 'renameSync')) return unsupported();
  fs.renameSync(from, to);
  return 0;
}

function link(fs, from, to) {
  if (!has(fs, 'linkSync')) return unsupported();
  fs.linkSync(from, to);
  return 0;
}

function symlink(fs, target, path) {
  if (!has(fs, 'symlinkSync')) return unsupported();
  fs.symlinkSync(target, path);
  return 0;
}

module.exports = { HEAD, OPERATIONS };
