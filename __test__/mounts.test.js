'use strict';

// Mounts below preopens, from the start and later.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const test = require('ava');

const { MemoryFS, WASI, file, symlink } = require('..');
const { guest, run, scratch } = require('./helpers/guest');
const { ERRNO, RawGuest } = require('./helpers/raw');

const ERRNOS = { ...ERRNO, BUSY: 10, EXIST: 20, NOENT: 44, XDEV: 75 };

/** A directory of the host, and a file system that is mounted in it. */
function places(t) {
  const root = scratch(t);
  for (const directory of ['usr/lib', 'dir']) {
    fs.mkdirSync(path.join(root, directory), { recursive: true });
  }
  fs.writeFileSync(path.join(root, 'file'), 'the file');
  fs.writeFileSync(path.join(root, 'usr/lib/hidden'), 'hidden');
  const lib = new MemoryFS();
  lib.writeFileSync('/theirs', 'theirs');
  lib.symlinkSync('../../file', '/out');
  return { root, lib };
}

/** What `files.c` prints for these operations. */
function files(t, options, ...operations) {
  const args = ['files', ...operations.join(' , ').split(' ')];
  return run(t, WASI, 'files', { args, ...options })
    .printed.trimEnd()
    .split('\n');
}

const guestOf = (preopens) => new RawGuest(WASI, { preopens });

/** The errno of `path_filestat_get`. */
function stat(raw, fd, name) {
  return raw.calls.path_filestat_get(fd, 1, ...raw.lay(name), 0x100);
}

test('a program finds what is mounted below a directory of the host', (t) => {
  const { root, lib } = places(t);
  fs.symlinkSync('usr/lib', path.join(root, 'link'));
  t.deepEqual(
    files(
      t,
      { preopens: { '/': root, '/usr/lib': lib, '/made/up': new MemoryFS() } },
      'read /usr/lib/theirs',
      'read usr/lib/theirs',
      'read /usr/lib/out',
      'read /link/theirs',
      'read /link/../lib/theirs',
      'stat /usr/lib/hidden',
      'ls /usr/lib',
      'ls /usr',
      'ls /',
      'ls /made',
      'rename /usr/lib/theirs /theirs',
      'link /file /usr/lib/file',
      'rmdir /usr/lib',
      'rename /usr/lib /moved',
      'mkdir /usr/lib',
      'rename /usr /moved',
      'read /moved/lib/theirs',
      'mkdir /made/other',
    ),
    [
      'read /usr/lib/theirs: theirs',
      'read usr/lib/theirs: theirs',
      'read /usr/lib/out: the file',
      'read /link/theirs: theirs',
      'read /link/../lib/theirs: theirs',
      `stat /usr/lib/hidden: errno ${ERRNOS.NOENT}`,
      'ls /usr/lib: out@ theirs',
      'ls /usr: lib/',
      'ls /: dir/ file link@ made/ usr/',
      'ls /made: up/',
      `rename /usr/lib/theirs: errno ${ERRNOS.XDEV}`,
      `link /file: errno ${ERRNOS.XDEV}`,
      `rmdir /usr/lib: errno ${ERRNOS.BUSY}`,
      `rename /usr/lib: errno ${ERRNOS.BUSY}`,
      `mkdir /usr/lib: errno ${ERRNOS.EXIST}`,
      'rename /usr: ok',
      'read /moved/lib/theirs: theirs',
      `mkdir /made/other: errno ${ERRNOS.NOTCAPABLE}`,
    ],
  );
  t.false(fs.existsSync(path.join(root, 'made')));
});

test('what is mounted before the start is a preopen as well', (t) => {
  const { lib } = places(t);
  const stdout = fs.openSync(os.devNull, 'w');
  t.teardown(() => fs.closeSync(stdout));
  const wasi = new WASI({
    version: 'preview1',
    args: ['files', 'read', '/lib/theirs'],
    stdout,
  });
  wasi.mount('/gone', new MemoryFS());
  wasi.mount('/lib', lib);
  wasi.unmount('/gone');
  const instance = new WebAssembly.Instance(
    guest('files'),
    wasi.getImportObject(),
  );
  t.is(wasi.start(instance), 0);
});

