'use strict';

// File systems in memory, for guests and for their host.

const { inspect } = require('node:util');

const test = require('ava');

const { MemoryFS } = require('..');
const { WASI } = require('./helpers/compare');
const { INTERFACE } = require('../lib/fs/interface');

const guestOf = (preopens) => new WASI({ version: 'preview1', preopens });

test('it has the functions of wasi.fs, without a receiver', (t) => {
  const memory = new MemoryFS();
  const { fs } = guestOf({ '/': memory });
  t.deepEqual(Object.keys(fs).sort(), INTERFACE.toSorted());
  for (const name of INTERFACE) t.is(typeof memory[name], typeof fs[name]);
  const { readFileSync, writeFileSync } = memory;
  writeFileSync('a.txt', 'text');
  t.is(readFileSync('/a.txt', 'utf8'), 'text');
});

test('it is a preopen, or a directory in it is', (t) => {
  const memory = new MemoryFS();
  memory.mkdirSync('/lib/deep', { recursive: true });
  memory.writeFileSync('/lib/deep/file', 'text');
  memory.symlinkSync('/lib/deep', '/link');
  const { fs } = guestOf({
    '/all': memory,
    '/whole': { fs: memory },
    '/deep': { fs: memory, path: 'lib/deep' },
    '/link': { fs: memory, path: '/link/' },
  });
  const files = [
    '/all/lib/deep/file',
    '/whole/lib/deep/file',
    '/deep/file',
    '/link/file',
  ];
  for (const file of files) t.is(fs.readFileSync(file, 'utf8'), 'text');
});

for (const [path, code] of Object.entries({
  '/none': 'UVWASI_ENOENT',
  '': 'UVWASI_ENOENT',
  '/file/': 'UVWASI_ENOTDIR',
  '/loop': 'UVWASI_ELOOP',
})) {
  test(`${path || 'an empty path'} in it is refused`, (t) => {
    const memory = new MemoryFS();
    memory.writeFileSync('/file', '');
    memory.symlinkSync('loop', '/loop');
    t.throws(() => guestOf({ '/x': { fs: memory, path } }), {
      code,
      message: `${code}, uvwasi_init`,
    });
    try {
      guestOf({ '/x': { fs: memory, path } });
    } catch (error) {
      t.like(error, { path, dest: '/x', syscall: 'uvwasi_init' });
    }
  });
}

for (const fs of [null, 3, 'memory', {}, () => {}, new (class MemoryFS {})()]) {
  test(`refused as a file system: ${inspect(fs)}`, (t) => {
    t.throws(() => guestOf({ '/x': { fs } }), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_TYPE',
      message: /^The "options\.preopens\['\/x'\]\.fs" property must be /,
    });
  });
}

test('what is read-only for a guest is so by every name', (t) => {
  const memory = new MemoryFS();
  memory.mkdirSync('/a/b', { recursive: true });
  const { fs } = guestOf({
    '/rw': memory,
    '/ro': { fs: memory, path: '/a', readOnly: true },
    '/again': { fs: memory, path: '/a/b', rights: ['path_open'] },
  });
  fs.mkdirSync('/rw/c');
  for (const path of ['/ro/x', '/ro/b/x', '/rw/a/x', '/rw/c/../a/b/x']) {
    t.throws(() => fs.mkdirSync(path), { code: 'EROFS' }, path);
  }
  for (const path of ['/again', '/ro/b', '/rw/a/b']) {
    t.throws(() => fs.readdirSync(path), { code: 'EACCES' }, path);
  }
  t.deepEqual(fs.readdirSync('/rw/a'), ['b']);
  t.deepEqual(memory.readdirSync('/a'), ['b']);
});

test('two guests share it', (t) => {
  const memory = new MemoryFS();
  const [one, other] = [guestOf({ '/': memory }), guestOf({ '/m': memory })];
  one.fs.writeFileSync('/file', 'text');
  t.is(other.fs.readFileSync('/m/file', 'utf8'), 'text');
  one.close();
  t.is(other.fs.readFileSync('/m/file', 'utf8'), 'text');
  t.is(memory.readFileSync('/file', 'utf8'), 'text');
});

for (const name of ['maxBytes', 'maxFiles']) {
  test(`${name} is a whole number from 0`, (t) => {
    const make = (value) => () => new MemoryFS(undefined, { [name]: value });
    for (const value of ['1', 1n, null, {}]) {
      t.throws(make(value), {
        code: 'ERR_INVALID_ARG_TYPE',
        message: new RegExp(`"limits.${name}"`),
      });
    }
    for (const value of [-1, 0.5, NaN, -Infinity, 2 ** 53]) {
      t.throws(make(value), {
        code: 'ERR_OUT_OF_RANGE',
        message: new RegExp(`"limits.${name}"`),
      });
    }
    for (const value of [undefined, 0, 2 ** 53 - 1, Infinity]) {
      t.notThrows(make(value));
    }
    t.throws(() => make(0)().writeFileSync('x', 'x'), { code: 'ENOSPC' });
    t.notThrows(() => make(Infinity)().writeFileSync('x', 'x'));
  });
}

test('an unknown limit is an error', (t) => {
  t.throws(() => new MemoryFS(undefined, { maxbytes: 1 }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^The property 'limits.maxbytes' is unknown/,
  });
});

test('removing or renaming a preopen is EBUSY', (t) => {
  const memory = new MemoryFS({ dir: {}, file: 'text' });
  const { fs } = guestOf({
    '/': memory,
    '/other': new MemoryFS(),
    '/ro': { fs: new MemoryFS(), readOnly: true },
  });
  const alone = guestOf({ '/sandbox': new MemoryFS() }).fs;
  for (const remove of [
    () => memory.rmdirSync('/'),
    () => memory.rmdirSync('//'),
    () => fs.rmdirSync('/'),
    () => fs.rmdirSync('/other'),
    () => fs.rmdirSync('/ro'),
    () => alone.rmdirSync('/sandbox/'),
  ]) {
    t.throws(remove, { code: 'EBUSY' });
  }
  for (const path of ['.', '/.', '/dir/.']) {
    t.throws(() => memory.rmdirSync(path), { code: 'EINVAL' });
  }
  t.throws(() => memory.linkSync('/file', '/'), { code: 'EEXIST' });
  t.throws(() => memory.rmSync('/', { recursive: true }), { code: 'EBUSY' });
  t.deepEqual(memory.readdirSync('/'), []);
});
