'use strict';

// Listings, and the targets of links: operations whose results are bytes.

const { Buffer } = require('node:buffer');

const {
  InvalidResult,
  answerTo,
  has,
  unsupported,
  whole,
} = require('./answers');
const {
  DIRECTORY,
  UNKNOWN,
  inodeOf,
  statsAt,
  typeAsked,
  typeOf,
} = require('./attributes');

/** The size of an entry before its name, in bytes. */
const ENTRY_HEAD = 11;

const LIST = { __proto__: null, withFileTypes: true };

/** The most entries of a directory, and the most bytes of a name or of the target of a link. */
const MAX_ENTRIES = 2 ** 20;
const MAX_NAME = 4095;

/** The entries of a directory, in the layout that the native side reads. */
function entries(fs, path) {
  const listed = fs.readdirSync(path, LIST);
  if (!Array.isArray(listed)) throw new InvalidResult();
  const count = whole(listed.length, MAX_ENTRIES);
  const parts = [];
  for (let index = 0; index < count; index++) {
    const entry = listed[index];
    const isName = typeof entry === 'string' || entry instanceof Uint8Array;
    const name = nameOf(isName ? entry : entry?.name);
    const listedType = isName ? UNKNOWN : typeAsked(entry);
    const [type, inode] =
      listedType === DIRECTORY
        ? [DIRECTORY, 0n]
        : identify(fs, `${path === '/' ? '' : path}/${name}`, listedType);
    const head = Buffer.alloc(ENTRY_HEAD);
    head.writeBigUInt64LE(inode);
    head.writeUInt16LE(name.length, 8);
    head[10] = type;
    parts.push(head, name);
  }
  return Buffer.concat(parts);
}

/** The bytes of a name, which must be a single component and not `.` or `..`. */
function nameOf(name) {
  const bytes = bytesOf(name, MAX_NAME);
  const isName =
    bytes.length > 0 && !bytes.includes('/') && !bytes.includes('\0');
  const text = bytes.toString();
  if (isName && text !== '.' && text !== '..') return bytes;
  throw new InvalidResult();
}

/** The type and the inode number of an entry, as far as they are known. */
function identify(fs, path, type) {
  try {
    const stats = statsAt(fs, path);
    if (stats === undefined) return [type, 0n];
    return [type === UNKNOWN ? typeOf(stats) : type, inodeOf(stats.ino)];
  } catch (error) {
    // An entry whose attributes cannot be read is listed all the same.
    answerTo(error);
    return [type, 0n];
  }
}

/** The target of a link. */
function targetOf(fs, path) {
  return has(fs, 'readlinkSync')
    ? bytesOf(fs.readlinkSync(path, 'buffer'), MAX_NAME)
    : unsupported();
}

/** The bytes of a text. */
function bytesOf(text, most) {
  if (typeof text !== 'string' && !(text instanceof Uint8Array)) {
    throw new InvalidResult();
  }
  if (text.length > most) throw new InvalidResult();
  const bytes = Buffer.from(text);
  whole(bytes.length, most);
  return bytes;
}

module.exports = { entries, targetOf };
