'use strict';

// For the children of `attack.js`: guests whose calls they make.

const fs = require('node:fs');

const { MemoryFS, WASI } = require('../../index.js');
const garbage = require('./garbage');
const { guest, guestPath } = require('./guest');

/** The numbers of preview1's errno. */
const ERRNO = {
  __proto__: null,
  0: 'SUCCESS',
  6: 'AGAIN',
  8: 'BADF',
  10: 'BUSY',
  20: 'EXIST',
  22: 'FBIG',
  28: 'INVAL',
  31: 'ISDIR',
  32: 'LOOP',
  33: 'MFILE',
  37: 'NAMETOOLONG',
  41: 'NFILE',
  44: 'NOENT',
  54: 'NOTDIR',
  55: 'NOTEMPTY',
  57: 'NOTSOCK',
  58: 'NOTSUP',
  60: 'NXIO',
  61: 'OVERFLOW',
  63: 'PERM',
  64: 'PIPE',
  70: 'SPIPE',
  75: 'XDEV',
  76: 'NOTCAPABLE',
};

/** Rights, oflags and lookupflags, as far as the attacks need them. */
const RIGHTS = {
  FD_DATASYNC: 1n << 0n,
  FD_READ: 1n << 1n,
  FD_SEEK: 1n << 2n,
  FD_WRITE: 1n << 6n,
  FD_ALLOCATE: 1n << 8n,
  FD_READDIR: 1n << 14n,
  FD_FILESTAT_SET_SIZE: 1n << 22n,
  FILE: 0x08e001ffn,
  DIRECTORY: 0x0fbffe98n,
  INHERITING: 0x0fffffffn,
};
const OFLAGS = { CREAT: 1, DIRECTORY: 2, EXCL: 4, TRUNC: 8 };
const FOLLOW = 1;
const NONBLOCK = 4;

/** Addresses of results, buffers and strings. */
const OUT = 0x100;
const IOVS = 0x200;
const BUF = 0x400;
const TEXT = 0x8000;

const modules = new Map();

/** A built guest, compiled once. */
function compiled(name) {
  if (!modules.has(name)) modules.set(name, guest(name));
  return modules.get(name);
}

/** A guest that makes any call with any arguments: see raw_calls.wat. */
class Attacker {
  constructor(options = {}) {
    this.wasi = new WASI({ version: 'preview1', ...options });
    const module = compiled('raw_calls');
    const imports = this.wasi.getImportObject();
    this.exports = new WebAssembly.Instance(module, imports).exports;
    this.memory = this.exports.memory;
    this.wasi.initialize({ exports: this.exports });
  }

  get view() {
    return new DataView(this.memory.buffer);
  }

  get bytes() {
    return Buffer.from(this.memory.buffer);
  }

  /** Makes a call; a string is written to memory, and passed as address and length. */
  call(name, ...args) {
    let at = TEXT;
    const numbers = args.flatMap((arg) => {
      if (typeof arg !== 'string') return [arg];
      const len = this.bytes.write(arg, at);
      at += len;
      return [at - len, len];
    });
    const errno = this.exports[name](...numbers);
    return ERRNO[errno] ?? errno;
  }

  /** Opens a path below a descriptor: the errno, or the new descriptor. */
  open(fd, name, how = {}) {
    const { lookup = 0, oflags = 0, rights = RIGHTS.FD_READ } = how;
    const { inheriting = 0n, fdflags = 0 } = how;
    const errno = this.call(
      'path_open',
      ...[fd, lookup, name, oflags, rights, inheriting, fdflags, OUT],
    );
    return errno === 'SUCCESS' ? this.u32(OUT) : errno;
  }

  openDir(fd, name) {
    const { DIRECTORY: rights, INHERITING: inheriting } = RIGHTS;
    return this.open(fd, name, {
      oflags: OFLAGS.DIRECTORY,
      rights,
      inheriting,
    });
  }

  /** Writes a list of iovecs to memory. */
  iovs(...bufs) {
    bufs.flat().forEach((word, index) => {
      this.view.setUint32(IOVS + 4 * index, word, true);
    });
    return [IOVS, bufs.length];
  }

  read(fd) {
    const errno = this.call('fd_read', fd, ...this.iovs([BUF, 4096]), OUT);
    if (errno !== 'SUCCESS') return errno;
    return this.bytes.toString('latin1', BUF, BUF + this.u32(OUT));
  }

  write(fd, text) {
    const len = this.bytes.write(text, BUF);
    return this.call('fd_write', fd, ...this.iovs([BUF, len]), OUT);
  }

  u32(at) {
    return this.view.getUint32(at, true);
  }

  u64(at) {
    return this.view.getBigUint64(at, true);
  }
}

/** Runs a command; returns its exit code and output. */
function runGuest(name, options = {}) {
  const { args = [], directory, ...rest } = options;
  const output = `${directory}/output-${process.hrtime.bigint()}`;
  const fd = fs.openSync(output, 'w+');
  try {
    const wasi = new WASI({
      version: 'preview1',
      args: [name, ...args],
      stdout: fd,
      ...rest,
    });
    const instance = new WebAssembly.Instance(
      compiled(name),
      wasi.getImportObject(),
    );
    const exitCode = wasi.start(instance);
    return { exitCode, printed: fs.readFileSync(output, 'utf8') };
  } finally {
    fs.closeSync(fd);
    fs.unlinkSync(output);
  }
}

/** The growth of the peak memory of the process by `body`, in bytes. */
function growth(body) {
  const highest = () => process.resourceUsage().maxRSS * 1024;
  const before = highest();
  body();
  return highest() - before;
}

/** Writes to standard output, even if `console` does not work any more. */
function report(value) {
  fs.writeSync(1, `\nREPORT ${JSON.stringify(value)}\n`);
}

module.exports = {
  Attacker,
  BUF,
  FOLLOW,
  MemoryFS,
  IOVS,
  NONBLOCK,
  OFLAGS,
  OUT,
  RIGHTS,
  TEXT,
  WASI,
  ...garbage,
  fs,
  growth,
  guest,
  guestPath,
  report,
  runGuest,
};
