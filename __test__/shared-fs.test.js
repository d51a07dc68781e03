'use strict';

// wasi.fs of one guest as a preopen of another.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { MemoryFS, WASI, file } = require('..');
const { scratch } = require('./helpers/guest');

const guestOf = (preopens) => new WASI({ version: 'preview1', preopens });

/** A directory of the host with one more below it, and a link that leads out. */
function lay(t) {
  const root = path.join(scratch(t), 'root');
  fs.mkdirSync(path.join(root, 'dir/sub'), { recursive: true });
  fs.writeFileSync(path.join(root, 'dir/file'), 'text');
  fs.writeFileSync(path.join(root, '../outside'), 'secret');
  fs.symlinkSync('../outside', path.join(root, 'out'));
  fs.symlinkSync('/dir/file', path.join(root, 'absolute'));
  fs.symlinkSync('dir', path.join(root, 'link'));
  return root;
}

for (const [name, preopenOf] of Object.entries({
  'a directory of the host': (t) => lay(t),
  'a file system in memory': () => {
    const memory = new MemoryFS({ 'dir/file': 'text', 'dir/sub': {} });
    memory.symlinkSync('../outside', '/out');
    memory.symlinkSync('/dir/file', '/absolute');
    memory.symlinkSync('dir', '/link');
    return memory;
  },
})) {
  test(`two guests share ${name}`, (t) => {
    const one = guestOf({ '/': preopenOf(t) });
    const other = guestOf({ '/theirs': one.fs }).fs;
    t.is(other.readFileSync('/theirs/dir/file', 'utf8'), 'text');
    t.is(other.readFileSync('/theirs/link/sub/../file', 'utf8'), 'text');
    t.deepEqual(other.readdirSync('/theirs/dir'), ['file', 'sub']);
    t.is(other.readlinkSync('/theirs/link'), 'dir');
    t.throws(() => other.readFileSync('/theirs/out'), { code: 'EACCES' });
    // The path is looked up in its own namespace, where it does not exist.
    t.throws(() => other.readFileSync('/theirs/absolute'), { code: 'EACCES' });

    other.writeFileSync('/theirs/dir/new', 'new');
    other.appendFileSync('/theirs/dir/new', ', and more');
    other.mkdirSync('/theirs/made');
    other.renameSync('/theirs/dir/new', '/theirs/made/new');
    other.linkSync('/theirs/made/new', '/theirs/made/same');
    other.symlinkSync('new', '/theirs/made/link');
    other.utimesSync('/theirs/made/new', 1, 2);
    other.truncateSync('/theirs/made/new', 3);
    t.is(one.fs.readFileSync('/made/link', 'utf8'), 'new');
    const { ino, mtimeMs } = one.fs.statSync('/made/new');
    t.is(other.statSync('/theirs/made/same').ino, ino);
    t.true(mtimeMs > 2000);
    t.throws(() => other.rmdirSync('/theirs/made'), { code: 'ENOTEMPTY' });
    other.rmSync('/theirs/made', { recursive: true });
    t.false(one.fs.existsSync('/made'));

    const fd = other.openSync('/theirs/dir/file');
    one.fs.unlinkSync('/dir/file');
    t.is(other.readFileSync(fd, 'utf8'), 'text');
    one.close();
    t.deepEqual(other.readdirSync('/theirs/dir'), ['sub']);
    t.throws(() => guestOf({ '/': one.fs }), { code: 'ERR_WASI_CLOSED' });
  });
}

test('mounts in it are visible, and its rights limit those of the other guest', (t) => {
  const root = lay(t);
  const memory = new MemoryFS({ note: 'in memory' });
  const one = guestOf({
    '/': root,
    '/dir/sub': { path: path.join(root, 'dir/sub'), readOnly: true },
    '/dir/memory': { fs: memory, readOnly: true },
    '/dir/app.json': file('{}'),
  });
  const other = guestOf({ '/theirs': one.fs }).fs;
  t.deepEqual(other.readdirSync('/theirs/dir'), [
    ...['app.json', 'file', 'memory', 'sub'],
  ]);
  t.is(other.readFileSync('/theirs/dir/memory/note', 'utf8'), 'in memory');
  t.is(other.readFileSync('/theirs/dir/memory/../file', 'utf8'), 'text');
  t.is(other.readFileSync('/theirs/dir/app.json', 'utf8'), '{}');
  for (const at of ['/theirs/dir/memory', '/theirs/dir/sub']) {
    t.throws(() => other.writeFileSync(`${at}/new`, ''), { code: 'EROFS' }, at);
    t.throws(() => other.mkdirSync(`${at}/new`), { code: 'EROFS' }, at);
    t.throws(() => other.utimesSync(at, 1, 1), { code: 'EROFS' }, at);
  }
  const fd = other.openSync('/theirs/dir/memory/note');
  t.throws(() => other.futimesSync(fd, 1, 1), { code: 'EROFS' });
  t.throws(() => other.rmdirSync('/theirs/dir/memory'), { code: 'EBUSY' });
  t.throws(() => other.renameSync('/theirs/dir/file', '/theirs/dir/sub/x'), {
    code: 'EROFS',
  });
});

test('a path in it, for a guest with several preopens', (t) => {
  const one = guestOf({
    '/a': new MemoryFS({ x: 'a' }),
    '/b': { fs: new MemoryFS({ 'deep/x': 'b' }), readOnly: true },
  });
  const other = guestOf({
    '/x': { fs: one.fs, path: '/b/deep' },
    '/y': { fs: one.fs, path: '/a', readOnly: true },
  }).fs;
  t.is(other.readFileSync('/x/x', 'utf8'), 'b');
  t.is(other.readFileSync('/y/x', 'utf8'), 'a');
  for (const at of ['/x', '/y']) {
    t.throws(() => other.writeFileSync(`${at}/new`, ''), { code: 'EROFS' });
  }
  t.throws(() => guestOf({ '/z': one.fs }), { code: 'UVWASI_ENOENT' });
  t.throws(() => guestOf({ '/z': { fs: one.fs, path: '/b/x' } }), {
    code: 'UVWASI_ENOENT',
  });
  t.throws(() => guestOf({ '/z': { fs: one.fs, path: '/b/../..' } }), {
    code: 'UVWASI_ENOTCAPABLE',
  });
});

test('what is read-only for a guest stays read-only through another guest', (t) => {
  const root = lay(t);
  const one = guestOf({ '/': root });
  const other = guestOf({
    '/theirs': one.fs,
    '/ours': { path: path.join(root, 'dir'), readOnly: true },
  }).fs;
  other.mkdirSync('/theirs/new');
  for (const at of ['/ours/new', '/theirs/dir/new', '/theirs/link/new']) {
    t.throws(() => other.mkdirSync(at), { code: 'EROFS' }, at);
  }
});
