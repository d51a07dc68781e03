'use strict';

// Trees: plain objects that a MemoryFS is made from, and exported to.

const { inspect } = require('node:util');
const vm = require('node:vm');

const test = require('ava');

const { MemoryFS, file, symlink } = require('..');

const bytes = (text) => new Uint8Array(Buffer.from(text));

/** A tree with every kind of entry, and how it is exported. */
const TREE = {
  'a.txt': 'häßlich',
  'lib/deep/x.py': bytes('x'),
  lib: { 'y.py': new Uint16Array([0x6261]), deep: { z: new ArrayBuffer(2) } },
  '/etc/hosts': new DataView(bytes('-ab-').buffer, 1, 2),
  empty: {},
  none: '',
  link: symlink('a.txt'),
  'lib/odd': symlink(new Uint8Array([0xff, 0x2f])),
  dated: file('text', { mtime: new Date(1500) }),
  exact: file(bytes('text'), { mtime: 1_000_000_001n }),
  plain: file('text'),
  shared: new Uint8Array(new SharedArrayBuffer(1)),
  ['__proto__']: 'name',
};

const EXPORTED = {
  'a.txt': bytes('häßlich'),
  lib: {
    'y.py': bytes('ab'),
    deep: { 'x.py': bytes('x'), z: bytes('\0\0') },
    odd: symlink(new Uint8Array([0xff, 0x2f])),
  },
  etc: { hosts: bytes('ab') },
  empty: {},
  none: bytes(''),
  link: symlink('a.txt'),
  dated: bytes('text'),
  exact: bytes('text'),
  plain: bytes('text'),
  shared: bytes('\0'),
  ['__proto__']: bytes('name'),
};

test('a tree is exported as it was imported', (t) => {
  const memory = new MemoryFS(TREE);
  const exported = memory.export();
  t.deepEqual(exported, EXPORTED);
  t.deepEqual(Object.keys(exported).sort(), Object.keys(EXPORTED).sort());
  t.is(exported.link.kind, 'symlink');
  t.is(memory.readlinkSync('/link'), 'a.txt');
  t.deepEqual(
    [...memory.readlinkSync('/lib/odd', { encoding: 'buffer' })],
    [0xff, 0x2f],
  );
  const again = new MemoryFS(exported);
  t.deepEqual(again.export(), EXPORTED);
  t.is(again.readFileSync('link', 'utf8'), 'häßlich');
  t.deepEqual(again.usage, memory.usage);
});

test('a subdirectory can be exported', (t) => {
  const memory = new MemoryFS(TREE);
  for (const path of ['/lib', 'lib/', Buffer.from('lib'), './lib/deep/..']) {
    t.deepEqual(memory.export(path), EXPORTED.lib);
  }
  t.deepEqual(memory.export('empty'), {});
  t.throws(() => memory.export('a.txt'), { code: 'ENOTDIR' });
  t.throws(() => memory.export('gone'), { code: 'ENOENT' });
  t.throws(() => memory.export(''), { code: 'ENOENT' });
  t.throws(() => memory.export(1), { code: 'ERR_INVALID_ARG_TYPE' });
});

test('import and export copy', (t) => {
  const content = bytes('abc');
  const memory = new MemoryFS({ content });
  content[0] = 0;
  t.is(memory.readFileSync('content', 'utf8'), 'abc');
  memory.export().content[0] = 0;
  t.is(memory.readFileSync('content', 'utf8'), 'abc');
});

test('a name that cannot be a key is not exported', (t) => {
  const memory = new MemoryFS({ dir: {} });
  memory.writeFileSync(Buffer.from('dir/\xff', 'latin1'), '');
  const error = t.throws(() => memory.export(), { code: 'EILSEQ' });
  t.is(error.path, '/dir/\ufffd');
  t.deepEqual(memory.readdirSync('/'), ['dir']);
});

test('hard links are exported as files of their own', (t) => {
  const memory = new MemoryFS({ a: 'text' });
  memory.linkSync('a', 'b');
  const { a, b } = memory.export();
  t.deepEqual(a, b);
  t.not(a.buffer, b.buffer);
});

test('times are those given, or the present', (t) => {
  const before = BigInt(Date.now() - 10_000) * 1_000_000n;
  const memory = new MemoryFS(TREE);
  const times = (path) => {
    const { atimeNs, mtimeNs } = memory.statSync(path, { bigint: true });
    return [atimeNs, mtimeNs];
  };
  t.deepEqual(times('dated'), [1_500_000_000n, 1_500_000_000n]);
  t.deepEqual(times('exact'), [1_000_000_001n, 1_000_000_001n]);
  t.true(times('plain').every((time) => time > before));
});

test('an entry can be reused, and has no properties', (t) => {
  const entry = file('text', { mtime: 1n });
  const memory = new MemoryFS({ a: entry, b: entry });
  t.is(memory.readFileSync('b', 'utf8'), 'text');
  t.not(memory.statSync('a').ino, memory.statSync('b').ino);
  t.deepEqual([entry.kind, Reflect.ownKeys(entry)], ['file', []]);
  t.true(Object.isFrozen(entry));
});

