'use strict';

// Finds the binary where lib/core.js does not: where it is named, or on a system with
// musl, or wherever else the generated loader looks.

const { closeSync, openSync, readSync } = require('node:fs');
const { resolve } = require('node:path');

const { NAMED, findUsual, loadAddon, platformName } = require('./core');

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

/** Loads the binary from one of its usual places; the generated loader is 30 kB of JavaScript. */
function loadUsual() {
  const file = findUsual(platformName(isMusl));
  try {
    return file === undefined ? undefined : loadAddon(file);
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
 * Loads the binary.
 *
 * @throws {Error} `ERR_WASI_NO_BINARY`; `cause` has what was tried
 */
function loadBinary() {
  let named;
  try {
    // Deno has a permission for each variable.
    named = process.env[NAMED];
    if (named) return loadAddon(resolve(named));
    return loadUsual() ?? requireUnforced();
  } catch (error) {
    const platform = platformName(isMusl);
    throw require('./no-binary').noBinary(error, platform, named);
  }
}

module.exports = { isMusl, loadBinary };
