// Builds the addon for Linux with musl, and tests it: `npm run test:musl`. Needs Linux on
// x64 and Rust; for the tests in JavaScript also root on Debian 12 or newer, Python 3, and
// that `npm install` has been run. What else it takes it brings from Debian, PyPI and rustup.
//
//   npm run test:musl -- [--node N]... [--only rust|js|suite]... [--rust R]... [FILE]...
//
//   --node N    with this Node.js; with 22 if none is named
//   --only W    the tests in Rust, those in JavaScript, the official test suite (where
//               WASI_TESTSUITE names a checkout of it), and not the others
//   --rust R    of the tests in Rust, this program alone, such as `syscalls`
//   FILE        these files of the tests in JavaScript, such as `docs`
//
// Prints a line for each test that fails, then how many of how many passed. What it brings is
// kept in MUSL_DIRECTORY, by default in ~/.cache/wasi-rs/musl.

import { spawnSync } from 'node:child_process';
import { copyFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { muslNode, zigIn } from './musl.mjs';
import { ofAva, ofRust, ofSuite, report } from './results.mjs';
import {
  FAST_ENOUGH,
  ROOT,
  avaOn,
  build,
  cache,
  copyRepository,
  readArguments,
  run,
  shown,
  step,
} from './tools.mjs';

const TARGET = 'x86_64-unknown-linux-musl';

/** The files of tests in JavaScript that are run: enough to make every native call. */
const FILES = [
  'attacks-descriptors',
  'attacks-memory',
  'class-streams',
  'exit',
  'instance',
  'memory-fs',
  'mounts',
  'run-sync',
  'spawn',
  'wasi-import',
];

const { flags, named, parts } = readArguments({
  rust: { type: 'string', multiple: true, default: [] },
});
const directory = cache('MUSL_DIRECTORY', 'musl');

/** Runs a program to its end, and returns its exit code and all that it wrote. */
function execute(cwd, program, args, variables = {}) {
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd,
    env: {
      ...process.env,
      NODE_OPTIONS: undefined,
      NAPI_RS_NATIVE_LIBRARY_PATH: undefined,
      ...variables,
    },
    encoding: 'utf8',
    maxBuffer: 1 << 30,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 1800 * 1000,
    killSignal: 'SIGKILL',
  });
  return { status, output: `${stdout}\n${stderr}` };
}

function testRust() {
  step('build of the tests');
  const chosen = flags.rust.flatMap((name) => ['--test', name]);
  const { tests } = build(TARGET, {
    env: FAST_ENOUGH,
    what: chosen.length > 0 ? chosen : ['--tests'],
    withAddon: false,
  });
  return tests.map(({ name, executable }) => {
    step(`tests in Rust: ${name}`);
    return ofRust(name, shown(execute(ROOT, executable, [])));
  });
}

/** The addon is linked in another way than the tests, so what is built for it is not theirs. */
function buildAddon() {
  step('build of the addon');
  const zig = zigIn(directory);
  const { addon } = build(TARGET, {
    env: {
      ...FAST_ENOUGH,
      ...zig.env,
      CARGO_TARGET_DIR: join(ROOT, 'target/elsewhere'),
      RUSTFLAGS: '-C target-feature=-crt-static',
    },
    zig: zig.program,
    what: [],
    withAddon: true,
  });
  return addon;
}

function testNode(copy, major) {
  const node = muslNode(directory, major);
  const runs = [];
  if (parts.has('js')) {
    step(`tests in JavaScript on Node.js ${major}`);
    const ava = avaOn(named.length > 0 ? named : FILES);
    runs.push(ofAva(shown(execute(copy, node, ava))));
  }
  if (parts.has('suite') && process.env.WASI_TESTSUITE) {
    step(`official test suite on Node.js ${major}`);
    const variables = { WASI_TESTSUITE: resolve(process.env.WASI_TESTSUITE) };
    const args = ['scripts/conformance.mjs', '--all'];
    runs.push(ofSuite('suite', shown(execute(copy, node, args, variables))));
  }
  return runs;
}

run('rustup', ['target', 'add', TARGET]);
const runs = parts.has('rust') ? testRust() : [];
if (parts.has('js') || parts.has('suite')) {
  const addon = buildAddon();
  const copy = join(directory, 'wasi-rs');
  copyRepository(copy);
  copyFileSync(addon, join(copy, 'wasi-rs.linux-x64-musl.node'));
  runs.push(...flags.node.flatMap((major) => testNode(copy, major)));
}
report(runs, {});
