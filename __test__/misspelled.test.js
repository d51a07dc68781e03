'use strict';

// Names of options: a misspelled one does not give a guest more than was meant, and
// options of other hosts are not taken for misspelled ones.

const fs = require('node:fs');
const path = require('node:path');
const url = require('node:url');
const { inspect } = require('node:util');

const test = require('ava');

const { WASI, outcome, sameAsNode } = require('./helpers/compare');
const { duck, scratch } = require('./helpers/guest');
const { RIGHTS, RawGuest } = require('./helpers/raw');

/**
 * Misspelled names of each option. `version` has none: without it Node's own error
 * comes first.
 */
const MISSPELLED = {
  args: ['arg', 'ARGS', 'Args'],
  env: ['envs', 'ENV'],
  preopens: ['preopen', 'preOpens', 'pre_opens', 'propens', 'preopend'],
  devices: ['device', 'Devices', 'devises', 'dev-ices'],
  returnOnExit: ['returnonexit', 'return-on-exit', 'returnOnExits'],
  stdin: ['stdIn', 'sdtin', 'stdi', 'stdinn'],
  stdout: ['stdOut', 'stdot', 'std_out', 'stdouts'],
  stderr: ['STDERR', 'stder', 'sterr', 'stdrer'],
  input: ['Input', 'inputs', 'inptu'],
  maxBuffer: ['max_buffer', 'maxbuffer', 'maxBufer'],
  limits: ['limit', 'Limits', 'limts', 'lmits', 'limitss', 'lamits'],
  capabilities: [
    ...['capability', 'Capabilities', 'capabilites', 'capabilty'],
    ...['capabilitys', 'capabilitie', 'cpaabilities'],
  ],
  listeners: ['listener', 'Listeners', 'lisetners', 'listners'],
  connections: ['connection', 'Connections', 'conections'],
  trace: ['traces', 'Trace', 'tarce', 'tracee'],
  clock: ['clocks', 'Clock', 'clcok', 'click'],
  random: ['Random', 'randoms', 'radnom'],
  threads: ['thread', 'Threads', 'treads', 'threds'],
};

/** Properties of another option, spelled right or wrong. */
const MISPLACED = {
  'preopens[…].readOnly': ['readOnly', 'readonly', 'read_only'],
  'preopens[…].rights': ['rights', 'right'],
  'limits.descriptors': ['descriptors', 'descriptor'],
  'limits.iovecs': ['iovecs'],
  'limits.subscriptions': ['subscriptions'],
  'limits.pathLength': ['pathLength', 'path_length'],
  'limits.symlinkHops': ['symlinkHops', 'symlinkHop'],
  'limits.randomChunk': ['randomChunk', 'randomChunks'],
};

/** Names that callers pass to other hosts of WASI, or share with other tools. */
const FOREIGN = [
  ...['bindings', 'fs', 'print', 'printErr', 'preopenDirectories', 'memory'],
  ...['sendStdout', 'sendStderr', 'getStdin', 'stdinIsReadable', 'tracing'],
  ...['traceSyscalls', 'asyncify', 'features', 'filesystem', 'fds', 'debug'],
  ...['name', 'sharedMemory', 'isTTY', 'cwd', 'stdio', 'argv'],
  ...['arg0', 'argv0', 'argc', 'end', 'en', 'dir', 'in', 'out', 'err', 'path'],
  ...['mapdir', 'module', 'wasm', 'imports', 'signal', 'timeout', '_', '$0'],
  ...['', 'constructor', 'toString', '__proto', '0', 'grün'],
];

/** The error of `new WASI()` for an unknown option. */
function refusal(options) {
  const { code, message } = outcome(
    () => new WASI({ version: 'preview1', ...options }),
  );
  return { code, message };
}

const isUnknown = (name, meant) => ({
  code: 'ERR_INVALID_ARG_VALUE',
  message: `The property 'options.${name}' is unknown: did you mean '${meant}'? Received 1`,
});

test('an option with a name similar to one of the class is refused', (t) => {
  for (const [meant, names] of [
    ...Object.entries(MISSPELLED),
    ...Object.entries(MISPLACED),
  ]) {
    for (const name of names) {
      t.deepEqual(refusal({ [name]: 1 }), isUnknown(name, meant));
    }
  }
});

test('misspelled names of every option of the class are refused', (t) => {
  const read = new Set();
  const watched = new Proxy(
    { version: 'preview1' },
    {
      get(target, key) {
        read.add(key);
        return target[key];
      },
    },
  );
  t.true(new WASI(watched) instanceof WASI);
  read.delete('version');
  t.deepEqual([...read].toSorted(), Object.keys(MISSPELLED).toSorted());
});

