'use strict';

const { loadBinding } = require('./binding');
const { setRoot } = require('./file-systems');
const { INTERFACE } = require('./fs/interface');
const { MAX_ARCHIVE, makeImage, nativeOf } = require('./image');
const { check } = require('./fs/errors');
const { readLimit, readRoom } = require('./room');
const {
  properties,
  validateBoolean,
  validateObject,
  validateProperties,
} = require('./validators');

const { createMemoryFs, memoryFsLimits } = loadBinding();

const TAR_OPTIONS = properties(['changes', 'maxBytes']);

/** A file system in memory. */
class MemoryFS {
  #native;
  /** The functions of node:fs, made when the first is asked for: a guest needs none of them. */
  #functions;

  constructor(base, limits) {
    const { maxBytes, maxFiles } = readRoom(limits, 'limits', memoryFsLimits);
    const image = nativeOf(base);
    // All that the caller has a say in runs before there is anything to be seen.
    const nodes =
      base === undefined || image !== undefined
        ? []
        : require('./tree').readTree(base, 'tree', maxFiles);
    const native = createMemoryFs(this, maxBytes, maxFiles, image);
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

  get #all() {
    if (this.#functions === undefined) {
      const { makeFileSystem } = require('./fs');
      // `owner` keeps the file system for as long as one of the functions is there.
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
    return check(this.#native.changes(), 'scandir');
  }

  snapshot() {
    return makeImage(check(this.#native.snapshot(), 'read'));
  }

  toTar(options = {}) {
    validateObject(options, 'options');
    validateProperties(options, 'options', TAR_OPTIONS);
    const { changes = false, maxBytes = MAX_ARCHIVE } = options;
    const limit = readLimit(maxBytes, 'options.maxBytes');
    validateBoolean(changes, 'options.changes');
    return check(this.#native.toTar(changes, limit), 'write');
  }

  export(path = '/') {
    return require('./tree').treeOf(this, path);
  }
}

/** Makes what stands at a path of a tree. */
function make(native, path, { kind, content, mtime }) {
  const { noSpace } = require('./tree');
  const answers = {
    directory: () => native.makeDirectory(path),
    file: () => native.makeFile(path, content, mtime),
    symlink: () => native.makeLink(path, content),
  };
  // All else has been seen to.
  if (answers[kind]() < 0) throw noSpace(path);
}

module.exports = { MemoryFS };
