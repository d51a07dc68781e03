'use strict';

const { closeSync, existsSync, openSync, readSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');

/** The directory of the package. npm installs the package with the binary beside it. */
const PACKAGE = dirname(__dirname);

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

function isMusl() {
  const libc = libcOfExecutable() ?? libcOfReport();
  return libc === 'musl';
}

/** The path of the dynamic linker is in the first page of an executable, as linkers lay it out. */
const PAGE = 4096;

/**
 * The C library of this process, by the dynamic linker of its executable; undefined if
 * that cannot be read or is neither.
 */
function libcOfExecutable() {
  try {
    const file = openSync(process.execPath);
    const start = Buffer.alloc(PAGE);
    try {
      readSync(file, start, 0, PAGE, 0);
    } finally {
      closeSync(file);
    }
    if (start.includes('/ld-musl-')) return 'musl';
    return start.includes('/ld-linux') ? 'glibc' : undefined;
  } catch {
    // The permission model may not allow it.
    return undefined;
  }
}

/** The same by Node's report, which takes milliseconds to make. */
function libcOfReport() {
  try {
    const header = process.report?.getReport?.().header;
    if (header === undefined || header.glibcVersionRuntime) return 'glibc';
    return 'musl';
  } catch {
    // Deno has a permission for that.
    return 'glibc';
  }
}

/** The environment variable with the path of the binary, for bundles and single executables. */
const NAMED = 'WASI_RS_BINARY';

/** Loads a binary without `require()`, which in a single executable loads no files. */
function loadNamed(file) {
  if (!file) return undefined;
  const module = { exports: {} };
  process.dlopen(module, resolve(file));
  return module.exports;
}

/** Environment variables by which the generated loader loads another binary, or checks its version. */
const LOADED_OTHERWISE = [
  'NAPI_RS_NATIVE_LIBRARY_PATH',
  'NAPI_RS_ENFORCE_VERSION_CHECK',
];

/** The path of a binary that was built in the package. */
const builtFor = (platform) => join(PACKAGE, `wasi-rs.${platform}.node`);

/** The name of the package with the binary for a platform. */
const packageFor = (platform) => `wasi-rs-${platform}`;

/** Whether there may be a binary for a platform in one of these two places. */
function isNearby(platform) {
  try {
    return (
      existsSync(builtFor(platform)) ||
      existsSync(join(dirname(PACKAGE), packageFor(platform)))
    );
  } catch {
    // The permission model may not allow it.
    return true;
  }
}

/**
 * Loads the binary from one of its usual places: the package, if it was built there, or
 * the package for the platform. The generated loader, which knows all others, is 30 kB
 * of JavaScript to read and compile.
 *
 * Finding out the C library takes most of the time of this, and package managers
 * install the binary for one only. So that is done only if there is one for musl.
 */
function requireNearby() {
  if (LOADED_OTHERWISE.some((name) => process.env[name])) return undefined;
  const platform = platformName(
    () => isNearby(platformName(() => true)) && isMusl(),
  );
  const built = builtFor(platform);
  try {
    return require(existsSync(built) ? built : packageFor(platform));
  } catch {
    // The generated loader fails likewise, and reports everything that it has tried.
    return undefined;
  }
}

// By these variables the generated loader of any package made with napi-rs loads the
// build of the package for WASI; with 'error' it refuses to load a native addon. A host
// of WASI has no such build, and programs that set them are those that need a host.
const FORCED_FLAVOR = ['NAPI_RS_FORCE_WASI', 'NAPI_RS_WASI_FLAVOR'];

function requireUnforced() {
  const forced = FORCED_FLAVOR.filter((name) => process.env[name]);
  const saved = forced.map((name) => process.env[name]);
  forced.forEach((name) => delete process.env[name]);
  try {
    return require('../binding.js');
  } finally {
    forced.forEach((name, i) => (process.env[name] = saved[i]));
  }
}

/**
 * In a worker, makes the waits of guests end when the worker is terminated.
 */
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
  if (loaded !== undefined) return loaded;
  let named;
  try {
    // Deno has a permission for each variable.
    named = process.env[NAMED];
    const binding = loadNamed(named) ?? requireNearby() ?? requireUnforced();
    followThread(binding);
    loaded = binding;
  } catch (error) {
    const platform = platformName(isMusl);
    throw require('./no-binary').noBinary(error, platform, named);
  }
  return loaded;
}

module.exports = { builtFor, isMusl, loadBinding, platformName };
