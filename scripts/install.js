'use strict';

// The `install` script: where no binary fits, builds one from the sources in the package,
// if cargo is there. In a clone `npm install` runs it, too, and so do the tests.
//
// It loads nothing that the package does not have by itself.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const { builtFor, isMusl, platformName } = require('../lib/binding');

const PACKAGE = path.dirname(__dirname);

/** Whether it was installed for another project, and is not a clone. */
const IS_INSTALLED = PACKAGE.split(path.sep).includes('node_modules');

/** What cargo calls the library, by what the platform does. */
const LIBRARIES = {
  __proto__: null,
  darwin: 'libwasi_rs.dylib',
  win32: 'wasi_rs.dll',
};

/** The variables that name another binary than the one that was built. */
const UNNAMED = { WASI_RS_BINARY: '', NAPI_RS_NATIVE_LIBRARY_PATH: '' };

/**
 * Whether npm was told that all of this is for another machine, whose binary cannot be
 * built here.
 */
function isForAnother() {
  const { npm_config_os: system, npm_config_cpu: cpu } = process.env;
  return (
    (system !== undefined && system !== process.platform) ||
    (cpu !== undefined && cpu !== process.arch)
  );
}

/**
 * Why it does not load, in one line; undefined if it does. In a process of its own,
 * since what fails to load here would stay cached. A file, as options of Node's that
 * are for all of its processes may have text be read otherwise.
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

/** What is wrong is said. It fails a clone, of which a binary is the purpose, and no other project. */
function fail(message) {
  console.error(`wasi-rs: ${message}`);
  process.exit(IS_INSTALLED ? 0 : 1);
}

/**
 * What cargo builds for by itself; undefined without cargo. Whatever stands around the
 * package may have it build for another, and in another folder: `.cargo/config.toml`,
 * or a variable.
 */
function hostOfCargo() {
  const { status, stdout } = spawnSync('cargo', ['-vV'], {
    cwd: PACKAGE,
    encoding: 'utf8',
  });
  return status === 0 ? /^host: (\S+)$/m.exec(stdout)?.[1] : undefined;
}

/** A library for Node is one that is loaded, which musl's target makes none of by itself. */
function flagsFor(platform) {
  const { RUSTFLAGS = '' } = process.env;
  return platform.endsWith('-musl')
    ? { RUSTFLAGS: `${RUSTFLAGS} -C target-feature=-crt-static`.trim() }
    : {};
}

/** Builds a binary, and puts it where it is looked for. */
function build(platform, host) {
  // Temporary directories may be small, or let nothing in them run.
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

/** Throws what is wrong with what was built, which is then gone. */
function check(platform) {
  const reason = whyNotLoaded({ ...process.env, ...UNNAMED });
  if (reason === undefined) return;
  // It would stand before one that is installed later.
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
