'use strict';

// Trees of files as objects: read into a list of what is to be made, and made of
// what there is.

const { inspect } = require('node:util');

const { readEntry, symlink } = require('./entries');
const { invalidArgType, invalidArgValue } = require('./errors');
const { isContent, joined, readContent, readPath } = require('./fs/arguments');
const { systemError } = require('./fs/errors');

const NAME_MAX = 255;
/** The bytes that the path of a file may have, from the root. */
const PATH_MAX = 4095;

/** Whether it is an object that was written down, or made without a class. */
function isPlain(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether no file can have this name. */
function isWrong(name) {
  return (
    ['', '.', '..'].includes(name) ||
    name.includes('\0') ||
    Buffer.byteLength(name) > NAME_MAX
  );
}

/**
 * The names that a key stands for: one, or those of a path. At the top, that may
 * begin with a slash.
 */
function namesOf(key, name, isTop) {
  // A name has no other bytes than these.
  const path = key.toWellFormed();
  const names = (isTop ? path.replace(/^\//, '') : path).split('/');
  if (names.some(isWrong)) {
    const reason = `must be a name or a path, of names that have 1 to ${NAME_MAX} bytes, are not '.' or '..' and have no null bytes`;
    throw invalidArgValue(namesOf, name, reason, key);
  }
  return names;
}

/** What stands in a tree, as it is to be made. */
function readNode(value, name) {
  if (typeof value === 'string' || isContent(value)) {
    return { kind: 'file', content: readContent(value, name) };
  }
  const entry = readEntry(value);
  if (entry === undefined) {
    if (isPlain(value)) return { kind: 'directory' };
    throw invalidArgType(
      readNode,
      name,
      'of type string, an instance of ArrayBuffer, TypedArray, or DataView, a directory as a plain object, or made by file() or symlink()',
      value,
    );
  }
  const { kind, content, mtime } = entry;
  return { kind, content: readContent(content, name), mtime };
}

/** All that is to be made, each path once, and nothing below what is no directory. */
class Plan {
  #nodes = new Map();
  #maxFiles;

  constructor(maxFiles) {
    this.#maxFiles = maxFiles;
  }

  /** Adds what stands below a directory, with the directories between, and gives its path. */
  add(directory, names, node, name, value) {
    let path = directory;
    for (const [index, each] of names.entries()) {
      const isLast = index === names.length - 1;
      path = path === '' ? each : `${path}/${each}`;
      this.#put(path, isLast ? node : { kind: 'directory' }, name, value);
    }
    return path;
  }

  #put(path, node, name, value) {
    // So what it takes to make one file has a bound as well.
    if (Buffer.byteLength(path) > PATH_MAX) {
      const reason = `must lie at a path of at most ${PATH_MAX} bytes`;
      throw invalidArgValue(readTree, name, reason, value);
    }
    const there = this.#nodes.get(path);
    if (there !== undefined) {
      if (there.kind === 'directory' && node.kind === 'directory') return;
      const reason = `is the second thing at the path ${inspect(`/${path}`)}`;
      throw invalidArgValue(readTree, name, reason, value);
    }
    // A proxy may have names without end.
    if (this.#nodes.size >= this.#maxFiles) throw noSpace(path);
    this.#nodes.set(path, node);
  }

  entries() {
    return this.#nodes.entries();
  }
}

/** The error of what a file system has no room for. */
function noSpace(path) {
  return systemError('ENOSPC', 'open', `/${path}`);
}

/**
 * Reads a tree, in which properties may be of any kind: all of it, before
 * anything is made of it.
 *
 * @param {unknown} tree
 * @param {string} name
 * @param {number} [maxFiles] as many files may there be
 * @returns {Iterable<[path: string, node: { kind: string, content?: Uint8Array, mtime?: bigint }]>}
 */
function readTree(tree, name, maxFiles = Infinity) {
  if (!isPlain(tree)) {
    throw invalidArgType(readTree, name, 'a plain object', tree);
  }
  const plan = new Plan(maxFiles);
  const open = [{ path: '', name, directory: tree, above: undefined }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { directory } = next;
    if (isBelow(next, directory)) {
      const reason = 'must not be in itself';
      throw invalidArgValue(readTree, next.name, reason, directory);
    }
    for (const key of Object.keys(directory)) {
      const inner = `${next.name}[${inspect(key)}]`;
      const names = namesOf(key, inner, next.above === undefined);
      const { [key]: value } = directory;
      const node = readNode(value, inner);
      const path = plan.add(next.path, names, node, inner, value);
      if (node.kind === 'directory') {
        open.push({ path, name: inner, directory: value, above: next });
      }
    }
  }
  return plan.entries();
}

/** Whether a directory of a tree is somewhere below this one. */
function isBelow({ above }, directory) {
  for (let next = above; next !== undefined; next = next.above) {
    if (next.directory === directory) return true;
  }
  return false;
}

/** The text of bytes that are UTF-8, and undefined of others. */
function textOf(bytes) {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : undefined;
}

/** Gives an object a property of any name, `__proto__` included. */
function put(object, name, value) {
  Object.defineProperty(object, name, {
    __proto__: null,
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

/**
 * The tree of a directory, as `readTree` takes it.
 *
 * @param {object} fs with the functions of `node:fs`
 * @param {string | Uint8Array} path
 */
function treeOf(fs, path) {
  const tree = {};
  const open = [{ path: readPath(path), directory: tree }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const options = { encoding: 'buffer', withFileTypes: true };
    for (const entry of fs.readdirSync(next.path, options)) {
      const inner = joined(next.path, entry.name);
      const name = textOf(entry.name);
      // A property has a text for a name.
      if (name === undefined) throw systemError('EILSEQ', 'scandir', inner);
      if (entry.isDirectory()) {
        const directory = {};
        put(next.directory, name, directory);
        open.push({ path: inner, directory });
      } else if (entry.isSymbolicLink()) {
        const target = fs.readlinkSync(inner, 'buffer');
        put(next.directory, name, symlink(target));
      } else {
        put(next.directory, name, bytesOf(fs, inner));
      }
    }
  }
  return tree;
}

/** What is in a file, as no Buffer: what it is made of, it has for itself. */
function bytesOf(fs, path) {
  const { buffer, byteLength, byteOffset } = fs.readFileSync(path);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

module.exports = { noSpace, readTree, treeOf };