test('an option with a name similar to none of the class is ignored, as by Node', (t) => {
  for (const name of FOREIGN) {
    const made = sameAsNode(
      t,
      (WASI) => new WASI({ version: 'preview1', [name]: 1 }) instanceof WASI,
      name,
    );
    t.deepEqual(made, { returned: true }, name);
  }
});

test('a misspelled name beside the right one is ignored', (t) => {
  const options = {
    ...{ args: ['a'], arg: 'a', env: {}, envs: {}, stdin: 0, sdtin: 0 },
    ...{ returnOnExit: true, 'return-on-exit': true },
  };
  t.true(new WASI({ version: 'preview1', ...options }) instanceof WASI);
  t.true(new WASI({ version: 'preview1', versions: 1 }) instanceof WASI);
  // An undefined option is no option.
  t.deepEqual(
    refusal({ limits: undefined, limit: 1 }),
    isUnknown('limit', 'limits'),
  );
});

test('a misspelled option is found wherever options are read from', (t) => {
  class Options {
    version = 'preview1';
    get capability() {
      return 1;
    }
  }
  class More extends Options {}
  const expected = isUnknown('capability', 'capabilities');
  for (const options of [
    { version: 'preview1', capability: 1 },
    { __proto__: null, version: 'preview1', capability: 1 },
    Object.create({ version: 'preview1', capability: 1 }),
    Object.create({ __proto__: null, version: 'preview1', capability: 1 }),
    new Proxy({ version: 'preview1', capability: 1 }, {}),
    new Options(),
    new More(),
  ]) {
    const { code, message } = outcome(() => new WASI(options));
    t.deepEqual({ code, message }, expected);
  }
  const symbol = { version: 'preview1', [Symbol('capability')]: 1 };
  t.true(new WASI(symbol) instanceof WASI);
});

test('it is refused after what Node refuses, and before anything is opened', (t) => {
  const bad = { args: 1, stdin: -1, preopens: { '/': 'none' }, limit: 1 };
  sameAsNode(t, (WASI) => new WASI({ version: 'preview1', ...bad }));
  sameAsNode(
    t,
    (WASI) => new WASI({ version: 'preview1', ...bad, args: undefined }),
  );
  t.deepEqual(
    refusal({ ...bad, args: undefined, stdin: 54321 }),
    isUnknown('limit', 'limits'),
  );
});

test('the options of finalizeBindings()', (t) => {
  const { memory } = duck({}).exports;
  const make = () => new WASI({ version: 'preview1' });
  for (const name of ['Memory', 'memories', 'memorry', 'memroy']) {
    const options = { [name]: memory };
    const wasi = make();
    for (const instance of [duck({}), { exports: {} }]) {
      const { code, message } = outcome(() =>
        wasi.finalizeBindings(instance, options),
      );
      t.is(code, 'ERR_INVALID_ARG_VALUE');
      t.true(
        message.startsWith(
          `The property 'options.${name}' is unknown: did you mean 'memory'? Received `,
        ),
        message,
      );
    }
    // Nothing is bound yet.
    t.is(wasi.finalizeBindings(duck({})), undefined);
  }
  const foreign = { memory, module: 1, mem: 1 };
  t.is(make().finalizeBindings(duck({}), foreign), undefined);
  t.is(make().finalizeBindings(duck({}), undefined), undefined);
});

/** `'read-only'` or `'writable'` for a preopen that was opened, else the error code. */
function give(value) {
  const { returned, code } = outcome(
    () => new RawGuest(WASI, { preopens: { '/': value } }),
  );
  if (returned === undefined) return code;
  const { base } = returned.rights(3);
  return (base & RIGHTS.path_create_file) === 0n ? 'read-only' : 'writable';
}

/** Objects that are paths for Node, by their `toString`. */
function withToString(directory) {
  const toString = () => directory;
  class Directory {
    constructor(properties) {
      Object.assign(this, properties);
    }
    toString() {
      return directory;
    }
  }
  const inherited = (properties) =>
    Object.create({ toString, ...properties }, {});
  return {
    own: (properties) => ({ toString, ...properties }),
    'of a class': (properties) => new Directory(properties),
    inherited,
    'behind a proxy': (properties) => new Proxy(inherited(properties), {}),
  };
}

