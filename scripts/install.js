'use strict';

// The `install` script: if there is no binary for this platform, it builds one from the
// sources in the package, if cargo is installed. In a clone `npm install` runs it, too,
// and so do the tests.
//
// It must not depend on other packages.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { isMusl } = require('../lib/binary');
const { builtFor, platformName } = require('../lib/core');

const PACKAGE = path.dirname(__dirname);

/** Whether the package is a dependency of another project, not a clone. */
const IS_INSTALLED = PACKAGE.split(path.sep).includes('node_modules');

/** The file name of the library that cargo builds, by `process.platform`. */
const LIBRARIES = {
  __proto__: null,
  darwin: 'libwasi_rs.dylib',
  win32: 'wasi_rs.dll',
};

/** Clears the variables that make the package load another binary than the built one. */
const BUILT_BINARY = { WASI_RS_BINARY: '', NAPI_RS_NATIVE_LIBRARY_PATH: '' };

/** Whether npm installs for another platform (--os, --cpu), which cannot be built here. */
function isForAnother() {
  const { npm_config_os: system, npm_config_cpu: cpu } = process.env;
  return (
    (system !== undefined && system !== process.platform) ||
    (cpu !== undefined && cpu !== process.arch)
  );
}

/**
 * Loads the package in a child process, as a failure to load it here would stay cached.
 * The child runs a file, not `--eval`: options in NODE_OPTIONS can change how that is
 * parsed.
 *
 * @returns {string | undefined} the error in one line; undefined if it loads
 */
function whyNotLoaded(env = process.env) {
  const entry = path.join(PACKAGE, 'index.js');
  const { status, signal, stderr } = spawnSync(process.execPath, [entry], {
    encoding: 'utf8',
    env,
  });
  if (status === 0) return undefined;
  const [, message] = /^\w*Error: (.+)$/m.exec(stderr) ?? [];
  return message ?? `Node.js ended with ${signal ?? status}`;
}

/**
 * Prints the error. The installation fails only in a clone: another project may not need
 * the binary on this platform.
 */
function fail(message) {
  console.error(`wasi-rs: ${message}`);
  process.exit(IS_INSTALLED ? 0 : 1);
}

/**
 * The host triple of cargo; undefined without cargo. The build names its target and its
 * target directory, as a `.cargo/config.toml` above the package or variables may set
 * others.
 */
function hostOfCargo() {
  const { status, stdout } = spawnSync('cargo', ['-vV'], {
    cwd: PACKAGE,
    encoding: 'utf8',
  });
  return status === 0 ? /^host: (\S+)$/m.exec(stdout)?.[1] : undefined;
}

/** Variables for the build. The targets for musl link statically by default. */
function flagsFor(platform) {
  const { RUSTFLAGS = '' } = process.env;
  return platform.endsWith('-musl')
    ? { RUSTFLAGS: `${RUSTFLAGS} -C target-feature=-crt-static`.trim() }
    : {};
}

/** Builds a binary, and copies it to where the package loads it from. */
function build(platform, host) {
  // Not in a temporary directory, which may be small, or mounted with noexec.
  const target = path.join(PACKAGE, 'target');
  const args = ['--release', '--locked', '--lib', '--target', host];
  try {
    const { status, signal } = spawnSync(
      'cargo',
      ['build', ...args, '--target-dir', target],
      {
        cwd: PACKAGE,
        stdio: 'inherit',
        env: { ...process.env, ...flagsFor(platform) },
      },
    );
    if (status !== 0) throw new Error(`cargo ended with ${signal ?? status}`);
    const library = LIBRARIES[process.platform] ?? 'libwasi_rs.so';
    fs.copyFileSync(
      path.join(target, host, 'release', library),
      builtFor(platform),
    );
  } finally {
    if (IS_INSTALLED) fs.rmSync(target, { recursive: true, force: true });
  }
}

/** Loads the built binary. If that fails, removes it and throws. */
function check(platform) {
  const reason = whyNotLoaded({ ...process.env, ...BUILT_BINARY });
  if (reason === undefined) return;
  // It would be preferred to a binary that is installed later.
  fs.rmSync(builtFor(platform));
  throw new Error(reason);
}

function main() {
  if (isForAnother() || whyNotLoaded() === undefined) return;
  const platform = platformName(isMusl);
  const host = hostOfCargo();
  if (host === undefined) {
    fail(
      `there is no binary for ${platform}, and no Rust to build one: install it from https://rustup.rs, then run npm ${IS_INSTALLED ? 'rebuild wasi-rs' : 'install'}`,
    );
  }
  console.error('wasi-rs: building the addon; this takes a few minutes.');
  try {
    build(platform, host);
    check(platform);
  } catch (error) {
    fail(`the addon could not be built: ${error.message}`);
  }
}

main();
