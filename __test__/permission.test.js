'use strict';

// Node's permission model: without --allow-wasi there is no WASI, whoever
// implements it.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { version } = require('../package.json');
const { ROOT, command, node, script } = require('./helpers/child');
const { NODE_MAJOR } = require('./helpers/compare');
const { guestPath, scratch } = require('./helpers/guest');
const { binary } = require('./helpers/install');

const PERMISSION =
  NODE_MAJOR >= 22 ? '--permission' : '--experimental-permission';

/** The outcome of each constructor under the permission model. */
function construct(options, ...flags) {
  const { stdout, stderr } = script(
    `const result = (WASI) => {
       try {
         return new WASI(${options}) instanceof WASI;
       } catch (error) {
         const { name, message, stack } = error;
         return { name, message, header: stack.split('\\n')[0], ...error };
       }
     };
     console.log(JSON.stringify([
       result(require('wasi-rs').WASI),
       result(require('node:wasi').WASI),
     ]))`,
    {
      flags: [
        ...[PERMISSION, '--allow-addons', '--allow-fs-read=*', '--no-warnings'],
        ...flags,
      ],
    },
  );
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout);
}

test('refused without --allow-wasi', (t) => {
  const [ours, nodes] = construct(`{ version: 'preview1' }`);
  t.is(ours.code, 'ERR_ACCESS_DENIED');
  t.is(ours.permission, 'WASI');
  // Node 20 does not name the flag yet.
  if (NODE_MAJOR >= 22) t.deepEqual(ours, nodes);
  else t.true(ours.message.startsWith(nodes.message));
});

test('refused after the options have been checked', (t) => {
  const [ours, nodes] = construct(`{ version: 'preview1', stdin: -1 }`);
  t.is(ours.code, 'ERR_OUT_OF_RANGE');
  t.deepEqual(ours, nodes);
});

test('refused before anything is opened, and before returnOnExit', (t) => {
  for (const options of [
    `{ version: 'preview1', stdin: 54321 }`,
    `{ version: 'preview1', preopens: { '/': '/none' } }`,
    `{ version: 'preview1', returnOnExit: 1 }`,
  ]) {
    const [ours, nodes] = construct(options);
    t.is(ours.code, 'ERR_ACCESS_DENIED');
    t.is(nodes.code, 'ERR_ACCESS_DENIED');
  }
});

test('allowed with --allow-wasi', (t) => {
  t.deepEqual(construct(`{ version: 'preview1' }`, '--allow-wasi'), [
    true,
    true,
  ]);
});

/** The lines that a script prints with only these flags. */
function printed(t, source, ...flags) {
  const { stdout, stderr } = script(source, {
    flags: [PERMISSION, '--no-warnings', ...flags],
  });
  t.is(stderr, '');
  return stdout.trimEnd().split('\n');
}

const ADDON = ['--allow-addons', '--allow-fs-read=*'];

/** Constructs the class of `require(name)`, and prints the outcome. */
const MAKE = `
  const make = (name) => {
    try {
      new (require(name).WASI)({ version: 'preview1' });
      console.log('made');
    } catch ({ code }) {
      console.log(code);
    }
  };`;

test('a program cannot give itself the permission', (t) => {
  const replace = 'process.permission.has = () => true;';
  for (const source of [
    `${replace} make('wasi-rs')`,
    `require('wasi-rs'); ${replace} make('wasi-rs')`,
    `${replace} require('wasi-rs/register'); make('node:wasi')`,
    `require('wasi-rs/register'); ${replace} make('node:wasi')`,
    `require('wasi-rs'); require('node:wasi').WASI = class {}; make('wasi-rs')`,
  ]) {
    t.deepEqual(printed(t, MAKE + source, ...ADDON), ['ERR_ACCESS_DENIED']);
  }
});

