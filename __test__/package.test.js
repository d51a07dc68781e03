'use strict';

// Loading the package, and the errors when it cannot be loaded.

const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');
const semver = require('semver');

const { version } = require('../package.json');
const { ROOT, node, script } = require('./helpers/child');
const { read } = require('./helpers/documents');
const { scratch } = require('./helpers/guest');
const { binary, copyPackage } = require('./helpers/install');

const USE = `new WASI({ version: 'preview1' }).getImportObject()`;
const PRINT = `console.log(...Object.keys(${USE}))`;
const PRINTED = 'wasi_snapshot_preview1\n';

test('require', (t) => {
  const { stdout, stderr } = script(
    `const { WASI } = require('wasi-rs'); ${PRINT}`,
  );
  t.deepEqual([stdout, stderr], [PRINTED, '']);
});

test('import by name, as a namespace, as the default, and dynamically', (t) => {
  for (const statement of [
    `import { WASI } from 'wasi-rs'`,
    `import * as all from 'wasi-rs'; const { WASI } = all`,
    `import all from 'wasi-rs'; const { WASI } = all`,
    `const { WASI } = await import('wasi-rs')`,
  ]) {
    const { stdout, stderr } = node([
      ...['--input-type=module', '--eval'],
      `${statement}; ${PRINT}`,
    ]);
    t.deepEqual([stdout, stderr], [PRINTED, ''], statement);
  }
});

const EXPORTS = [
  'Image',
  'MemoryFS',
  'Pool',
  'WASI',
  'constants',
  'file',
  'run',
  'runSync',
  'spawn',
  'symlink',
];

test('each export can be imported by its name', (t) => {
  const { stdout, stderr } = node([
    ...['--input-type=module', '--eval'],
    `import { ${EXPORTS.join()} } from 'wasi-rs';
     import all from 'wasi-rs';
     for (const [name, value] of Object.entries({ ${EXPORTS.join()} }))
       console.log(name, value === all[name], typeof value)`,
  ]);
  const types = EXPORTS.map((name) => {
    const type = name === 'constants' ? 'object' : 'function';
    return `${name} true ${type}\n`;
  });
  t.deepEqual([stdout, stderr], [types.join(''), '']);
});

/** The files of the package that a script has loaded, in `loaded()`. */
const LOADED = `
  const loaded = () => Object.keys(require.cache)
    .map((file) => path.relative(${JSON.stringify(ROOT)}, file))
    .map((file) => file.replaceAll(path.sep, '/'))
    .filter((file) => !file.endsWith('.node') && !['', '[eval]'].includes(file))
    .sort();`;

test('what a program does not use is not loaded', (t) => {
  const { stdout } = script(`
    const path = require('node:path');
    ${LOADED}
    const { WASI } = require('wasi-rs');
    new WASI({ version: 'preview1', preopens: { '/': '.' } }).getImportObject();
    console.log(loaded().join(' '));`);
  t.is(stdout, 'index.js lib/core.js\n');
});

test('the command and runSync() load only what runs a guest, and what the options need', (t) => {
  const { stdout: byFunction } = script(`
    const path = require('node:path');
    ${LOADED}
    require('wasi-rs').runSync('__test__/guests/hello.wasm');
    console.log(loaded().filter((file) => !file.startsWith('lib/run/')).join(' '));`);
  t.is(byFunction, 'index.js lib/core.js\n');
  const { stdout: byCommand } = script(`
    const path = require('node:path');
    ${LOADED}
    const { main } = require('./lib/command/main');
    process.exitCode = main(['--env', 'A=1', '__test__/guests/hello.wasm']);
    console.log(loaded().filter((file) => !file.startsWith('lib/command/')).join(' '));`);
  t.is(byCommand, 'hello\nlib/core.js lib/run/guest.js lib/run/program.js\n');
});

test('run, spawn and the like are loaded on first use, with import too, and runSync() loads no threads', (t) => {
  const { stdout } = node([
    ...['--input-type=module', '--eval'],
    `import { createRequire } from 'node:module';
     import path from 'node:path';
     import { runSync } from 'wasi-rs';
     const require = createRequire(process.cwd() + '/x.js');
     ${LOADED}
     const isLoaded = (name) => loaded().includes(name);
     console.log(isLoaded('lib/run/pool-class.js'), isLoaded('lib/run/sync.js'));
     runSync('__test__/guests/hello.wasm');
     console.log(loaded().filter((name) => name.startsWith('lib/run/')).join(' '));`,
  ]);
  t.is(
    stdout,
    'true false\nlib/run/guest.js lib/run/options.js lib/run/pool-class.js lib/run/program.js lib/run/stdio.js lib/run/sync.js\n',
  );
});