test('objects of other realms are the same', (t) => {
  const tree = vm.runInNewContext(
    `({ dir: { a: new Uint8Array([97]), b: new ArrayBuffer(1) }, none: Object.create(null) })`,
  );
  t.deepEqual(new MemoryFS(tree).export(), {
    dir: { a: bytes('a'), b: bytes('\0') },
    none: {},
  });
});

test('lone surrogates in names become U+FFFD', (t) => {
  t.deepEqual(new MemoryFS({ '\ud800': '' }).readdirSync('/'), ['\ufffd']);
  t.throws(() => new MemoryFS({ '\ud800': '', '\ufffd': '' }), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
});

/** Fails with the code, and a message that names the property. */
function refuses(t, tree, code, property) {
  const error = t.throws(() => new MemoryFS(tree), { code }, inspect(tree));
  t.true(
    error.message.includes(`'${property}'`) ||
      error.message.includes(`"${property}"`),
    error.message,
  );
}

test('a key is a path to one thing', (t) => {
  const code = 'ERR_INVALID_ARG_VALUE';
  const long = 'ä'.repeat(128);
  for (const [tree, property] of [
    [{ '': '' }, `tree['']`],
    [{ '.': {} }, `tree['.']`],
    [{ '..': '' }, `tree['..']`],
    [{ '../x': '' }, `tree['../x']`],
    [{ 'a/../x': '' }, `tree['a/../x']`],
    [{ '/': '' }, `tree['/']`],
    [{ '//a': '' }, `tree['//a']`],
    [{ 'a//b': '' }, `tree['a//b']`],
    [{ 'a/': {} }, `tree['a/']`],
    [{ a: { '/b': '' } }, `tree['a']['/b']`],
    [{ 'a\0': '' }, `tree['a\\x00']`],
    [{ [long]: '' }, `tree['${long}']`],
    [{ 'a/b': '', a: { b: '' } }, `tree['a']['b']`],
    [{ 'a/b': '', a: { b: {} } }, `tree['a']['b']`],
    [{ a: '', 'a/b': '' }, `tree['a/b']`],
    [{ 'a/b': '', a: symlink('b') }, `tree['a']`],
    [{ '/a': '', a: '' }, `tree['a']`],
  ]) {
    refuses(t, tree, code, property);
  }
});

test('what is in a tree is content, an entry, or a directory', (t) => {
  const code = 'ERR_INVALID_ARG_TYPE';
  class Directory {}
  const wrong = [
    ...[undefined, null, true, 0, 1n, Symbol('s'), () => {}, [], ['x']],
    ...[new Map(), new Date(), new Directory(), new MemoryFS(), new Error()],
    ...[Promise.resolve(''), new Blob(['x']), new String('text')],
    Object.create(file('x')),
    Object.create(FileEntryPrototype()),
  ];
  for (const value of wrong) {
    refuses(t, { 'lib/x.py': value }, code, `tree['lib/x.py']`);
    refuses(t, { lib: { value } }, code, `tree['lib']['value']`);
  }
  for (const tree of [null, 1, 'text', [], new Map(), bytes('x'), file('')]) {
    refuses(t, tree, code, 'tree');
  }
});

/** The prototype of entries. */
function FileEntryPrototype() {
  return Object.getPrototypeOf(file(''));
}

test('a tree that contains itself is an error', (t) => {
  const tree = { dir: { below: {} } };
  tree.dir.below.up = tree.dir;
  refuses(t, tree, 'ERR_INVALID_ARG_VALUE', `tree['dir']['below']['up']`);
  const twice = { text: 'text' };
  t.deepEqual(new MemoryFS({ a: twice, b: twice }).export(), {
    a: { text: bytes('text') },
    b: { text: bytes('text') },
  });
});

test('getters are called once, and what they throw is thrown unchanged', (t) => {
  let calls = 0;
  const memory = new MemoryFS({
    get a() {
      calls += 1;
      return { b: `${calls}` };
    },
  });
  t.is(calls, 1);
  t.is(memory.readFileSync('a/b', 'utf8'), '1');
  t.throws(
    () =>
      new MemoryFS({
        a: 'text',
        get b() {
          throw new SyntaxError('from the getter');
        },
      }),
    { instanceOf: SyntaxError, message: 'from the getter' },
  );
});

test('a getter may change the tree', (t) => {
  const content = bytes('before');
  const directory = { a: 'a' };
  const memory = new MemoryFS({
    content,
    get late() {
      content.fill(0);
      structuredClone(content.buffer, { transfer: [content.buffer] });
      directory.b = 'b';
      return '';
    },
    directory,
  });
  t.true([0, 6].includes(memory.statSync('content').size));
  t.deepEqual(memory.readdirSync('directory'), ['a', 'b']);
});

/** A directory that contains itself without end. */
const endless = () =>
  new Proxy({}, { ownKeys: () => ['next'], get: endless, ...ENUMERABLE });

const ENUMERABLE = {
  getOwnPropertyDescriptor: () => ({
    value: undefined,
    enumerable: true,
    configurable: true,
    writable: true,
  }),
};

test('exceeding the limits is ENOSPC', (t) => {
  const make = (tree, limits) => () => new MemoryFS(tree, limits);
  const code = 'ENOSPC';
  const full = t.throws(make({ 'lib/a': 'a' }, { maxFiles: 1 }), { code });
  t.is(full.path, '/lib/a');
  t.throws(make({ a: 'x'.repeat(1000) }, { maxBytes: 1000 }), { code });
  t.throws(make({ a: symlink('x'.repeat(1000)) }, { maxBytes: 1000 }), {
    code,
  });
  t.throws(make({ a: {} }, { maxBytes: 100 }), { code });
  t.throws(make(endless(), { maxFiles: 500 }), { code });
  const { usage } = new MemoryFS({ 'lib/a': 'a' });
  t.is(usage.files, 2);
  const { bytes: maxBytes, files: maxFiles } = usage;
  t.notThrows(make({ 'lib/a': 'a' }, { maxBytes, maxFiles }));
  t.throws(make({ 'lib/a': 'a' }, { maxBytes: maxBytes - 1 }), { code });
});

test('usage is 0 when it is empty, and 0 again after removal', (t) => {
  const memory = new MemoryFS();
  t.deepEqual(memory.usage, { bytes: 0, files: 0 });
  memory.writeFileSync('a', 'text');
  memory.mkdirSync('b');
  t.is(memory.usage.files, 2);
  memory.rmSync('a');
  memory.rmdirSync('b');
  t.deepEqual(memory.usage, { bytes: 0, files: 0 });
});

test('what file() and symlink() refuse', (t) => {
  for (const content of [undefined, null, 1, {}, [], file('')]) {
    t.throws(() => file(content), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "content" argument must be of type string or an instance/,
    });
  }
  for (const [options, code, message] of [
    [1, 'ERR_INVALID_ARG_TYPE', /"options" argument/],
    [{ mtime: 1 }, 'ERR_INVALID_ARG_TYPE', /"options.mtime" property/],
    [{ mtime: null }, 'ERR_INVALID_ARG_TYPE', /"options.mtime" property/],
    [{ mtime: new Date(NaN) }, 'ERR_INVALID_ARG_VALUE', /'options.mtime'/],
    [{ mtime: new Date(-1) }, 'ERR_OUT_OF_RANGE', /"options.mtime"/],
    [{ mtime: -1n }, 'ERR_OUT_OF_RANGE', /"options.mtime"/],
    [{ mtime: 2n ** 64n }, 'ERR_OUT_OF_RANGE', /"options.mtime"/],
    [{ mTime: 1n }, 'ERR_INVALID_ARG_VALUE', /'options.mTime' is unknown/],
  ]) {
    t.throws(() => file('', options), { code, message });
  }
  t.notThrows(() => file('', { mtime: 2n ** 64n - 1n }));
  for (const target of [undefined, null, 1, {}, new ArrayBuffer(1)]) {
    t.throws(() => symlink(target), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "target" argument must be of type string or an instance/,
    });
  }
  for (const target of ['', 'a\0b', 'x'.repeat(4096), new Uint8Array(0)]) {
    t.throws(() => symlink(target), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /^The argument 'target' must have from 1 to 4095 bytes/,
    });
  }
  t.notThrows(() => symlink('x'.repeat(4095)));
});

