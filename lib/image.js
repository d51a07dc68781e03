'use strict';

const { loadBinding } = require('./core');
const { setRoot } = require('./file-systems');
const {
  properties,
  validateObject,
  validateProperties,
} = require('./validators');

// Loaded on first use, as every ES module that imports the package loads this file.
const errors = () => require('./errors');
const systemErrors = () => require('./fs/errors');
const sizeLimits = () => require('./size-limits');

const { openImage } = loadBinding();

const TAR_OPTIONS = properties(['maxBytes']);

/** The default of `maxBytes` of an archive that is written. */
const MAX_ARCHIVE = 2 ** 30;

/** Only this file can call the constructor with it. */
const MADE_HERE = Symbol('MADE_HERE');

/** Makes the image of a native half. */
let makeImage;

/** Returns the native half of an image; undefined for any other value. */
let nativeOf;

/** A read-only tree of files. */
class Image {
  #native;

  constructor(proof, native) {
    if (proof !== MADE_HERE) throw errors().illegalConstructor(Image);
    this.#native = native;
    // `owner` keeps the image alive as long as the handle.
    setRoot(this, () => Object.assign(native.root(), { owner: native }));
  }

  static {
    makeImage = (native) => new Image(MADE_HERE, native);
    nativeOf = (value) =>
      typeof value === 'object' && value !== null && #native in value
        ? value.#native
        : undefined;
  }

  static from(tree) {
    const { MemoryFS } = require('./memory-fs');
    const limits = { maxBytes: Infinity, maxFiles: Infinity };
    // Unlike for the constructor of MemoryFS, a tree is required.
    return new MemoryFS(tree ?? null, limits).snapshot();
  }

  static fromTar(archive, options) {
    return makeImage(require('./archives').readTar(archive, options));
  }

  static fromZip(archive, options) {
    return makeImage(require('./archives').readZip(archive, options));
  }

  static fromDirectory(directory) {
    const { MemoryFS } = require('./memory-fs');
    return MemoryFS.overlay(directory).snapshot();
  }

  static open(handle) {
    if (typeof handle !== 'bigint') {
      throw errors().invalidArgType(
        Image.open,
        'handle',
        'of type bigint',
        handle,
      );
    }
    const native = openImage(handle) ?? undefined;
    if (native !== undefined) return makeImage(native);
    const reason = 'is not the handle of an existing image';
    throw errors().invalidArgValue(Image.open, 'handle', reason, handle);
  }

  get handle() {
    return this.#native.handle();
  }

  get files() {
    return this.#native.files();
  }

  get bytes() {
    return this.#native.bytes();
  }

  toTar(options = {}) {
    validateObject(options, 'options');
    validateProperties(options, 'options', TAR_OPTIONS);
    const { maxBytes = MAX_ARCHIVE } = options;
    const limit = sizeLimits().readLimit(maxBytes, 'options.maxBytes');
    return systemErrors().check(
      this.#native.toTar(limit, Buffer.alloc),
      'write',
    );
  }
}

module.exports = { Image, MAX_ARCHIVE, makeImage, nativeOf };
