'use strict';

// The examples in index.d.ts, run unchanged in a project with the package and the files
// that they name.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { ROOT, node } = require('./helpers/child');
const { scratch } = require('./helpers/guest');
const { installPackage } = require('./helpers/install');

const DECLARATIONS = fs.readFileSync(path.join(ROOT, 'index.d.ts'), 'utf8');
const CSV = 'name,count\nAssam,3\n';
const JSON_LINES = '[\n  {"name": "Assam", "count": "3"}\n]\n';

/** The code of each example, by the name of what it documents. */
function readExamples() {
  const pattern =
    / \* @example\n(?<lines>(?: +\*(?: .*)?\n)+?) +\*\/\n *(?:export )?(?:function |readonly )?(?<of>class \w+|\w+)/g;
  return Object.fromEntries(
    Array.from(DECLARATIONS.matchAll(pattern), ({ groups: { lines, of } }) => [
      of,
      lines.replace(/^ +\* ?/gm, ''),
    ]),
  );
}

/** The program around an example that makes an instance. */
const runsApp = (code) => `
  import { readFile } from 'node:fs/promises';
  import { WASI } from 'wasi-rs';
  ${code}
  const { instance } = await WebAssembly.instantiate(
    await readFile('app.wasm'),
    wasi.getImportObject(),
  );
  process.exitCode = wasi.start(instance);`;

/** What is put around a statement to make it a program. */
const PROGRAMS = {
  'class Pool': (code) => code,
  'class WASI': (code) => code,
  'class Image': (code) => code,
  'class MemoryFS': (code) => code,
  capabilities: runsApp,
  devices: runsApp,
  listeners: runsApp,
  mount: runsApp,
  run: (code) => code,
  runSync: (code) => code,
  spawn: (code) => code,
  startAsync: (code) => `
  import { readFile } from 'node:fs/promises';
  import { WASI } from 'wasi-rs';
  const wasi = new WASI({ version: 'preview1' });
  const module = await WebAssembly.compile(await readFile('app.wasm'));
  ${code}`,
  stop: (code) =>
    runsApp(`const wasi = new WASI({
      version: 'preview1',
      args: ['app.wasm', '/data/in.txt'],
      preopens: { '/data': 'data' },
    });
    ${code}`),
};

const examples = readExamples();

test('every example of index.d.ts is run', (t) => {
  const count = DECLARATIONS.split('@example').length - 1;
  t.is(Object.keys(examples).length, count);
  t.deepEqual(Object.keys(examples).sort(), Object.keys(PROGRAMS).sort());
});

/** Whether this engine can run an example. */
const canRun = (of) => of !== 'startAsync' || 'Suspending' in WebAssembly;

for (const [of, program] of Object.entries(PROGRAMS)) {
  (canRun(of) ? test : test.skip)(`the example of ${of}`, (t) => {
    const project = scratch(t);
    const file = (name) => path.join(project, name);
    installPackage(project);
    fs.mkdirSync(file('data'));
    fs.writeFileSync(file('data/in.txt'), CSV);
    fs.copyFileSync(
      path.join(ROOT, 'examples/csv2json.wasm'),
      file('app.wasm'),
    );
    fs.writeFileSync(file('main.mjs'), program(examples[of]));
    t.deepEqual(node(['main.mjs'], { cwd: project, input: CSV }), {
      exitCode: 0,
      stdout: JSON_LINES,
      stderr: '',
    });
  });
}
