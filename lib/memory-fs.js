'use strict';

const { loadBinding } = require('./binding');
const { setRoot } = require('./file-systems');
const { INTERFACE } = require('./fs/interface');
const {
  properties,
  validateInteger,
  validateObject,
  validateProperties,
} = require('./validators');

const { createMemoryFs, memoryFsLimits } = loadBinding();

const LIMITS = properties(['maxBytes', 'maxFiles']);

/** A limit, of which there may be none. */
function readLimit(value, name) {
  if (value === Infinity) return value;
  return validateInteger(value, name, 0, Number.MAX_SAFE_INTEGER);
}

function readLimits(value = {}) {
  validateObject(value, 'limits');
  validateProperties(value, 'limits', LIMITS);
  const [bytes, files] = memoryFsLimits();
  const { maxBytes = bytes, maxFiles = files } = value;
  return {
    maxBytes: readLimit(maxBytes, 'limits.maxBytes'),
    maxFiles: readLimit(maxFiles, 'limits.maxFiles'),
  };
}

/** A file system in memory. */
class MemoryFS {
  #native;
  /** The functions of node:fs, made when the first is asked for: a guest needs none of them. */
  #functions;

  constructor(tree, limits) {
    const { maxBytes, maxFiles } = readLimits(limits);
    // All that the caller has a say in runs before there is anything to be seen.
    const nodes =
      tree === undefined
        ? []
        : require('./tree').readTree(tree, 'tree', maxFiles);
    const native = createMemoryFs(this, maxBytes, maxFiles);
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
