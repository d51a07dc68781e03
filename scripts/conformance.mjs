// Runs the preview1 part of the official test suite through the command:
//
//   git clone --depth 1 --branch prod/testsuite-all \
//     https://github.com/WebAssembly/wasi-testsuite
//   WASI_TESTSUITE=wasi-testsuite npm run conformance [-- [OPTION]... NAME...]
//
// Prints a line for each test that fails, and how many of how many passed. With
// names, only the tests whose path contains one of them.
//
//   --host FILE  another program in the place of the command, which takes its options:
//                those in compat/hosts/ run the tests on other hosts of WASI
//   --over WHAT  guests have their directories in another file system: see other-files.mjs
//   --threads    the tests of wasi-threads instead, which only the branch above has
//   --all        prints a line for each test that passes, too

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
// Only a test that hangs takes as long, on however slow a machine.
const SECONDS = flags.host === undefined ? 600 : 60;

// The suite tells pipes from the sockets that Node makes for its children, so
// the shell makes one; the exit code then takes another way. On Windows Node makes
// pipes, and there is no such shell.
const SCRIPT = '{ "$@"; echo "exit code $?" >&2; } | cat';
const OPTIONS = {
  encoding: 'utf8',
  stdio: [flags.threads ? openPipe() : 'ignore', 'pipe', 'pipe'],
  timeout: SECONDS * 1000,
};

/** A pipe that nobody writes and nobody closes, which the tests of threads have as input. */
function openPipe() {
  if (process.platform === 'win32') return 'pipe';
  const directory = mkdtempSync(join(tmpdir(), 'wasi-rs-conformance-'));
  const path = join(directory, 'input');
  spawnSync('mkfifo', [path]);
  const fd = openSync(path, 'r+');
  rmSync(directory, { recursive: true });
  return fd;
}

/** Where the tests are. */
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

/** What the file beside a test says of how to run it, and of how it ends. */
function readExpectation(test) {
  const file = test.replace(/\.wasm$/, '.json');
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
}

/** The options of the command; the guest gets copies of its directories. */
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

/** Runs a program of Node's to its end; returns that in the words of the suite. */
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

/** Runs a test; returns what is wrong with how it went, if anything is. */
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
if (!suite) fail('WASI_TESTSUITE names no checkout of the test suite.');
const tests = findTests(suite, wanted);
if (tests.length === 0) fail(`There are no such tests in ${suite}.`);

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
