// npm run bench:programs -- [--rounds N] [--markdown]
//
// Measures whole programs under node:wasi and wasi-rs in turn. Each run is a new process.
// Fails if the output or the files of a program differ.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { median } from '../median.mjs';
import { printMarkdown } from '../table.mjs';
import { MIB, PROGRAMS, crashing, digest } from './list.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const { values: flags } = parseArgs({
  options: {
    markdown: { type: 'boolean' },
    rounds: { type: 'string', default: '5' },
  },
});

const HOSTS = ['node:wasi', 'wasi-rs'];
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
