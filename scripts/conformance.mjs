// Runs the preview1 part of the official test suite through the command:
//
//   git clone --depth 1 --branch prod/testsuite-all \
//     https://github.com/WebAssembly/wasi-testsuite
//   WASI_TESTSUITE=wasi-testsuite npm run conformance [-- [OPTION]... NAME...]
//
// Prints a line for each test that fails, and the number of tests that passed. With
// names, only tests whose path contains one of them are run.
//
//   --host FILE  run the tests with another program that has the options of the command;
//                those in compat/hosts/ use other WASI hosts
//   --over WHAT  preopen directories of another file system: see other-files.mjs
//   --threads    run the tests of wasi-threads, which only the branch above has
//   --all        also print a line for each test that passes

import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const programAt = (file) => fileURLToPath(new URL(file, import.meta.url));

const { values: flags, positionals: wanted } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    host: { type: 'string' },
    over: { type: 'string' },
    threads: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const COMMAND =
  flags.over === undefined
    ? [flags.host ?? programAt('../bin/wasi-rs.js')]
    : [programAt('other-files.mjs'), flags.over];
// A timeout for tests that hang; long, since machines may be slow.
const SECONDS = flags.host === undefined ? 600 : 60;

// Node's `pipe` of a child is a socket, and the suite's tests tell the two apart. So the
// shell makes a real pipe. The status of a pipeline is that of `cat`, so the exit code is
// written to stderr. On Windows Node makes pipes, and there is no such shell.
const SCRIPT = '{ "$@"; echo "exit code $?" >&2; } | cat';
const OPTIONS = {
  encoding: 'utf8',
  stdio: [flags.threads ? openPipe() : 'ignore', 'pipe', 'pipe'],
  timeout: SECONDS * 1000,
};

/** A pipe without data and without an end: the stdin of the thread tests. */
function openPipe() {
  if (process.platform === 'win32') return 'pipe';
  const directory = mkdtempSync(join(tmpdir(), 'wasi-rs-conformance-'));
  const path = join(directory, 'input');
  spawnSync('mkfifo', [path]);
  const fd = openSync(path, 'r+');
  rmSync(directory, { recursive: true });
  return fd;
}

const FOLDER = flags.threads ? 'wasi-threads' : 'wasm32-wasip1';

function fail(message) {
  console.error(message);
  process.exit(2);
}

function findTests(suite, names) {
  return readdirSync(suite, { recursive: true })
    .filter((file) => file.endsWith('.wasm'))
    .filter((file) => file.split(sep).includes(FOLDER))
    .filter(
      (file) => names.length === 0 || names.some((name) => file.includes(name)),
    )
    .toSorted()
    .map((file) => join(suite, file));
}

/** The JSON file of a test: how to run it, and its expected result. */
function readExpectation(test) {
  const file = test.replace(/\.wasm$/, '.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

/** The options of the command. The guest gets copies of the test's directories. */
function optionsFor(test, { args = [], env = {}, root, dirs = [] }, scratch) {
  const preopens = dirs.map((dir) => [dir, dir]);
  if (root !== undefined) preopens.push([root, '/']);
  const mounts = preopens.map(([dir, guest], index) => {
    const copy = join(scratch, String(index));
    cpSync(join(test, '..', dir), copy, {
      recursive: true,
      verbatimSymlinks: true,
    });
    return `--dir=${copy}::${guest}`;
  });
  const variables = Object.entries(env).map(
    ([name, value]) => `--env=${name}=${value}`,
  );
  return [...mounts, ...variables, test, ...args];
}

/** Runs Node.js; returns the result with the suite's property names. */
function runNode(args) {
  const words = [process.execPath, ...args];
  if (process.platform === 'win32') {
    const { status, stdout, stderr, error } = spawnSync(
      words[0],
      words.slice(1),
      OPTIONS,
    );
    if (error) throw error;
    return { exit_code: status, stdout, stderr };
  }
  const { stdout, stderr, error } = spawnSync(
    'sh',
    ['-c', SCRIPT, 'sh', ...words],
    OPTIONS,
  );
  if (error) throw error;
  const [, ownStderr, exitCode] = /^([^]*)exit code (\d+)\n$/.exec(stderr);
  return { exit_code: Number(exitCode), stdout, stderr: ownStderr };
}

/** Runs a test; returns why it failed, or an empty string. */
function runTest(test) {
  const expectation = readExpectation(test);
  const scratch = mkdtempSync(join(tmpdir(), 'wasi-rs-conformance-'));
  try {
    const options = optionsFor(test, expectation, scratch);
    const ended = runNode([...COMMAND, ...options]);
    const wrong = Object.entries({ exit_code: 0, ...expectation })
      .filter(([key, value]) => key in ended && ended[key] !== value)
      .map(([key, value]) => `${key} is not ${JSON.stringify(value)}`);
    return wrong.length === 0
      ? ''
      : [...wrong, ended.stderr].join('\n  ').trim();
  } catch (error) {
    return error.message;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

const suite = process.env.WASI_TESTSUITE;
if (!suite) fail('Set WASI_TESTSUITE to a checkout of the test suite.');
const tests = findTests(suite, wanted);
if (tests.length === 0) fail(`No matching tests in ${suite}.`);

let passed = 0;
for (const test of tests) {
  const wrong = runTest(test);
  const name = relative(suite, test);
  if (wrong) console.log(`failed: ${name}\n  ${wrong}`);
  else passed++;
  if (!wrong && flags.all) console.log(`passed: ${name}`);
}
console.log(`${passed} of ${tests.length} passed`);
process.exitCode = passed === tests.length ? 0 : 1;
