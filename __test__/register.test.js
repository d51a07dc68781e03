'use strict';

// The redirect: a program that asks for node:wasi, in whatever way, gets wasi-rs
// when it is started with `--require wasi-rs/register` or `--import`.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { node } = require('./helpers/child');
const { scratch } = require('./helpers/guest');
const { installPackage } = require('./helpers/install');

const FLAGS = {
  'node --require': { flags: ['--require', 'wasi-rs/register'] },
  'node --import': { flags: ['--import', 'wasi-rs/register'] },
  'NODE_OPTIONS with --require': { options: '--require wasi-rs/register' },
  'NODE_OPTIONS with --import': { options: '--import=wasi-rs/register' },
};

// Our class is recognized by a method that Node's does not have.
const OURS = `({ WASI }) => 'addCapability' in WASI.prototype`;

const COMMONJS = `
  const ours = ${OURS};
  const found = {
    "require('wasi')": ours(require('wasi')),
    "require('node:wasi')": ours(require('node:wasi')),
    'module.require': ours(module.require('node:wasi')),
    createRequire: ours(require('node:module').createRequire(process.cwd() + '/')('wasi')),
    // Bun does not have such loaders.
    'Module._load': ours(require('node:module')._load('wasi') ?? require('wasi')),
    getBuiltinModule: ours((process.getBuiltinModule ?? require)('wasi')),
    'node:getBuiltinModule': ours((process.getBuiltinModule ?? require)('node:wasi')),
  };
  const dynamic = Promise.all([import('wasi'), import('node:wasi')]).then(
    ([bare, prefixed]) => {
      found["import('wasi')"] = ours(bare);
      found["import('node:wasi')"] = ours(prefixed);
      found['import().default'] = ours(prefixed.default);
      found['one class'] =
        bare.WASI === require('wasi').WASI &&
        bare.WASI === prefixed.default.WASI &&
        bare.WASI === require('wasi-rs').WASI;
      return found;
    },
  );
`;

const ESM = `
  import { WASI as Bare } from 'wasi';
  import { WASI as Prefixed } from 'node:wasi';
  import byDefault, * as namespace from 'node:wasi';
  import { WASI as Package } from 'wasi-rs';
  import { createRequire } from 'node:module';
  import * as nodeProcess from 'node:process';
  const ours = ${OURS};
  const { getBuiltinModule = createRequire(import.meta.url) } = nodeProcess;
  const bare = await import('wasi');
  const prefixed = await import('node:wasi');
  const found = {
    "import 'wasi'": ours({ WASI: Bare }),
    "import 'node:wasi'": ours({ WASI: Prefixed }),
    'import default': ours(byDefault),
    'import *': ours(namespace),
    "import('wasi')": ours(bare),
    "import('node:wasi')": ours(prefixed),
    createRequire: ours(createRequire(import.meta.url)('wasi')),
    getBuiltinModule: ours(getBuiltinModule('wasi')),
    'one class': [Bare, Prefixed, prefixed.WASI].every((it) => it === Package),
  };
`;

const USE = `
  const { WASI } = require('node:wasi');
  const wasi = new WASI({ version: 'preview1' });
  const memory = new WebAssembly.Memory({ initial: 1 });
  wasi.start({ exports: { memory, _start() {} } });
`;

/** An application that has the package in its node_modules. */
function application(t, files = {}) {
  const directory = scratch(t);
  installPackage(directory);
  for (const [name, text] of Object.entries(files)) {
    fs.writeFileSync(path.join(directory, name), text);
  }
  return directory;
}

function environment(options) {
  const { NODE_OPTIONS: _, ...env } = process.env;
  return options === undefined ? env : { ...env, NODE_OPTIONS: options };
}

function runFile(cwd, file, { flags = [], options } = {}) {
  return node([...flags, file], { cwd, env: environment(options) });
}

/** Asserts that everything the program found is ours, and nothing was printed. */
function allOurs(t, { stdout, stderr }, message) {
  t.is(stderr, '', message);
  const found = JSON.parse(stdout);
  const names = Object.keys(found);
  t.true(names.length > 0);
  t.deepEqual(
    names.filter((name) => found[name] !== true),
    [],
    message,
  );
}

const PRINT = 'console.log(JSON.stringify(found));';
const PRINT_LATER = `dynamic.then((found) => { ${PRINT} });`;