test('what is mounted after the start is found by paths', (t) => {
  const { root, lib } = places(t);
  const raw = guestOf({ '/': root });
  t.is(stat(raw, 3, 'usr/lib/hidden'), 0);
  raw.wasi.mount('usr/lib/', lib);
  t.is(stat(raw, 3, 'usr/lib/hidden'), ERRNOS.NOENT);
  t.is(stat(raw, 3, 'usr/lib/theirs'), 0);
  t.is(stat(raw, 4, 'theirs'), ERRNO.BADF);
  raw.wasi.mount('/data', new MemoryFS());
  t.is(stat(raw, 3, 'data'), 0);
  t.false(fs.existsSync(path.join(root, 'data')));
  raw.wasi.unmount('/usr/lib');
  t.is(stat(raw, 3, 'usr/lib/theirs'), ERRNOS.NOENT);
  t.is(stat(raw, 3, 'usr/lib/hidden'), 0);
});

test('a later mount at the same path hides the earlier', (t) => {
  const { root, lib } = places(t);
  const raw = guestOf({ '/': root });
  raw.wasi.mount('/usr/lib', lib);
  raw.wasi.mount('/usr/lib', new MemoryFS());
  t.is(stat(raw, 3, 'usr/lib/theirs'), ERRNOS.NOENT);
  raw.wasi.unmount('/usr/lib');
  t.is(stat(raw, 3, 'usr/lib/theirs'), 0);
});

test('a directory of the host can be mounted, by a path or a description', (t) => {
  const { root } = places(t);
  const other = scratch(t);
  fs.writeFileSync(path.join(other, 'there'), '');
  const raw = guestOf({ '/': root });
  raw.wasi.mount('/a', other);
  raw.wasi.mount('/b', { path: other, readOnly: true });
  raw.wasi.mount('/c', { path: other, rights: ['path_open'] });
  t.is(stat(raw, 3, 'a/there'), 0);
  t.is(stat(raw, 3, 'c/there'), ERRNO.NOTCAPABLE);
  t.is(raw.calls.path_unlink_file(3, ...raw.lay('b/there')), ERRNO.NOTCAPABLE);
  t.is(raw.calls.path_unlink_file(3, ...raw.lay('a/../a/there')), 0);
  t.false(fs.existsSync(path.join(other, 'there')));
});

test('something may be mounted during a call', (t) => {
  const { root, lib } = places(t);
  const wasi = new WASI({ version: 'preview1', preopens: { '/': root } });
  const imports = wasi.getImportObject();
  const calls = { ...imports.wasi_snapshot_preview1 };
  const { path_filestat_get: pathFilestatGet } = calls;
  calls.path_filestat_get = (...args) => {
    wasi.mount('/usr/lib', lib);
    const errno = pathFilestatGet(...args);
    wasi.unmount('/usr/lib');
    return errno;
  };
  const instance = new WebAssembly.Instance(guest('raw_calls'), {
    wasi_snapshot_preview1: calls,
  });
  wasi.initialize(instance);
  const memory = Buffer.from(instance.exports.memory.buffer);
  const name = 'usr/lib/theirs';
  memory.write(name, 0x400);
  t.is(instance.exports.path_filestat_get(3, 1, 0x400, name.length, 0x100), 0);
});

test('wasi.fs has the same mounts, whenever it was first used', (t) => {
  const { root, lib } = places(t);
  const wasi = new WASI({
    version: 'preview1',
    preopens: { '/sandbox': root },
  });
  t.is(wasi.fs.readFileSync('/sandbox/usr/lib/hidden', 'utf8'), 'hidden');
  wasi.mount('/sandbox/usr/lib', lib);
  wasi.mount('/elsewhere', { fs: lib, readOnly: true });
  t.is(wasi.fs.readFileSync('/sandbox/usr/lib/theirs', 'utf8'), 'theirs');
  t.deepEqual(wasi.fs.readdirSync('/sandbox/usr/lib').sort(), [
    'out',
    'theirs',
  ]);
  t.is(wasi.fs.readFileSync('/sandbox/usr/lib/out', 'utf8'), 'the file');
  t.is(wasi.fs.readFileSync('/elsewhere/theirs', 'utf8'), 'theirs');
  t.throws(() => wasi.fs.rmdirSync('/sandbox/usr/lib'), { code: 'EBUSY' });
  t.throws(() => wasi.fs.writeFileSync('/elsewhere/new', ''), {
    code: 'EROFS',
  });
  t.throws(() => wasi.fs.renameSync('/sandbox/file', '/sandbox/usr/lib/file'), {
    code: 'EXDEV',
  });
  wasi.unmount('/elsewhere');
  t.throws(() => wasi.fs.statSync('/elsewhere'), { code: 'ENOENT' });
  wasi.initialize(
    new WebAssembly.Instance(guest('raw_calls'), wasi.getImportObject()),
  );
  wasi.mount('/sandbox/later', lib);
  wasi.fs.writeFileSync('/sandbox/later/new', 'new');
  t.is(lib.readFileSync('/new', 'utf8'), 'new');
});

