'use strict';

const { loadBinding } = require('./binding');
const { setRoot } = require('./file-systems');
const {
  properties,
  validateObject,
  validateProperties,
} = require('./validators');

// An import of the package loads this file, whatever it uses.
const errors = () => require('./errors');
const systemErrors = () => require('./fs/errors');
const room = () => require('./room');

const { openImage } = loadBinding();

const TAR_OPTIONS = properties(['maxBytes']);

/** What an archive may have that is written in one piece. */
const MAX_ARCHIVE = 2 ** 30;

/** What only this file can say to the constructor. */
const MADE_HERE = Symbol('MADE_HERE');

/** The image with a native half. */
let makeImage;

/** The native half of an image, and undefined of any other value. */
let nativeOf;

/** A read-only tree of files. */
class Image {
  #native;

  constructor(proof, native) {
    if (proof !== MADE_HERE) throw errors().illegalConstructor(Image);
    this.#native = native;
    // `owner` keeps the image for as long as the handle is there.
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
    // Nothing is no tree here.
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
    const reason = 'is of no image that is still held';
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
    const limit = room().readLimit(maxBytes, 'options.maxBytes');
    return systemErrors().check(
      this.#native.toTar(limit, Buffer.alloc),
      'write',
    );
  }
}

module.exports = { Image, MAX_ARCHIVE, makeImage, nativeOf };