for (const [how, how_] of Object.entries(FLAGS)) {
  test(`${how}: a CommonJS program`, (t) => {
    const app = application(t, { 'app.cjs': COMMONJS + PRINT_LATER });
    allOurs(t, runFile(app, 'app.cjs', how_));
  });

  test(`${how}: an ES module`, (t) => {
    const app = application(t, { 'app.mjs': ESM + PRINT });
    allOurs(t, runFile(app, 'app.mjs', how_));
  });

  test(`${how}: a CommonJS module that an ES module imports`, (t) => {
    const app = application(t, {
      'app.mjs': `import found from './inner.cjs'; ${PRINT}`,
      'inner.cjs': `${COMMONJS} module.exports = found;`,
    });
    allOurs(t, runFile(app, 'app.mjs', how_));
  });

  test(`${how}: --eval, and its globals`, (t) => {
    const app = application(t);
    const { flags = [], options } = how_;
    const source = `const ours = ${OURS}; const found = { global: ours(wasi) }; ${PRINT}`;
    allOurs(
      t,
      node([...flags, '--eval', source], {
        cwd: app,
        env: environment(options),
      }),
    );
  });
}

test('without it, the class is Node’s', (t) => {
  const app = application(t, { 'app.cjs': COMMONJS + PRINT_LATER });
  const { stdout } = runFile(app, 'app.cjs');
  t.deepEqual([...new Set(Object.values(JSON.parse(stdout)))], [false]);
});

test('no warning is printed, on loading and when a guest is run', (t) => {
  const app = application(t, { 'app.cjs': USE });
  for (const extra of [[], ['--trace-warnings'], ['--pending-deprecation']]) {
    const flags = [...extra, '--require', 'wasi-rs/register'];
    const { exitCode, stdout, stderr } = runFile(app, 'app.cjs', { flags });
    t.deepEqual([exitCode, stdout, stderr], [0, '', '']);
  }
});

test('other warnings are printed', (t) => {
  const app = application(t, {
    'app.cjs': `process.emitWarning('of the program')`,
  });
  const { stderr } = runFile(app, 'app.cjs', FLAGS['node --require']);
  t.regex(stderr, /Warning: of the program/);
});

test('a program may load it itself, first', (t) => {
  const app = application(t, {
    'app.mjs': `import 'wasi-rs/register'; await import('./inner.mjs');`,
    'inner.mjs': ESM + PRINT,
    'app.cjs': `require('wasi-rs/register'); ${COMMONJS}${PRINT_LATER}`,
  });
  allOurs(t, runFile(app, 'app.mjs'));
  allOurs(t, runFile(app, 'app.cjs'));
});

test('a program that has it among its static imports gets the class, but also a warning', (t) => {
  // Node loads every built-in module that is imported statically, and warns,
  // before the first line of any module runs.
  const app = application(t, {
    'app.mjs': `import 'wasi-rs/register'; import './inner.mjs';`,
    'inner.mjs': ESM + PRINT,
  });
  const { stdout, stderr } = runFile(app, 'app.mjs');
  t.regex(stderr, /ExperimentalWarning: WASI/);
  allOurs(t, { stdout, stderr: '' });
});

test('without a binary the program does not start, and never gets Node’s class', (t) => {
  const app = scratch(t);
  installPackage(app, { withBinary: false });
  fs.writeFileSync(path.join(app, 'app.cjs'), `console.log('ran')`);
  const { exitCode, stdout, stderr } = runFile(
    app,
    'app.cjs',
    FLAGS['node --require'],
  );
  t.deepEqual([exitCode, stdout], [1, '']);
  t.regex(stderr, /ERR_WASI_NO_BINARY/);
});

const WORKER_CJS = `
  ${COMMONJS}
  const { parentPort } = require('node:worker_threads');
  dynamic.then((found) => parentPort.postMessage(found));`;

const WORKER_ESM = `
  import { parentPort } from 'node:worker_threads';
  ${ESM}
  parentPort.postMessage(found);`;

