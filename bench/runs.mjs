// npm run bench:runs -- [--rounds N] [--markdown]
//
// Measures the time to run a short program and receive its output: in a pooled thread, in
// this thread, and in child processes. Then the throughput of the standard streams, the
// time from kill() to exit, and the number of runs per second in a pool.

import { spawn as spawnProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import wasiRs from '../index.js';
import { median } from './median.mjs';
import { underNodeWasi } from './node-wasi.mjs';
import { printMarkdown } from './table.mjs';

const { Pool, run, runSync, spawn } = wasiRs;

const { values: flags } = parseArgs({
  options: {
    markdown: { type: 'boolean' },
    rounds: { type: 'string', default: '100' },
  },
});
const ROUNDS = Number(flags.rounds);

const guest = (name) =>
  fileURLToPath(new URL(`../__test__/guests/${name}.wasm`, import.meta.url));
const EXIT = guest('exit');
const CAT = guest('cat');
const POLL = guest('poll');
/** A relative timeout of 10^14 ns, more than a day. */
const LONG_SLEEP = `after:1:${10n ** 14n}`;

function check(output) {
  if (String(output) !== 'text\n') throw new Error(`output: ${output}`);
}

function processOf(file, args) {
  return async () => {
    const child = spawnProcess(file, args);
    child.stdout.resume();
    const [exitCode] = await once(child, 'close');
    if (exitCode !== 0) throw new Error(`${file}: ${exitCode}`);
  };
}

const options = { args: ['0', 'text'] };

/** Ways to get the output and the exit code of a short program. */
const LATENCIES = {
  'run(), in a pooled thread': async () =>
    check((await run(EXIT, options)).stdout),
  'run(), output to a function': async () => {
    let output = '';
    await run(EXIT, {
      ...options,
      stdout(chunk) {
        output += chunk;
      },
    });
    check(output);
  },
  'spawn(), with three pipes': async () => {
    const child = spawn(EXIT, options);
    child.stdout.resume();
    await once(child, 'close');
  },
  'runSync()': async () => check(runSync(EXIT, options).stdout),
  'runSync() with a timeout': async () =>
    check(runSync(EXIT, { ...options, timeout: 1000 }).stdout),
  ...(fs.existsSync('/bin/true') && {
    '/bin/true as a child process': processOf('/bin/true', []),
  }),
  'node with node:wasi as a child process': {
    rounds: Math.ceil(ROUNDS / 10),
    body: processOf(
      process.execPath,
      underNodeWasi(EXIT, ['exit', '0', 'text']),
    ),
  },
};

/** Formats a speed in bytes per millisecond. */
const gigabytes = (speed) => `${(speed / 1e6).toFixed(2)} GB/s`;
const milliseconds = (value) => `${value.toFixed(2)} ms`;

async function timesOf(body, rounds) {
  const times = [];
  for (let i = 0; i < rounds + 5; i++) {
    const start = performance.now();
    await body();
    if (i >= 5) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
}

async function latencies() {
  const rows = [];
  for (const [name, way] of Object.entries(LATENCIES)) {
    const { body = way, rounds = ROUNDS } = way;
    const times = await timesOf(body, rounds);
    rows.push({
      'call to output': name,
      best: milliseconds(times[0]),
      median: milliseconds(median(times)),
    });
  }
  return rows;
}

const SIZE = 256 << 20;
const CHUNK = Buffer.alloc(64 << 10);

/** Reads a file through a guest's stdout. */
async function throughputOut(file) {
  const fd = fs.openSync(file);
  const child = spawn(CAT, { args: ['65536'], stdin: fd });
  let length = 0;
  const start = performance.now();
  child.stdout.on('data', (chunk) => {
    length += chunk.length;
  });
  await once(child, 'close');
  fs.closeSync(fd);
  return length / (performance.now() - start);
}

/** Writes to a guest's stdin; its output is ignored. */
async function throughputIn() {
  const child = spawn(CAT, { args: ['1048576'], stdout: 'ignore' });
  const big = Buffer.alloc(1 << 20);
  await once(child, 'spawn');
  const start = performance.now();
  for (let left = SIZE; left > 0; left -= big.length) {
    if (!child.stdin.write(big)) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  await once(child, 'exit');
  return SIZE / (performance.now() - start);
}

async function throughputs() {
  const file = path.join(os.tmpdir(), `bench-runs-${process.pid}`);
  fs.writeFileSync(file, '');
  for (let i = 0; i < SIZE / CHUNK.length; i++) fs.appendFileSync(file, CHUNK);
  try {
    const rows = [];
    const ways = {
      'standard output, 64 KiB a write': () => throughputOut(file),
      'standard input, 1 MiB a write': throughputIn,
    };
    for (const [name, way] of Object.entries(ways)) {
      const speeds = [];
      for (let i = 0; i < 5; i++) speeds.push(await way());
      speeds.sort((a, b) => b - a);
      rows.push({
        throughput: name,
        best: gigabytes(speeds[0]),
        median: gigabytes(median(speeds)),
      });
    }
    return rows;
  } finally {
    fs.rmSync(file);
  }
}

/** A guest with an endless loop: (loop (br 0)) in its _start. */
const SPIN = new WebAssembly.Module(
  Buffer.from(
    '0061736d01000000010401600000030201000' + // one function, () -> ()
      '70a01065f7374617274' +
      '00000a0901070003400c000b0b',
    'hex',
  ),
);

const KILLS = {
  'that computes': () => spawn(SPIN),
  'in poll_oneoff': () => spawn(POLL, { args: [LONG_SLEEP] }),
  'in fd_read': () => spawn(CAT),
};

async function kills() {
  const rows = [];
  for (const [name, start] of Object.entries(KILLS)) {
    const times = [];
    for (let i = 0; i < ROUNDS / 2; i++) {
      const child = start();
      await once(child, 'spawn');
      await new Promise((resolve) => setTimeout(resolve, 5));
      const begin = performance.now();
      child.kill();
      await once(child, 'exit');
      times.push(performance.now() - begin);
    }
    times.sort((a, b) => a - b);
    rows.push({
      'kill() to exit of a guest': name,
      best: milliseconds(times[0]),
      median: milliseconds(median(times)),
    });
  }
  return rows;
}

/** Runs a program many times, with all threads of a pool. */
async function rates() {
  const pool = new Pool();
  const count = ROUNDS * 20;
  await pool.run(EXIT, options);
  const start = performance.now();
  await Promise.all(
    Array.from({ length: count }, async () =>
      check((await pool.run(EXIT, options)).stdout),
    ),
  );
  const seconds = (performance.now() - start) / 1000;
  await pool.close();
  return [
    {
      'many at once': `${count} runs`,
      rate: `${Math.round(count / seconds)} a second`,
    },
  ];
}

const show = flags.markdown ? printMarkdown : console.table;
const { status } = spawnSync(process.execPath, ['-e', '0']);
if (status !== 0) throw new Error('cannot start a child process');
console.log(`Node ${process.versions.node}, ${os.availableParallelism()} CPUs`);
show(await latencies());
show(await throughputs());
show(await kills());
show(await rates());
