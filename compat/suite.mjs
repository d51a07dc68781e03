// Runs the tests in __test__/ with ava on Bun and Deno: `npm run test:runtimes`, or only
// some of them, as in `-- deno exit options`. Each file runs on Node first: tests that
// compare with node:wasi use the results from there. A file that takes longer than
// `--minutes 10` is killed and has failed.
//
// Tests of features that a runtime lacks are listed in exceptions.mjs, and left out.

import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { nodePath } from '../scripts/nodes.mjs';
import { positive } from '../scripts/positive.mjs';
import { EXCEPTIONS } from './exceptions.mjs';
import { packageFile } from './packages.mjs';
import { bun, deno } from './runtimes.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const AVA = join(ROOT, 'node_modules/ava/entrypoints/cli.mjs');
const SHIM = join(ROOT, 'compat/ava.cjs');

const RUNTIMES = {
  bun: {
    binary: bun,
    run: ['--no-install', '--preload', SHIM],
    print: ['--print'],
  },
  deno: {
    binary: deno,
    run: ['run', '--quiet', '--allow-all', '--require', SHIM],
    print: ['eval', '--print'],
  },
};

const evaluate = (command, args, expression) =>
  execFileSync(command, [...args, expression], { encoding: 'utf8' }).trim();

/** The longest delay of a timer in milliseconds. */
const LONGEST_DELAY = 2 ** 31 - 1;

/** The child process that runs ava; undefined if there is none. */
let running;

/** Kills the child process and its descendants, which are its process group. */
function killRunning() {
  if (running === undefined) return;
  if (process.platform === 'win32') running.kill();
  else process.kill(-running.pid, 'SIGKILL');
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    killRunning();
    process.kill(process.pid, signal);
  });
}

/** Runs ava on a file; returns its output, which is incomplete if it was killed. */
async function ava(command, args, [file, ...flags], environment) {
  const words = [...args, AVA, '--no-worker-threads', '--tap', ...flags];
  running = spawn(command, [...words, join('__test__', file)], {
    cwd: ROOT,
    detached: process.platform !== 'win32',
    env: { ...process.env, NODE_OPTIONS: '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [running.stdout, running.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  }
  const timer = setTimeout(killRunning, limit);
  try {
    await new Promise((resolve, reject) => {
      running.once('error', reject);
      running.once('close', resolve);
    });
  } finally {
    clearTimeout(timer);
    running = undefined;
  }
  return output;
}

/** Parses TAP: the titles of the tests by result. */
function readTap(output) {
  const titles = (pattern) =>
    [...output.matchAll(pattern)].map(([, title]) => title);
  return {
    failed: titles(/^not ok \d+ - (.*)$/gm),
    passed: titles(/^ok \d+ - (?!.* # SKIP$)(.*)$/gm),
    skipped: titles(/^ok \d+ - (.*) # SKIP$/gm),
    hasEnded: /^# fail \d+$/m.test(output),
  };
}

/** The failures of an incomplete run: itself, and the tests that only the other run has. */
function unfinished(run, other) {
  const seen = new Set([...run.failed, ...run.passed, ...run.skipped]);
  const missing = [...other.failed, ...other.passed].filter(
    (title) => !seen.has(title),
  );
  return ['the run is incomplete', ...missing];
}

/** The options of ava that leave tests out. */
function leftOut(exceptions) {
  const titles = Object.keys(exceptions).map((title) => `!${title}`);
  return titles.flatMap((title) => ['--match', title]);
}

/** Runs a file on Node and on a runtime, and prints the results; returns the counts. */
async function tryFile(runtime, { command, node }, file, environment) {
  const exceptions = EXCEPTIONS[runtime][file] ?? {};
  const reasons = Object.entries(exceptions).map(
    ([title, reason]) => `left out: ${title}: ${reason}`,
  );
  const words = [file, ...leftOut(exceptions)];
  let output = '# fail 0';
  let run = readTap(output);
  if (!('*' in exceptions)) {
    const answers = await ava(node, ['--no-warnings'], words, environment);
    output = await ava(command, RUNTIMES[runtime].run, words, environment);
    run = readTap(output);
    if (!run.hasEnded) run.failed.push(...unfinished(run, readTap(answers)));
  }
  const { failed, passed, skipped } = run;
  const counts = `${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`;
  const failures = failed.map((title) => `fails: ${title}`);
  console.log(
    [`${runtime} ${file}: ${counts}`, ...reasons, ...failures].join('\n  '),
  );
  if (failed.length > 0) console.log(output);
  return [passed.length, failed.length];
}

/** Runs files on a runtime, and on the Node version that it emulates. */
async function trySuite(runtime, files) {
  const command = RUNTIMES[runtime].binary();
  const { print } = RUNTIMES[runtime];
  const version = evaluate(command, print, `process.versions.${runtime}`);
  const major = evaluate(command, print, 'parseInt(process.versions.node)');
  const answers = mkdtempSync(join(tmpdir(), 'wasi-rs-answers-'));
  const node = nodePath(major);
  const environment = { WASI_RS_ANSWERS: answers, WASI_RS_NODE: node };
  let sums = [0, 0];
  try {
    for (const file of files) {
      const counts = await tryFile(
        runtime,
        { command, node },
        file,
        environment,
      );
      sums = sums.map((sum, index) => sum + counts[index]);
    }
  } finally {
    rmSync(answers, { recursive: true });
  }
  const [passed, failed] = sums;
  console.log(`${runtime} ${version}: ${passed} passed, ${failed} failed`);
  return failed === 0;
}

const { values, positionals: words } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '10' } },
});
const USAGE = 'npm run test:runtimes -- [bun] [deno] [NAME]... [--minutes N]';
const limit = Math.min(positive(values.minutes, USAGE) * 60_000, LONGEST_DELAY);
const runtimes = Object.keys(RUNTIMES).filter(
  (name) => words.includes(name) || !words.some((word) => word in RUNTIMES),
);
const wanted = words.filter((word) => !(word in RUNTIMES));
const files = readdirSync(join(ROOT, '__test__')).filter((file) => {
  const [name, test] = file.split('.');
  return test === 'test' && (wanted.length === 0 || wanted.includes(name));
});
if (files.length < wanted.length || files.length === 0) {
  console.error(`Not all of these are test files: ${wanted.join(', ')}`);
  process.exit(64);
}
if (!existsSync(packageFile('.'))) {
  console.error('Installing the runtimes; this takes a while.');
  execFileSync('npm', ['install'], { cwd: join(ROOT, 'compat'), shell: true });
}
for (const runtime of runtimes) {
  if (!(await trySuite(runtime, files))) process.exitCode = 1;
}