test('an export can be replaced before it is read, and after', (t) => {
  const { stdout } = script(`
    const all = require('wasi-rs');
    all.run = 1;
    const { MemoryFS } = all;
    all.MemoryFS = class extends MemoryFS {};
    console.log(all.run, all.MemoryFS !== MemoryFS, new all.MemoryFS() instanceof MemoryFS);`);
  t.is(stdout, '1 true true\n');
});

test('the exports are the classes, functions, constants and package.json', (t) => {
  const { stdout } = script(`
    console.log(...Object.keys(require('wasi-rs')));
    console.log(require('wasi-rs/package.json').version);
    for (const inner of ['binding.js', 'lib/exit', 'index.js']) {
      try { require('wasi-rs/' + inner) } catch (e) { console.log(e.code) }
    }`);
  const refused = 'ERR_PACKAGE_PATH_NOT_EXPORTED\n'.repeat(3);
  t.is(
    stdout,
    `Image MemoryFS Pool WASI constants file run runSync spawn symlink\n${version}\n${refused}`,
  );
});

test('nothing is printed when it is used', (t) => {
  const { stdout, stderr } = script(
    `const { WASI } = require('wasi-rs'); ${USE}`,
  );
  t.deepEqual([stdout, stderr], ['', '']);
});

test('NAPI_RS_FORCE_WASI does not affect loading', (t) => {
  const env = {
    ...process.env,
    NAPI_RS_FORCE_WASI: 'error',
    NAPI_RS_WASI_FLAVOR: 'wasm32-wasip1-threads',
  };
  const { stdout, stderr } = script(
    `const { WASI } = require('wasi-rs'); ${USE};
     console.log(process.env.NAPI_RS_FORCE_WASI, process.env.NAPI_RS_WASI_FLAVOR)`,
    { env },
  );
  t.deepEqual([stdout, stderr], ['error wasm32-wasip1-threads\n', '']);
});

/** A copy of the package without its binary, and what requiring it throws. */
function brokenInstall(t, prepare = () => {}) {
  const directory = scratch(t);
  copyPackage(directory, { withBinary: false });
  prepare(directory);
  const env = { ...process.env };
  delete env.NAPI_RS_NATIVE_LIBRARY_PATH;
  const { stdout } = node(
    [
      '--eval',
      `try { require('.') } catch (error) {
         console.log(JSON.stringify([error.code, error.message]))
         if (!error.cause) console.log('no cause')
       }`,
    ],
    { cwd: directory, env },
  );
  const [code, message] = JSON.parse(stdout);
  const command = node([path.join(directory, 'bin/wasi-rs.js'), 'x.wasm'], {
    env,
  });
  return { code, message, command };
}

/** The name of this platform in packages of binaries; undefined for others. */
function binaryName() {
  const built = fs
    .readdirSync(ROOT)
    .map((file) => /^wasi-rs\.(.+)\.node$/.exec(file)?.[1]);
  return built.find(Boolean);
}

test('without a binary for the platform, the error is one sentence', (t) => {
  const { code, message, command } = brokenInstall(t);
  t.is(code, 'ERR_WASI_NO_BINARY');
  t.regex(
    message,
    /^There is no binary of wasi-rs for \S+: with Rust, from \S+, `npm install --ignore-scripts=false` builds one$/,
  );
  t.false(message.includes('\n'));
  t.deepEqual(
    [command.exitCode, command.stderr],
    [125, command.stderr.split('\n', 1)[0] + '\n'],
  );
});

test('if the binary was not installed, the error says how to', (t) => {
  const { message } = brokenInstall(t, (directory) => {
    const file = path.join(directory, 'package.json');
    const json = JSON.parse(fs.readFileSync(file, 'utf8'));
    json.optionalDependencies = Object.fromEntries(
      ['linux', 'darwin', 'win32'].flatMap((platform) =>
        ['x64', 'arm64'].flatMap((arch) =>
          ['', '-gnu', '-musl', '-msvc'].map((abi) => [
            `wasi-rs-${platform}-${arch}${abi}`,
            version,
          ]),
        ),
      ),
    );
    fs.writeFileSync(file, JSON.stringify(json));
  });
  t.regex(
    message,
    /^The binary of wasi-rs for \S+ is not installed: install wasi-rs again/,
  );
  t.false(message.includes('\n'));
});

