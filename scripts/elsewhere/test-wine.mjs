// Builds the addon for Windows, and tests it under wine: `npm run test:wine`. Needs
// root on Debian 12 or newer on x64, Rust, and that `npm install` has been run; what
// else it takes it brings from Debian, npm and rustup.
//
//   npm run test:wine -- [--node N]... [--only rust|js|suite]... [--prepare] [FILE]...
//
//   --node N    with this Node.js, of 20, 22, 24 and 26; with 22 if none is named
//   --only W    the tests in Rust, those in JavaScript, the official test suite (where
//               WASI_TESTSUITE names a checkout of it), and not the others
//   --prepare   nothing but bringing and laying out what it takes
//   FILE        these files of the tests in JavaScript, such as `docs`
//
// Prints a line for each test that fails, but for those in wine-fails.mjs, and for each
// in there that passes; then how many of how many passed. What it brings is kept in
// WINE_DIRECTORY, by default in ~/.cache/wasi-rs/wine.

import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { ofAva, ofRust, ofSuite, report } from './results.mjs';
import {
  FAST_ENOUGH,
  ROOT,
  avaOn,
  build,
  cache,
  copyRepository,
  hasNamespaces,
  install,
  readArguments,
  run,
  shown,
  step,
  unshare,
} from './tools.mjs';
import { FAILS, FILES } from './wine-fails.mjs';
import { windowsNode, wineIn } from './wine.mjs';

const TARGET = 'x86_64-pc-windows-gnu';
// The official test suite, over the host's files and over such as are not.
const SUITES = { suite: [], 'suite over memory': ['--over', 'memory'] };

const { flags, named, parts } = readArguments({
  prepare: { type: 'boolean', default: false },
});
const directory = cache('WINE_DIRECTORY', 'wine');

/** napi-build wants a libnode.dll for this target. Nothing is imported from it. */
function emptyLibrary() {
  const place = join(directory, 'libnode');
  mkdirSync(place, { recursive: true });
  const file = join(place, 'libnode.dll');
  if (!existsSync(file)) {
    const options = [
      '-shared',
      '-nostdlib',
      '-e',
      'unused',
      '-o',
      file,
      '-x',
      'c',
      '-',
    ];
    const input = 'int unused(void) { return 0; }';
    run('x86_64-w64-mingw32-gcc', options, { input });
  }
  return place;
}

function buildForWindows() {
  step('build');
  return build(TARGET, {
    env: {
      LIBNODE_PATH: emptyLibrary(),
      CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER: 'x86_64-w64-mingw32-gcc',
      ...FAST_ENOUGH,
    },
    what: parts.has('rust') ? ['--tests'] : [],
    withAddon: parts.size > 1 || !parts.has('rust'),
  });
}

function testRust({ wine }, tests) {
  return tests.map(({ name, executable }) => {
    step(`tests in Rust: ${name}`);
    return ofRust(name, shown(wine(ROOT, executable, [])));
  });
}

function testJavaScript({ wine, drive }, node) {
  const ava = avaOn(named.length > 0 ? named : FILES);
  return ofAva(shown(wine(join(drive, 'wasi-rs'), node, ava)));
}

function testSuite({ wine, drive }, node, name, options) {
  const args = ['scripts/conformance.mjs', '--all', ...options];
  const variables = { WASI_TESTSUITE: 'D:\\suite' };
  const ended = wine(join(drive, 'wasi-rs'), node, args, { variables });
  return ofSuite(name, shown(ended));
}

function testNode(machine, major) {
  const node = windowsNode(directory, major);
  const runs = [];
  if (parts.has('js')) {
    step(`tests in JavaScript on Node.js ${major}`);
    runs.push(testJavaScript(machine, node));
  }
  if (parts.has('suite') && process.env.WASI_TESTSUITE) {
    cpSync(process.env.WASI_TESTSUITE, join(machine.drive, 'suite'), {
      recursive: true,
      verbatimSymlinks: true,
    });
    for (const [name, options] of Object.entries(SUITES)) {
      step(`official test ${name} on Node.js ${major}`);
      runs.push(testSuite(machine, node, name, options));
    }
  }
  return runs;
}

function test() {
  step('what it takes');
  install('gcc-mingw-w64-x86-64');
  run('rustup', ['target', 'add', TARGET]);
  for (const major of flags.node) windowsNode(directory, major);
  const machine = wineIn(directory, [ROOT]);
  if (flags.prepare) return;
  try {
    const { tests, addon } = buildForWindows();
    const runs = testRust(machine, tests);
    if (addon) {
      const copy = join(machine.drive, 'wasi-rs');
      copyRepository(copy);
      copyFileSync(addon, join(copy, 'wasi-rs.win32-x64-msvc.node'));
      runs.push(...flags.node.flatMap((major) => testNode(machine, major)));
    }
    report(runs, FAILS);
  } finally {
    machine.end();
  }
}

if (hasNamespaces(directory)) test();
else unshare(directory, '--mount');
