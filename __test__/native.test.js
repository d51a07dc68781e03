'use strict';

// The class that the addon exports, under the shell of index.js, which uses only
// a part of it: it is whole by itself, for whoever needs no checks.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { capabilityNames, rightNames, setMemory, WASI } =
  require('../lib/binding').loadBinding();
const { outcome } = require('./helpers/compare');
const { node } = require('./helpers/child');
const { duck, guest, scratch } = require('./helpers/guest');

const OPTIONS = {
  version: 'preview1',
  args: ['name', 'arg'],
  env: ['A=1', 'B=2'],
  preopens: [],
  stdin: 0,
  stdout: 1,
  stderr: 2,
  returnOnExit: true,
};

const make = (options) => new WASI({ ...OPTIONS, ...options });
const memory = () => new WebAssembly.Memory({ initial: 1 });
const instantiate = (name, wasi) =>
  new WebAssembly.Instance(guest(name), wasi.getImportObject());

test('getImportObject()', (t) => {
  for (const [version, module] of [
    ['preview1', 'wasi_snapshot_preview1'],
    ['unstable', 'wasi_unstable'],
  ]) {
    const wasi = make({ version });
    const imports = wasi.getImportObject();
    t.deepEqual(Object.keys(imports), [module]);
    t.is(imports[module], wasi.wasiImport);
    t.is(Object.keys(wasi.wasiImport).length, 46);
    t.is(wasi.wasiImport.constructor.name, 'WASI');
  }
});

test('wasiImport may be replaced', (t) => {
  const wasi = make();
  const mine = { ...wasi.wasiImport };
  wasi.wasiImport = mine;
  t.is(wasi.getImportObject().wasi_snapshot_preview1, mine);
});

test('start() returns the code that the guest exits with', (t) => {
  const directory = scratch(t);
  const output = fs.openSync(path.join(directory, 'output'), 'w+');
  t.teardown(() => fs.closeSync(output));
  const run = (name, ...args) => {
    const wasi = make({ args: [name, ...args], stdout: output });
    return wasi.start(instantiate(name, wasi));
  };
  t.is(run('exit', '7', 'text'), 7);
  t.is(run('exit', '4294967295'), -1);
  t.is(run('exit', 'return'), 0);
  t.is(run('hello'), 0);
  t.is(
    fs.readFileSync(path.join(directory, 'output'), 'utf8'),
    'text\nhello\n',
  );
});

test('start() passes on what ends the guest otherwise', (t) => {
  const wasi = make();
  const error = outcome(() => wasi.start(instantiate('trap', wasi)));
  t.is(error.class, 'RuntimeError');
  t.regex(error.message, /^unreachable/i);
  for (const thrown of [new Error('mine'), 'text', undefined, null]) {
    const _start = () => {
      throw thrown;
    };
    try {
      make().start(duck({ _start }));
      t.fail();
    } catch (error) {
      t.is(error, thrown);
    }
  }
});

test('start() without an entry, and with one that is no function', (t) => {
  t.is(make().start(duck({})), 0);
  t.is(outcome(() => make().start(duck({ _start: 1 }))).class, 'TypeError');
});

test('initialize()', (t) => {
  const wasi = make();
  let calls = 0;
  t.is(wasi.initialize(duck({ _initialize: () => ++calls })), undefined);
  t.is(calls, 1);
  t.is(make().initialize(duck({})), undefined);

  const exiting = make();
  const instance = instantiate('reactor_exit', exiting);
  const error = t.throws(() => exiting.initialize(instance), { any: true });
  t.deepEqual([error.code, error.exitCode], ['ERR_WASI_EXITED', 5]);
  t.true(error instanceof WebAssembly.RuntimeError);
  t.is(instance.exports.survived.value, 0);
});

test('finalizeBindings() binds a memory, and the next one in its place', (t) => {
  const wasi = make();
  const { args_sizes_get } = wasi.wasiImport;
  t.is(outcome(() => args_sizes_get(0, 4)).code, 'ERR_WASI_NOT_STARTED');
  const [one, other, third] = [memory(), memory(), memory()];
  const written = () =>
    [one, other, third].map(({ buffer }) => new Uint32Array(buffer)[0]);
  wasi.finalizeBindings({ exports: { memory: one } });
  t.is(args_sizes_get(0, 4), 0);
  t.deepEqual(written(), [2, 0, 0]);
  wasi.finalizeBindings({ exports: { memory: one } }, { memory: other });
  t.is(args_sizes_get(0, 4), 0);
  t.deepEqual(written(), [2, 2, 0]);
  setMemory(wasi, third);
  t.is(args_sizes_get(0, 4), 0);
  t.deepEqual(written(), [2, 2, 2]);
});

