'use strict';

// file() and symlink(): entries of a tree that are not just content.

const { isDate } = require('node:util').types;

const { checkThere } = require('./bytes');
const { invalidArgType, invalidArgValue, outOfRange } = require('./errors');
const { readContent } = require('./fs/arguments');
const {
  properties,
  validateObject,
  validateProperties,
} = require('./validators');

const FILE_OPTIONS = properties(['mtime']);

/** Timestamps of WASI are below this, in nanoseconds since 1970. */
const END_OF_TIME = 2n ** 64n;

/**
 * A file or a symbolic link of a tree. All but its kind is private, so that no plain
 * object can be mistaken for one.
 */
class FileEntry {
  #kind;
  #content;
  #mtime;

  constructor(kind, content, mtime) {
    this.#kind = kind;
    this.#content = content;
    this.#mtime = mtime;
    Object.freeze(this);
  }

  /** The parts of an entry; undefined for any other value. */
  static read(value) {
    const isOne = typeof value === 'object' && value !== null && #kind in value;
    if (!isOne) return undefined;
    return { kind: value.#kind, content: value.#content, mtime: value.#mtime };
  }

  get kind() {
    return this.#kind;
  }
}

Object.freeze(FileEntry.prototype);

/** A time in nanoseconds since 1970. */
function readTime(value, name) {
  if (typeof value !== 'bigint' && !isDate(value)) {
    const expected = 'of type bigint or an instance of Date';
    throw invalidArgType(readTime, name, expected, value);
  }
  if (isDate(value) && Number.isNaN(value.getTime())) {
    throw invalidArgValue(readTime, name, 'must be a valid date', value);
  }
  const time = isDate(value) ? BigInt(value.getTime()) * 1_000_000n : value;
  if (time < 0n || time >= END_OF_TIME) {
    throw outOfRange(readTime, name, '>= 1970 && < 2554-07-22', value);
  }
  return time;
}

/**
 * A file with a modification time.
 *
 * @param {string | ArrayBuffer | ArrayBufferView} content
 * @param {{ mtime?: Date | bigint }} [options]
 */
function file(content, options = {}) {
  readContent(content, 'content');
  validateObject(options, 'options');
  validateProperties(options, 'options', FILE_OPTIONS);
  const { mtime } = options;
  const time =
    mtime === undefined ? undefined : readTime(mtime, 'options.mtime');
  return new FileEntry('file', content, time);
}

/**
 * A symbolic link.
 *
 * @param {string | Uint8Array} target
 */
function symlink(target) {
  if (typeof target !== 'string' && !(target instanceof Uint8Array)) {
    const expected = 'of type string or an instance of Uint8Array';
    throw invalidArgType(symlink, 'target', expected, target);
  }
  if (typeof target !== 'string') checkThere(target, 'target');
  const bytes = Buffer.from(target);
  if (bytes.length === 0 || bytes.length > 4095 || bytes.includes(0)) {
    const reason = 'must have from 1 to 4095 bytes, none of them null';
    throw invalidArgValue(symlink, 'target', reason, target);
  }
  return new FileEntry('symlink', bytes);
}

module.exports = { file, readEntry: FileEntry.read, symlink };
