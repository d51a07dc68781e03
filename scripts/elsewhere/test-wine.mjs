// Builds the addon for Windows, and tests it under wine: `npm run test:wine`. Needs root
// on Debian 12 or newer on x64, Rust, and `npm install`. Everything else is installed from
// Debian, npm and rustup.
//
//   npm run test:wine -- [--node N]... [--only rust|js|suite]... [--prepare] [FILE]...
//
//   --node N    the major version of Node.js: 20, 22, 24 or 26; 22 by default
//   --only W    only the tests in Rust, those in JavaScript, or the official test suite
//               (a checkout in WASI_TESTSUITE)
//   --prepare   only install the tools
//   FILE        only this file of the tests in JavaScript, such as `docs`
//
// Prints a line for each test that fails unless wine-fails.mjs lists it, and for each
// listed test that passes; then the number of tests that passed. Downloads are kept in
// WINE_DIRECTORY, by default ~/.cache/wasi-rs/wine.

import { copyFileSync, cpSync, existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { report } from './results.mjs';
import { testNode, testRust } from './tests.mjs';
import {
  FAST_ENOUGH,
  ROOT,
  build,
  cache,
  copyRepository,
  hasNamespaces,
  install,
  readArguments,
  run,
  step,
  unshare,
} from './tools.mjs';
import { FAILS, FILES } from './wine-fails.mjs';
import { windowsNode, wineIn } from './wine.mjs';

const TARGET = 'x86_64-pc-windows-gnu';

const { flags, named, parts } = readArguments({
  prepare: { type: 'boolean', default: false },
});
const directory = cache('WINE_DIRECTORY', 'wine');

/** An empty libnode.dll: napi-build links one for this target, but nothing is imported. */
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
  step('building');
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

/** Copies the checkout of the official test suite, if there is one, to drive D:. */
function suiteOn(drive) {
  const { WASI_TESTSUITE } = process.env;
  if (!parts.has('suite') || !WASI_TESTSUITE) return undefined;
  const options = { recursive: true, verbatimSymlinks: true };
  cpSync(WASI_TESTSUITE, join(drive, 'suite'), options);
  return 'D:\\suite';
}

function test() {
  step('installing the tools');
  install('gcc-mingw-w64-x86-64');
  run('rustup', ['target', 'add', TARGET]);
  for (const major of flags.node) windowsNode(directory, major);
  const { wine, drive, end } = wineIn(directory, [ROOT]);
  if (flags.prepare) return;
  try {
    const { tests, addon } = buildForWindows();
    const runs = testRust(wine, tests);
    if (addon) {
      const copy = join(drive, 'wasi-rs');
      copyRepository(copy);
      copyFileSync(addon, join(copy, 'wasi-rs.win32-x64-msvc.node'));
      const suite = suiteOn(drive);
      const files = named.length > 0 ? named : FILES;
      for (const major of flags.node) {
        const node = windowsNode(directory, major);
        const what = { copy, node, major, parts, files, suite };
        runs.push(...testNode(wine, what));
      }
    }
    report(runs, FAILS);
  } finally {
    end();
  }
}

if (hasNamespaces(directory)) test();
else unshare(directory, '--mount');
