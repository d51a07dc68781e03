// npm run bench:threads -- [--rounds N] [--pictures N] [--markdown]
//
// Measures the speedup by threads: a program with rayon decodes, reduces and encodes
// pictures, as a guest of run() and as a native program, with one thread, two, and as many
// as there are processors. The guest's time includes its compilation. The programs are
// built on first use.

import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';

import {
  withThreadsByMachine,
  withThreadsByWasi,
} from '../compat/commands.mjs';
import { pictures } from '../compat/programs.mjs';
import { median } from './median.mjs';
import { printMarkdown } from './table.mjs';

const { values: flags } = parseArgs({
  options: {
    markdown: { type: 'boolean' },
    pictures: { type: 'string', default: '120' },
    rounds: { type: 'string', default: '7' },
  },
});
const ROUNDS = Number(flags.rounds);
const COUNTS = [...new Set([1, 2, os.availableParallelism()])];

const WAYS = {
  'guest of run()': withThreadsByWasi,
  'program of this machine': withThreadsByMachine,
};

const environment = (count) => ({ RAYON_NUM_THREADS: String(count) });

/** Runs the job; resolves to its milliseconds and output. */
async function timeOf(start, root, count) {
  const begin = performance.now();
  const result = await start(pictures, root, ['reduce'], environment(count));
  const ms = performance.now() - begin;
  return { ms, output: String(result.stdout) };
}

async function measure(root) {
  const outputs = new Set();
  const times = new Map();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [way, start] of Object.entries(WAYS)) {
      for (const count of COUNTS) {
        const { ms, output } = await timeOf(start, root, count);
        const key = `${way} ${count}`;
        times.set(key, [...(times.get(key) ?? []), ms]);
        outputs.add(output);
      }
    }
  }
  if (outputs.size > 1) throw new Error('The results differ');
  return (way, count) => median(times.get(`${way} ${count}`));
}

pictures.build();
const root = mkdtempSync(path.join(os.tmpdir(), 'wasi-rs-threads-'));
try {
  withThreadsByMachine(pictures, root, ['make', flags.pictures], {});
  const time = await measure(root);
  const rows = Object.keys(WAYS).map((way) => {
    const row = { job: way };
    for (const count of COUNTS) {
      const ms = time(way, count);
      const times = (time(way, 1) / ms).toFixed(2);
      row[`threads: ${count}`] = `${Math.round(ms)} ms (× ${times})`;
    }
    return row;
  });
  if (flags.markdown) printMarkdown(rows);
  else console.table(rows);
  console.log(
    `\nNode ${process.versions.node}, medians of ${ROUNDS} rounds in turn`,
  );
} finally {
  rmSync(root, { recursive: true });
}