test('a key longer than a path may be is an error', (t) => {
  const depth = 2048;
  const deep = (depth, leaf) => {
    let tree = leaf;
    for (let i = 0; i < depth; i++) tree = { d: tree };
    return tree;
  };
  const longest = `${'d/'.repeat(depth - 1)}f`;
  t.is(longest.length, 4095);
  t.notThrows(() => new MemoryFS({ [longest]: '' }));
  t.notThrows(() => new MemoryFS(deep(depth - 1, { f: '' })));
  for (const tree of [
    { [`${longest}f`]: '' },
    { [`d/${longest}`]: '' },
    deep(depth, { f: '' }),
    deep(20_000, {}),
  ]) {
    const error = t.throws(() => new MemoryFS(tree), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /must lie at a path of at most 4095 bytes/,
    });
    t.regex(error.message, /'tree\['d/);
  }
});

test('detached bytes are refused', (t) => {
  const buffer = new ArrayBuffer(1);
  const view = new Uint8Array(buffer);
  const entry = file(view);
  structuredClone(buffer, { transfer: [buffer] });
  for (const value of [buffer, view, entry]) {
    t.throws(() => new MemoryFS({ dir: { a: value } }), {
      code: 'ERR_INVALID_ARG_VALUE',
      message: /'tree\['dir'\]\['a'\]' must not be detached, or out/,
    });
  }
  t.throws(() => file(view), { code: 'ERR_INVALID_ARG_VALUE' });
  t.notThrows(
    () => new MemoryFS({ a: new ArrayBuffer(0), b: new Uint8Array() }),
  );
});
