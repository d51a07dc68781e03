'use strict';

// The functions of node:fs that return promises. They work synchronously.

const { constants } = require('node:fs');

const { DEFAULT_BUFFER } = require('./arguments');
const { systemError } = require('./errors');
const { PROMISING } = require('./interface');

/** The FileHandle of `fs.promises.open()`. After it is closed its `fd` is -1. */
class FileHandle {
  #sync;
  #fd;

  constructor(sync, fd) {
    this.#sync = sync;
    this.#fd = fd;
  }

  static isOne(value) {
    return typeof value === 'object' && value !== null && #fd in value;
  }

  get fd() {
    return this.#fd;
  }

  async close() {
    const fd = this.#fd;
    this.#fd = -1;
    if (fd !== -1) this.#sync.closeSync(fd);
  }

  async read(first, ...rest) {
    const isBuffer = ArrayBuffer.isView(first);
    const { buffer, ...options } = isBuffer
      ? { buffer: first }
      : { buffer: Buffer.alloc(DEFAULT_BUFFER), ...first };
    const args = isBuffer ? rest : [options];
    return {
      bytesRead: this.#call('readSync', 'read', buffer, ...args),
      buffer,
    };
  }

  async write(data, ...rest) {
    return {
      bytesWritten: this.#call('writeSync', 'write', data, ...rest),
      buffer: data,
    };
  }

  async readFile(options) {
    return this.#call('readFileSync', 'read', options);
  }

  async writeFile(data, options) {
    this.#call('writeFileSync', 'write', data, options);
  }

  async appendFile(data, options) {
    this.#call('writeFileSync', 'write', data, options);
  }

  async stat(options) {
    return this.#call('fstatSync', 'fstat', options);
  }

  async truncate(len) {
    this.#call('ftruncateSync', 'ftruncate', len);
  }

  async utimes(atime, mtime) {
    this.#call('futimesSync', 'futime', atime, mtime);
  }

  async sync() {
    this.#call('fsyncSync', 'fsync');
  }

  async datasync() {
    this.#call('fdatasyncSync', 'fdatasync');
  }

  #call(name, syscall, ...args) {
    // The number may belong to another file by now.
    if (this.#fd === -1) throw systemError('EBADF', syscall);
    return this.#sync[name](this.#fd, ...args);
  }
}

if (Symbol.asyncDispose) {
  Object.defineProperty(FileHandle.prototype, Symbol.asyncDispose, {
    __proto__: null,
    async value() {
      await this.close();
    },
    writable: true,
    configurable: true,
  });
}

/** @param {object} sync the functions of `node:fs` whose names end in Sync */
function promises(sync) {
  const all = { constants };
  for (const name of PROMISING) {
    const { [`${name}Sync`]: call } = sync;
    all[name] = async (file, ...rest) =>
      call(FileHandle.isOne(file) ? file.fd : file, ...rest);
  }
  all.open = async (...args) => new FileHandle(sync, sync.openSync(...args));
  return all;
}

module.exports = { promises };
