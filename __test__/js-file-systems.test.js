'use strict';

// JavaScript file systems, as guests see them.

const nodeFs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { MemoryFS } = require('..');
const { WASI } = require('./helpers/compare');
const { run, scratch } = require('./helpers/guest');
const {
  CREATE,
  PREOPEN,
  READ,
  WRITE,
  callAll,
  caught,
  failing,
  fileSystem,
  guestOver,
  list,
  read,
  stat,
  write,
} = require('./helpers/js-file-system');
const { BUF, ERRNO, OFLAGS, OUT, RawGuest } = require('./helpers/raw');

test('a program has the same results as on a disk', (t) => {
  const programs = ['files', 'readdir'];
  for (const program of programs) {
    const on = (preopen) =>
      run(t, WASI, program, { preopens: { '/': preopen } });
    const directory = scratch(t);
    const disk = on(directory);
    const memory = new MemoryFS();
    t.deepEqual(on(fileSystem({}, memory)), disk, program);
    t.deepEqual(
      memory.readdirSync('/', { recursive: true }).toSorted(),
      nodeFs.readdirSync(directory, { recursive: true }).toSorted(),
    );
  }
});

test('node:fs is one, or a directory in it', (t) => {
  const directory = scratch(t);
  nodeFs.writeFileSync(path.join(directory, 'file'), 'content');
  nodeFs.symlinkSync('file', path.join(directory, 'link'));
  const inside = directory.replaceAll(path.sep, '/').replace(/^[A-Za-z]:/, '');
  const { fs } = new WASI({
    version: 'preview1',
    preopens: { '/': { fs: nodeFs, path: inside } },
  });
  t.is(fs.readFileSync('/link', 'utf8'), 'content');
  fs.mkdirSync('/made');
  fs.writeFileSync('/made/file', 'text');
  t.is(nodeFs.readFileSync(path.join(directory, 'made/file'), 'utf8'), 'text');
  t.throws(() => fs.readFileSync('/../file2'), { code: 'ENOENT' });
});

test('with path, no link leads out of that directory', (t) => {
  const memory = new MemoryFS();
  memory.mkdirSync('/srv/data', { recursive: true });
  memory.writeFileSync('/srv/data/file', 'text');
  memory.symlinkSync('/srv', '/link');
  const fs = fileSystem({}, memory);
  for (const where of [
    '/srv/data',
    'srv/data/',
    '/link/data',
    '/../srv/data',
  ]) {
    const wasi = new WASI({
      version: 'preview1',
      preopens: { '/x': { fs, path: where } },
    });
    t.is(wasi.fs.readFileSync('/x/file', 'utf8'), 'text', where);
  }
  t.throws(
    () =>
      new WASI({
        version: 'preview1',
        preopens: { '/x': { fs, path: '/srv/none' } },
      }),
    { code: 'UVWASI_ENOENT' },
  );
});

test('functions are looked up at each call', (t) => {
  const { fs, raw } = guestOver();
  const fd = raw.open(PREOPEN, 'file', READ);
  t.is(read(raw, fd, 9), 'content');
  const { readSync } = fs;
  fs.readSync = (_, buffer, offset) => buffer.write('mocked', offset);
  t.is(read(raw, fd, 9, 0n), 'mocked');
  fs.readSync = readSync;
  t.is(read(raw, fd, 9, 0n), 'content');
});

test('one object is one file system, in several preopens too', (t) => {
  const fs = fileSystem();
  fs.mkdirSync('/a/b', { recursive: true });
  fs.writeFileSync('/a/file', 'text');
  const wasi = new WASI({
    version: 'preview1',
    preopens: {
      '/one': { fs, path: '/a' },
      '/two': { fs, path: '/a/b', readOnly: true },
      '/three': fs,
    },
  });
  wasi.fs.renameSync('/one/file', '/three/moved');
  t.is(fs.readFileSync('/moved', 'utf8'), 'text');
  t.is(wasi.fs.statSync('/one').ino, wasi.fs.statSync('/three/a').ino);
  // By each of its names.
  for (const name of ['/two/new', '/one/b/new', '/three/a/b/new']) {
    t.throws(() => wasi.fs.writeFileSync(name, ''), { code: 'EROFS' }, name);
  }
});

