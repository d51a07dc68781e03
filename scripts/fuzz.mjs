// Runs the fuzz targets, each from its seeds and from what earlier runs found
// worth keeping (fuzz/corpus, which git ignores), and says at the end whether
// anything was found.
//
//   npm run fuzz -- --seconds 600 [--target calls|portable|tmpfs|paths|records|archives]

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// Shares of the time: whole sequences of calls have the most to find. The
// `portable` run is `calls` on a kernel that denies having openat2.
const RUNS = [
  { name: 'calls', target: 'calls', share: 0.4, maxLen: 1544 },
  { name: 'portable', target: 'calls', share: 0.2, maxLen: 1544 },
  { name: 'tmpfs', target: 'tmpfs', share: 0.1, maxLen: 1544 },
  { name: 'paths', target: 'paths', share: 0.1, maxLen: 64 },
  { name: 'records', target: 'records', share: 0.1, maxLen: 256 },
  { name: 'archives', target: 'archives', share: 0.1, maxLen: 8192 },
];

function fail(message) {
  console.error(message);
  process.exit(2);
}

function options() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      target: { type: 'string' },
    },
  });
  const seconds = Number(values.seconds);
  if (!Number.isInteger(seconds) || seconds < 1) {
    fail('--seconds is a whole number of seconds, at least 1.');
  }
  const { target } = values;
  const runs = RUNS.filter(({ name }) => !target || name === target);
  if (runs.length === 0) {
    fail(`--target is one of ${RUNS.map(({ name }) => name).join(', ')}.`);
  }
  return { seconds, runs };
}

function isThere(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function requireTools() {
  if (process.platform !== 'linux') fail('The fuzz targets are for Linux.');
  if (!isThere('cargo', ['+nightly', '--version'])) {
    fail('Fuzzing needs nightly Rust: rustup toolchain install nightly');
  }
  if (isThere('cargo', ['fuzz', '--version'])) return;
  console.error('cargo-fuzz is missing: installing it, which takes a minute.');
  const { status } = spawnSync('cargo', ['install', 'cargo-fuzz'], {
    stdio: 'inherit',
  });
  if (status !== 0) fail('cargo-fuzz could not be installed.');
}

/** Its lines as they come, and all of it at the end. */
function started(args, env) {
  return new Promise((resolve) => {
    const child = spawn('cargo', ['+nightly', 'fuzz', ...args], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      process.stderr.write(text);
      output += text;
    });
    child.on('close', (code) => resolve({ code, output }));
  });
}

async function build() {
  const { code } = await started(['build'], {});
  if (code !== 0) fail('The fuzz targets could not be built.');
}

function artifacts(target) {
  const folder = path.join(ROOT, 'fuzz', 'artifacts', target);
  mkdirSync(folder, { recursive: true });
  return new Set(readdirSync(folder));
}

async function run({ name, target, share, maxLen }, seconds, shares) {
  const time = Math.max(1, Math.round((seconds * share) / shares));
  const corpus = path.join('fuzz', 'corpus', name);
  mkdirSync(path.join(ROOT, corpus), { recursive: true });
  const before = artifacts(target);
  console.error(`\n${name}: ${time} s`);
  const { code, output } = await started(
    [
      'run',
      target,
      corpus,
      path.join('fuzz', 'seeds', target),
      '--',
      `-max_total_time=${time}`,
      `-max_len=${maxLen}`,
      '-timeout=300',
      '-print_final_stats=1',
    ],
    name === 'portable' ? { WASI_RS_FUZZ_PORTABLE: '1' } : {},
  );
  const [, count = '0'] = /number_of_executed_units: (\d+)/.exec(output) ?? [];
  const found = [...artifacts(target)].filter((file) => !before.has(file));
  // What ends a run without an artifact has kept it from being made.
  if (code !== 0 && found.length === 0) found.push(`exit code ${code}`);
  return { name, target, count, found };
}

function report(results, seconds) {
  for (const { name, target, found } of results) {
    for (const file of found) {
      console.log(`${name}: fuzz/artifacts/${target}/${file}`);
    }
  }
  const counts = results.map(({ name, count }) => `${count} of ${name}`);
  const findings = results.reduce((sum, { found }) => sum + found.length, 0);
  console.log(
    `fuzz: ${seconds} s, runs: ${counts.join(', ')}; findings: ${findings}`,
  );
  process.exitCode = findings === 0 ? 0 : 1;
}

const { seconds, runs } = options();
requireTools();
os.setPriority(10);
await build();
const shares = runs.reduce((sum, { share }) => sum + share, 0);
const results = [];
for (const each of runs) results.push(await run(each, seconds, shares));
report(results, seconds);