test('a memory that was bound is the one that start() and initialize() keep', (t) => {
  for (const method of ['start', 'initialize']) {
    const wasi = make();
    const bound = memory();
    wasi.finalizeBindings({ exports: {} }, { memory: bound });
    wasi[method]({ exports: { memory: memory() } });
    wasi.wasiImport.args_sizes_get(0, 4);
    t.is(new Uint32Array(bound.buffer)[0], 2);
  }
});

test('what is no memory', (t) => {
  const refused = {
    name: 'TypeError',
    code: 'ERR_INVALID_ARG_TYPE',
    message:
      '"instance.exports.memory" property must be a WebAssembly.Memory object',
  };
  for (const value of [1, {}, null, new Uint8Array(1), memory().buffer]) {
    const instance = { exports: { memory: value } };
    for (const body of [
      () => make().finalizeBindings(instance),
      () => make().start(instance),
      () => make().initialize(instance),
      () => setMemory(make(), value),
    ]) {
      const { name, code, message } = outcome(body);
      t.deepEqual({ name, code, message }, refused);
    }
  }
});

test('proc_exit with returnOnExit', (t) => {
  const wasi = make();
  wasi.finalizeBindings(duck({}));
  const { proc_exit } = wasi.wasiImport;
  t.deepEqual([proc_exit.name, proc_exit.length], ['bound proc_exit', 1]);
  const error = t.throws(() => proc_exit(3), { any: true });
  t.deepEqual([error.code, error.exitCode], ['ERR_WASI_EXITED', 3]);
  t.is(error.message, 'The guest exited with code 3');
  t.is(proc_exit('3'), 28);
  t.is(proc_exit(), 28);
});

test('proc_exit without returnOnExit is process.exit()', (t) => {
  const binding = JSON.stringify(require.resolve('../lib/binding'));
  const options = JSON.stringify({ ...OPTIONS, returnOnExit: false });
  const { exitCode, stdout } = node([
    '--eval',
    `const { WASI } = require(${binding}).loadBinding();
     const wasi = new WASI(${options});
     process.on('exit', (code) => console.log('exit', code));
     const { proc_exit } = wasi.wasiImport;
     const memory = new WebAssembly.Memory({ initial: 1 });
     wasi.start({ exports: { memory, _start: () => proc_exit(5) } });
     console.log('survived');`,
  ]);
  t.deepEqual([exitCode, stdout], [5, 'exit 5\n']);
});

test('what cannot be opened', (t) => {
  const preopens = [
    { mappedPath: '/', realPath: path.join(scratch(t), 'none') },
  ];
  for (const [options, code, errno] of [
    [{ preopens }, 'UVWASI_ENOENT', 44],
    [{ stdin: 2 ** 31 - 1 }, 'UVWASI_EBADF', 8],
  ]) {
    const error = t.throws(() => make(options));
    t.is(error.message, `${code}, uvwasi_init`);
    const { syscall } = error;
    t.deepEqual(
      [error.code, error.errno, syscall],
      [code, errno, 'uvwasi_init'],
    );
  }
});

test('preopens, limits and capabilities', (t) => {
  const preopens = [
    { mappedPath: '/', realPath: scratch(t), readOnly: true },
    { mappedPath: '/none', realPath: scratch(t), rights: [] },
  ];
  const wasi = make({
    preopens,
    limits: { iovecs: 0, descriptors: 5 },
    capabilities: ['fd_fdstat_get', 'fd_read'],
  });
  const instance = duck({});
  wasi.initialize(instance);
  const rights = (fd) => {
    t.is(wasi.wasiImport.fd_fdstat_get(fd, 0), 0);
    return new DataView(instance.exports.memory.buffer).getBigUint64(8, true);
  };
  t.deepEqual([rights(3), rights(4)], [0n, 0n]);
  t.is(wasi.wasiImport.fd_read(0, 0, 1, 0), 28);
  t.is(wasi.wasiImport.random_get(0, 1), 76);
  wasi.addCapability('random');
  wasi.addCapability('fs:read');
  t.is(wasi.wasiImport.random_get(0, 1), 0);
  t.not(rights(3), 0n);
  t.is(rights(4), 0n);
});

test('names that are unknown', (t) => {
  const refuses = (body, message) => {
    const error = t.throws(body, { instanceOf: TypeError });
    t.is(error.code, 'ERR_INVALID_ARG_VALUE');
    t.is(error.message, message);
  };
  const capability = `Unknown capability 'nope'. Known are: ${capabilityNames().join(', ')}`;
  refuses(() => make({ capabilities: ['args', 'nope'] }), capability);
  refuses(() => make().addCapability('nope'), capability);
  const preopen = { mappedPath: '/', realPath: '.', rights: ['FD_READ'] };
  refuses(
    () => make({ preopens: [preopen] }),
    `Unknown right 'FD_READ'. Known are: ${rightNames().join(', ')}`,
  );
});