test('the rights in a mount are its own', (t) => {
  const { root, lib } = places(t);
  const raw = guestOf({ '/': { path: root, readOnly: true } });
  raw.wasi.mount('/usr/lib', lib);
  raw.wasi.mount('/dir', { fs: lib, readOnly: true });
  const make = (name) => raw.calls.path_create_directory(3, ...raw.lay(name));
  t.is(make('new'), ERRNO.NOTCAPABLE);
  t.is(make('usr/lib/../new'), ERRNO.NOTCAPABLE);
  t.is(make('dir/new'), ERRNO.NOTCAPABLE);
  t.is(make('usr/lib/new'), 0);
  t.true(lib.existsSync('/new'));
});

test('a file of a file system is mounted by its path', (t) => {
  const { root, lib } = places(t);
  lib.writeFileSync('/etc.json', '{}');
  const json = { fs: lib, path: '/etc.json' };
  const { fs: view } = new WASI({
    version: 'preview1',
    preopens: {
      '/': root,
      '/dir/app.json': json,
      '/usr/lib/ro.json': { ...json, readOnly: true },
    },
  });
  t.is(view.readFileSync('/dir/app.json', 'utf8'), '{}');
  view.writeFileSync('/dir/app.json', '[]');
  t.is(lib.readFileSync('/etc.json', 'utf8'), '[]');
  t.deepEqual(view.readdirSync('/dir'), ['app.json']);
  t.throws(() => view.writeFileSync('/usr/lib/ro.json', ''), { code: 'EROFS' });
  t.throws(() => view.unlinkSync('/dir/app.json'), { code: 'EBUSY' });
  t.throws(() => view.renameSync('/dir/app.json', '/dir/b'), { code: 'EBUSY' });
});

test('a file() is mounted, a new one in each guest', (t) => {
  const { root } = places(t);
  const json = file('{}', { mtime: new Date(1000) });
  const make = () =>
    new WASI({
      version: 'preview1',
      preopens: {
        '/': root,
        '/dir/app.json': json,
        '/dir/ro.json': { fs: json, readOnly: true },
      },
    });
  const [wasi, other] = [make(), make()];
  wasi.mount('/later', file(Buffer.from('later')));
  t.is(wasi.fs.readFileSync('/dir/app.json', 'utf8'), '{}');
  t.is(wasi.fs.statSync('/dir/app.json').mtimeMs, 1000);
  t.is(wasi.fs.readFileSync('/later', 'utf8'), 'later');
  t.throws(() => wasi.fs.writeFileSync('/dir/ro.json', ''), { code: 'EROFS' });
  wasi.fs.writeFileSync('/dir/app.json', 'changed');
  t.is(other.fs.readFileSync('/dir/app.json', 'utf8'), '{}');
  t.deepEqual(fs.readdirSync(path.join(root, 'dir')), []);
  t.throws(() => wasi.mount('/link', symlink('a')), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^The argument 'source' must be no symbolic link/,
  });
  t.throws(() => wasi.mount('/x', { fs: json, path: '/y' }), {
    code: 'ERR_INVALID_ARG_VALUE',
    message: /^The property 'source\.path' cannot be combined with a file/,
  });
});

test('a file without a preopen above it has a preopen for its directory', (t) => {
  const text = file('text');
  t.deepEqual(
    files(
      t,
      { preopens: { '/etc/a': text, '/etc/b': text } },
      'ls /etc',
      'read /etc/a',
      'unlink /etc/b',
      'mkdir /etc/new',
    ),
    [
      'ls /etc: a b',
      'read /etc/a: text',
      `unlink /etc/b: errno ${ERRNOS.BUSY}`,
      `mkdir /etc/new: errno ${ERRNO.NOTCAPABLE}`,
    ],
  );
});