test('the binary for this platform is found at once, unless another is named', (t) => {
  const name = `wasi-rs.${binaryName()}.node`;
  const copy = path.join(scratch(t), 'copy.node');
  fs.copyFileSync(path.join(ROOT, name), copy);
  const loaded = (NAPI_RS_NATIVE_LIBRARY_PATH) =>
    script(
      `require('./lib/core').loadBinding();
       for (const file of Object.keys(require.cache))
         if (file.endsWith('.js') || file.endsWith('.node'))
           console.log(require('node:path').basename(file));`,
      { env: { ...process.env, NAPI_RS_NATIVE_LIBRARY_PATH } },
    ).stdout.split('\n');
  t.deepEqual(loaded(''), ['core.js', '']);
  t.deepEqual(loaded(copy), [
    'core.js',
    'binary.js',
    'binding.js',
    'copy.node',
    '',
  ]);
});

test('if the binary does not load, the error says why', (t) => {
  const name = binaryName();
  if (name === undefined) {
    t.pass('not built here');
    return;
  }
  const { message } = brokenInstall(t, (directory) => {
    fs.writeFileSync(path.join(directory, `wasi-rs.${name}.node`), 'garbage');
  });
  t.true(message.startsWith(`Cannot load the binary of wasi-rs for ${name}: `));
  t.false(message.includes('\n'));
});

test('WASI_RS_BINARY names a binary at another path', (t) => {
  const directory = scratch(t);
  fs.copyFileSync(binary(), path.join(directory, 'moved.node'));
  const source = `const { WASI } = require(${JSON.stringify(ROOT)}); ${PRINT}`;
  for (const file of [path.join(directory, 'moved.node'), 'moved.node']) {
    const env = { ...process.env, WASI_RS_BINARY: file };
    const { stdout, stderr } = node(['--eval', source], {
      cwd: directory,
      env,
    });
    t.deepEqual([stdout, stderr], [PRINTED, '']);
  }
  fs.writeFileSync(path.join(directory, 'text.node'), 'text');
  for (const file of ['none.node', 'text.node']) {
    const env = { ...process.env, WASI_RS_BINARY: file };
    const { stderr } = node(['--eval', source], { cwd: directory, env });
    t.regex(
      stderr,
      /^error: Cannot load the binary of wasi-rs that WASI_RS_BINARY names: .+$/im,
    );
    t.regex(stderr, /code: ['"]ERR_WASI_NO_BINARY['"]/);
  }
});

test('all workers start with one file, in the folder of the script that makes them', async (t) => {
  const sources = fs
    .readdirSync(path.join(ROOT, 'lib'), { recursive: true })
    .filter((file) => file.endsWith('.js'))
    .map((file) => ({ file, text: read(`lib/${file}`) }));
  const having = (text) =>
    sources.filter((each) => each.text.includes(text)).map(({ file }) => file);
  t.deepEqual(having('new Worker('), ['new-worker.js']);
  // In a bundle they are all in one folder.
  t.deepEqual(having('__dirname').toSorted(), [
    'core.js',
    'new-worker.js',
    'no-binary.js',
  ]);
  const bundle = path.join(scratch(t), 'app.js');
  const source = fs.readFileSync(path.join(ROOT, 'lib/new-worker.js'), 'utf8');
  const binding = JSON.stringify(path.join(ROOT, 'lib/core'));
  fs.writeFileSync(bundle, source.replace("'./core'", binding));
  fs.writeFileSync(
    path.join(path.dirname(bundle), 'worker.js'),
    `require('node:worker_threads').parentPort.postMessage('beside it')`,
  );
  const [message] = await once(require(bundle).newWorker(), 'message');
  t.is(message, 'beside it');
});

test('wasi-rs/register has types', (t) => {
  const { exports } = require('../package.json');
  for (const { types } of Object.values(exports).filter(({ types }) => types)) {
    t.true(fs.existsSync(path.join(ROOT, types)), types);
  }
  t.truthy(exports['./register'].types);
});

test('all packages that npm installs here support this Node', (t) => {
  const { packages } = require('../package-lock.json');
  const all = Object.entries(packages).filter(([, { optional }]) => !optional);
  t.true(all.length > 100);
  for (const [name, { engines }] of all) {
    if (engines?.node === undefined) continue;
    t.true(semver.satisfies(process.versions.node, engines.node), name);
  }
});