/** A program that starts each kind of worker with each kind of options. */
const STARTS_WORKERS = `
  import { SHARE_ENV, Worker } from 'node:worker_threads';
  const source = ${JSON.stringify(WORKER_CJS)};
  const esm = ${JSON.stringify(WORKER_ESM)};
  const kinds = {
    'a file': [new URL('./worker.cjs', import.meta.url)],
    'an ES module': [new URL('./worker.mjs', import.meta.url)],
    'source text': [source, { eval: true }],
  };
  const variants = {
    'no options': {},
    'the environment of the process': { env: process.env },
    'a copy of the environment': { env: { ...process.env } },
    'an empty environment': { env: {} },
    'a shared environment': { env: SHARE_ENV },
    'no flags': { execArgv: [] },
    'other flags': { execArgv: ['--no-warnings'] },
    'neither flags nor environment': { env: {}, execArgv: [] },
  };
  const found = {};
  for (const [kind, [file, fixed]] of Object.entries(kinds)) {
    for (const [variant, options] of Object.entries(variants)) {
      const worker = new Worker(file, { ...fixed, ...options });
      const result = await new Promise((resolve, reject) => {
        worker.once('message', resolve);
        worker.once('error', reject);
      });
      found[kind + ' with ' + variant] = Object.values(result).every(Boolean);
    }
  }
  ${PRINT}`;

const WITH_WORKERS = {
  'app.mjs': STARTS_WORKERS,
  'by-itself.mjs': `import 'wasi-rs/register'; await import('./app.mjs');`,
  'worker.cjs': WORKER_CJS,
  'worker.mjs': WORKER_ESM,
};

for (const [how, how_] of Object.entries(FLAGS)) {
  test(`${how}: workers`, (t) => {
    const app = application(t, WITH_WORKERS);
    allOurs(t, runFile(app, 'app.mjs', how_));
  });
}

test('a program that loads it itself: workers, with flags that workers may not have', (t) => {
  const app = application(t, WITH_WORKERS);
  allOurs(t, runFile(app, 'by-itself.mjs'));
  const flags = ['--expose-gc', '--max-old-space-size=900', '--no-warnings'];
  allOurs(t, runFile(app, 'by-itself.mjs', { flags }));
});

test('workers of workers, and of classes that extend Worker', (t) => {
  const app = application(t, {
    'app.cjs': `
      const { Worker, isMainThread, parentPort } = require('node:worker_threads');
      const ours = ${OURS};
      class Deeper extends Worker {
        constructor(depth) {
          super(__filename, { execArgv: [], argv: [depth] });
          this.depth = depth;
        }
      }
      const depth = Number(process.argv[2] ?? 0);
      const found = { ['depth ' + depth]: ours(require('wasi')) };
      const done = (found) =>
        isMainThread ? console.log(JSON.stringify(found)) : parentPort.postMessage(found);
      if (depth === 3) done(found);
      else {
        const worker = new Deeper(depth + 1);
        found['is a Worker ' + depth] = worker instanceof Worker && worker instanceof Deeper;
        found['keeps its fields ' + depth] = worker.depth === depth + 1;
        worker.once('message', (inner) => done({ ...found, ...inner }));
      }`,
  });
  allOurs(t, runFile(app, 'app.cjs', FLAGS['node --require']));
});

test('Node refuses the options of a worker that it refuses without it', (t) => {
  const app = application(t, {
    'app.cjs': `
      const { Worker } = require('node:worker_threads');
      const refusals = [{ execArgv: 'x' }, { execArgv: ['--title=x'] }, { env: 1 }, { argv: 1 }].map(
        (options) => {
          try { new Worker('', { eval: true, ...options }) } catch ({ code, message }) { return [code, message] }
        });
      console.log(JSON.stringify(refusals));`,
  });
  const without = runFile(app, 'app.cjs');
  t.is(JSON.parse(without.stdout).filter(Array.isArray).length, 4);
  for (const how of Object.values(FLAGS)) {
    t.is(runFile(app, 'app.cjs', how).stdout, without.stdout);
  }
});

test('a child process is reached through the flags and the environment that it inherits', (t) => {
  const app = application(t, {
    'app.cjs': `
      const { fork } = require('node:child_process');
      fork('./child.cjs').once('message', (found) => { ${PRINT} });`,
    'child.cjs': `${COMMONJS} dynamic.then((found) => process.send(found));`,
  });
  for (const how of Object.values(FLAGS)) {
    allOurs(t, runFile(app, 'app.cjs', how));
  }
});
