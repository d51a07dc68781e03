'use strict';

// A guest whose calls a test makes one by one, with any arguments. The calls are made by
// wasm.

const { guest } = require('./guest');

const ERRNO = {
  SUCCESS: 0,
  BADF: 8,
  EXIST: 20,
  FBIG: 22,
  ILSEQ: 25,
  INVAL: 28,
  IO: 29,
  ISDIR: 31,
  LOOP: 32,
  NAMETOOLONG: 37,
  NFILE: 41,
  NOENT: 44,
  NOTDIR: 54,
  NOTEMPTY: 55,
  NOTSUP: 58,
  OVERFLOW: 61,
  PERM: 63,
  NOTCAPABLE: 76,
};

const OFLAGS = { CREAT: 1, DIRECTORY: 2, EXCL: 4, TRUNC: 8 };

/** The rights by their names in the witx, in the order of their bits. */
const RIGHTS = Object.fromEntries(
  [
    ...['fd_datasync', 'fd_read', 'fd_seek', 'fd_fdstat_set_flags', 'fd_sync'],
    ...['fd_tell', 'fd_write', 'fd_advise', 'fd_allocate'],
    ...['path_create_directory', 'path_create_file', 'path_link_source'],
    ...['path_link_target', 'path_open', 'fd_readdir', 'path_readlink'],
    ...['path_rename_source', 'path_rename_target', 'path_filestat_get'],
    ...['path_filestat_set_size', 'path_filestat_set_times'],
    ...['fd_filestat_get', 'fd_filestat_set_size', 'fd_filestat_set_times'],
    ...['path_symlink', 'path_remove_directory', 'path_unlink_file'],
    ...['poll_fd_readwrite', 'sock_shutdown', 'sock_accept'],
  ].map((name, bit) => [name, 1n << BigInt(bit)]),
);

/** All inheriting rights of a directory: all but those of sockets. */
const ALL_RIGHTS = RIGHTS.sock_shutdown - 1n;

/** Addresses of results, and of bytes that a test may use freely. */
const OUT = 0x100;
const BUF = 0x8000;
/** The address from which inputs are written one after the other. */
const INPUTS = 0x1000;

class RawGuest {
  #inputs = INPUTS;

  constructor(WASI, options) {
    const { version = 'preview1' } = options;
    this.wasi = new WASI({ ...options, version });
    const instance = new WebAssembly.Instance(
      guest(version === 'unstable' ? 'raw_calls_unstable' : 'raw_calls'),
      this.wasi.getImportObject(),
    );
    this.calls = instance.exports;
    this.wasi.initialize(instance);
  }

  get view() {
    return new DataView(this.calls.memory.buffer);
  }

  /** Writes a text to the guest's memory, and returns its address and length. */
  lay(text) {
    const bytes = Buffer.from(text);
    const at = this.#inputs;
    bytes.copy(Buffer.from(this.calls.memory.buffer), at);
    // No call takes more than a few, so that the space can be reused.
    this.#inputs =
      at + bytes.length > BUF - 0x2000 ? INPUTS : at + bytes.length;
    return [at, bytes.length];
  }

  /** A list of so many iovecs, each of one byte at `BUF`. */
  iovs(count = 1) {
    const at = BUF + 0x10;
    for (let i = 0; i < count; i++) {
      this.view.setUint32(at + 8 * i, BUF, true);
      this.view.setUint32(at + 8 * i + 4, 1, true);
    }
    return [at, count];
  }

  /** `path_open`: the errno, and the descriptor. */
  tryOpen(
    fd,
    path,
    { oflags = 0, base = 0n, inheriting = 0n, follow = true, fdflags = 0 } = {},
  ) {
    const errno = this.calls.path_open(
      ...[fd, Number(follow), ...this.lay(path), oflags],
      ...[base, inheriting, fdflags, OUT],
    );
    return { errno, fd: this.view.getUint32(OUT, true) };
  }

  /** Opens a path, which must succeed. */
  open(fd, path, options) {
    const opened = this.tryOpen(fd, path, options);
    if (opened.errno !== 0) throw new Error(`${path}: errno ${opened.errno}`);
    return opened.fd;
  }

  /** The rights of a descriptor, by fd_fdstat_get. */
  rights(fd) {
    const errno = this.calls.fd_fdstat_get(fd, OUT);
    if (errno !== 0) throw new Error(`fd_fdstat_get: errno ${errno}`);
    return {
      base: this.view.getBigUint64(OUT + 8, true),
      inheriting: this.view.getBigUint64(OUT + 16, true),
    };
  }
}

module.exports = { ALL_RIGHTS, BUF, ERRNO, OFLAGS, OUT, RIGHTS, RawGuest };
