'use strict';

// fs.Stats and fs.Dirent.

const { constants } = require('node:fs');

const { S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } = constants;
// Windows has no constants for these.
const {
  S_IFBLK = 0o060000,
  S_IFIFO = 0o010000,
  S_IFSOCK = 0o140000,
} = constants;

/** The file types (S_IFMT), by WASI's filetype: 0 is unknown; a FIFO has the type of a socket. */
const FORMATS = [
  0,
  S_IFBLK,
  S_IFCHR,
  S_IFDIR,
  S_IFREG,
  S_IFSOCK,
  S_IFSOCK,
  S_IFLNK,
];

// WASI has no permission bits. These are the POSIX defaults, before a umask.
const PERMISSIONS = {
  __proto__: null,
  [S_IFREG]: 0o666,
  [S_IFDIR]: 0o777,
  [S_IFLNK]: 0o777,
};

const BLOCK = 4096;

/** The `is…()` methods of `Stats` and `Dirent`; a subclass gives the type by a static `typeOf`. */
class Typed {
  isFile() {
    return this.constructor.typeOf(this) === S_IFREG;
  }

  isDirectory() {
    return this.constructor.typeOf(this) === S_IFDIR;
  }

  isSymbolicLink() {
    return this.constructor.typeOf(this) === S_IFLNK;
  }

  isCharacterDevice() {
    return this.constructor.typeOf(this) === S_IFCHR;
  }

  isBlockDevice() {
    return this.constructor.typeOf(this) === S_IFBLK;
  }

  isSocket() {
    return this.constructor.typeOf(this) === S_IFSOCK;
  }

  isFIFO() {
    return this.constructor.typeOf(this) === S_IFIFO;
  }
}

// The native `stat` functions write a filestat into `place`: eight integers of 64 bits.
const attributes = new BigUint64Array(8);
const place = new Uint8Array(attributes.buffer);

class Stats extends Typed {
  constructor([dev, ino, type, nlink, size, ...times]) {
    super();
    Object.assign(
      this,
      describe(Number(type), [dev, ino, nlink, size].map(Number)),
    );
    const [atime, mtime, ctime] = times.map(milliseconds);
    this.atimeMs = atime;
    this.mtimeMs = mtime;
    this.ctimeMs = ctime;
    this.birthtimeMs = ctime;
    setDates(this);
  }

  static typeOf({ mode }) {
    return mode & S_IFMT;
  }
}

class BigIntStats extends Typed {
  constructor([dev, ino, type, nlink, size, atime, mtime, ctime]) {
    super();
    const numbers = describe(Number(type), [0, 0, 0, Number(size)]);
    for (const name of Object.keys(numbers)) this[name] = BigInt(numbers[name]);
    Object.assign(this, { dev, ino, nlink, size });
    const times = { atime, mtime, ctime, birthtime: ctime };
    for (const name of Object.keys(times))
      this[`${name}Ms`] = times[name] / 1_000_000n;
    for (const name of Object.keys(times)) this[`${name}Ns`] = times[name];
    setDates(this);
  }

  static typeOf({ mode }) {
    return Number(mode) & S_IFMT;
  }
}

/** All fields except the times, in the order of node:fs. */
function describe(type, [dev, ino, nlink, size]) {
  const format = FORMATS[type];
  return {
    dev,
    mode: format | (PERMISSIONS[format] ?? 0o666),
    nlink,
    uid: 0,
    gid: 0,
    rdev: 0,
    blksize: BLOCK,
    ino,
    size,
    blocks: Math.ceil(size / 512),
  };
}

/** Milliseconds from nanoseconds, in two parts: a double cannot hold all nanoseconds since 1970. */
function milliseconds(time) {
  const second = 1_000_000_000n;
  return Number(time / second) * 1000 + Number(time % second) / 1e6;
}

function setDates(stats) {
  for (const name of ['atime', 'mtime', 'ctime', 'birthtime']) {
    stats[name] = new Date(Math.round(Number(stats[`${name}Ms`])));
  }
}

/** Makes Stats from `place`, which the next native call overwrites. */
function laidStats({ bigint = false } = {}) {
  return bigint ? new BigIntStats(attributes) : new Stats(attributes);
}

class Dirent extends Typed {
  #format;

  /** @param {number} format the type as in the mode of Stats */
  constructor(name, format, parentPath) {
    super();
    this.name = name;
    this.parentPath = parentPath;
    this.#format = format;
  }

  static typeOf(entry) {
    return entry.#format;
  }
}

module.exports = { Dirent, FORMATS, laidStats, place };
