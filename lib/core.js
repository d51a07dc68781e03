'use strict';

// What every program loads besides index.js. It is in one file, and all else is loaded on
// first use: a process that runs a guest for some milliseconds waits for each file.

const { existsSync } = require('node:fs');
const { dirname, sep, toNamespacedPath } = require('node:path');
const {
  clearImmediate,
  clearInterval,
  clearTimeout,
  setImmediate,
  setInterval,
  setTimeout,
} = require('node:timers');

const { getPrototypeOf } = Object;
const { hrtime, nextTick } = process;

// Loaded on first use. Most programs make no mistake, and few set options of other types.
const errors = () => require('./errors');
const options = () => require('./options');
const validators = () => require('./validators');

// The binary.

/** The directory of the package. npm installs the package with the binary beside it. */
const PACKAGE = dirname(__dirname);
const IS_INSTALLED = dirname(PACKAGE).endsWith(`${sep}node_modules`);

/** The path of a binary that was built in the package. */
const builtFor = (platform) => `${PACKAGE}${sep}wasi-rs.${platform}.node`;

/** The path of a binary in the package for a platform, in the same `node_modules`. */
const installedFor = (platform) =>
  `${dirname(PACKAGE)}${sep}wasi-rs-${platform}${sep}wasi-rs.${platform}.node`;

function isThere(file) {
  try {
    return existsSync(file);
  } catch {
    // The permission model does not allow to look there.
    return false;
  }
}

/** Where a binary for a platform usually is; undefined if it is in neither place. */
function findNearby(platform) {
  const built = builtFor(platform);
  if (isThere(built)) return built;
  const installed = installedFor(platform);
  return IS_INSTALLED && isThere(installed) ? installed : undefined;
}

/**
 * The platform, as in the names of the packages with the binaries.
 *
 * @param {() => boolean} isMusl called on Linux only
 */
function platformName(isMusl) {
  const { platform, arch } = process;
  if (platform === 'win32') return `${platform}-${arch}-msvc`;
  if (platform !== 'linux') return `${platform}-${arch}`;
  return `${platform}-${arch}-${isMusl() ? 'musl' : 'gnu'}`;
}

/** The environment variable with the path of the binary, for bundles and single executables. */
const NAMED = 'WASI_RS_BINARY';

/** Environment variables by which the generated loader loads another binary, or checks its version. */
const LOADED_OTHERWISE = [
  'NAPI_RS_NATIVE_LIBRARY_PATH',
  'NAPI_RS_ENFORCE_VERSION_CHECK',
];

/** A binary for this platform in one of its usual places, unless another is wanted. */
const findUsual = (platform) =>
  LOADED_OTHERWISE.some((name) => process.env[name])
    ? undefined
    : findNearby(platform);

/** Loads a binary. `require()` would resolve the path, and loads no files in a single executable. */
function loadAddon(file) {
  const module = { exports: {} };
  process.dlopen(module, toNamespacedPath(file));
  return module.exports;
}

/**
 * Loads the binary from one of its usual places. Elsewhere lib/binary.js finds it; also
 * on Linux where there is one for musl, as it takes time to find out the C library, and
 * package managers install one binary only.
 */
function loadUsual() {
  try {
    // Deno has a permission for each variable.
    if (process.env[NAMED]) return undefined;
    const platform = platformName(() => false);
    const file = findUsual(platform);
    if (file === undefined) return undefined;
    const isGlibc = platform.endsWith('-gnu');
    if (isGlibc && findNearby(platformName(() => true))) return undefined;
    return loadAddon(file);
  } catch {
    // lib/binary.js fails likewise, and reports everything that it has tried.
    return undefined;
  }
}

/** In a worker, makes the waits of guests end when the worker is terminated. */
function followThread(binding) {
  // Loading node:worker_threads takes longer than all else here; in a worker it is loaded.
  if (binding.isProcessThread()) return;
  const { isMainThread } = require('node:worker_threads');
  if (!isMainThread) binding.endWaitsWithThread();
}

