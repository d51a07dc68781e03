// npm run bench:cold -- [--rounds N] [--filter TEXT] [--markdown]
//
// Measures cold starts: each run is a new process, and the hosts take turns. First the
// parts of startup, the first calls of a guest, and ways to start one from a shell; then
// whole programs, short and long, by the time of the process and of start().
//
// The programs of compat/ are built on first use.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { median } from '../median.mjs';
import { PROGRAMS, crashing, digest } from '../programs/list.mjs';
import { printMarkdown } from '../table.mjs';
import { launchers } from './launchers.mjs';
import { FIRST_CALLS_OF_EACH, SHORT, TRIVIAL } from './programs.mjs';

const CHILD = fileURLToPath(new URL('child.cjs', import.meta.url));

const { values: flags } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    markdown: { type: 'boolean' },
    rounds: { type: 'string', default: '15' },
  },
});
const ROUNDS = Number(flags.rounds);

/** The hosts; the others are compared to the first. */
const HOSTS = ['node:wasi', 'wasi-rs', 'runSync()'];

async function collect(stream, onFirst = () => {}) {
  const chunks = [];
  for await (const chunk of stream) {
    if (chunks.length === 0) onFirst();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Runs one process; resolves to `[ms, ms of CPU]` for each part. */
async function runOnce(host, program, scratch) {
  const directory = path.join(scratch, 'work');
  fs.mkdirSync(directory);
  program.prepare?.(directory);
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [
      '--no-warnings',
      ...(host === 'node:wasi' && crashing ? (program.flags ?? []) : []),
      CHILD,
      host,
      program.file(),
      directory,
      ...program.args,
    ],
    { stdio: ['ignore', 'pipe', 'inherit', 'pipe'] },
  );
  let firstOutput;
  const [output, report, [status]] = await Promise.all([
    collect(child.stdout, () => (firstOutput = performance.now() - start)),
    collect(child.stdio[3]),
    once(child, 'exit'),
  ]);
  const wall = performance.now() - start;
  if (status !== 0) throw new Error(`${program.name}: ${host}: ${status}`);
  const { cpu, ...parts } = JSON.parse(report);
  const hash = createHash('sha256').update(output).digest('hex');
  const result = `${hash} ${digest(directory)}`;
  fs.rmSync(directory, { recursive: true });
  return {
    result,
    ...parts,
    // The CPU time includes what was spent before the first line of the script.
    process: [wall, cpu],
    firstOutput: [firstOutput, NaN],
  };
}

/**
 * @returns {Promise<object[][]>} the runs of each host, one for each round
 */
async function compare(program) {
  await program.build?.();
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-rs-cold-'));
  const runs = HOSTS.map(() => []);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (let i = 0; i < HOSTS.length; i++) {
        const index = (i + round) % HOSTS.length;
        runs[index].push(await runOnce(HOSTS[index], program, scratch));
      }
    }
  } finally {
    fs.rmSync(scratch, { recursive: true });
  }
  const results = new Set(runs.flat().map(({ result }) => result));
  if (results.size > 1) throw new Error(`${program.name}: the results differ`);
  return runs;
}

const WALL = 0;
const CPU = 1;
const medianOf = (runs, part, kind) =>
  median(runs.map(({ [part]: times }) => times?.[kind] ?? NaN));

/** The times of a part under each host, and the ratios to the first host. */
function row(label, runs, part, kind) {
  const [first, ...others] = runs.map((each) => medianOf(each, part, kind));
  const cells = { [label[0]]: label[1], 'node:wasi': ms(first) };
  others.forEach((time, index) => {
    const host = HOSTS[index + 1];
    cells[host] = ms(time);
    cells[`÷ ${host}`] = ratio(first / time);
  });
  return cells;
}

const ms = (value) => (Number.isNaN(value) ? '' : `${value.toFixed(1)} ms`);
const ratio = (value) => (Number.isNaN(value) ? '' : value.toFixed(2));

const show = (rows) => {
  if (rows.length === 0) return;
  if (flags.markdown) printMarkdown(rows);
  else console.table(rows);
};

const wanted = ({ name }) => name.includes(flags.filter);

async function starts() {
  const rows = [];
  const add = (text, runs, part, kind) =>
    rows.push(row(['before a program runs', text], runs, part, kind));
  if (wanted(TRIVIAL)) {
    const runs = await compare(TRIVIAL);
    add('process start to first output', runs, 'firstOutput', WALL);
    for (const part of ['require', 'new']) {
      const call = part === 'new' ? 'first new WASI()' : 'require';
      add(call, runs, part, WALL);
      add(`${call}, CPU`, runs, part, CPU);
    }
    add('whole process', runs, 'process', WALL);
    add('whole process, CPU', runs, 'process', CPU);
  }
  if (wanted(FIRST_CALLS_OF_EACH)) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-rs-cold-'));
    const file = path.join(folder, 'first.wasm');
    fs.writeFileSync(file, FIRST_CALLS_OF_EACH.make());
    const program = { ...FIRST_CALLS_OF_EACH, file: () => file };
    const runs = await compare(program);
    fs.rmSync(folder, { recursive: true });
    add(program.name, runs, 'start', WALL);
    add(`${program.name}, CPU`, runs, 'start', CPU);
  }
  return rows;
}

const WAYS = [
  ['process', 'whole process', WALL],
  ['process', 'whole process, CPU', CPU],
  ['start', 'start()', WALL],
  ['start', 'start(), CPU', CPU],
];

/** The geometric means of the ratios to the first host. */
function means(all) {
  return WAYS.map(([part, way, kind]) => {
    const cells = { 'geometric mean': way };
    HOSTS.slice(1).forEach((host, index) => {
      const logs = all.map((runs) => {
        const [first, other] = [runs[0], runs[index + 1]];
        return Math.log(
          medianOf(first, part, kind) / medianOf(other, part, kind),
        );
      });
      const sum = logs.reduce((a, b) => a + b, 0);
      cells[`node:wasi ÷ ${host}`] = ratio(Math.exp(sum / logs.length));
    });
    return cells;
  });
}

show(await starts());
if (wanted({ name: 'launchers' })) show(await launchers(ROUNDS));
const programs = [...SHORT, ...PROGRAMS].filter(wanted);
const all = [];
for (const program of programs) {
  const runs = await compare(program);
  all.push(runs);
  const rows = WAYS.map(([part, way, kind]) =>
    row([program.name, way], runs, part, kind),
  );
  show(rows);
}
if (all.length > 0) show(means(all));
console.log(
  `\nNode ${process.versions.node}, medians of ${ROUNDS} processes each, in turn`,
);