test('the native function checks the permission, whoever calls it', (t) => {
  const source = `
    const { create } = require('./lib/core').loadBinding();
    const options = {
      version: 'preview1', args: [], env: [], preopens: [], devices: false,
      stdin: 0, stdout: 1, stderr: 2, returnOnExit: () => true,
    };
    try { create({}, options); console.log('made') } catch ({ code }) { console.log(code) }`;
  t.deepEqual(printed(t, source, ...ADDON), ['ERR_ACCESS_DENIED']);
  t.deepEqual(printed(t, source, '--allow-wasi', ...ADDON), ['made']);
});

test('a program may drop the permission', (t) => {
  const source = `${MAKE}
    make('wasi-rs');
    if (process.permission.drop) {
      process.permission.drop('wasi');
      make('wasi-rs');
    }`;
  const expected = NODE_MAJOR >= 24 ? ['made', 'ERR_ACCESS_DENIED'] : ['made'];
  t.deepEqual(printed(t, source, '--allow-wasi', ...ADDON), expected);
});

test('nothing is printed with the permission model on', (t) => {
  const { stdout, stderr } = script(`require('wasi-rs')`, {
    flags: [PERMISSION, '--allow-wasi', ...ADDON],
  });
  t.is(stdout, '');
  // Node 20 and 22 warn about the permission model itself.
  t.false(stderr.includes('WASI'), stderr);
});

test('--allow-fs-read does not apply to a guest', (t) => {
  const directory = scratch(t);
  fs.writeFileSync(path.join(directory, 'file'), 'content');
  const source = (name) => `
    const { readFileSync } = require('node:fs');
    try { readFileSync(${JSON.stringify(directory)} + '/file') } catch ({ code }) { console.log(code) }
    const { WASI } = require('${name}');
    const wasi = new WASI({
      version: 'preview1', args: ['files', 'read', '/file'],
      preopens: { '/': ${JSON.stringify(directory)} },
    });
    const bytes = readFileSync(${JSON.stringify(guestPath('files'))});
    wasi.start(new WebAssembly.Instance(new WebAssembly.Module(bytes), wasi.getImportObject()));`;
  for (const name of ['wasi-rs', 'node:wasi']) {
    t.deepEqual(
      printed(
        ...[t, source(name), '--allow-wasi', '--allow-addons'],
        `--allow-fs-read=${path.join(ROOT, path.sep)}`,
      ),
      ['ERR_ACCESS_DENIED', 'read /file: content'],
    );
  }
});

test('register reaches workers, where they are allowed', (t) => {
  const worker = `${MAKE} make('node:wasi'); console.log(require('node:wasi').WASI === require('wasi-rs').WASI)`;
  const source = `
    const { Worker } = require('node:worker_threads');
    try { new Worker(${JSON.stringify(worker)}, { eval: true }) } catch ({ code }) { console.log(code) }`;
  const register = ['--require', 'wasi-rs/register', '--allow-wasi', ...ADDON];
  t.deepEqual(printed(t, source, ...register), ['ERR_ACCESS_DENIED']);
  t.deepEqual(printed(t, source, ...register, '--allow-worker'), [
    'made',
    'true',
  ]);
});

const NOT_LOADED = `Node's permission model does not let wasi-rs load its binary: run node with`;

/** The errors of `require`, from the outermost to its last cause. */
const REQUIRE = `
  try {
    require('wasi-rs');
    console.log('loaded');
  } catch (error) {
    for (let each = error; each; each = each.cause) {
      console.log(each === error ? each.code : '', each.message.split('\\n')[0]);
    }
  }`;

test('if addons are not allowed, the error names the missing flags', (t) => {
  const [first, ...causes] = printed(t, REQUIRE, '--allow-fs-read=*');
  t.is(first, `ERR_WASI_NO_BINARY ${NOT_LOADED} --allow-addons --allow-wasi`);
  t.true(causes[0].includes('loading addons is disabled'), causes[0]);
  for (const cause of causes) t.false(/npm/.test(cause), cause);
  const flags = ['--allow-fs-read=*', '--allow-wasi'];
  t.is(
    printed(t, REQUIRE, ...flags)[0],
    `ERR_WASI_NO_BINARY ${NOT_LOADED} --allow-addons`,
  );
  t.deepEqual(printed(t, REQUIRE, ...flags, '--allow-addons'), ['loaded']);
});