/** The native functions, once they are loaded. */
let loaded;

/**
 * Loads the native functions.
 *
 * @throws {Error} `ERR_WASI_NO_BINARY` if the installation has no binary that this
 *   platform can load, or the process may not load any; `cause` has what was tried
 */
function loadBinding() {
  if (loaded === undefined) {
    const binding = loadUsual() ?? require('./binary').loadBinary();
    followThread(binding);
    loaded = binding;
  }
  return loaded;
}

// Timers and a clock, captured when the package is loaded: tests of a program may mock
// its timers, and guests must still run in real time.

/** The longest delay of a timer, in milliseconds. */
const TIMEOUT_MAX = 2 ** 31 - 1;

/** The longest timeout of node:vm, in milliseconds. */
const VM_TIMEOUT_MAX = 2 ** 32 - 1;

/** Milliseconds of a monotonic clock. Loading node:perf_hooks for one takes a millisecond. */
function now() {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}

// The options of `new WASI()`. The values that most programs pass are checked here; of all
// others, lib/options.js reads those that are right, and throws for those that are not.

/** The name of the module from which guests of each version import. */
const IMPORT_MODULES = {
  __proto__: null,
  preview1: 'wasi_snapshot_preview1',
  unstable: 'wasi_unstable',
};

/** The options of node:wasi. */
const OF_NODE = [
  'version',
  'args',
  'env',
  'preopens',
  'returnOnExit',
  'stdin',
  'stdout',
  'stderr',
];

/** The options that node:wasi does not have. */
const ADDED = [
  'limits',
  'capabilities',
  'devices',
  'trace',
  'clock',
  'random',
  'threads',
  'listeners',
  'connections',
  'input',
  'maxBuffer',
];

const OPTIONS = [...OF_NODE, ...ADDED];

/** `maxBuffer`, as of spawnSync(), but with another default. */
const DEFAULT_MAX_BUFFER = 100 * 2 ** 20;

/** Whether `NODE_DEBUG_NATIVE` has `wasi`, by which node:wasi prints calls: the default of `trace`. */
const IS_DEBUGGED = isDebugged();

function isDebugged() {
  try {
    const { NODE_DEBUG_NATIVE: categories } = process.env;
    return Boolean(categories) && /(?:^|,)wasi(?:,|$)/i.test(categories);
  } catch {
    // Deno has a permission for each variable.
    return false;
  }
}

const isObject = (value) => value !== null && typeof value === 'object';

/** What Node's `validateObject()` accepts. */
const isValidObject = (value) => isObject(value) && !Array.isArray(value);

/** As `validateObject()`, which is loaded for an error. */
function readObject(value, name) {
  if (isValidObject(value)) return value;
  return validators().validateObject(value, name);
}

function readVersion(value) {
  if (typeof value === 'string' && value in IMPORT_MODULES) return value;
  throw errors().invalidArgValue(
    readVersion,
    'options.version',
    'unsupported WASI version',
    validators().validateString(value, 'options.version'),
  );
}

/** Any value is an argument: `String()` takes even a symbol. */
function readArgs(value = []) {
  if (!Array.isArray(value)) validators().validateArray(value, 'options.args');
  return Array.from(value, String);
}

/** `KEY=value` each; an `undefined` value unsets, as for child processes. */
function readEnv(value = {}) {
  readObject(value, 'options.env');
  const env = [];
  for (const key of Object.keys(value)) {
    const { [key]: text } = value;
    if (text !== undefined) env.push(`${key}=${text}`);
  }
  return env;
}

/** The host's path of each preopen is what `String()` returns, as in Node; an object may describe more. */
function readPreopens(value = {}) {
  const preopens = Object.entries(readObject(value, 'options.preopens'));
  return preopens.map(([mappedPath, source]) =>
    isObject(source)
      ? options().readPreopen(mappedPath, source)
      : { mappedPath, realPath: String(source) },
  );
}

