// Programs that take 5 to 100 ms, and two guests that measure only startup.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { coreutils, gofmt, ripgrep, sqlite } from '../../compat/programs.mjs';
import { assembleFields, call } from '../guest.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

export const TRIVIAL = {
  name: 'trivial guest',
  file: () => here('../../__test__/guests/hello.wasm'),
  args: ['hello'],
};

/** How often the guest of first calls makes each call. */
const FIRST = 5_000;

/** The descriptors of the preopen, and of a file that the guest opens in it. */
const PREOPEN = 3;
const FILE = 4;

/** Calls that many programs start with. */
const FIRST_CALLS = [
  call('fd_prestat_get', PREOPEN, 0),
  call('fd_fdstat_get', FILE, 0),
  call('clock_time_get', 1, 0n, 0),
  call('fd_seek', FILE, 0n, 0, 0),
  call('random_get', 0, 16),
];

const OPEN = call('path_open', PREOPEN, 0, 0, 1, 0, 4n, 0n, 0, 8);

/** A loop over an expression that returns an errno, which must be 0. */
const repeat = (expression) => `
  (local.set $n (i32.const ${FIRST}))
  (loop $again
    (if ${expression} (then unreachable))
    (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))`;

export const FIRST_CALLS_OF_EACH = {
  name: `${FIRST_CALLS.length} × ${FIRST} first calls`,
  make: () =>
    assembleFields(
      `(data (i32.const 0) "f")
      (func (export "_start") (local $n i32)
        (if ${OPEN} (then unreachable))
        ${FIRST_CALLS.map(repeat).join('\n')})`,
    ),
  prepare: (directory) => writeFileSync(join(directory, 'f'), ''),
  args: ['first'],
};

function words(directory) {
  const lines = Array.from(
    { length: 20_000 },
    (_, i) => `${(i * 7919) % 20_011} word`,
  );
  writeFileSync(join(directory, 'words'), `${lines.join('\n')}\n`);
}

function tree(directory) {
  for (let folder = 0; folder < 10; folder++) {
    mkdirSync(join(directory, `tree/${folder}`), { recursive: true });
    for (let file = 0; file < 30; file++) {
      const text = `line one\nneedle ${folder * file}\nline three\n`;
      writeFileSync(join(directory, `tree/${folder}/${file}.txt`), text);
    }
  }
}

/** The names of the files to copy. `cp -r` fails, as WASI has no file modes. */
const FILES = Array.from({ length: 300 }, (_, file) => `${file}.txt`);

function fullFolder(directory) {
  mkdirSync(join(directory, 'copy'));
  for (const file of FILES) {
    writeFileSync(join(directory, file), `${file}\n`.repeat(100));
  }
}

const UNFORMATTED =
  'package   part\nfunc   Print( a int )  {\nprintln( a ) }\n';

function goFiles(directory) {
  for (let i = 0; i < 20; i++) {
    writeFileSync(join(directory, `part${i}.go`), UNFORMATTED);
  }
}

const COMMITS = Array.from(
  { length: 50 },
  (_, i) => `INSERT INTO t VALUES(${i}, 'text ${i}');`,
).join('\n');

function statements(directory) {
  writeFileSync(
    join(directory, 'make.sql'),
    `CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);\n${COMMITS}\nSELECT count(*) FROM t;\n`,
  );
}

const coreutil = (name, prepare, ...args) => ({
  name: `${name} (coreutils)`,
  file: () => coreutils.wasi,
  build: () => coreutils.buildForWasi(),
  prepare,
  args: [name, ...args],
});

export const SHORT = [
  coreutil('ls', tree, '-1R', '/work/tree'),
  coreutil('wc', words, '/work/words'),
  coreutil('sort', words, '-n', '/work/words'),
  coreutil(
    'cp',
    fullFolder,
    ...FILES.map((file) => `/work/${file}`),
    '/work/copy',
  ),
  {
    name: 'ripgrep, 300 files',
    file: () => ripgrep.wasi,
    build: () => ripgrep.build(),
    prepare: tree,
    args: ['rg', '--sort=path', '-j1', 'needle [1-4]2$', '/work/tree'],
  },
  {
    name: 'SQLite, 50 commits',
    file: () => sqlite.wasi,
    build: () => sqlite.build(),
    prepare: statements,
    args: ['sqlite3', '/work/test.db', '.read /work/make.sql'],
  },
  {
    name: 'gofmt, 20 files',
    file: () => gofmt.wasi,
    build: () => gofmt.build(),
    prepare: goFiles,
    args: ['gofmt', '-l', '/work'],
  },
];