test('--no-addons without the permission model is another error', (t) => {
  const { stdout } = script(REQUIRE, { flags: ['--no-addons'] });
  t.regex(
    stdout,
    /^ERR_WASI_NO_BINARY Cannot load the binary of wasi-rs for \S+: .*addons/,
  );
});

test('if the package of the binary may not be read, the error says so', (t) => {
  const modules = path.join(fs.realpathSync(scratch(t)), 'node_modules');
  const directory = path.join(modules, 'wasi-rs');
  for (const file of ['index.js', 'binding.js', 'lib']) {
    fs.cpSync(path.join(ROOT, file), path.join(directory, file), {
      recursive: true,
    });
  }
  const manifest = { name: 'wasi-rs', version, main: 'index.js' };
  manifest.optionalDependencies = Object.fromEntries(
    ['linux-x64-gnu', 'linux-x64-musl', 'linux-arm64-gnu', 'linux-arm64-musl']
      .concat('darwin-x64', 'darwin-arm64', 'win32-x64-msvc')
      .map((platform) => [`wasi-rs-${platform}`, version]),
  );
  fs.writeFileSync(
    path.join(directory, 'package.json'),
    JSON.stringify(manifest),
  );
  const { stdout } = node(
    [
      ...[PERMISSION, '--no-warnings'],
      `--allow-fs-read=${path.join(directory, path.sep)}`,
      // A backslash would be an escape in it.
      ...[
        '--eval',
        REQUIRE.replace('wasi-rs', directory.replaceAll('\\', '/')),
      ],
    ],
    { cwd: directory },
  );
  t.is(
    stdout.split('\n')[0],
    `ERR_WASI_NO_BINARY ${NOT_LOADED} --allow-addons --allow-fs-read=${modules} --allow-wasi`,
  );
});

test('a binary that may be read is found, though other places may not be', (t) => {
  const modules = path.join(fs.realpathSync(scratch(t)), 'node_modules');
  const directory = path.join(modules, 'wasi-rs');
  const parts = ['index.js', 'binding.js', 'lib', 'package.json'];
  for (const file of parts) {
    fs.cpSync(path.join(ROOT, file), path.join(directory, file), {
      recursive: true,
    });
  }
  const name = path.basename(binary());
  const [, platform] = name.split('.');
  const installed = path.join(modules, `wasi-rs-${platform}`);
  fs.mkdirSync(installed);
  fs.copyFileSync(binary(), path.join(installed, name));
  const readable = [
    ...['index.js', 'binding.js', 'package.json'].map((file) =>
      path.join(directory, file),
    ),
    path.join(directory, 'lib', path.sep),
    path.join(installed, path.sep),
  ];
  const { stdout, stderr } = node(
    [
      ...[PERMISSION, '--no-warnings', '--allow-addons', '--allow-wasi'],
      ...readable.map((file) => `--allow-fs-read=${file}`),
      ...[
        '--eval',
        `require('${directory.replaceAll('\\', '/')}'); console.log('loaded')`,
      ],
    ],
    { cwd: directory },
  );
  t.is(stdout, 'loaded\n', stderr);
});

test('the command says so as well', (t) => {
  const { exitCode, stderr } = node([
    ...[PERMISSION, '--no-warnings', '--allow-fs-read=*', '--allow-wasi'],
    ...[path.join(ROOT, 'bin/wasi-rs.js'), guestPath('hello')],
  ]);
  t.is(exitCode, 125);
  t.is(stderr, `wasi-rs: ${NOT_LOADED} --allow-addons\n`);
  t.is(command([guestPath('hello')]).exitCode, 0);
});
