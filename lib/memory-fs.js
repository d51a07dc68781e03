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

const { MemoryFileSystem } = loadBinding();

const LIMITS = properties(['maxBytes', 'maxFiles']);

const DEFAULT_BYTES = 256 * 2 ** 20;
const DEFAULT_FILES = 65_536;

/** A limit, of which there may be none. */
function readLimit(value, name) {
  if (value === Infinity) return value;
  return validateInteger(value, name, 0, Number.MAX_SAFE_INTEGER);
}

function readLimits(value = {}) {
  validateObject(value, 'limits');
  validateProperties(value, 'limits', LIMITS);
  const { maxBytes = DEFAULT_BYTES, maxFiles = DEFAULT_FILES } = value;
  return [
    readLimit(maxBytes, 'limits.maxBytes'),
    readLimit(maxFiles, 'limits.maxFiles'),
  ];
}

/** A file system in memory. */
class MemoryFS {
  #native;
  /** The functions of node:fs, made when the first is asked for: a guest needs none of them. */
  #functions;

  constructor(tree, limits) {
    this.#native = new MemoryFileSystem(...readLimits(limits));
    setRoot(this, () => this.#native.root());
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
      this.#functions = makeFileSystem(this.#native.files());
    }
    return this.#functions;
  }
}

module.exports = { MemoryFS };
