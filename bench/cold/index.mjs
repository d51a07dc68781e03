// npm run bench:cold -- [--rounds N] [--filter TEXT] [--markdown]
//
// Measures cold starts: each run is a new process, and the hosts take turns. First the
// parts of startup, the first calls of a guest, and ways to start one from a shell; then
// whole programs, short and long, by the time of the process, from reading the program to
// its end, and of start().
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

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const CHILD = here('child.cjs');
const COMMAND = here('../../bin/wasi-rs.js');

const { values: flags } = parseArgs({
  options: {
    filter: { type: 'string', default: '' },
    markdown: { type: 'boolean' },
    rounds: { type: 'string', default: '15' },
  },
});
const ROUNDS = Number(flags.rounds);

/** The hosts; the others, which are all of this package, are compared to the first. */
const HOSTS = ['node:wasi', 'WASI', 'runSync()', 'command'];

/** The environment of the guests, and the name of their preopen. */
const ENV = { HOME: '/work', PWD: '/work', PYTHONDONTWRITEBYTECODE: '1' };
const PREOPEN = '/work';

/** The arguments of Node.js to run a program with the command. */
function underCommand(program, directory) {
  const [argv0, ...args] = program.args;
  const env = Object.entries(ENV).map((variable) => variable.join('='));
  return [
    COMMAND,
    ...env.flatMap((variable) => ['--env', variable]),
    '--dir',
    `${directory}::${PREOPEN}`,
    '--argv0',
    argv0,
    program.file(),
    ...args,
  ];
}

/** The arguments of Node.js to run a program with another host. */
function underChild(host, program, directory) {
  const options = {
    args: program.args,
    env: ENV,
    preopens: { [PREOPEN]: directory },
  };
  return [
    '--no-warnings',
    ...(host === 'node:wasi' && crashing ? (program.flags ?? []) : []),
    CHILD,
    host,
    program.file(),
    JSON.stringify(options),
  ];
}

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
  const isCommand = host === 'command';
  const args = isCommand
    ? underCommand(program, directory)
    : underChild(host, program, directory);
  const start = performance.now();
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  });
  let firstOutput;
  const [output, report, [status]] = await Promise.all([
    collect(child.stdout, () => (firstOutput = performance.now() - start)),
    collect(child.stdio[3]),
    once(child, 'exit'),
  ]);
  const wall = performance.now() - start;
  if (status !== 0) throw new Error(`${program.name}: ${host}: ${status}`);
  // The command does not report its parts.
  const { cpu, ...parts } = isCommand ? { cpu: NaN } : JSON.parse(report);
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

/** What each part is called; runSync() is one call, and has no start(). */
const NAMES = {
  firstOutput: 'process start to first output',
  require: 'require',
  new: 'first new WASI()',
  run: 'read, compile, run',
  start: 'start()',
  process: 'whole process',
};

/** A row for each part, and one for its CPU time: `[part, name, kind]`. */
const ways = (...parts) =>
  parts.flatMap((part) => [
    [part, NAMES[part], WALL],
    [part, `${NAMES[part]}, CPU`, CPU],
  ]);

async function starts() {
  const rows = [];
  const add = (runs, prefix, all) => {
    for (const [part, way, kind] of all) {
      const label = ['before a program runs', `${prefix}${way}`];
      rows.push(row(label, runs, part, kind));
    }
  };
  if (wanted(TRIVIAL)) {
    const runs = await compare(TRIVIAL);
    add(runs, '', [['firstOutput', NAMES.firstOutput, WALL]]);
    add(runs, '', ways('require', 'new', 'run', 'process'));
  }
  if (wanted(FIRST_CALLS_OF_EACH)) {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'wasi-rs-cold-'));
    try {
      const file = path.join(folder, 'first.wasm');
      fs.writeFileSync(file, FIRST_CALLS_OF_EACH.make());
      const program = { ...FIRST_CALLS_OF_EACH, file: () => file };
      const runs = await compare(program);
      add(runs, `${program.name}: `, ways('run', 'start'));
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  }
  return rows;
}

const WAYS = ways('process', 'run', 'start');

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
