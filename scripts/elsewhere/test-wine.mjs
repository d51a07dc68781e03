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

/** The checkout of the official test suite, if there is one, copied to where Windows finds it. */
function suiteOn(drive) {
  const { WASI_TESTSUITE } = process.env;
  if (!parts.has('suite') || !WASI_TESTSUITE) return undefined;
  const options = { recursive: true, verbatimSymlinks: true };
  cpSync(WASI_TESTSUITE, join(drive, 'suite'), options);
  return 'D:\\suite';
}

function test() {
  step('what it takes');
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
