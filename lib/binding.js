'use strict';

const { closeSync, existsSync, openSync, readSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');

/** Where the package is. npm puts the one with the binary beside it. */
const PACKAGE = dirname(__dirname);

/**
 * The platform in the words of the packages that carry the binaries.
 *
 * @param {() => boolean} isMusl asked on Linux alone
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

/** Where the name of a program's dynamic linker stands: in its first page, as linkers lay it out. */
const PAGE = 4096;

/**
 * The C library that this program is linked with, by its dynamic linker;
 * undefined where that cannot be read or is neither.
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
    // Where files may not be read, or not this one.
    return undefined;
  }
}

/** The same as Node reports it, which takes it milliseconds. */
function libcOfReport() {
  try {
    const header = process.report?.getReport?.().header;
    if (header === undefined || header.glibcVersionRuntime) return 'glibc';
    return 'musl';
  } catch {
    // Deno wants a permission for that, and often lacks it where it lacks others.
    return 'glibc';
  }
}

/** The variable that names the binary of a program which has it somewhere else, as one that is bundled. */
const NAMED = 'WASI_RS_BINARY';

/** A binary, without `require`, which in a single executable knows no files. */
function loadNamed(file) {
  if (!file) return undefined;
  const module = { exports: {} };
  process.dlopen(module, resolve(file));
  return module.exports;
}

/** What says that another binary is to be loaded, or is to be looked at more closely. */
const LOADED_OTHERWISE = [
  'NAPI_RS_NATIVE_LIBRARY_PATH',
  'NAPI_RS_ENFORCE_VERSION_CHECK',
];

/** A binary that was built in the package. */
const builtFor = (platform) => join(PACKAGE, `wasi-rs.${platform}.node`);

/** The package with the binary for a platform. */
const packageFor = (platform) => `wasi-rs-${platform}`;

/** Whether there may be a binary for a platform where it is nearly always. */
function isNearby(platform) {
  try {
    return (
      existsSync(builtFor(platform)) ||
      existsSync(join(dirname(PACKAGE), packageFor(platform)))
    );
  } catch {
    // Node 20 has a permission for that.
    return true;
  }
}

/**
 * The binary where it is nearly always: in the package, if it was built there, or
 * in the package for the platform. The generated loader, which knows all other
 * places, would read and compile 30 kB of script to look there first, too.
 *
 * To tell the C library is most of what this takes, and package managers install
 * the binary for one alone. So it is asked for only where there is one for musl.
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
    // The generated loader meets the same, and reports it with all else that it tried.
    return undefined;
  }
}

// The generated loader obeys these for every package made with napi-rs, and
// with 'error' it refuses to load any native addon. But a host of WASI has no
// build for WASI, and the programs that force one are those that need a host.
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
 * Has what guests wait for end with the thread, if that is a worker, which can be
 * ended by its owner.
 */
function followThread(binding) {
  // To load the module takes longer than all else here. In a worker it is loaded already.
  if (binding.isProcessThread()) return;
  const { isMainThread } = require('node:worker_threads');
  if (!isMainThread) binding.endWaitsWithThread();
}

/** What was loaded. */
let loaded;

/**
 * Loads the native functions.
 *
 * @throws {Error} `ERR_WASI_NO_BINARY` where the installation has no binary
 *   that this platform can load, or the process may not load any; what the
 *   loader tried is in `cause`
 */
function loadBinding() {
  if (loaded !== undefined) return loaded;
  let named;
  try {
    // Deno may not let it be looked at.
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
