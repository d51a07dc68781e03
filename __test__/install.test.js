'use strict';

// Installing the package without a binary for the platform: scripts/install.js builds
// one, or says why it could not.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { isMusl } = require('../lib/binary');
const { builtFor, platformName } = require('../lib/core');
const { ROOT, node } = require('./helpers/child');
const { scratch } = require('./helpers/guest');
const { read } = require('./helpers/documents');

test('without a binary and Rust, the installation says what to do, and fails in a clone only', (t) => {
  const files = ['index.js', 'binding.js', 'lib', 'package.json', 'scripts'];
  // No program is found in it, not even cargo.
  const env = { PATH: scratch(t), SystemRoot: process.env.SystemRoot };
  for (const [place, status, command] of [
    ['clone', 1, 'npm install'],
    ['node_modules/wasi-rs', 0, 'npm rebuild wasi-rs'],
  ]) {
    const directory = path.join(scratch(t), place);
    for (const file of files) {
      fs.cpSync(path.join(ROOT, file), path.join(directory, file), {
        recursive: true,
      });
    }
    const { exitCode, stderr } = node(['scripts/install.js'], {
      cwd: directory,
      env,
    });
    t.is(exitCode, status);
    t.regex(
      stderr,
      /^wasi-rs: there is no binary for \S+, and no Rust to build one: .+\n$/,
    );
    t.true(stderr.endsWith(`then run ${command}\n`), stderr);
  }
});

const hasCargo = spawnSync('cargo', ['--version']).status === 0;
const withCargo = hasCargo ? test : test.skip;

/** A library that Node loads as an addon. */
const ADDON = `
  #[unsafe(no_mangle)]
  pub extern "C" fn napi_register_module_v1(_env: usize, exports: usize) -> usize {
    exports
  }`;

/** A library that is not an addon. */
const NO_ADDON = 'pub fn nothing() {}';

const BUILT = path.basename(builtFor(platformName(isMusl)));

const LOCK = `version = 4

[[package]]
name = "wasi-rs"
version = "0.1.0"
`;

/**
 * The package in an empty project, with another crate, which is built in a second. The
 * manifest is ours, except for the dependencies.
 */
function project(t, source, { place = 'node_modules/wasi-rs' } = {}) {
  const around = scratch(t);
  const directory = path.join(around, place);
  for (const file of ['lib', 'package.json', 'scripts/install.js']) {
    fs.cpSync(path.join(ROOT, file), path.join(directory, file), {
      recursive: true,
    });
  }
  const write = (name, text) => {
    const file = path.join(around, name);
    fs.mkdirSync(path.dirname(file), { recursive: true });
    fs.writeFileSync(file, text);
  };
  const [manifest] = read('Cargo.toml').split('[dependencies]');
  write(`${place}/Cargo.toml`, manifest);
  write(`${place}/Cargo.lock`, LOCK);
  write(`${place}/src/lib.rs`, source);
  write(
    `${place}/index.js`,
    `process.dlopen({ exports: {} }, require('node:path').join(__dirname, '${BUILT}'))`,
  );
  const install = (variables) =>
    node(['scripts/install.js'], {
      cwd: directory,
      env: { ...process.env, ...variables },
    });
  const files = () => fs.readdirSync(directory).toSorted();
  return { around, directory, write, install, files };
}

/** The files of a project's package before it is installed. */
const BEFORE = [
  ...['Cargo.lock', 'Cargo.toml', 'index.js', 'lib'],
  ...['package.json', 'scripts', 'src'],
];

withCargo(
  'a Cargo.toml or configuration above the package does not affect the build',
  (t) => {
    const { around, write, install, files } = project(t, ADDON);
    write('Cargo.toml', '[workspace]\nmembers = []\n');
    write(
      '.cargo/config.toml',
      `[build]\ntarget = "wasm32-unknown-unknown"\ntarget-dir = "elsewhere"\n`,
    );
    const nowhere = path.join(around, 'nowhere');
    const { exitCode, stderr } = install({
      CARGO_BUILD_TARGET: 'wasm32-unknown-unknown',
      CARGO_TARGET_DIR: nowhere,
      NODE_OPTIONS: '--input-type=module',
      // The variables that Node reads on Unix, and on Windows.
      TMPDIR: nowhere,
      TEMP: nowhere,
      TMP: nowhere,
    });
    t.is(exitCode, 0);
    t.regex(
      stderr,
      /^wasi-rs: building the addon; this takes a few minutes\.\n/,
    );
    t.false(stderr.includes('could not'), stderr);
    t.deepEqual(files(), [...BEFORE, BUILT].toSorted());
    t.deepEqual(fs.readdirSync(around).toSorted(), [
      '.cargo',
      'Cargo.toml',
      'node_modules',
    ]);

    // An existing binary is not built again.
    t.deepEqual(install(), { exitCode: 0, stdout: '', stderr: '' });
  },
);

withCargo(
  'NAPI_RS_NATIVE_LIBRARY_PATH and WASI_RS_BINARY do not affect the build',
  (t) => {
    const { install, files } = project(t, ADDON);
    const { exitCode } = install({
      WASI_RS_BINARY: 'none.node',
      NAPI_RS_NATIVE_LIBRARY_PATH: 'none.node',
    });
    t.is(exitCode, 0);
    t.true(files().includes(BUILT));
  },
);

withCargo(
  'a binary that was built and does not load is removed, with the reason',
  (t) => {
    for (const [place, code] of [
      ['node_modules/wasi-rs', 0],
      ['clone', 1],
    ]) {
      const { directory, install, files } = project(t, NO_ADDON, { place });
      fs.writeFileSync(path.join(directory, BUILT), 'of another system');
      const { exitCode, stderr } = install();
      t.is(exitCode, code);
      t.regex(
        stderr,
        /\nwasi-rs: the addon could not be built: Module did not self-register: .+\n$/,
      );
      const left = files().filter((name) => name !== 'target');
      t.deepEqual(left, BEFORE);
      t.is(files().includes('target'), place === 'clone');
    }
  },
);

withCargo('why it was not built is one line', (t) => {
  const { install, files } = project(t, 'no Rust');
  const { exitCode, stderr } = install();
  t.is(exitCode, 0);
  t.regex(
    stderr,
    /\nwasi-rs: the addon could not be built: cargo ended with 101\n$/,
  );
  t.deepEqual(files(), BEFORE);

  const taken = project(t, ADDON);
  fs.mkdirSync(path.join(taken.directory, BUILT));
  const { stderr: refused } = taken.install();
  t.regex(refused, /\nwasi-rs: the addon could not be built: E[A-Z]+: .+\n$/);
});
