'use strict';

// Trees: plain objects that describe files and directories. Reads one into a list of
// entries, and makes one of a directory.

const { inspect } = require('node:util');

const { readEntry, symlink } = require('./entries');
const { invalidArgType, invalidArgValue } = require('./errors');
const { isContent, joined, readContent, readPath } = require('./fs/arguments');
const { systemError } = require('./fs/errors');

const NAME_MAX = 255;
/** The most bytes of the path of a file, from the root. */
const PATH_MAX = 4095;

/** Whether a value is a plain object, of any realm. */
function isPlain(value) {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** Whether a file cannot have this name. */
function isWrong(name) {
  return (
    ['', '.', '..'].includes(name) ||
    name.includes('\0') ||
    Buffer.byteLength(name) > NAME_MAX
  );
}

/**
 * The components of a key. In the outermost object, a key may begin with a slash.
 */
function namesOf(key, name, isTop) {
  // A lone surrogate becomes U+FFFD, as in UTF-8.
  const path = key.toWellFormed();
  const names = (isTop ? path.replace(/^\//, '') : path).split('/');
  if (names.some(isWrong)) {
    const reason = `must be a name or a path, of names that have 1 to ${NAME_MAX} bytes, are not '.' or '..' and have no null bytes`;
    throw invalidArgValue(namesOf, name, reason, key);
  }
  return names;
}

/** The entry for a value in a tree. */
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

/** The entries of a tree: each path once, and none below an entry that is not a directory. */
class Plan {
  #nodes = new Map();
  #maxFiles;

  constructor(maxFiles) {
    this.#maxFiles = maxFiles;
  }

  /** Adds an entry below a directory, with the directories between; returns its path. */
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
    // This also bounds the work for one entry.
    if (Buffer.byteLength(path) > PATH_MAX) {
      const reason = `must lie at a path of at most ${PATH_MAX} bytes`;
      throw invalidArgValue(readTree, name, reason, value);
    }
    const there = this.#nodes.get(path);
    if (there !== undefined) {
      if (there.kind === 'directory' && node.kind === 'directory') return;
      const reason = `is the second entry at the path ${inspect(`/${path}`)}`;
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

/** The error for an entry that a file system has no room for. */
function noSpace(path) {
  return systemError('ENOSPC', 'open', `/${path}`);
}

/**
 * Reads a whole tree. Its properties may be getters, and it may have proxies.
 *
 * @param {unknown} tree
 * @param {string} name what to call it in errors
 * @param {number} [maxFiles] the most entries
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
      const reason = 'must not contain itself';
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

/** Whether an object of a tree is one of those that contain this one. */
function isBelow({ above }, directory) {
  for (let next = above; next !== undefined; next = next.above) {
    if (next.directory === directory) return true;
  }
  return false;
}

/** The text of bytes that are UTF-8; undefined for others. */
function textOf(bytes) {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : undefined;
}

/** Defines a property of any name, `__proto__` included. */
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
      // The name of a property is text.
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

/** The content of a file, as a plain Uint8Array. */
function bytesOf(fs, path) {
  const { buffer, byteLength, byteOffset } = fs.readFileSync(path);
  return new Uint8Array(buffer, byteOffset, byteLength);
}

module.exports = { noSpace, readTree, treeOf };
