// Prints a table: CPython's own tests of files under wasi-rs, on disk and in memory,
// wasmtime and node:wasi. `npm run compat:sweep [test...]`; with `-- --write` all of
// it, into README.md. Fails if a test that passes elsewhere does not under wasi-rs,
// or one that passes on disk does not in memory.

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

// Ten minutes for one file of tests is for a guest that hangs.
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

/** Whose tests must pass where those of another do. */
const COMPARED = [[IN_MEMORY, OURS], ...OTHERS.map((other) => [OURS, other])];

/** Where a guest says what came of its tests, which must be on disk. */
const resultsOf = (root) => `${root}.results`;

/** Makes all that a guest gets to see: a small system, for one host alone. */
function makeRoot(root, library) {
  for (const folder of ['tmp', 'work']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  mkdirSync(resultsOf(root));
  library.unpack(join(root, 'library'));
  copyFileSync(own('tests.py'), join(root, 'tests.py'));
  return root;
}

/** Starts a guest; resolves to whether it came to its end by itself. */
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

/** What became of each test; nothing of one that brought its guest down. */
function readResults(file) {
  if (!existsSync(file)) return new Map();
  const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
  return new Map(
    lines
      .map((line) => JSON.parse(line))
      .map(({ test, ...result }) => [test, result]),
  );
}

/** Runs one file of tests, anew behind each test that brings the guest down. */
async function runModule({ host, root }, module) {
  const results = join(resultsOf(root), `${module}.json`);
  const spec = {
    ...host,
    wasm: programs.python311.wasm,
    compiled: `${root}.compiled`,
    options: {
      version: programs.python311.version,
      // The modules that are frozen into the interpreter are not those tested.
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

/** Runs one file of tests under each host. */
async function sweep(systems, module) {
  const results = new Map();
  for (const system of systems) {
    results.set(system.host, await runModule(system, module));
  }
  const isEmpty = ({ name }, { size }) => {
    if (size === 0) console.error(`${name} runs nothing of ${module}`);
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
      console.error(`${test} fails: ${name}:\n${reason ?? 'no result'}`);
    }
  }
  return {
    module,
    counts: [...results.values()].map(count),
    compared,
    good: empty.length === 0 && compared.every(({ lost }) => lost.length === 0),
  };
}

/** The sums of the rows' counts, for each host. */
const total = (rows) =>
  HOSTS.map((_, host) =>
    OUTCOMES.map((_name, index) =>
      rows.reduce((sum, { counts }) => sum + counts[host][index], 0),
    ),
  );

const cells = (counts) => counts.map((each) => each.join(' / '));

const names = (tests) =>
  tests.length === 0 ? 'none' : tests.map((test) => `\`${test}\``).join(', ');

/** The rows as Markdown, and below them the tests in which two hosts differ. */
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
