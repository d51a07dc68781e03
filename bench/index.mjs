// npm run bench -- [--markdown | --svg] [--filter TEXT] [--rounds N] [--slow] [--check [--write]]
//
// Measures single calls under node:wasi and wasi-rs, in turn, in one process for each case.
//
//   --slow   adds the cases that take node:wasi seconds per round
//   --svg    also those; writes the results to docs/speed.md and its chart
//   --check  compares system calls and instructions per call with counts.json, and
//            measures no time; with --write, writes that file

import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { CASES, prepare } from './cases.mjs';
import { check } from './check.mjs';
import { assemble } from './guest.mjs';
import { bytesPerInstance, instanceCases } from './instances.mjs';
import { measure } from './measure.mjs';
import { writePage } from './page.mjs';
import { printMarkdown } from './table.mjs';

const require = createRequire(import.meta.url);

const { values: flags } = parseArgs({
  options: {
    check: { type: 'boolean' },
    filter: { type: 'string', default: '' },
    markdown: { type: 'boolean' },
    memory: { type: 'string' },
    only: { type: 'string' },
    rounds: { type: 'string', default: '40' },
    slow: { type: 'boolean' },
    svg: { type: 'boolean' },
    write: { type: 'boolean' },
  },
});

process.removeAllListeners('warning');
const HOSTS = {
  'node:wasi': () => require('node:wasi').WASI,
  'wasi-rs': () => require('..').WASI,
};

const onNode20 = process.versions.node.startsWith('20.');
const goalOf = ({ goal, goalOn20 = goal }) => (onNode20 ? goalOn20 : goal);

/** Copies a directory to a MemoryFS. */
function copyOf(directory) {
  const { MemoryFS } = require('..');
  const { treeOf } = require('../lib/tree');
  return new MemoryFS(treeOf(fs, directory), { maxFiles: Infinity });
}

/** Returns the loop of a case under one host, which throws if a call fails. */
function loopOf(benchCase, WASI, directory) {
  const { stdin, stdout, preopen } = benchCase;
  const host = preopen?.(directory) ?? directory;
  const isOurs = WASI === require('..').WASI;
  const wasi = new WASI({
    version: 'preview1',
    args: ['bench', 'one', 'two'],
    preopens: { '/': benchCase.inMemory && isOurs ? copyOf(host) : host },
    ...(stdin && { stdin: stdin(directory) }),
    ...(stdout && { stdout: stdout(directory) }),
  });
  const instance = new WebAssembly.Instance(
    assemble(benchCase),
    wasi.getImportObject(),
  );
  wasi.initialize(instance);
  return (turns) => {
    const errno = instance.exports.run(turns);
    if (errno) throw new Error(`${benchCase.name}: errno ${errno}`);
  };
}

const duration = (nanos) =>
  nanos < 1e4
    ? `${nanos.toFixed(nanos < 100 ? 1 : 0)} ns`
    : nanos < 1e7
      ? `${(nanos / 1e3).toFixed(1)} µs`
      : `${(nanos / 1e6).toFixed(0)} ms`;

const kibibytes = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;

function row(name, goal, [node, ours], unit = duration) {
  const ratio = node.best / ours.best;
  return {
    case: name,
    'node:wasi': `${unit(node.best)} (${unit(node.median)})`,
    'wasi-rs': `${unit(ours.best)} (${unit(ours.median)})`,
    ratio: ratio.toFixed(ratio < 10 ? 2 : 0),
    goal: `≥ ${goal}${ratio < goal ? ' ✗' : ''}`,
  };
}

const MEMORY = {
  name: 'memory of an idle instance',
  goal: 1,
  unit: kibibytes,
  memory: true,
};

const allCases = (directory) => [...CASES, ...instanceCases(directory), MEMORY];

/** Measures a case under each host. */
function timesOf(benchCase, directory) {
  const rounds = Number(flags.rounds);
  if (benchCase.memory) {
    return Object.keys(HOSTS).map((host) => {
      const bytes = Number(ownProcess(['--memory', host]));
      return { best: bytes, median: bytes };
    });
  }
  const classes = Object.values(HOSTS).map((load) => load());
  if (benchCase.options) {
    const loops = classes.map((WASI) => making(WASI, benchCase.options));
    return measure(loops, rounds);
  }
  const loops = classes.map((WASI) => loopOf(benchCase, WASI, directory));
  // Cases with their own `run` read a whole directory in each iteration.
  return measure(loops, benchCase.run ? Math.ceil(rounds / 8) : rounds);
}

const making = (WASI, options) => (turns) => {
  let last;
  for (let turn = 0; turn < turns; turn++) last = new WASI(options);
  return last;
};

/** Runs this script in a child process; returns its stdout. */
function ownProcess(args) {
  const self = ['--expose-gc', '--no-warnings', fileURLToPath(import.meta.url)];
  // Retried after a crash: the fast calls of node:wasi in Node.js 20 and 22 sometimes
  // corrupt the heap.
  for (let tries = 0; tries < 3; tries++) {
    const child = spawnSync(process.execPath, [...self, ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.status === 0) return child.stdout;
    if (!child.signal) break;
  }
  throw new Error(`bench ${args.join(' ')} failed`);
}

/** The row of a case, measured in its own process, so that cases do not affect each other. */
function rowOf({ name, unit, ...benchCase }) {
  const args = ['--only', name, '--rounds', flags.rounds];
  return row(name, goalOf(benchCase), JSON.parse(ownProcess(args)), unit);
}

/** A file system in which changes of names do not wait for the journal of a disk. */
const MEMORY_FILE_SYSTEM = '/dev/shm';

function scratchRoot({ changesNames = false }) {
  return changesNames && fs.existsSync(MEMORY_FILE_SYSTEM)
    ? MEMORY_FILE_SYSTEM
    : os.tmpdir();
}

function inScratch(benchCase, use) {
  const directory = fs.mkdtempSync(
    path.join(scratchRoot(benchCase), 'wasi-rs-bench-'),
  );
  try {
    prepare(directory);
    return use(directory);
  } finally {
    fs.rmSync(directory, { recursive: true, force: true });
  }
}

if (flags.svg && flags.filter) {
  throw new Error('--svg needs all cases: it cannot be used with --filter');
} else if (flags.memory) {
  const { bytes } = await bytesPerInstance(HOSTS[flags.memory]());
  console.log(bytes);
} else if (flags.only) {
  const named = ({ name }) => name === flags.only;
  const times = inScratch(allCases('').find(named), (directory) =>
    timesOf(allCases(directory).find(named), directory),
  );
  console.log(JSON.stringify(times));
} else if (flags.check) {
  process.exitCode = check({ write: flags.write });
} else {
  const wanted = ({ name, slow }) =>
    name.includes(flags.filter) && (flags.slow || flags.svg || !slow);
  const table = [];
  for (const each of allCases('').filter(wanted)) {
    table.push(rowOf(each));
    if (!flags.markdown) console.log(Object.values(table.at(-1)).join('  '));
  }
  const figures = table.map(({ goal: _, ...each }) => each);
  const [cpu] = os.cpus();
  const note = `Node ${process.versions.node} on ${os.type()} ${os.arch()}, ${cpu?.model}; best (median) of ${flags.rounds} rounds, in turn.`;
  if (flags.markdown) printMarkdown(figures);
  if (flags.svg) writePage(figures, note);
  console.log(`\n${note}`);
}
