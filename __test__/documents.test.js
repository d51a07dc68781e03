'use strict';

// The programs in the documents, run unchanged in a project with the package and the
// examples. The text block after a program is its output.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { HANGS, ROOT } = require('./helpers/child');
const { NODE_MAJOR } = require('./helpers/compare');
const { DOCUMENTS, nameOf, programsOf } = require('./helpers/documents');
const { assemble, scratch } = require('./helpers/guest');
const { installPackage } = require('./helpers/install');

/** The flag in the documents, and on Node 20 the one that they name for it. */
const PERMISSION =
  NODE_MAJOR >= 22 ? '--permission' : '--experimental-permission';

/** All programs, each with the document that it is in and its number there. */
const PROGRAMS = DOCUMENTS.flatMap((document) =>
  programsOf(document).map((program, index) =>
    Object.assign(program, { document, index: index + 1 }),
  ),
);

/** Files of this repository that the examples need and the package does not have. */
const SHARED = ['examples', '__test__/guests'];

/** A project with the package, the programs of a document, and the examples. */
function makeProject(t, document) {
  const project = scratch(t);
  const inProject = (name) => path.join(project, name);
  for (const name of SHARED) {
    fs.cpSync(path.join(ROOT, name), inProject(name), {
      recursive: true,
      filter: (source) => !source.endsWith('stock.json'),
    });
  }
  fs.writeFileSync(inProject('package.json'), '{ "private": true }');
  if (process.platform === 'win32') installPackage(project);
  else {
    // With its dependencies.
    const modules = inProject('node_modules');
    fs.mkdirSync(path.join(modules, '.bin'), { recursive: true });
    fs.symlinkSync(ROOT, path.join(modules, 'wasi-rs'));
    fs.symlinkSync(
      '../wasi-rs/bin/wasi-rs.js',
      path.join(modules, '.bin/wasi-rs'),
    );
  }
  for (const program of PROGRAMS) {
    if (program.document === document && program.language === 'js') {
      fs.writeFileSync(inProject(nameOf(program)), program.code);
    }
  }
  return project;
}

/** The command that runs a program; the tests come after an `npm install`. */
function commandOf(program) {
  if (program.language === 'js') return [process.execPath, [nameOf(program)]];
  const code = program.code
    .replace(/^npm install$/m, '')
    // In the project the package is a symbolic link, and is loaded from its target.
    .replace('--allow-fs-read=.', `$& '--allow-fs-read=${ROOT}'`)
    .replace('--permission', PERMISSION);
  return ['sh', ['-ec', code]];
}

function runProgram(t, program, prepare = () => {}) {
  const project = makeProject(t, program.document);
  if (program.language === 'js') {
    fs.writeFileSync(path.join(project, nameOf(program)), program.code);
  }
  prepare(project);
  const { status, stdout, stderr } = spawnSync(...commandOf(program), {
    cwd: project,
    encoding: 'utf8',
    env: {
      ...process.env,
      NODE_NO_WARNINGS: '1',
      PATH: [path.dirname(process.execPath), process.env.PATH].join(
        path.delimiter,
      ),
    },
    timeout: HANGS,
  });
  t.is(status, 0, stderr);
  return { project, stdout, stderr };
}

/** Programs that need an engine with JSPI, and say so. */
const isTooNew = ({ code }) => code.includes('startAsync') && NODE_MAJOR < 24;

for (const program of PROGRAMS) {
  const { document, index, section, language, stdout, files } = program;
  // The shell of Windows parses these differently.
  const isSkipped =
    (language === 'sh' && process.platform === 'win32') || isTooNew(program);
  (isSkipped ? test.skip : test)(`${document} ${index}: ${section}`, (t) => {
    const result = runProgram(t, program);
    t.is(result.stdout, stdout, result.stderr);
    for (const [name, content] of Object.entries(files)) {
      const file = path.join(result.project, name);
      t.is(fs.readFileSync(file, 'utf8'), content, name);
    }
  });
}

/** Guests that end badly. */
const BAD_GUESTS = {
  'a trap':
    '(module (memory (export "memory") 1) (func (export "_start") unreachable))',
  'an exception':
    '(module (tag $tag) (memory (export "memory") 1) (func (export "_start") throw $tag))',
  'a trap before the start':
    '(module (memory (export "memory") 1) (func $trap unreachable) (start $trap) (func (export "_start")))',
  'no start': '(module (memory (export "memory") 1))',
  'a strange import':
    '(module (import "env" "log" (func)) (memory (export "memory") 1) (func (export "_start")))',
  'an exit with a function': `(module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param funcref)))
    (memory (export "memory") 1)
    (func $start (export "_start") (call $exit (ref.func $start)) unreachable))`,
};

for (const [document, name] of [
  ['docs/untrusted.md', 'untrusted.cjs'],
  ['docs/workers.md', 'worker.mjs'],
]) {
  const program = PROGRAMS.find(
    (each) => each.document === document && nameOf(each) === name,
  );
  const putGuest = (bytes) => (project) =>
    fs.writeFileSync(path.join(project, 'examples/csv2json.wasm'), bytes);
  for (const [title, source] of Object.entries(BAD_GUESTS)) {
    test(`${name}: the host survives ${title}`, async (t) => {
      const bytes = await assemble(source);
      const { stdout } = runProgram(t, program, putGuest(bytes));
      t.regex(stdout, /^no exit code: .+\n$/);
    });
  }
  test(`${name}: the host survives an invalid module`, (t) => {
    const { stdout } = runProgram(t, program, putGuest('garbage'));
    t.regex(stdout, /^no exit code: CompileError: .+\n$/);
  });
}