const isFd = (value) =>
  typeof value === 'number' && value % 1 === 0 && value >= 0 && value < 2 ** 31;

/** Reads a standard stream: a descriptor, as in Node, or anything else that streams.js knows. */
const readStream = (value, stream) =>
  isFd(value) ? value : options().readStream(value, stream);

// An option that is overlooked here limits no guest. So the names and the added options are
// read without anything that a program could have replaced, such as methods of arrays.

/** Whether an object has only properties with these names, and no accessors of a class. */
function hasOnly(names, object) {
  for (const key in object) if (!isOneOf(names, key)) return false;
  const prototype = getPrototypeOf(object);
  return prototype === null || getPrototypeOf(prototype) === null;
}

function isOneOf(names, name) {
  for (let i = 0; i < names.length; i++) if (names[i] === name) return true;
  return false;
}

/**
 * Checks the options of `new WASI()`, and converts them for the native side.
 *
 * The order is Node's, since the first mistake is the one that is reported; options
 * that Node does not have come last. `returnOnExit` is not read here: Node reads it
 * after the preopens have been opened.
 *
 * @param {unknown} given
 */
function readOptions(given) {
  readObject(given, 'options');
  const version = readVersion(given.version);
  const args = readArgs(given.args);
  const env = readEnv(given.env);
  const preopens = readPreopens(given.preopens);
  const { stdin, stdout = 1, stderr = 2 } = given;
  const native = {
    version,
    args,
    env,
    preopens,
    devices: false,
    stdin: stdin === undefined ? stdin : readStream(stdin, 'stdin'),
    stdout: readStream(stdout, 'stdout'),
    stderr: readStream(stderr, 'stderr'),
    limits: undefined,
    capabilities: undefined,
    trace: undefined,
    clock: undefined,
    random: undefined,
    threads: undefined,
    sockets: undefined,
    given: undefined,
    kept: undefined,
    collected: undefined,
    awaited: undefined,
  };
  const added = { __proto__: null };
  let isPlain =
    !IS_DEBUGGED &&
    isFd(stdin ?? 0) &&
    isFd(stdout) &&
    isFd(stderr) &&
    hasOnly(OPTIONS, given);
  for (let i = 0; i < ADDED.length; i++) {
    const name = ADDED[i];
    const { [name]: value } = given;
    added[name] = value;
    if (value !== undefined) isPlain = false;
  }
  if (!isPlain) options().readAdded(added, native, given);
  native.stdin ??= 0;
  return native;
}

const NO_LISTENERS = Object.freeze([]);

/**
 * Opens a guest with its sockets, and closes the sockets of Node that it takes over.
 *
 * @param {object} native what `readOptions()` returned
 * @param {(native: object) => object} open the native function
 * @param {(guest: object) => void} close closes the guest, if those cannot be closed
 * @returns {{ guest: object, listeners: readonly object[] }} the second is the
 *   value of `wasi.listeners`
 */
function openGuest(native, open, close) {
  if (native.given === undefined) {
    return { guest: open(native), listeners: NO_LISTENERS };
  }
  return native.given.openGuest(native, open, close);
}

module.exports = {
  DEFAULT_MAX_BUFFER,
  IMPORT_MODULES,
  IS_DEBUGGED,
  NAMED,
  OPTIONS,
  TIMEOUT_MAX,
  VM_TIMEOUT_MAX,
  builtFor,
  clearImmediate,
  clearInterval,
  clearTimeout,
  findUsual,
  hasOnly,
  isObject,
  isValidObject,
  loadAddon,
  loadBinding,
  nanoseconds: hrtime.bigint,
  nextTick,
  now,
  openGuest,
  platformName,
  readObject,
  readOptions,
  setImmediate,
  setInterval,
  setTimeout,
};
