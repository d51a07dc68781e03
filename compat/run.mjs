// Runs packages that use node:wasi on each runtime, with node:wasi and with wasi-rs, and
// prints the results as a table: `npm run compat [case...]`. With `-- --write`, the table
// is also written to README.md.

import { spawn, spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual, stripVTControlCharacters } from 'node:util';

import { MAJORS, nodePath } from '../scripts/nodes.mjs';
import { packageFile } from './packages.mjs';
import { bun, deno } from './runtimes.mjs';
import { markdown, write } from './table.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const REGISTER = join(HERE, 'register.cjs');
const TIMEOUT = 600_000;

function runtimes() {
  const nodes = MAJORS.map((major) => ({
    name: `Node ${major}`,
    command: nodePath(major),
    args: ['--no-warnings'],
    redirect: ['--require', REGISTER],
  }));
  const onBun = {
    name: 'Bun',
    command: bun(),
    args: ['--no-install'],
    redirect: ['--preload', REGISTER],
  };
  const onDeno = {
    name: 'Deno',
    command: deno(),
    args: ['run', '--quiet', '--allow-all'],
    redirect: ['--require', REGISTER],
  };
  return [...nodes, onBun, onDeno];
}

/** The line of stderr that describes a failure. */
function complaint(stderr, signal) {
  const lines = stripVTControlCharacters(stderr).split('\n');
  const error = lines.find((line) => /^\w*error\b/i.test(line));
  return (error ?? signal ?? lines.find(Boolean) ?? 'no result').trim();
}

/** Calls a function with a temporary directory. */
async function inScratch(use) {
  const directory = mkdtempSync(join(tmpdir(), 'wasi-rs-compat-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function inProcess(runtime, name, { env }, redirected, directory) {
  const { command, args, redirect } = runtime;
  const flags = redirected ? [...args, ...redirect] : args;
  const child = spawn(command, [...flags, 'case.mjs', name, directory], {
    cwd: HERE,
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT,
    killSignal: 'SIGKILL',
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr']) {
    child[stream]
      .setEncoding('utf8')
      .on('data', (text) => (output[stream] += text));
  }
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...ended) => resolve(ended));
  });
  if (code === 0) {
    return JSON.parse(output.stdout.trim().split('\n').at(-1));
  }
  return { failure: complaint(output.stderr, signal) };
}

/** Runs a case in a child process; resolves to its result or its failure. */
const attempt = (runtime, name, test, redirected) =>
  inScratch((directory) =>
    inProcess(runtime, name, test, redirected, directory),
  );

/** The expected result of a case, if it has one. */
async function expectedOf({ expected }) {
  if (typeof expected !== 'function') return expected;
  // Results of child processes have been through JSON, too.
  return JSON.parse(JSON.stringify(await inScratch(expected)));
}

const notes = [];

/** Adds a note below the table, as cells must be short; returns its mark. */
function note(text) {
  if (!notes.includes(text)) notes.push(text);
  return `[${notes.indexOf(text) + 1}]`;
}

function cell(test, reference, plain, ours) {
  const right = ({ result }) => isDeepStrictEqual(result, reference.result);
  const wrong = plain.failure ?? (right(plain) ? undefined : 'wrong result');
  const remark = wrong ? ` ${note(`node:wasi there: ${wrong}`)}` : '';
  if (ours.failure) return `fails ${note(`wasi-rs: ${ours.failure}`)}${remark}`;
  if (!ours.ours || (ours.used === 0 && !test.direct))
    return `not redirected${remark}`;
  if (!right(ours)) return `differs${remark}`;
  return `same${remark}`;
}

/** Runs a case. `good` tells whether wasi-rs has the right result on every Node. */
async function row(name, all) {
  const test = await import(`./cases/${name}.mjs`);
  test.prepare?.();
  const plain = [];
  const ours = [];
  for (const runtime of all) {
    plain.push(await attempt(runtime, name, test, false));
    ours.push(await attempt(runtime, name, test, true));
  }
  const expected = await expectedOf(test);
  // Without an expected result, that of the last runtime on which node:wasi does not fail.
  const reference = expected
    ? { result: expected }
    : (plain.findLast(({ result }) => result !== undefined) ?? ours[0]);
  const cells = all.map((_, index) =>
    cell(test, reference, plain[index], ours[index]),
  );
  const good = all.every(
    ({ name: runtime }, index) =>
      !runtime.startsWith('Node') || cells[index].startsWith('same'),
  );
  return {
    good,
    cells: [test.packages.map(version).join(', '), test.does, ...cells],
  };
}

function version(name) {
  if (name.includes(' ')) return name;
  const folder = name === 'wasi-rs' ? join(HERE, '..') : packageFile(name);
  const manifest = join(folder, 'package.json');
  return `${name} ${JSON.parse(readFileSync(manifest, 'utf8')).version}`;
}

function table(rows, all) {
  const versions = all.map(({ name, command }) => {
    const { stdout } = spawnSync(command, ['--version'], { encoding: 'utf8' });
    return `${name.split(' ')[0]} ${/\d+\.\d+\.\d+/.exec(stdout)[0]}`;
  });
  const heads = ['package', 'what is run', ...versions];
  const remarks = notes.map((text, index) => `[${index + 1}] ${text}`);
  return [markdown([heads, ...rows]), ...remarks].join('\n\n');
}

if (!existsSync(packageFile('.'))) {
  console.error('Installing the packages; this takes a while.');
  spawnSync('npm install', { cwd: HERE, shell: true, stdio: 'inherit' });
}
const known = readdirSync(join(HERE, 'cases')).map((file) =>
  file.replace('.mjs', ''),
);
const words = process.argv.slice(2);
const wanted = words.filter((word) => word !== '--write');
const all = runtimes();
const rows = [];
for (const name of wanted.length > 0 ? wanted : known) {
  const { good, cells } = await row(name, all);
  if (!good) process.exitCode = 1;
  rows.push(cells);
  console.error(cells.join(' | '));
}
console.log(table(rows, all));
if (words.includes('--write')) write('table', table(rows, all));
