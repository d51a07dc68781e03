// Runs the fuzz targets, each with its seeds and the corpus of earlier runs (fuzz/corpus,
// which git ignores), and prints the findings at the end.
//
//   npm run fuzz -- --seconds 600 [--target calls|portable|tmpfs|paths|records|archives]

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

// Sequences of calls get most of the time, since they can find most. `portable` runs
// `calls` without openat2, which it makes fail as on a kernel that lacks it.
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
    fail('--seconds must be an integer, at least 1.');
  }
  const { target } = values;
  const runs = RUNS.filter(({ name }) => !target || name === target);
  if (runs.length === 0) {
    fail(`--target must be one of ${RUNS.map(({ name }) => name).join(', ')}.`);
  }
  return { seconds, runs };
}

function isThere(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

function requireTools() {
  if (process.platform !== 'linux') fail('The fuzz targets need Linux.');
  if (!isThere('cargo', ['+nightly', '--version'])) {
    fail('Fuzzing needs nightly Rust: rustup toolchain install nightly');
  }
  if (isThere('cargo', ['fuzz', '--version'])) return;
  console.error('Installing cargo-fuzz, which takes a minute.');
  const { status } = spawnSync('cargo', ['install', 'cargo-fuzz'], {
    stdio: 'inherit',
  });
  if (status !== 0) fail('cargo-fuzz could not be installed.');
}

/** Runs cargo fuzz, printing its stderr as it comes; returns that and the exit code. */
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
  // A run can fail without an artifact, such as when it is killed: a finding, too.
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
