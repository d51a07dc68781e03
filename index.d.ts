/** The functions of one version of WASI, by name. */
export interface WASIFunctions {
  // As loose as in Node's own types: programs replace single functions, and
  // WebAssembly's types are not part of every project.
  [name: string]: any;
}

/** What {@link WASI.getImportObject} returns. */
export interface WASIImports {
  [module: string]: WASIFunctions;
}

/** What {@link WASI} can be constructed with. */
export interface WASIOptions {
  /**
   * The version of WASI that the guest was compiled for; its imports tell.
   * `'preview1'` is `wasi_snapshot_preview1`, `'unstable'` is the older
   * snapshot 0, `wasi_unstable`, with its own record layouts.
   */
  version: 'preview1' | 'unstable';

  /**
   * The guest's command line, its own name first. Elements that are no strings
   * are converted; each ends at its first NUL character.
   *
   * @default []
   */
  args?: readonly string[] | undefined;

  /**
   * The guest's environment. Own enumerable properties count. One whose value
   * is `undefined` is left out, other values are converted to strings.
   * `process.env` is not passed on unless it is given here.
   *
   * @default {}
   */
  env?: object | undefined;

  /**
   * The directories that the guest may use: a path in the guest to a directory
   * of the host. They are opened by the constructor, and the guest finds them
   * as descriptors from 3 up, in the order of `Object.entries()`. It reaches
   * nothing outside of them.
   *
   * @default {}
   */
  preopens?: { readonly [guestPath: string]: string | undefined } | undefined;

  /**
   * What `proc_exit` in the guest does. With `true`, {@link WASI.start} returns
   * the guest's exit code. With `false`, `process.exit()` is called with it: it
   * ends the process or, in a worker, the worker.
   *
   * @default true
   */
  returnOnExit?: boolean | undefined;

  /**
   * The host's file descriptor that is the guest's standard input: an integer
   * from 0 to 2147483647. It must be open, and stays open when the guest
   * closes its own.
   *
   * @default 0
   */
  stdin?: number | undefined;

  /**
   * The same for standard output.
   *
   * @default 1
   */
  stdout?: number | undefined;

  /**
   * The same for standard error.
   *
   * @default 2
   */
  stderr?: number | undefined;
}

/** What {@link WASI.finalizeBindings} can be told beside the instance. */
export interface FinalizeBindingsOptions {
  /**
   * The `WebAssembly.Memory` that the guest works on: shared, 64-bit, or of
   * the plain kind.
   *
   * @default instance.exports.memory
   */
  memory?: object | undefined;
}

/**
 * What a guest's `proc_exit` throws where no {@link WASI.start} is there to
 * catch it: out of {@link WASI.initialize}, or out of an export that was called
 * directly. It is a `WebAssembly.RuntimeError`, so that no guest can catch it.
 */
export interface WASIExitError extends Error {
  code: 'ERR_WASI_EXITED';
  /** What the guest passed to `proc_exit`. */
  exitCode: number;
}

/**
 * One guest's view of its host: arguments, environment, descriptors, and the
 * functions of WASI over them. Replaces the class of the same name in
 * `node:wasi`.
 *
 * @example
 * const { readFile } = require('node:fs/promises');
 * const { WASI } = require('wasi-rs');
 *
 * const wasi = new WASI({
 *   version: 'preview1',
 *   args: ['app.wasm', '/data/in.txt'],
 *   preopens: { '/data': './data' },
 * });
 * const module = await WebAssembly.compile(await readFile('app.wasm'));
 * const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
 * process.exitCode = wasi.start(instance);
 */
export class WASI {
  /**
   * Checks the options and opens the preopens.
   *
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` for an option of the wrong type,
   *   a missing `version` included; `ERR_INVALID_ARG_VALUE` for an unknown
   *   `version`
   * @throws {RangeError} `ERR_OUT_OF_RANGE` for a descriptor that can be none
   * @throws {Error} `UVWASI_EBADF` for a descriptor that is not open, and
   *   `UVWASI_ENOENT`, `UVWASI_ENOTDIR` or `UVWASI_EACCES` for a preopen that
   *   cannot be opened; `errno` is WASI's number for it
   * @throws {Error} `ERR_ACCESS_DENIED` where Node runs with `--permission` and
   *   without `--allow-wasi`
   */
  constructor(options?: WASIOptions);

  /**
   * The functions that the guest imports, 46 own properties. They may be
   * replaced before the guest is instantiated, and need no receiver.
   *
   * Called from JavaScript they return WASI's error number, 28 (EINVAL) for
   * arguments of the wrong number or type. Before memory is bound they throw
   * `ERR_WASI_NOT_STARTED`.
   */
  readonly wasiImport: WASIFunctions;

  /**
   * The imports for `WebAssembly.instantiate()`: {@link wasiImport}, the very
   * object, under the name that belongs to the version.
   */
  getImportObject(): WASIImports;

  /**
   * Runs a command: binds the instance's memory and calls its `_start`.
   *
   * @param instance a `WebAssembly.Instance`, or an object with such `exports`
   * @returns the exit code: 0 where `_start` returned
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` where memory is bound already
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` where `exports` has no `memory`
   *   or no function `_start`, or has an `_initialize`
   * @throws whatever ended the guest, a trap for instance
   */
  start(instance: object): number;

  /**
   * Prepares a reactor: binds the instance's memory and calls its
   * `_initialize`, if it has one.
   *
   * @param instance a `WebAssembly.Instance`, or an object with such `exports`
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` where memory is bound already
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` where `exports` has no `memory`,
   *   has a `_start`, or an `_initialize` that is no function
   * @throws {WASIExitError} where `_initialize` calls `proc_exit`
   */
  initialize(instance: object): void;

  /**
   * Binds memory and calls nothing: for guests that are started in some other
   * way, such as a further thread on a shared memory.
   *
   * @param instance a `WebAssembly.Instance`, or an object with such `exports`
   * @throws {Error} `ERR_WASI_ALREADY_STARTED` where memory is bound already
   * @throws {TypeError} `ERR_INVALID_ARG_TYPE` where there is no memory
   */
  finalizeBindings(instance: object, options?: FinalizeBindingsOptions): void;
}