test('properties of a preopen with a toString take effect', (t) => {
  const directory = scratch(t);
  for (const [way, make] of Object.entries(withToString(directory))) {
    t.is(give(make({})), 'writable', way);
    t.is(give(make({ path: directory })), 'writable', way);
    for (const narrower of [{ readOnly: true }, { rights: ['fd_read'] }]) {
      t.is(give(make({ path: directory, ...narrower })), 'read-only', way);
      // A description without a path is an error.
      t.is(give(make(narrower)), 'ERR_INVALID_ARG_TYPE', way);
    }
  }
});

test('a misspelled property of a preopen is an error, with a toString as well', (t) => {
  const directory = scratch(t);
  for (const [way, make] of Object.entries(withToString(directory))) {
    for (const misspelled of [
      ...[{ readonly: true }, { ReadOnly: true }, { read_only: true }],
      ...[{ readOnyl: true }, { right: ['fd_read'] }, { Rights: [] }],
      ...[{ righst: ['fd_read'] }, { Path: directory }],
    ]) {
      const { path: _, ...rest } = misspelled;
      t.is(give(make(rest)), 'ERR_INVALID_ARG_VALUE', way);
      if (!('Path' in misspelled)) {
        const described = { path: directory, ...misspelled };
        t.is(give(make(described)), 'ERR_INVALID_ARG_VALUE', way);
      }
    }
  }
});

test('accessors of a class describe a preopen', (t) => {
  const directory = scratch(t);
  class Described {
    get path() {
      return directory;
    }
    get readOnly() {
      return true;
    }
    toString() {
      return directory;
    }
  }
  class Derived extends Described {}
  class Misspelled extends Described {
    get readonly() {
      return true;
    }
  }
  t.is(give(new Described()), 'read-only');
  t.is(give(new Derived()), 'read-only');
  // It has the property under its right name, too.
  t.is(give(new Misspelled()), 'read-only');
  class OnlyMisspelled {
    get readonly() {
      return true;
    }
    toString() {
      return directory;
    }
  }
  t.is(give(new OnlyMisspelled()), 'ERR_INVALID_ARG_VALUE');
});

test('what getters throw is thrown unchanged', (t) => {
  const directory = scratch(t);
  for (const property of ['path', 'readOnly', 'rights']) {
    const value = { path: directory, toString: () => directory };
    Object.defineProperty(value, property, {
      get() {
        throw new SyntaxError(property);
      },
    });
    t.throws(
      () => new WASI({ version: 'preview1', preopens: { '/': value } }),
      { instanceOf: SyntaxError, message: property },
    );
  }
});

test('each property of a description is read once', (t) => {
  const directory = scratch(t);
  let reads = 0;
  const value = {
    get path() {
      reads++;
      return reads > 1 ? '/' : directory;
    },
    readOnly: true,
  };
  t.is(give(value), 'read-only');
  t.is(reads, 1);
});

test('a name similar only to a method, or to a name used elsewhere, is ignored', (t) => {
  class Options {
    version = 'preview1';
    limit() {}
  }
  t.notThrows(() => new WASI(new Options()));
  for (const name of ['light', 'lights', 'bright', 'stdio', 'studio']) {
    t.notThrows(() => new WASI({ version: 'preview1', [name]: true }), name);
  }
});

test('objects of Node and of the language as preopens', (t) => {
  const directory = scratch(t);
  fs.mkdirSync(path.join(directory, 'sub'));
  const openError = t.throws(() => fs.readdirSync(`${directory}/none`));
  const [dirent] = fs.readdirSync(directory, { withFileTypes: true });
  // Other objects are what Node makes of them.
  for (const value of [
    ...[directory, Object(directory), [directory], Buffer.from(directory)],
    ...[url.pathToFileURL(directory), new Date(0), /x/, new Map()],
    ...[() => directory, Symbol('s'), null, undefined, 1n],
  ]) {
    const options = { version: 'preview1', preopens: { '/': value } };
    sameAsNode(t, (WASI) => new WASI(options) instanceof WASI);
  }
  // An object with a path among other properties is not a description.
  for (const value of [
    ...[path.parse(directory), url.parse('file:///tmp'), module],
    ...[openError, fs.statSync(directory), dirent, new Proxy({}, {})],
  ]) {
    const { code } = outcome(
      () => new WASI({ version: 'preview1', preopens: { '/': value } }),
    );
    t.regex(code, /^ERR_INVALID_ARG_(TYPE|VALUE)$/, inspect(value));
  }
});
