'use strict';

// What the native side has done by a file system: operations that return a
// number, as node:fs has them.
//
// The functions of the object are looked up at each call, so that those that a
// program replaces meanwhile (a test does, by a mock) are the ones that are
// called.

const nodeFs = require('node:fs');

const { Nonsense, failure, has, unsupported, whole } = require('./answers');
const {
  bits,
  inodeOf,
  sizeOf,
  statsAt,
  statsBy,
  timeOf,
  typeOf,
} = require('./attributes');

/** The operations, by the numbers that the native side has for them. */
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

/** Numbers of a file's attributes, 8 bytes each, before the bytes of a file. */
const ATTRIBUTES = 7;
const HEAD = 8 * ATTRIBUTES;

// The buffer that was last lent by the native side, and what it is seen as.
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
  if (stats === null || typeof stats !== 'object') throw new Nonsense();
  const attributes = [
    BigInt(typeOf(stats)),
    inodeOf(stats.ino),
    bits(stats.nlink ?? 1),
    sizeOf(stats.size),
    timeOf(stats, 'atime'),
    timeOf(stats, 'mtime'),
    timeOf(stats, 'ctime'),
  ];
  // Only now: what was asked above may have come back here.
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

/** How to open, in words that every file system understands. */
function flagsOf(how, fs) {
  const writes = (how & WRITE) !== 0;
  if (fs === nodeFs) {
    const access = writes ? (how & READ ? O_RDWR : O_WRONLY) : O_RDONLY;
    return access | O_NOFOLLOW | (how & CREATE ? O_CREAT | O_EXCL : 0);
  }
  if (how & CREATE) return 'wx+';
  if (writes && how & READ) return 'r+';
  if (!writes) return 'r';
  // There is no word for writing alone what is there.
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

/** Does what may take more memory than there is, which is an error of its own. */
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

/** What has no such function keeps nothing back. */
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
 * Whether a directory that cannot be removed for its entries lists none: memfs
 * miscounts them. On a disk it is another program that has been there since.
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
