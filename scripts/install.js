'use strict';

// The `install` script: where no binary fits, builds one from the sources in the package,
// if cargo is there. In a clone `npm install` runs it, too, and so do the tests.
//
// It loads nothing that the package does not have by itself.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { isMusl, platformName } = require('../lib/binding');

const PACKAGE = path.dirname(__dirname);

/** Whether it was installed for another project, and is not a clone. */
const IS_INSTALLED = PACKAGE.split(path.sep).includes('node_modules');

/** What cargo calls the library, by what the platform does. */
const LIBRARIES = {
  __proto__: null,
  darwin: 'libwasi_rs.dylib',
  win32: 'wasi_rs.dll',
};

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

/** In a process of its own, since what fails to load here would stay cached. */
function tryToLoad() {
  const entry = JSON.stringify(path.join(PACKAGE, 'index.js'));
  return spawnSync(process.execPath, ['--eval', `require(${entry})`], {
    encoding: 'utf8',
  });
}

/** What is wrong is said. It fails a clone, of which a binary is the purpose, and no other project. */
function fail(message) {
  console.error(`wasi-rs: ${message}`);
  process.exit(IS_INSTALLED ? 0 : 1);
}

/** Where cargo builds: in a clone where it always does, else nowhere that stays. */
function inTarget(use) {
  if (!IS_INSTALLED) return use(path.join(PACKAGE, 'target'));
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-rs-build-'));
  try {
    return use(directory);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

/** A library for Node is one that is loaded, which musl's target makes none of by itself. */
function flagsFor(platform) {
  const { RUSTFLAGS = '' } = process.env;
  return platform.endsWith('-musl')
    ? { RUSTFLAGS: `${RUSTFLAGS} -C target-feature=-crt-static`.trim() }
    : {};
}

function environmentFor(platform) {
  const env = { ...process.env, ...flagsFor(platform) };
  // Another one than this machine would get a folder of its own.
  delete env.CARGO_BUILD_TARGET;
  return env;
}

function build(platform) {
  return inTarget((target) => {
    const { status } = spawnSync(
      'cargo',
      ['build', '--release', '--locked', '--lib', '--target-dir', target],
      {
        cwd: PACKAGE,
        stdio: 'inherit',
        env: environmentFor(platform),
      },
    );
    if (status !== 0) return false;
    const library = LIBRARIES[process.platform] ?? 'libwasi_rs.so';
    fs.copyFileSync(
      path.join(target, 'release', library),
      path.join(PACKAGE, `wasi-rs.${platform}.node`),
    );
    return true;
  });
}

function main() {
  if (isForAnother() || tryToLoad().status === 0) return;
  const platform = platformName(isMusl);
  if (spawnSync('cargo', ['--version']).status !== 0) {
    fail(
      `there is no binary for ${platform}, and no Rust to build one: install it from https://rustup.rs, then run npm ${IS_INSTALLED ? 'rebuild wasi-rs' : 'install'}`,
    );
  }
  console.error('wasi-rs: building the addon; this takes a few minutes.');
  if (!build(platform)) fail('the addon could not be built.');
  const { status, stderr } = tryToLoad();
  if (status !== 0) fail(stderr);
}

main();