test('the descriptor of a directory stays valid when the guest renames it', (t) => {
  const { raw, calls } = guestOver();
  const dir = raw.open(PREOPEN, 'dir', { oflags: OFLAGS.DIRECTORY });
  const at = (name) => calls.path_filestat_get(dir, 0, ...raw.lay(name), OUT);
  const from = raw.lay('dir');
  t.is(calls.path_rename(PREOPEN, ...from, PREOPEN, ...raw.lay('moved')), 0);
  t.is(at('nested'), 0);
  t.is(at('sub/../nested'), 0);
  t.is(calls.path_create_directory(PREOPEN, ...raw.lay('dir')), 0);
  t.is(at('nested'), 0);
  const sub = raw.open(dir, 'sub', { oflags: OFLAGS.DIRECTORY });
  t.is(calls.path_remove_directory(dir, ...raw.lay('sub')), 0);
  t.is(raw.tryOpen(sub, 'new', CREATE).errno, ERRNO.NOENT);
  t.deepEqual(list(raw, sub), []);
});

test('all paths are below the root, and have no links', (t) => {
  const seen = [];
  const names = Object.keys(fileSystem());
  const spying = Object.fromEntries(
    names
      .filter((name) =>
        /^(l?stat|open|readdir|unlink|rmdir|mkdir)Sync$/.test(name),
      )
      .map((name) => [
        name,
        (original, file, ...args) => {
          seen.push(file);
          return original(file, ...args);
        },
      ]),
  );
  const memory = new MemoryFS();
  memory.mkdirSync('/root/real', { recursive: true });
  memory.writeFileSync('/root/real/file', 'inside');
  memory.writeFileSync('/secret', 'secret');
  memory.symlinkSync('real', '/root/dir');
  memory.symlinkSync('../secret', '/root/out');
  memory.symlinkSync('/secret', '/root/absolute');
  memory.symlinkSync('loop', '/root/loop');
  const raw = new RawGuest(WASI, {
    preopens: { '/x': { fs: fileSystem(spying, memory), path: '/root' } },
  });
  seen.length = 0;
  t.is(read(raw, raw.open(PREOPEN, 'dir/file', READ), 9), 'inside');
  for (const [name, errno] of Object.entries({
    out: ERRNO.NOTCAPABLE,
    absolute: ERRNO.NOTCAPABLE,
    '../secret': ERRNO.NOTCAPABLE,
    'dir/../../secret': ERRNO.NOTCAPABLE,
    loop: ERRNO.LOOP,
    'loop/x': ERRNO.LOOP,
  })) {
    t.is(raw.tryOpen(PREOPEN, name, READ).errno, errno, name);
  }
  t.true(seen.length > 0);
  for (const file of seen) {
    t.regex(file, /^\/root(\/(real|dir|out|absolute|loop|file))*$/);
    t.notRegex(file, /(dir|loop|out|absolute)\//);
  }
});

test('a hard link to a symbolic link is a second symbolic link', (t) => {
  const memory = new MemoryFS();
  memory.mkdirSync('/root');
  memory.writeFileSync('/secret', 'secret');
  // As link(2) of node:vfs and macOS does.
  const following = (original, from, to) =>
    original(from === '/root/out' ? '/secret' : from, to);
  const fs = fileSystem({ linkSync: following }, memory);
  memory.symlinkSync('../secret', '/root/out');
  const raw = new RawGuest(WASI, {
    preopens: { '/x': { fs, path: '/root' } },
  });
  const from = raw.lay('out');
  t.is(raw.calls.path_link(PREOPEN, 0, ...from, PREOPEN, ...raw.lay('new')), 0);
  t.is(raw.tryOpen(PREOPEN, 'new', READ).errno, ERRNO.NOTCAPABLE);
  t.is(memory.readlinkSync('/root/new'), '../secret');
});

// It is refused by this package, whatever the file system would have done.
test('what POSIX refuses is refused without a call', (t) => {
  const asked = [];
  const spy =
    (name) =>
    (original, ...args) => {
      asked.push(name);
      return original(...args);
    };
  const changing = [
    'renameSync',
    'rmdirSync',
    'unlinkSync',
    'linkSync',
    'mkdirSync',
    'symlinkSync',
  ];
  const { raw, calls, memory } = guestOver(
    Object.fromEntries(changing.map((name) => [name, spy(name)])),
  );
  memory.mkdirSync('/empty');
  const refused = (errno, call, ...args) => {
    asked.length = 0;
    t.is(calls[call](...args), errno, call);
    t.deepEqual(asked, [], call);
  };
  const lay = (name) => raw.lay(name);
  const move = (from, to) => [PREOPEN, ...lay(from), PREOPEN, ...lay(to)];
  refused(ERRNO.NOTEMPTY, 'path_rename', ...move('empty', 'dir'));
  refused(ERRNO.INVAL, 'path_rename', ...move('dir', 'dir/sub/x'));
  refused(ERRNO.ISDIR, 'path_rename', ...move('file', 'empty'));
  refused(ERRNO.NOTDIR, 'path_rename', ...move('empty', 'file'));
  refused(ERRNO.NOTDIR, 'path_rename', ...move('file/', 'new'));
  refused(0, 'path_rename', ...move('file', 'file'));
  refused(ERRNO.NOTEMPTY, 'path_remove_directory', PREOPEN, ...lay('dir'));
  refused(ERRNO.NOTDIR, 'path_remove_directory', PREOPEN, ...lay('file'));
  refused(ERRNO.ISDIR, 'path_unlink_file', PREOPEN, ...lay('dir'));
  refused(ERRNO.NOTDIR, 'path_unlink_file', PREOPEN, ...lay('file/'));
  refused(ERRNO.EXIST, 'path_create_directory', PREOPEN, ...lay('link'));
  const target = lay('x');
  refused(ERRNO.EXIST, 'path_symlink', ...target, PREOPEN, ...lay('file'));
  const link = (from, to) => [PREOPEN, 0, ...lay(from), PREOPEN, ...lay(to)];
  refused(ERRNO.PERM, 'path_link', ...link('dir', 'new'));
  refused(ERRNO.EXIST, 'path_link', ...link('file', 'link'));
  const opens = (name, options) => raw.tryOpen(PREOPEN, name, options).errno;
  t.is(
    opens('file', { ...CREATE, oflags: OFLAGS.CREAT | OFLAGS.EXCL }),
    ERRNO.EXIST,
  );
  t.is(opens('file', { oflags: OFLAGS.DIRECTORY }), ERRNO.NOTDIR);
  t.is(opens('link', { ...READ, follow: false }), ERRNO.LOOP);
  t.is(opens('dir', WRITE), ERRNO.ISDIR);
  t.is(opens('file/', READ), ERRNO.NOTDIR);
  t.is(opens('file/x', READ), ERRNO.NOTDIR);
});

test('writes have the position of the descriptor, appends that of the end', (t) => {
  const { raw, memory } = guestOver();
  const fd = raw.open(PREOPEN, 'file', { ...WRITE, fdflags: 1 });
  t.is(write(raw, fd, ' and'), 0);
  memory.appendFileSync('/file', ' more');
  t.is(write(raw, fd, '!'), 0);
  t.is(memory.readFileSync('/file', 'utf8'), 'content and more!');
  const other = raw.open(PREOPEN, 'file', WRITE);
  t.is(write(raw, other, 'CON'), 0);
  t.is(read(raw, other, 4), 'tent');
});

test('an error with a known code is that errno for the guest', (t) => {
  for (const [code, errno] of Object.entries({
    ENOENT: 44,
    EACCES: 2,
    EPERM: 63,
    EROFS: 69,
    ENOSPC: 51,
    EIO: 29,
    EMFILE: 33,
    ENOSYS: 52,
    ENOTSUP: 58,
    EOPNOTSUPP: 58,
    ERR_ACCESS_DENIED: 2,
    ERR_METHOD_NOT_IMPLEMENTED: 58,
  })) {
    const { raw } = guestOver({ openSync: failing(code) });
    t.is(raw.tryOpen(PREOPEN, 'file', READ).errno, errno, code);
  }
});

test('a missing function is ENOTSUP', (t) => {
  const lacking = (name) => guestOver({ [name]: undefined });
  const expected = {
    mkdirSync: (raw) =>
      raw.calls.path_create_directory(PREOPEN, ...raw.lay('new')),
    unlinkSync: (raw) =>
      raw.calls.path_unlink_file(PREOPEN, ...raw.lay('file')),
    rmdirSync: (raw) =>
      raw.calls.path_remove_directory(PREOPEN, ...raw.lay('dir/sub')),
    renameSync: (raw) => {
      const from = raw.lay('file');
      return raw.calls.path_rename(PREOPEN, ...from, PREOPEN, ...raw.lay('x'));
    },
    linkSync: (raw) => {
      const from = raw.lay('file');
      return raw.calls.path_link(PREOPEN, 0, ...from, PREOPEN, ...raw.lay('x'));
    },
    symlinkSync: (raw) => {
      const target = raw.lay('file');
      return raw.calls.path_symlink(...target, PREOPEN, ...raw.lay('x'));
    },
    readlinkSync: (raw) =>
      raw.calls.path_readlink(PREOPEN, ...raw.lay('link'), BUF, 9, OUT),
    ftruncateSync: (raw) =>
      raw.calls.fd_filestat_set_size(raw.open(PREOPEN, 'file', WRITE), 1n),
    futimesSync: (raw) =>
      raw.calls.fd_filestat_set_times(
        ...[raw.open(PREOPEN, 'file', WRITE), 1n, 1n, 5],
      ),
    fstatSync: (raw) =>
      raw.calls.fd_filestat_get(raw.open(PREOPEN, 'file', READ), OUT),
  };
  for (const [name, call] of Object.entries(expected)) {
    t.is(call(lacking(name).raw), ERRNO.NOTSUP, name);
  }
  // Without writeSync, nothing can be opened for writing.
  const { raw } = lacking('writeSync');
  t.is(raw.tryOpen(PREOPEN, 'file', WRITE).errno, 69);
  // Without fsyncSync there is nothing to sync.
  const { raw: unsynced } = guestOver({
    fsyncSync: undefined,
    fdatasyncSync: undefined,
  });
  t.is(unsynced.calls.fd_sync(unsynced.open(PREOPEN, 'file', WRITE)), 0);
});
test('a listing may be names only', (t) => {
  const { raw } = guestOver({
    readdirSync: (original, file) => original(file),
  });
  t.deepEqual(list(raw, PREOPEN).toSorted(), [
    '.',
    '..',
    'dir',
    'file',
    'link',
  ]);
  const bytes = guestOver({ readdirSync: () => [Buffer.from('bytes')] });
  t.deepEqual(list(bytes.raw, PREOPEN), ['.', '..', 'bytes']);
});

test('names that are not UTF-8 are EILSEQ', (t) => {
  const { raw } = guestOver();
  const bytes = Buffer.from([0x66, 0xff]);
  t.is(raw.tryOpen(PREOPEN, bytes, CREATE).errno, ERRNO.ILSEQ);
  t.is(stat(raw, bytes), ERRNO.ILSEQ);
  t.is(stat(raw, 'x'.repeat(256)), ERRNO.NAMETOOLONG);
});

test('offsets beyond 2 ** 53 are EFBIG', (t) => {
  const { raw, calls } = guestOver();
  const fd = raw.open(PREOPEN, 'file', WRITE);
  t.is(read(raw, fd, 9, 2n ** 53n), '');
  t.is(calls.fd_seek(fd, 2n ** 53n, 0, OUT), ERRNO.INVAL);
  t.is(calls.fd_seek(fd, 2n ** 53n - 1n, 0, OUT), 0);
  t.is(calls.fd_filestat_set_size(fd, 2n ** 53n), ERRNO.FBIG);
  t.is(calls.fd_allocate(fd, 2n ** 53n, 1n), ERRNO.FBIG);
  const [iovs] = raw.lay(Buffer.from(new Uint32Array([BUF, 1]).buffer));
  t.is(calls.fd_pwrite(fd, iovs, 1, 2n ** 53n, OUT), ERRNO.FBIG);
});

test('a RangeError of an allocation is EFBIG', (t) => {
  for (const thrown of [
    new RangeError('Array buffer allocation failed'),
    Object.assign(new RangeError('out'), { code: 'ERR_OUT_OF_RANGE' }),
  ]) {
    const { raw } = guestOver({
      ftruncateSync() {
        throw thrown;
      },
    });
    const fd = raw.open(PREOPEN, 'file', WRITE);
    t.is(raw.calls.fd_filestat_set_size(fd, 2n ** 40n), ERRNO.FBIG);
  }
});

test('times are as exact as those of the file system', (t) => {
  const { raw, memory } = guestOver();
  const mtim = () => {
    t.is(stat(raw, 'file'), 0);
    return raw.view.getBigUint64(OUT + 48, true);
  };
  const set = (time) =>
    raw.calls.path_filestat_set_times(
      ...[PREOPEN, 0, ...raw.lay('file'), time, time, 5],
    );
  t.is(set(1_500_000_000_250_000_000n), 0);
  t.is(mtim(), 1_500_000_000_250_000_000n);
  memory.utimesSync('/file', 1, 1.5);
  t.is(mtim(), 1_500_000_000n);
  // Only one of them.
  const only = [PREOPEN, 0, ...raw.lay('file'), 0n, 2_000_000_000n, 4];
  t.is(raw.calls.path_filestat_set_times(...only), 0);
  t.is(mtim(), 2_000_000_000n);
  t.is(raw.view.getBigUint64(OUT + 40, true), 1_000_000_000n);
});

test('files without an inode number get one, and keep it', (t) => {
  for (const ino of [undefined, 0, NaN, 'x', -1]) {
    const lacking = (original, ...args) => {
      const stats = original(...args);
      return stats && Object.assign(stats, { ino });
    };
    const { raw, calls } = guestOver({
      lstatSync: lacking,
      fstatSync: lacking,
    });
    const inode = (name) => {
      t.is(stat(raw, name, 0), 0);
      return raw.view.getBigUint64(OUT + 8, true);
    };
    const file = inode('file');
    t.is(inode('file'), file);
    t.not(inode('link'), file);
    const fd = raw.open(PREOPEN, 'file', READ);
    t.is(calls.fd_filestat_get(fd, OUT), 0);
    t.is(raw.view.getBigUint64(OUT + 8, true), file);
    const from = raw.lay('file');
    t.is(calls.path_link(PREOPEN, 0, ...from, PREOPEN, ...raw.lay('two')), 0);
    t.is(inode('two'), file);
    const moved = raw.lay('file');
    t.is(calls.path_rename(PREOPEN, ...moved, PREOPEN, ...raw.lay('three')), 0);
    t.is(calls.path_unlink_file(PREOPEN, ...raw.lay('two')), 0);
    t.is(inode('three'), file);
  }
});

test('inode numbers that change are not used', (t) => {
  let last = 0;
  const changing = (original, ...args) => {
    const stats = original(...args);
    return stats && Object.assign(stats, { ino: ++last });
  };
  const memory = new MemoryFS();
  memory.mkdirSync('/dir');
  memory.writeFileSync('/file', '');
  const fs = fileSystem({ lstatSync: changing, fstatSync: changing }, memory);
  const raw = new RawGuest(WASI, { preopens: { '/': fs } });
  const inode = (name) => {
    t.is(stat(raw, name), 0);
    return raw.view.getBigUint64(OUT + 8, true);
  };
  t.is(inode('file'), inode('file'));
  t.is(inode('dir'), inode('dir'));
});

test('wasi.fs reads and writes everything that was asked for', (t) => {
  const { wasi, memory } = guestOver();
  const text = 'x'.repeat(200_000);
  wasi.fs.writeFileSync('/large', text);
  t.is(memory.readFileSync('/large', 'utf8'), text);
  t.is(wasi.fs.readFileSync('/large', 'utf8'), text);
  t.is(wasi.fs.readFileSync('/dir/nested', 'utf8'), 'nested');
});

test('every file that was opened is closed once', (t) => {
  const open = new Set();
  const tracking = {
    openSync(original, ...args) {
      const fd = original(...args);
      t.false(open.has(fd));
      open.add(fd);
      return fd;
    },
    closeSync(original, fd) {
      t.true(open.delete(fd));
      return original(fd);
    },
  };
  const over = guestOver(tracking);
  callAll(over);
  over.raw.open(PREOPEN, 'file', READ);
  over.raw.open(PREOPEN, 'new', CREATE);
  over.wasi.fs.openSync('/file');
  t.is(open.size, 3);
  over.wasi.close();
  t.is(open.size, 0);
});

test('an object that is not a file system is refused by the constructor', (t) => {
  const refused = (value, name, message) => {
    const preopens = { '/x': value };
    t.throws(() => new WASI({ version: 'preview1', preopens }), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: new RegExp(`^The "${name}" property must be .*${message}`),
    });
  };
  const property = String.raw`options\.preopens\['/x'\]`;
  const asynchronous = {
    promises: { readFile() {} },
    readFile() {},
    stat() {},
  };
  for (const fs of [{}, [], 7, 'text', null, () => {}]) {
    refused({ fs }, String.raw`${property}\.fs`, 'functions of node:fs');
  }
  const wait = 'a guest cannot wait for functions that are not synchronous';
  refused({ fs: asynchronous }, String.raw`${property}\.fs`, wait);
  refused(asynchronous, property, wait);
  const { openSync: _, ...lacking } = fileSystem();
  refused(
    { fs: lacking },
    String.raw`${property}\.fs`,
    'of which it lacks openSync',
  );
  refused(lacking, property, 'of which it lacks openSync');
});

test('what a getter of a file system throws is thrown', (t) => {
  const thrown = new Error('of my own');
  const fs = fileSystem();
  Object.defineProperty(fs, 'openSync', {
    get() {
      throw thrown;
    },
  });
  t.is(
    caught(t, () => guestOver({}, { preopens: { '/': fs } })),
    thrown,
  );
});

test('a Proxy, a class and an object that inherits are file systems', (t) => {
  const memory = new MemoryFS();
  memory.writeFileSync('/file', 'text');
  class Forwarding {
    static {
      for (const [name, value] of Object.entries(fileSystem({}, memory))) {
        // oxlint-disable-next-line no-extend-native -- it is its own class
        Forwarding.prototype[name] = function forward(...args) {
          t.true(this instanceof Forwarding);
          return value.apply(memory, args);
        };
      }
    }
  }
  for (const fs of [
    new Forwarding(),
    Object.create(new Forwarding()),
    new Proxy(new Forwarding(), {}),
  ]) {
    const raw = new RawGuest(WASI, { preopens: { '/': fs } });
    t.is(read(raw, raw.open(PREOPEN, 'file', READ), 9), 'text');
  }
});
