'use strict';

const { join } = require('node:path');
const { fileURLToPath } = require('node:url');

const { loadBinding } = require('./core');
const { setRoot } = require('./file-systems');
const { INTERFACE } = require('./fs/interface');
const { MAX_ARCHIVE, makeImage, nativeOf } = require('./image');
const {
  properties,
  validateBoolean,
  validateObject,
  validateProperties,
} = require('./validators');

// Loaded on first use, as every ES module that imports the package loads this file.
const errors = () => require('./errors');
const systemErrors = () => require('./fs/errors');
const sizeLimits = () => require('./size-limits');

const { createMemoryFs, memoryFsLimits } = loadBinding();

const TAR_OPTIONS = properties(['changes', 'maxBytes']);

/** The paths of directories of the host, by the objects that `overlay()` passes to the constructor. */
const directories = new WeakMap();

/** A path of the host. */
function readHostPath(value, name) {
  const path = value instanceof URL ? fileURLToPath(value) : value;
  if (typeof path !== 'string') {
    const expected = 'of type string or an instance of URL';
    throw errors().invalidArgType(readHostPath, name, expected, path);
  }
  if (!path.includes('\0')) return path;
  const reason = 'must be a string or URL without null bytes';
  throw errors().invalidArgValue(readHostPath, name, reason, path);
}

/** A file system in memory. */
class MemoryFS {
  #native;
  /** The functions of node:fs, made on first use: a guest needs none of them. */
  #functions;

  constructor(base, limits) {
    const { maxBytes, maxFiles } = sizeLimits().readSizeLimits(
      limits,
      'limits',
      memoryFsLimits,
    );
    const image = nativeOf(base);
    const directory = directories.get(base);
    // Reads the whole tree, with any getters of the caller, before the file system is made.
    const nodes =
      base === undefined || (image ?? directory) !== undefined
        ? []
        : require('./tree').readTree(base, 'tree', maxFiles);
    const native = systemErrors().check(
      createMemoryFs(maxBytes, maxFiles, image, directory),
      'open',
      directory,
    );
    for (const [path, node] of nodes) make(native, path, node);
    this.#native = native;
    const root = Object.assign(native.root(), { owner: this });
    setRoot(this, () => root);
  }

  static {
    for (const name of INTERFACE) {
      Object.defineProperty(this.prototype, name, {
        __proto__: null,
        get() {
          return this.#all[name];
        },
        enumerable: true,
        configurable: true,
      });
    }
  }

  static overlay(directory, limits) {
    const base = {};
    directories.set(base, readHostPath(directory, 'directory'));
    return new MemoryFS(base, limits);
  }

  get #all() {
    if (this.#functions === undefined) {
      const { makeFileSystem } = require('./fs');
      // `owner` keeps the file system alive as long as one of the functions.
      const files = Object.assign(this.#native.files(), { owner: this });
      this.#functions = makeFileSystem(files);
    }
    return this.#functions;
  }

  get usage() {
    const [bytes, files] = this.#native.usage();
    return { bytes, files };
  }

  changes() {
    return systemErrors().check(this.#native.changes(), 'scandir');
  }

  snapshot() {
    return makeImage(systemErrors().check(this.#native.snapshot(), 'read'));
  }

  toTar(options = {}) {
    validateObject(options, 'options');
    validateProperties(options, 'options', TAR_OPTIONS);
    const { changes = false, maxBytes = MAX_ARCHIVE } = options;
    const limit = sizeLimits().readLimit(maxBytes, 'options.maxBytes');
    validateBoolean(changes, 'options.changes');
    return systemErrors().check(
      this.#native.toTar(changes, limit, Buffer.alloc),
      'write',
    );
  }

  applyTo(directory) {
    const to = readHostPath(directory, 'directory');
    const failure = this.#native.applyTo(to) ?? undefined;
    if (failure === undefined) return;
    const { errno, syscall, path } = failure;
    systemErrors().check(errno, syscall, join(to, path));
  }

  export(path = '/') {
    return require('./tree').treeOf(this, path);
  }
}

/** Makes one entry of a tree. */
function make(native, path, { kind, content, mtime }) {
  const { noSpace } = require('./tree');
  const answers = {
    directory: () => native.makeDirectory(path),
    file: () => native.makeFile(path, content, mtime),
    symlink: () => native.makeLink(path, content),
  };
  // The tree has been checked, so no other error is possible.
  if (answers[kind]() < 0) throw noSpace(path);
}

module.exports = { MemoryFS };