for (const [guestPath, code, message] of [
  [
    undefined,
    'ERR_INVALID_ARG_TYPE',
    /^The "guestPath" argument must be of type string/,
  ],
  [Buffer.from('/a'), 'ERR_INVALID_ARG_TYPE', /^The "guestPath" argument/],
  ['', 'ERR_INVALID_ARG_VALUE', /^The argument 'guestPath' must not be empty/],
  [
    '/a\0',
    'ERR_INVALID_ARG_VALUE',
    /^The argument 'guestPath' must be a string without null bytes/,
  ],
  [
    '/a/../b',
    'ERR_INVALID_ARG_VALUE',
    /^The argument 'guestPath' must be a path without '\.\.'/,
  ],
]) {
  test(`nothing is mounted at ${String(guestPath).replace('\0', '(NUL)')} (${typeof guestPath})`, (t) => {
    const wasi = new WASI({
      version: 'preview1',
      preopens: { '/': scratch(t) },
    });
    t.throws(() => wasi.mount(guestPath, new MemoryFS()), { code, message });
    t.throws(() => wasi.unmount(guestPath), { code, message });
  });
}

test('what cannot be mounted is refused, and changes nothing', (t) => {
  const { root, lib } = places(t);
  const wasi = new WASI({
    version: 'preview1',
    preopens: { '/sandbox': root },
  });
  const raw = (source, message, code = 'ERR_INVALID_ARG_TYPE') =>
    t.throws(() => wasi.mount('/sandbox/x', source), { code, message });
  for (const source of [undefined, null, 1, true, Symbol('s'), () => {}]) {
    raw(
      source,
      /^The "source" argument must be of type string or an instance of Object/,
    );
  }
  raw({ fs: {} }, /^The "source\.fs" property/);
  raw({ path: root, readOnly: 1 }, /^The "source\.readOnly" property/);
  raw(
    { path: root, readonly: true },
    /^The property 'source\.readonly' is unknown/,
    'ERR_INVALID_ARG_VALUE',
  );
  raw(
    '/a\0',
    /^The argument 'source' must be a string without null bytes/,
    'ERR_INVALID_ARG_VALUE',
  );

  const nothing = path.join(root, 'nothing');
  t.throws(() => wasi.mount('/sandbox/x', nothing), {
    code: 'ENOENT',
    message: `ENOENT: no such file or directory, mount '${nothing}' -> '/sandbox/x'`,
  });
  t.throws(() => wasi.mount('/sandbox/x', path.join(root, 'file')), {
    code: 'ENOTDIR',
  });
  t.throws(() => wasi.mount('/sandbox/file/x', lib), {
    code: 'ENOTDIR',
    message: "ENOTDIR: not a directory, mount '/sandbox/file/x'",
  });
  t.throws(() => wasi.mount('/sandbox/x', { fs: lib, path: '/no' }), {
    code: 'ENOENT',
  });
  t.throws(() => wasi.unmount('/sandbox/x'), {
    code: 'EINVAL',
    message: "EINVAL: invalid argument, unmount '/sandbox/x'",
  });
  t.deepEqual(wasi.fs.readdirSync('/sandbox').sort(), ['dir', 'file', 'usr']);

  const instance = new WebAssembly.Instance(
    guest('raw_calls'),
    wasi.getImportObject(),
  );
  wasi.initialize(instance);
  t.throws(() => wasi.mount('/data', lib), {
    code: 'ERR_INVALID_STATE',
    message:
      "Invalid state: no preopen is above '/data', and a guest that has started cannot get a new one",
  });
  wasi.close();
  t.throws(() => wasi.mount('/sandbox/x', lib), { code: 'ERR_WASI_CLOSED' });
  t.throws(() => wasi.unmount('/sandbox/x'), { code: 'ERR_WASI_CLOSED' });
});

test('a guest may have as many mounts as its descriptors allow before the start', (t) => {
  const { lib } = places(t);
  const wasi = new WASI({ version: 'preview1', limits: { descriptors: 5 } });
  wasi.mount('/a', lib);
  wasi.mount('/b', lib);
  t.throws(() => wasi.mount('/c', lib), { code: 'ENFILE' });
  wasi.unmount('/a');
  wasi.mount('/c', lib);
  t.deepEqual(wasi.fs.readdirSync('/c').sort(), ['out', 'theirs']);
});
