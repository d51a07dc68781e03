// Runs CPython's own file tests under wasi-rs (on disk and in memory), wasmtime and
// node:wasi, and prints the results as a table: `npm run compat:sweep [test...]`. With
// `-- --write`, the table is also written to README.md. Fails if a test passes under
// another host and not under wasi-rs, or on disk and not in memory.

import { spawn } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import {
  hosts,
  places,
  programs,
  runner,
} from '../__test__/helpers/programs.mjs';
import { markdown, write } from './table.mjs';
import { WASMTIME, python, pythonLibrary } from './toolchains.mjs';

const MODULES = `
  file fileio io bufio memoryio univnewlines largefile
  os posix stat genericpath posixpath pathlib glob
  shutil tempfile filecmp fileinput linecache time
  tarfile zipfile zipimport gzip bz2 dbm_dumb`
  .trim()
  .split(/\s+/)
  .map((name) => `test_${name}`);

// For guests that hang: the milliseconds for a test file.
const TIMEOUT = 600_000;

const own = (name) => fileURLToPath(new URL(`sweep/${name}`, import.meta.url));

const node = (name, { wasi, flags }) => ({
  name,
  command: process.execPath,
  args: ['--no-warnings', ...flags, runner],
  wasi,
});
const OURS = node('wasi-rs', hosts.ours);
const IN_MEMORY = { ...OURS, name: 'wasi-rs in memory', place: 'in memory' };
const HOSTS = [
  OURS,
  IN_MEMORY,
  {
    name: WASMTIME,
    command: python(WASMTIME),
    args: [own('wasmtime_host.py')],
  },
  node(`node:wasi of Node ${process.versions.node}`, hosts.node),
];
const [, , ...OTHERS] = HOSTS;

/** Pairs of hosts: the first must pass each test that the second passes. */
const COMPARED = [[IN_MEMORY, OURS], ...OTHERS.map((other) => [OURS, other])];

/** The directory for a guest's results, on disk also if its files are in memory. */
const resultsOf = (root) => `${root}.results`;

/** Makes the root directory of the guests of one host. */
function makeRoot(root, library) {
  for (const folder of ['tmp', 'work']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  mkdirSync(resultsOf(root));
  library.unpack(join(root, 'library'));
  copyFileSync(own('tests.py'), join(root, 'tests.py'));
  return root;
}

/** Runs a guest; resolves to whether it exited with code 0. */
async function start({ command, args, ...spec }, log) {
  const output = openSync(log, 'a');
  const child = spawn(command, [...args, JSON.stringify(spec)], {
    stdio: ['ignore', output, output],
    timeout: TIMEOUT,
    killSignal: 'SIGKILL',
  });
  closeSync(output);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return code === 0;
}

/** The results by test. A test that crashed its guest has a result without an outcome. */
function readResults(file) {
  if (!existsSync(file)) return new Map();
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return new Map(
    lines
      .map((line) => JSON.parse(line))
      .map(({ test, ...result }) => [test, result]),
  );
}

/** Runs a test file. After a test that crashes the guest, the rest runs in a new guest. */
async function runModule({ host, root }, module) {
  const results = join(resultsOf(root), `${module}.json`);
  const spec = {
    ...host,
    wasm: programs.python311.wasm,
    compiled: `${root}.compiled`,
    options: {
      version: programs.python311.version,
      // Frozen modules would be used instead of those of the library.
      args: ['python', '-X', 'frozen_modules=off', '/tests.py', module],
      env: {
        PYTHONPATH: '/library/usr/lib/python3.11',
        PYTHONDONTWRITEBYTECODE: '1',
        _PYTHON_SYSCONFIGDATA_NAME: '_sysconfigdata__wasi_wasm32-wasi',
      },
      preopens: {
        '/': places[host.place ?? 'on disk'].work(root),
        '/results': resultsOf(root),
      },
    },
  };
  let known;
  do {
    known = readResults(results).size;
    if (await start(spec, `${root}.${module}.log`)) break;
  } while (readResults(results).size > known);
  return readResults(results);
}

const OUTCOMES = ['passed', 'failed', 'skipped'];

const outcome = (results, test) => results.get(test)?.outcome ?? 'failed';

function count(results) {
  const outcomes = [...results.keys()].map((test) => outcome(results, test));
  return OUTCOMES.map((each) => outcomes.filter((it) => it === each).length);
}

/** The tests that one host passes and the other does not. */
function passedOnlyBy(one, other) {
  return [...one.keys()].filter(
    (test) =>
      outcome(one, test) === 'passed' && outcome(other, test) !== 'passed',
  );
}

/** Runs a test file under each host. */
async function sweep(systems, module) {
  const results = new Map();
  for (const system of systems) {
    results.set(system.host, await runModule(system, module));
  }
  const isEmpty = ({ name }, { size }) => {
    if (size === 0) console.error(`${name} ran no test of ${module}`);
    return size === 0;
  };
  const empty = [...results].filter(([host, ran]) => isEmpty(host, ran));
  const compared = COMPARED.map((pair) => {
    const [one, other] = pair.map((host) => results.get(host));
    return {
      lost: passedOnlyBy(other, one),
      gained: passedOnlyBy(one, other),
    };
  });
  for (const [index, { lost }] of compared.entries()) {
    const [{ name }] = COMPARED[index];
    for (const test of lost) {
      const reason = results.get(COMPARED[index][0]).get(test)?.reason;
      console.error(`${test} failed: ${name}:\n${reason ?? 'no result'}`);
    }
  }
  return {
    module,
    counts: [...results.values()].map(count),
    compared,
    good: empty.length === 0 && compared.every(({ lost }) => lost.length === 0),
  };
}

/** The sums of the counts, by host. */
const total = (rows) =>
  HOSTS.map((_, host) =>
    OUTCOMES.map((_name, index) =>
      rows.reduce((sum, { counts }) => sum + counts[host][index], 0),
    ),
  );

const cells = (counts) => counts.map((each) => each.join(' / '));

const names = (tests) =>
  tests.length === 0 ? 'none' : tests.map((test) => `\`${test}\``).join(', ');

/** The table in Markdown, and below it the tests in which two hosts differ. */
function report(rows, version) {
  return [
    markdown([
      [`tests of CPython ${version}`, ...HOSTS.map(({ name }) => name)],
      ...rows.map(({ module, counts }) => [module, ...cells(counts)]),
      ['all', ...cells(total(rows))],
    ]),
    ...COMPARED.flatMap(([{ name: one }, { name: other }], index) => {
      const all = (which) =>
        names(rows.flatMap(({ compared }) => compared[index][which]));
      return [
        `Passed under ${other} and not under ${one}: ${all('lost')}.`,
        `Passed under ${one} and not under ${other}: ${all('gained')}.`,
      ];
    }),
  ].join('\n\n');
}

const words = process.argv.slice(2);
const wanted = words.filter((word) => word !== '--write');
const library = pythonLibrary();
const scratch = mkdtempSync(join(realpathSync(tmpdir()), 'wasi-rs-sweep-'));
try {
  const systems = HOSTS.map((host, index) => ({
    host,
    root: makeRoot(join(scratch, String(index)), library),
  }));
  const rows = [];
  for (const module of wanted.length > 0 ? wanted : MODULES) {
    const row = await sweep(systems, module);
    if (!row.good) process.exitCode = 1;
    rows.push(row);
    console.error([module, ...cells(row.counts)].join(' | '));
  }
  const text = report(rows, library.version);
  console.log(text);
  if (words.includes('--write')) write('sweep', text);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
