'use strict';

// The package as a program meets it: how it is loaded, and what it says where
// it cannot be.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { version } = require('../package.json');
const { ROOT, node, script } = require('./helpers/child');
const { scratch } = require('./helpers/guest');

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

test('each export can be imported by its name', (t) => {
  const { stdout, stderr } = node([
    ...['--input-type=module', '--eval'],
    `import { Pool, run, runSync, spawn } from 'wasi-rs';
     console.log(typeof Pool, typeof run, typeof runSync, typeof spawn)`,
  ]);
  t.deepEqual([stdout, stderr], ['function function function function\n', '']);
});

test('what runs guests in threads is loaded on first use', (t) => {
  const { stdout } = script(`
    const loaded = () =>
      Object.keys(require.cache).filter((file) => /lib.run./.test(file)).length;
    const { runSync } = require('wasi-rs');
    const before = loaded();
    runSync('__test__/guests/hello.wasm');
    console.log(before, loaded() > before);`);
  // Its functions, and the timers as they are.
  t.is(stdout, '2 true\n');
});

test('it exports the classes, functions, constants and its package.json, and nothing else', (t) => {
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

test('a program that sets no WASI flavor of other packages on it still loads', (t) => {
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
  for (const file of ['index.js', 'binding.js', 'lib', 'bin', 'package.json']) {
    fs.cpSync(path.join(ROOT, file), path.join(directory, file), {
      recursive: true,
    });
  }
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

/** This platform in the words of the loader, or undefined for others. */
function binaryName() {
  const built = fs
    .readdirSync(ROOT)
    .map((file) => /^wasi-rs\.(.+)\.node$/.exec(file)?.[1]);
  return built.find(Boolean);
}

test('without a binary for the platform, one sentence says so', (t) => {
  const { code, message, command } = brokenInstall(t);
  t.is(code, 'ERR_WASI_NO_BINARY');
  t.regex(
    message,
    /^There is no binary of wasi-rs for \S+: build one with Rust/,
  );
  t.false(message.includes('\n'));
  t.deepEqual(
    [command.exitCode, command.stderr],
    [2, command.stderr.split('\n', 1)[0] + '\n'],
  );
});

test('where the binary was not installed, it says how to', (t) => {
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

test('where the binary does not load, it says why', (t) => {
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
