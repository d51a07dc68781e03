'use strict';

// The examples of README.md, run as it tells to, in a project that has the
// package installed. What a block prints is the text block behind it.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { HANGS, ROOT } = require('./helpers/child');
const { NODE_MAJOR } = require('./helpers/compare');
const { assemble, scratch } = require('./helpers/guest');

/** The flag in the README, and on Node 20 the one that the README names for it. */
const PERMISSION =
  NODE_MAJOR >= 22 ? '--permission' : '--experimental-permission';

const README = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8');
const BLOCK =
  /^(?:#+ (?<heading>.+)|(?:<!-- file: (?<file>.+) -->\n\n)?```(?<language>\w+)\n(?<code>[^]*?)^```)$/gm;

/** The blocks to run, each with what it should print and leave behind. */
function readExamples() {
  const examples = [];
  let section;
  for (const { groups } of README.matchAll(BLOCK)) {
    const { heading, file, language, code } = groups;
    if (heading) section = heading;
    else if (file) examples.at(-1).files[file] = code;
    else if (language === 'text') examples.at(-1).stdout = code;
    else examples.push({ section, language, code, stdout: '', files: {} });
  }
  return examples;
}

const examples = readExamples();

/** The name that the first line of a script gives it. */
function scriptName({ code }) {
  return /^\/\/ (\S+)\n/.exec(code)[1];
}

/** A project with the package, the scripts of the README, and the examples. */
function makeProject(t) {
  const project = scratch(t);
  const write = (name, text) =>
    fs.writeFileSync(path.join(project, name), text);
  fs.cpSync(path.join(ROOT, 'examples'), path.join(project, 'examples'), {
    recursive: true,
    filter: (source) => !source.endsWith('stock.json'),
  });
  write('package.json', '{ "private": true }');
  const modules = path.join(project, 'node_modules');
  fs.mkdirSync(path.join(modules, '.bin'), { recursive: true });
  fs.symlinkSync(ROOT, path.join(modules, 'wasi-rs'), 'junction');
  if (process.platform !== 'win32') {
    fs.symlinkSync(
      '../wasi-rs/bin/wasi-rs.js',
      path.join(modules, '.bin/wasi-rs'),
    );
  }
  for (const example of examples.filter(({ language }) => language === 'js')) {
    const name = scriptName(example);
    write(name, example.code);
    // The same program as somebody wrote it for Node's own class.
    const app = name.replace('run', 'app');
    if (app !== name) {
      write(app, example.code.replace("'wasi-rs'", "'node:wasi'"));
    }
  }
  return project;
}

/** The command that runs an example; the tests come after an `npm install`. */
function commandOf(example) {
  if (example.language === 'js') {
    return [process.execPath, [scriptName(example)]];
  }
  const code = example.code
    .replace(/^npm install$/m, '')
    // In the project the package is a link, and read where that leads to.
    .replace('--allow-fs-read=.', `$& '--allow-fs-read=${ROOT}'`)
    .replace('--permission', PERMISSION);
  return ['sh', ['-ec', code]];
}

function runExample(t, example, prepare = () => {}) {
  const project = makeProject(t);
  prepare(project);
  const { status, stdout, stderr } = spawnSync(...commandOf(example), {
    cwd: project,
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: [path.dirname(process.execPath), process.env.PATH].join(
        path.delimiter,
      ),
    },
    timeout: HANGS,
  });
  t.is(status, 0, stderr);
  return { project, stdout };
}

/** What the scripts print that an example runs, each of which has a block. */
function printedByScripts({ code }) {
  const names = Array.from(
    code.matchAll(/^node .*\b(?:run|app)(\.[cm]js)$/gm),
    ([, extension]) => `run${extension}`,
  );
  return names
    .map((name) => examples.find((other) => isScript(other, name)).stdout)
    .join('');
}

const isScript = ({ language, code }, name) =>
  language === 'js' && scriptName({ code }) === name;

for (const [index, example] of examples.entries()) {
  const { section, language, stdout, files } = example;
  // The shell of Windows reads these otherwise.
  const run =
    language === 'sh' && process.platform === 'win32' ? test.skip : test;
  run(`${index + 1}: ${section}`, (t) => {
    const result = runExample(t, example);
    t.is(result.stdout, stdout || printedByScripts(example));
    for (const [name, content] of Object.entries(files)) {
      t.is(
        fs.readFileSync(path.join(result.project, name), 'utf8'),
        content,
        name,
      );
    }
  });
}

/** Guests that end in no way that a host could wish for. */
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

for (const section of ['Running untrusted code', 'In workers']) {
  const example = examples.find((each) => each.section === section);
  for (const [title, source] of Object.entries(BAD_GUESTS)) {
    test(`${section}: the host survives ${title}`, async (t) => {
      const bytes = await assemble(source);
      const { stdout } = runExample(t, example, (project) => {
        fs.writeFileSync(path.join(project, 'examples/csv2json.wasm'), bytes);
      });
      t.regex(stdout, /^no exit code: .+\n$/);
    });
  }
  test(`${section}: the host survives what is no module`, (t) => {
    const { stdout } = runExample(t, example, (project) => {
      fs.writeFileSync(path.join(project, 'examples/csv2json.wasm'), 'garbage');
    });
    t.regex(stdout, /^no exit code: CompileError: .+\n$/);
  });
}

test('every block of the README is run', (t) => {
  const languages = examples.map(({ language }) => language);
  t.deepEqual([...new Set(languages)].toSorted(), ['js', 'sh']);
  t.true(languages.length >= 7);
});

test('files that the README points to are there', (t) => {
  for (const [, target] of README.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
    t.true(fs.existsSync(path.join(ROOT, target)), target);
  }
});
