'use strict';

// File systems in memory over directories of the host, and applyTo().

const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');

const test = require('ava');

const { Image, MemoryFS } = require('..');
const { node } = require('./helpers/child');
const { NODE_MAJOR, WASI } = require('./helpers/compare');
const { scratch } = require('./helpers/guest');

/** A directory with files in it. */
function laid(t, files) {
  const root = scratch(t);
  for (const [name, content] of Object.entries(files)) {
    const to = path.join(root, name);
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.writeFileSync(to, content);
  }
  return root;
}

/** All that is in a directory of the host. */
function contentOf(root) {
  const names = fs.readdirSync(root, { recursive: true }).toSorted();
  const says = names.map((name) => {
    const at = path.join(root, name);
    const stat = fs.lstatSync(at);
    if (stat.isDirectory()) return [name, undefined];
    if (stat.isSymbolicLink()) return [name, `-> ${fs.readlinkSync(at)}`];
    return [name, fs.readFileSync(at, 'utf8')];
  });
  return Object.fromEntries(
    says.map(([name, said]) => [name.replaceAll('\\', '/'), said]),
  );
}

const FILES = { 'a.txt': 'text', 'lib/x.py': 'x = 1', 'lib/deep/y.py': 'y' };

// link(2) of other systems follows a link.
const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('a symbolic link with two names is one file', (t) => {
  const root = laid(t, { 'dir/file': '' });
  fs.symlinkSync('file', path.join(root, 'dir/link'));
  fs.linkSync(path.join(root, 'dir/link'), path.join(root, 'same'));
  const memory = MemoryFS.overlay(root);
  const { ino, nlink } = memory.lstatSync('/same');
  t.is(nlink, 2);
  memory.unlinkSync('/same');
  // Its directory is listed only now.
  t.like(memory.lstatSync('/dir/link'), { ino, nlink: 1 });
});

test('changes of a guest do not reach the directory', (t) => {
  const root = laid(t, FILES);
  const before = contentOf(root);
  const memory = MemoryFS.overlay(root);
  const wasi = new WASI({ version: 'preview1', preopens: { '/': memory } });
  t.is(wasi.fs.readFileSync('/lib/x.py', 'utf8'), 'x = 1');
  wasi.fs.appendFileSync('/lib/x.py', '!');
  wasi.fs.renameSync('/lib', '/moved');
  wasi.fs.unlinkSync('/a.txt');
  wasi.fs.mkdirSync('/new');
  t.is(wasi.fs.readFileSync('/moved/x.py', 'utf8'), 'x = 1!');
  t.is(wasi.fs.readFileSync('/moved/deep/y.py', 'utf8'), 'y');
  t.deepEqual(contentOf(root), before);
  t.deepEqual(memory.changes(), [
    { path: 'a.txt', type: 'removed', kind: 'file' },
    { path: 'moved', type: 'renamed', from: 'lib', kind: 'directory' },
    { path: 'moved/x.py', type: 'modified', kind: 'file' },
    { path: 'new', type: 'created', kind: 'directory' },
  ]);
  t.deepEqual(memory.usage.files, 1);
});

test('a large file is copied by chunk', (t) => {
  const root = laid(t, { big: 'x'.repeat(1_000_000) });
  const memory = MemoryFS.overlay(pathToFileURL(root), { maxBytes: 70_000 });
  const fd = memory.openSync('/big', 'r+');
  memory.writeSync(fd, 'y', 500_000);
  t.is(memory.usage.bytes, 65_536);
  memory.closeSync(fd);
  const content = `${'x'.repeat(500_000)}y${'x'.repeat(499_999)}`;
  t.true(memory.readFileSync('/big', 'utf8') === content);
  t.throws(() => memory.writeFileSync('/big', 'y', { flag: 'r+' }), {
    code: 'ENOSPC',
  });
});

test('an image of a directory is a copy', (t) => {
  const root = laid(t, FILES);
  const image = Image.fromDirectory(root);
  fs.writeFileSync(path.join(root, 'a.txt'), 'other');
  t.is(image.files, 5);
  t.is(new MemoryFS(image).readFileSync('/a.txt', 'utf8'), 'text');
  const memory = MemoryFS.overlay(root);
  memory.writeFileSync('/b.txt', 'b');
  const snapshot = memory.snapshot();
  fs.rmSync(path.join(root, 'lib'), { recursive: true });
  const copy = new MemoryFS(snapshot);
  t.is(copy.readFileSync('/lib/x.py', 'utf8'), 'x = 1');
  t.is(copy.readFileSync('/b.txt', 'utf8'), 'b');
});

