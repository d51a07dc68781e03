'use strict';

// Images: how they are made and shared, and file systems over them.

const { execFileSync, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { Worker } = require('node:worker_threads');
const zlib = require('node:zlib');

const test = require('ava');

const { Image, MemoryFS, file, symlink } = require('..');
const { ROOT } = require('./helpers/child');
const { WASI } = require('./helpers/compare');
const { scratch } = require('./helpers/guest');

const TREE = {
  'a.txt': 'text',
  'lib/x.py': file('x = 1', { mtime: 7n }),
  'lib/deep/y.py': 'y',
  link: symlink('lib/x.py'),
};

/** What is in an image, or in a file system. */
function contentOf(base) {
  const memory = base instanceof MemoryFS ? base : new MemoryFS(base);
  const names = memory.readdirSync('/', { recursive: true }).toSorted();
  return names.map((name) => {
    const stat = memory.lstatSync(name);
    if (stat.isDirectory()) return `${name}/`;
    if (stat.isSymbolicLink()) return `${name} -> ${memory.readlinkSync(name)}`;
    return `${name}: ${memory.readFileSync(name, 'utf8')}`;
  });
}

const CONTENT = [
  'a.txt: text',
  'lib/',
  'lib/deep/',
  'lib/deep/y.py: y',
  'lib/x.py: x = 1',
  'link -> lib/x.py',
];

test('an image of a tree', (t) => {
  const image = Image.from(TREE);
  t.is(image.files, 6);
  t.is(image.bytes, 10);
  t.deepEqual(contentOf(image), CONTENT);
  const { mtimeNs } = new MemoryFS(image).statSync('/link', { bigint: true });
  t.is(mtimeNs, 7n);
  t.throws(() => Image.from(), { code: 'ERR_INVALID_ARG_TYPE' });
  t.throws(() => Image.from({ '..': '' }), { code: 'ERR_INVALID_ARG_VALUE' });
  t.throws(() => new Image(), { code: 'ERR_ILLEGAL_CONSTRUCTOR' });
});

test('a guest reads an image, and cannot change it', (t) => {
  const image = Image.from(TREE);
  for (const preopens of [{ '/': image }, { '/': { fs: image } }]) {
    const wasi = new WASI({ version: 'preview1', preopens });
    t.is(wasi.fs.readFileSync('/link', 'utf8'), 'x = 1');
    for (const change of [
      () => wasi.fs.writeFileSync('/a.txt', ''),
      () => wasi.fs.unlinkSync('/a.txt'),
      () => wasi.fs.truncateSync('/a.txt'),
      () => wasi.fs.mkdirSync('/new'),
      () => wasi.fs.renameSync('/a.txt', '/b.txt'),
      () => wasi.fs.utimesSync('/a.txt', 1, 1),
    ]) {
      t.true(['EACCES', 'EROFS'].includes(t.throws(change).code));
    }
  }
  const lib = new WASI({
    version: 'preview1',
    preopens: { '/': { fs: image, path: 'lib' } },
  });
  t.deepEqual(lib.fs.readdirSync('/'), ['deep', 'x.py']);
  t.deepEqual(contentOf(image), CONTENT);
});

test('writes to an overlay change neither its image nor other overlays', (t) => {
  const image = Image.from(TREE);
  const [one, other] = [new MemoryFS(image), new MemoryFS(image)];
  t.deepEqual(one.usage, { bytes: 0, files: 0 });
  one.appendFileSync('/lib/x.py', '!');
  one.rmSync('/lib/deep', { recursive: true });
  one.renameSync('/lib', '/moved');
  t.deepEqual(contentOf(one), [
    'a.txt: text',
    'link -> lib/x.py',
    'moved/',
    'moved/x.py: x = 1!',
  ]);
  t.deepEqual(contentOf(other), CONTENT);
  t.deepEqual(contentOf(image), CONTENT);
});

test('limits do not count what is in the image', (t) => {
  const image = Image.from({ big: 'x'.repeat(100_000) });
  const memory = new MemoryFS(image, { maxBytes: 70_000, maxFiles: 0 });
  memory.writeFileSync('/big', 'y', { flag: 'r+' });
  t.is(memory.usage.bytes, 65_536);
  t.throws(() => memory.writeFileSync('/new', ''), { code: 'ENOSPC' });
  memory.unlinkSync('/big');
  t.is(memory.usage.bytes, 0);
});

test('changes() are the differences from the image', (t) => {
  const memory = new MemoryFS(Image.from(TREE));
  t.deepEqual(memory.changes(), []);
  memory.writeFileSync('/lib/new', '');
  memory.renameSync('/a.txt', '/lib/a.txt');
  memory.appendFileSync('/lib/x.py', '!');
  memory.unlinkSync('/link');
  memory.mkdirSync('/dir');
  t.deepEqual(memory.changes(), [
    { path: 'dir', type: 'created', kind: 'directory' },
    { path: 'lib/a.txt', type: 'renamed', from: 'a.txt', kind: 'file' },
    { path: 'lib/new', type: 'created', kind: 'file' },
    { path: 'lib/x.py', type: 'modified', kind: 'file' },
    { path: 'link', type: 'removed', kind: 'symlink' },
  ]);
  const made = new MemoryFS({ a: '', b: {} });
  t.deepEqual(made.changes(), [
    { path: 'a', type: 'created', kind: 'file' },
    { path: 'b', type: 'created', kind: 'directory' },
  ]);
});

test('a path of more than 4,095 bytes is an error', (t) => {
  const memory = new MemoryFS();
  const name = 'n'.repeat(200);
  let to = '';
  for (let depth = 0; depth < 20; depth++) {
    to += `/${name}`;
    memory.mkdirSync(to);
  }
  memory.mkdirSync('/top');
  memory.renameSync(`/${name}`, `/top/${name}`);
  t.notThrows(() => memory.changes());
  memory.mkdirSync('/more');
  memory.renameSync('/top', `/more/${name}`);
  for (const call of ['changes', 'toTar']) {
    t.throws(() => memory[call](), { code: 'ENAMETOOLONG' });
  }
  t.is(memory.snapshot().files, 22);
});

test('an archive that exceeds maxBytes, or the memory', (t) => {
  const memory = new MemoryFS({ sparse: '' });
  memory.truncateSync('/sparse', 2 ** 42);
  t.throws(() => memory.toTar(), { code: 'EFBIG' });
  const limits = { maxBytes: Infinity };
  t.throws(() => memory.toTar(limits), { code: 'ENOSPC' });
  t.throws(() => memory.snapshot().toTar(limits), { code: 'ENOSPC' });
});

test('a snapshot does not change', (t) => {
  const memory = new MemoryFS(TREE);
  const before = memory.snapshot();
  memory.writeFileSync('/a.txt', 'other');
  const after = memory.snapshot();
  t.deepEqual(contentOf(before), CONTENT);
  t.deepEqual(contentOf(after), ['a.txt: other', ...CONTENT.slice(1)]);
});

test('Image.open() opens an image by its handle', async (t) => {
  const image = Image.from(TREE);
  t.is(typeof image.handle, 'bigint');
  t.is(image.handle, image.handle);
  t.deepEqual(contentOf(Image.open(image.handle)), CONTENT);
  t.not(Image.from(TREE).handle, image.handle);
  for (const none of [0n, -1n, image.handle + 1n, image.handle + 2n ** 64n]) {
    t.throws(() => Image.open(none), { code: 'ERR_INVALID_ARG_VALUE' });
  }
  t.throws(() => Image.open(1), { code: 'ERR_INVALID_ARG_TYPE' });

  const work = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { Image, MemoryFS } = require(workerData.index);
    const memory = new MemoryFS(Image.open(workerData.handle));
    for (let i = 0; i < 100; i++) {
      memory.appendFileSync('/a.txt', String(workerData.number));
      memory.readFileSync('/lib/x.py');
    }
    parentPort.postMessage(memory.readFileSync('/a.txt', 'utf8'));
  `;
  const inWorker = (number) =>
    new Promise((resolve, reject) => {
      const index = path.join(ROOT, 'index.js');
      const workerData = { index, handle: image.handle, number };
      const worker = new Worker(work, { eval: true, workerData });
      worker.once('message', resolve).once('error', reject);
    });
  const said = await Promise.all([1, 2, 3, 4].map(inWorker));
  t.deepEqual(
    said,
    [1, 2, 3, 4].map((number) => `text${String(number).repeat(100)}`),
  );
  t.deepEqual(contentOf(image), CONTENT);
});

test('a tar archive of everything can be read again', (t) => {
  const memory = new MemoryFS(TREE);
  memory.linkSync('/a.txt', '/same');
  memory.mkdirSync('/empty');
  memory.writeFileSync(`/${'n'.repeat(150)}é`, 'long');
  const tar = memory.toTar();
  t.true(Buffer.isBuffer(tar));
  const back = new MemoryFS(Image.fromTar(tar));
  t.deepEqual(contentOf(back), contentOf(memory));
  t.is(back.statSync('/same').nlink, 2);
  const mtime = (of) => of.statSync('/a.txt', { bigint: true }).mtimeNs;
  t.is(mtime(back), mtime(memory));
  t.deepEqual(Image.fromTar(tar).toTar(), back.toTar());
  t.throws(() => memory.toTar({ maxBytes: tar.length - 1 }), { code: 'EFBIG' });
  memory.truncateSync('/a.txt', 2 ** 43);
  t.throws(() => memory.toTar(), { code: 'EFBIG' });
});

test('a tar archive of the changes is a layer', (t) => {
  const memory = new MemoryFS(Image.from(TREE));
  memory.rmSync('/lib/deep', { recursive: true });
  memory.unlinkSync('/link');
  memory.appendFileSync('/a.txt', '!');
  const layer = Image.fromTar(memory.toTar({ changes: true }));
  t.deepEqual(contentOf(layer), [
    '.wh.link: ',
    'a.txt: text!',
    'lib/',
    'lib/.wh.deep: ',
  ]);
});

for (const [what, tree, change] of [
  ['made', { a: '' }, (memory) => memory.writeFileSync('/.wh.a', '')],
  ['made as a directory', {}, (memory) => memory.mkdirSync('/.wh..wh..opq')],
  ['removed', { '.wh..opq': '' }, (memory) => memory.unlinkSync('/.wh..opq')],
  [
    'above',
    { '.wh.a': { b: '' } },
    (memory) => memory.writeFileSync('/.wh.a/b', 'b'),
  ],
]) {
  test(`a layer refuses a name that would be a whiteout: ${what}`, (t) => {
    const memory = new MemoryFS(Image.from(tree));
    change(memory);
    t.throws(() => memory.toTar({ changes: true }), { code: 'EINVAL' });
    t.notThrows(() => memory.toTar());
  });
}

test('a layer has one whiteout for a removed directory', (t) => {
  const memory = new MemoryFS(
    Image.from({
      a: { f: '1', deep: { g: '2' } },
      'a-b': '',
      moved: { h: '' },
    }),
  );
  memory.renameSync('/a/f', '/f');
  memory.renameSync('/a/deep/g', '/g');
  memory.rmSync('/a', { recursive: true });
  memory.unlinkSync('/a-b');
  memory.unlinkSync('/moved/h');
  memory.renameSync('/moved', '/m');
  const layer = Image.fromTar(memory.toTar({ changes: true }));
  t.deepEqual(contentOf(layer), [
    '.wh.a: ',
    '.wh.a-b: ',
    '.wh.moved: ',
    'f: 1',
    'g: 2',
    'm/',
  ]);
});

/** The tree as files of the host. */
function layTree(t) {
  const root = scratch(t);
  fs.mkdirSync(path.join(root, 'lib/deep'), { recursive: true });
  fs.writeFileSync(path.join(root, 'a.txt'), 'text');
  fs.writeFileSync(path.join(root, 'lib/x.py'), 'x = 1');
  fs.writeFileSync(path.join(root, 'lib/deep/y.py'), 'y');
  fs.symlinkSync('lib/x.py', path.join(root, 'link'));
  return root;
}

/** Whether a program is there. */
function has(program, ...args) {
  return spawnSync(program, args).status === 0;
}

const TAR = has('tar', '--version');
const GNU_TAR =
  TAR && String(execFileSync('tar', ['--version'])).includes('GNU');

const onUnix = process.platform === 'win32' ? test.skip : test;

for (const format of ['v7', 'ustar', 'gnu', 'oldgnu', 'pax']) {
  (GNU_TAR ? onUnix : test.skip)(`an archive of GNU tar, ${format}`, (t) => {
    const root = layTree(t);
    const archive = path.join(scratch(t), 'a.tar');
    const args = [`--format=${format}`, '-cf', archive, '-C', root, '.'];
    execFileSync('tar', args);
    t.deepEqual(contentOf(Image.fromTar(archive)), CONTENT);
    t.deepEqual(contentOf(Image.fromTar(pathToFileURL(archive))), CONTENT);
  });
}

(GNU_TAR ? onUnix : test.skip)('tar reads the archives of toTar()', (t) => {
  const archive = path.join(scratch(t), 'a.tar');
  const memory = new MemoryFS(TREE);
  const name = 'n'.repeat(150);
  memory.writeFileSync(`/${name}`, 'long');
  fs.writeFileSync(archive, memory.toTar());
  const out = scratch(t);
  execFileSync('tar', ['-xf', archive, '-C', out]);
  t.is(fs.readFileSync(path.join(out, name), 'utf8'), 'long');
  t.is(fs.readFileSync(path.join(out, 'link'), 'utf8'), 'x = 1');
});

test('a compressed tar archive', (t) => {
  const tar = Image.from(TREE).toTar();
  t.deepEqual(contentOf(Image.fromTar(zlib.gzipSync(tar))), CONTENT);
  if (zlib.zstdCompressSync) {
    const packed = zlib.zstdCompressSync(tar);
    t.deepEqual(contentOf(Image.fromTar(packed)), CONTENT);
  } else {
    const packed = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]);
    t.throws(() => Image.fromTar(packed), { message: /has no zstd/ });
  }
  const cut = zlib.gzipSync(tar).subarray(0, 50);
  t.throws(() => Image.fromTar(cut), { code: 'ERR_WASI_INVALID_ARCHIVE' });
  const bomb = zlib.gzipSync(Buffer.alloc(2 ** 24));
  const error = t.throws(() => Image.fromTar(bomb, { maxBytes: 1000 }));
  t.is(error.code, 'ERR_WASI_INVALID_ARCHIVE');
  t.regex(error.message, /more than the 1000 bytes allowed/);
});

const ZIP = has('zip', '-h');
const PYTHON = has('python3', '--version');

for (const level of ['-0', '-9']) {
  (ZIP ? onUnix : test.skip)(`an archive of zip ${level}`, (t) => {
    const root = layTree(t);
    const archive = path.join(scratch(t), 'a.zip');
    execFileSync('zip', ['-qry', level, archive, '.'], { cwd: root });
    t.deepEqual(contentOf(Image.fromZip(archive)), CONTENT);
    t.deepEqual(contentOf(Image.fromZip(fs.readFileSync(archive))), CONTENT);
  });
}

(PYTHON ? onUnix : test.skip)('archives that Python made', (t) => {
  const root = layTree(t);
  const out = scratch(t);
  const make = `
import tarfile, zipfile, sys, os
for format in 'USTAR', 'GNU', 'PAX':
    with tarfile.open(f'{sys.argv[1]}/{format}.tar', 'w', format=getattr(tarfile, format + '_FORMAT')) as tar:
        tar.add('.')
with zipfile.ZipFile(f'{sys.argv[1]}/a.zip', 'w', zipfile.ZIP_DEFLATED) as zip:
    for name in 'a.txt', 'lib/', 'lib/x.py', 'lib/deep/', 'lib/deep/y.py':
        zip.write(name)
`;
  execFileSync('python3', ['-c', make, out], { cwd: root });
  for (const format of ['USTAR', 'GNU', 'PAX']) {
    const image = Image.fromTar(path.join(out, `${format}.tar`));
    t.deepEqual(contentOf(image), CONTENT);
  }
  const zip = Image.fromZip(path.join(out, 'a.zip'));
  t.deepEqual(contentOf(zip), CONTENT.slice(0, -1));
});

test('an invalid archive is an error that names the member and the archive', (t) => {
  const bytes = Image.from({ abc: 'x'.repeat(2000) }).toTar();
  const archive = path.join(scratch(t), 'a.tar');
  fs.writeFileSync(archive, bytes.subarray(0, 2000));
  const code = 'ERR_WASI_INVALID_ARCHIVE';
  const error = t.throws(() => Image.fromTar(archive), { code });
  t.is(error.message, `Cannot read '${archive}': 'abc' is cut off`);
  t.is(error.member, 'abc');
  t.is(error.path, archive);
  for (const limits of [{ maxBytes: 1999 }, { maxFiles: 0 }]) {
    t.throws(() => Image.fromTar(bytes, limits), {
      code,
      message: /^Cannot read the archive: 'abc' is beyond the \d+ \w+ allowed$/,
    });
  }
  t.throws(() => Image.fromZip(bytes), { code });
  t.throws(() => Image.fromTar(Buffer.from('PK')), { code });
  t.throws(() => Image.fromTar(`${archive}.none`), { code: 'ENOENT' });
  for (const read of ['fromTar', 'fromZip']) {
    for (const wrong of [undefined, null, 1, {}, []]) {
      t.throws(() => Image[read](wrong), { code: 'ERR_INVALID_ARG_TYPE' });
    }
    t.throws(() => Image[read](bytes, { maxByte: 1 }), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
    t.throws(() => Image[read](bytes, { maxBytes: -1 }), {
      code: 'ERR_OUT_OF_RANGE',
    });
  }
});