test('what is not a directory of the host', (t) => {
  const root = laid(t, FILES);
  const none = path.join(root, 'none');
  for (const over of [MemoryFS.overlay, Image.fromDirectory]) {
    t.throws(() => over(none), { code: 'ENOENT', message: /none/ });
    t.throws(() => over(path.join(root, 'a.txt')), { code: 'ENOTDIR' });
    for (const wrong of [undefined, 1, {}, Buffer.from(root)]) {
      t.throws(() => over(wrong), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    t.throws(() => over('a\0b'), { code: 'ERR_INVALID_ARG_VALUE' });
  }
  const error = t.throws(() => new MemoryFS().applyTo(none));
  t.like(error, { code: 'ENOENT', syscall: 'open', path: none });
  t.throws(() => new MemoryFS().applyTo(), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => MemoryFS.overlay(root, { maxByte: 1 }), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
});

test('a file with the name of an option is a file', (t) => {
  t.deepEqual(new MemoryFS({ directory: '/' }).readdirSync('/'), ['directory']);
});

const onUnix = process.platform === 'win32' ? test.skip : test;

onUnix('no link leads out of the directory', (t) => {
  const outside = laid(t, { secret: 'secret' });
  const root = laid(t, { ...FILES, 'other/file': '' });
  fs.symlinkSync(outside, path.join(root, 'absolute'));
  fs.symlinkSync('../'.repeat(20), path.join(root, 'up'));
  const memory = MemoryFS.overlay(root);
  t.is(memory.readlinkSync('/absolute'), outside);
  t.throws(() => memory.readFileSync('/absolute/secret'), { code: 'ENOENT' });
  t.deepEqual(memory.readdirSync('/up'), memory.readdirSync('/'));
  // A link that replaces a directory later is not followed, either.
  t.true(memory.existsSync('/lib/deep'));
  fs.renameSync(path.join(root, 'lib'), path.join(root, 'old'));
  fs.symlinkSync(outside, path.join(root, 'lib'));
  // The directory that was opened last stays open.
  t.deepEqual(memory.readdirSync('/other'), ['file']);
  t.throws(() => memory.readFileSync('/lib/x.py'), { code: 'ENOTDIR' });
  t.throws(() => memory.readdirSync('/lib/deep'), { code: 'ENOTDIR' });
});

onUnix('devices and FIFOs below are left out', (t) => {
  const { execFileSync } = require('node:child_process');
  const root = laid(t, FILES);
  execFileSync('mkfifo', [path.join(root, 'fifo')]);
  const memory = MemoryFS.overlay(root);
  t.deepEqual(memory.readdirSync('/').toSorted(), ['a.txt', 'lib']);
});

test('applyTo() applies the changes to a directory', (t) => {
  const root = laid(t, { ...FILES, 'gone/x': '', kept: 'kept' });
  const memory = MemoryFS.overlay(root);
  memory.writeFileSync('/lib/x.py', 'x = 2');
  memory.renameSync('/a.txt', '/b.txt');
  memory.rmSync('/gone', { recursive: true });
  memory.mkdirSync('/new/dir', { recursive: true });
  memory.renameSync('/lib/deep', '/new/deep');
  memory.writeFileSync('/new/dir/file', 'new');
  memory.linkSync('/new/dir/file', '/new/same');
  memory.utimesSync('/new/dir/file', 5, 7);
  memory.writeFileSync('/sparse', 'x');
  memory.truncateSync('/sparse', 2 ** 30);
  memory.applyTo(root);
  t.is(fs.statSync(path.join(root, 'sparse')).size, 2 ** 30);
  fs.rmSync(path.join(root, 'sparse'));
  t.deepEqual(contentOf(root), {
    'b.txt': 'text',
    kept: 'kept',
    lib: undefined,
    'lib/x.py': 'x = 2',
    new: undefined,
    'new/deep': undefined,
    'new/deep/y.py': 'y',
    'new/dir': undefined,
    'new/dir/file': 'new',
    'new/same': 'new',
  });
  const stat = fs.statSync(path.join(root, 'new/dir/file'));
  t.deepEqual([stat.mtimeMs, stat.nlink], [7000, 2]);
});

onUnix(
  'files of the host keep their permissions, without S_ISUID and S_ISGID',
  (t) => {
    const files = {
      'run.sh': '#!',
      secret: 's',
      'private/key': 'k',
      'private/sub/x': 'x',
      set: '',
      untouched: '',
      replaced: '',
    };
    const modes = {
      'run.sh': 0o775,
      secret: 0o600,
      set: 0o6755,
      'private/key': 0o400,
      'private/sub': 0o555,
      private: 0o700,
      untouched: 0o640,
      replaced: 0o640,
    };
    const [here, there] = [laid(t, files), laid(t, {})];
    for (const [name, mode] of Object.entries(modes)) {
      fs.chmodSync(path.join(here, name), mode);
    }
    const memory = MemoryFS.overlay(here);
    memory.appendFileSync('/run.sh', ' sh');
    memory.writeFileSync('/secret', 'others');
    memory.writeFileSync('/set', 'another');
    memory.renameSync('/private', '/moved');
    memory.mkdirSync('/dir');
    memory.writeFileSync('/dir/new', '');
    memory.writeFileSync('/other', '');
    memory.renameSync('/other', '/replaced');
    const umask = process.umask();
    const expected = {
      'run.sh': 0o775,
      secret: 0o600,
      set: 0o755,
      moved: 0o700,
      'moved/key': 0o400,
      'moved/sub': 0o555,
      dir: 0o777 & ~umask,
      'dir/new': 0o666 & ~umask,
      replaced: 0o666 & ~umask,
    };
    const told = (root) =>
      Object.fromEntries(
        Object.keys(expected).map((name) => [
          name,
          fs.statSync(path.join(root, name)).mode & 0o7777,
        ]),
      );
    const archive = path.join(scratch(t), 'changes.tar');
    fs.writeFileSync(archive, memory.toTar({ changes: true }));
    memory.applyTo(there);
    t.deepEqual(told(there), expected);
    memory.applyTo(here);
    t.deepEqual(told(here), expected);
    t.is(fs.statSync(path.join(here, 'untouched')).mode & 0o7777, 0o640);
    // An archive has the same modes; new files have the usual ones.
    const { execFileSync } = require('node:child_process');
    const unpacked = scratch(t);
    execFileSync('tar', ['-xpf', archive, '-C', unpacked]);
    t.deepEqual(told(unpacked), {
      ...expected,
      dir: 0o755,
      'dir/new': 0o644,
      replaced: 0o644,
    });
    // So that it can be removed.
    for (const root of [here, there, unpacked]) {
      fs.chmodSync(path.join(root, 'moved/sub'), 0o755);
    }
  },
);

test('applyTo() with names that were swapped', (t) => {
  const root = laid(t, { a: 'a', b: 'b', 'd/x': 'd', 'e/x': 'e' });
  const memory = MemoryFS.overlay(root);
  for (const [one, other] of [
    ['a', 'b'],
    ['d', 'e'],
  ]) {
    memory.renameSync(one, 'tmp');
    memory.renameSync(other, one);
    memory.renameSync('tmp', other);
  }
  memory.applyTo(root);
  t.deepEqual(contentOf(root), {
    a: 'b',
    b: 'a',
    d: undefined,
    'd/x': 'e',
    e: undefined,
    'e/x': 'd',
  });
});

test('applyTo() writes everything that was made in memory', (t) => {
  const root = scratch(t);
  new MemoryFS(FILES).applyTo(root);
  t.deepEqual(contentOf(root), {
    'a.txt': 'text',
    lib: undefined,
    'lib/deep': undefined,
    'lib/deep/y.py': 'y',
    'lib/x.py': 'x = 1',
  });
  // And once more, over the result.
  new MemoryFS({ 'a.txt': 'other' }).applyTo(root);
  t.is(fs.readFileSync(path.join(root, 'a.txt'), 'utf8'), 'other');
});

onUnix('applyTo() follows no link, and removes nothing outside', (t) => {
  const outside = laid(t, { file: 'outside', 'dir/file': 'outside' });
  const before = contentOf(outside);
  const root = laid(t, { 'lib/file': '', 'dir/file': '' });
  const memory = MemoryFS.overlay(root);
  memory.writeFileSync('/lib/file', 'changed');
  memory.unlinkSync('/dir/file');
  fs.rmSync(path.join(root, 'lib'), { recursive: true });
  fs.symlinkSync(outside, path.join(root, 'lib'));
  const error = t.throws(() => memory.applyTo(root));
  t.true(['ENOTDIR', 'ELOOP'].includes(error.code), error.code);
  t.deepEqual(contentOf(outside), before);
  t.false(fs.readdirSync(root).some((name) => name.startsWith('.wasi-rs')));

  // A link in the place of a removed file is removed, not followed.
  const other = laid(t, { 'dir/file': '' });
  const over = MemoryFS.overlay(other);
  over.rmSync('/dir', { recursive: true });
  fs.rmSync(path.join(other, 'dir'), { recursive: true });
  fs.symlinkSync(outside, path.join(other, 'dir'));
  over.applyTo(other);
  t.deepEqual(contentOf(other), {});
  t.deepEqual(contentOf(outside), before);
});

test('an error of applyTo() names the path, and no file is written in part', (t) => {
  const root = laid(t, { 'a/file': 'there', b: 'there' });
  const memory = new MemoryFS({ a: 'file', b: 'new' });
  const error = t.throws(() => memory.applyTo(root));
  t.like(error, { syscall: 'write', path: path.join(root, 'a') });
  t.is(fs.readFileSync(path.join(root, 'a/file'), 'utf8'), 'there');
  t.deepEqual(fs.readdirSync(root).toSorted(), ['a', 'b']);
});

test('Node’s permission model withholds directories of the host', (t) => {
  const root = laid(t, FILES);
  const program = `
    const { Image, MemoryFS } = require(${JSON.stringify(path.join(__dirname, '..'))});
    const says = [
      () => MemoryFS.overlay('.'),
      () => Image.fromDirectory('.'),
      () => new MemoryFS().applyTo('.'),
    ].map((call) => { try { call(); return 'done'; } catch ({ code }) { return code; } });
    console.log(says.join());
  `;
  const args = [
    NODE_MAJOR >= 22 ? '--permission' : '--experimental-permission',
    '--no-warnings',
    '--allow-addons',
    '--allow-fs-read=*',
    '-e',
    program,
  ];
  const { stdout } = node(args, { cwd: root });
  const denied = Array(3).fill('ERR_ACCESS_DENIED').join();
  t.is(stdout.trim(), denied);
});
