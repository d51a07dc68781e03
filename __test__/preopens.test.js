'use strict';

// Preopens with fewer rights: how they are described, and that nothing circumvents them.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { NodeWASI, WASI, outcome, sameAsNode } = require('./helpers/compare');
const { run, scratch } = require('./helpers/guest');
const {
  ALL_RIGHTS,
  BUF,
  ERRNO,
  OFLAGS,
  OUT,
  RIGHTS,
  RawGuest,
} = require('./helpers/raw');

const { BADF, NOTCAPABLE, SUCCESS } = ERRNO;

const WRITING = [
  'fd_datasync',
  'fd_write',
  'fd_allocate',
  'fd_filestat_set_size',
];
const NOT_WRITING = WRITING.reduce(
  (rest, name) => rest & ~RIGHTS[name],
  ALL_RIGHTS,
);

/** All attributes and contents of a directory, except for access times. */
function everything(directory) {
  const found = {};
  const note = (name) => {
    const file = path.join(directory, name);
    const stat = fs.lstatSync(file, { bigint: true });
    const { dev, ino, mode, nlink, size, mtimeNs, ctimeNs } = stat;
    const content = stat.isFile()
      ? fs.readFileSync(file, 'utf8')
      : stat.isSymbolicLink() && fs.readlinkSync(file);
    found[name] = { dev, ino, mode, nlink, size, mtimeNs, ctimeNs, content };
    if (stat.isDirectory()) {
      for (const below of fs.readdirSync(file)) note(path.join(name, below));
    }
  };
  note('.');
  return found;
}

/**
 * Two directories of the host, `ro` and `rw`, which a guest has as /ro and /rw
 * with descriptors 3 and 4.
 */
function directories(t) {
  const root = scratch(t);
  const [ro, rw] = ['ro', 'rw'].map((name) => path.join(root, name));
  for (const directory of [ro, rw]) {
    fs.mkdirSync(path.join(directory, 'dir', 'empty'), { recursive: true });
    fs.writeFileSync(path.join(directory, 'file'), 'content');
    fs.writeFileSync(path.join(directory, 'dir', 'nested'), 'nested');
    fs.symlinkSync('file', path.join(directory, 'link'));
    fs.symlinkSync('dir', path.join(directory, 'dirlink'));
  }
  fs.symlinkSync('/ro/dir', path.join(rw, 'into'));
  fs.symlinkSync('/ro/dir/', path.join(rw, 'into-slash'));
  fs.symlinkSync('into-slash/', path.join(rw, 'chain'));
  fs.symlinkSync('/ro/file', path.join(rw, 'into-file'));
  return { ro, rw };
}

const RO = 3;
const RW = 4;

function readOnlyGuest(t, more = { readOnly: true }) {
  const { ro, rw } = directories(t);
  const guest = new RawGuest(WASI, {
    preopens: { '/ro': { path: ro, ...more }, '/rw': rw },
  });
  return { guest, ro, rw, before: everything(ro) };
}

/**
 * The ways to the directory `dir` of /ro, each as a descriptor and the path before a
 * name in it.
 */
const WAYS = {
  'the preopen': () => [RO, 'dir/'],
  'a link in it': () => [RO, 'dirlink/'],
  'an absolute link in a writable preopen': () => [RW, 'into/'],
  'a link whose target ends in a slash': () => [RW, 'into-slash/'],
  'a chain of such links': () => [RW, 'chain/'],
  'slashes and dots': () => [RO, './/dir/./empty/..//'],
  'a directory opened in it': (guest) => [
    guest.open(RO, 'dir', {
      oflags: OFLAGS.DIRECTORY,
      base: NOT_WRITING,
      inheriting: ALL_RIGHTS,
    }),
    '',
  ],
  'a directory opened without saying so': (guest) => [
    guest.open(RO, 'dir', { base: NOT_WRITING, inheriting: ALL_RIGHTS }),
    '',
  ],
  'a directory opened through the link': (guest) => [
    guest.open(RW, 'into', {
      oflags: OFLAGS.DIRECTORY,
      base: NOT_WRITING,
      inheriting: ALL_RIGHTS,
    }),
    '',
  ],
  'several opens': (guest) => {
    let fd = RO;
    for (const name of ['.', 'dir', 'empty/..', '.']) {
      fd = guest.open(fd, name, {
        oflags: OFLAGS.DIRECTORY,
        base: NOT_WRITING,
        inheriting: ALL_RIGHTS,
      });
    }
    return [fd, ''];
  },
  'a number that was of a writable preopen': (guest) => {
    const dir = guest.open(RO, 'dir', {
      oflags: OFLAGS.DIRECTORY,
      base: NOT_WRITING,
      inheriting: ALL_RIGHTS,
    });
    const writable = guest.open(RW, '.', {
      oflags: OFLAGS.DIRECTORY,
      base: NOT_WRITING,
      inheriting: ALL_RIGHTS,
    });
    if (guest.calls.fd_renumber(dir, writable) !== 0)
      throw new Error('renumber');
    return [writable, ''];
  },
};

// Every call that changes something, with a directory as WAYS gives it.
function* changes(guest, fd, prefix) {
  const { calls } = guest;
  const at = (name) => [fd, ...guest.lay(prefix + name)];
  const own = (name) => [RW, ...guest.lay(name)];

  for (const name of ['nested', 'new']) {
    for (const [title, oflags] of Object.entries({
      CREAT: OFLAGS.CREAT,
      'CREAT|EXCL': OFLAGS.CREAT | OFLAGS.EXCL,
      'CREAT|TRUNC': OFLAGS.CREAT | OFLAGS.TRUNC,
      TRUNC: OFLAGS.TRUNC,
    })) {
      for (const base of [
        0n,
        RIGHTS.fd_read,
        RIGHTS.fd_write,
        NOT_WRITING,
        ALL_RIGHTS,
      ]) {
        for (const inheriting of [0n, ALL_RIGHTS]) {
          const { errno } = guest.tryOpen(fd, prefix + name, {
            oflags,
            base,
            inheriting,
          });
          yield [`open ${name} ${title} ${base}`, errno];
        }
      }
    }
  }
  for (const right of WRITING) {
    for (const base of [RIGHTS[right], RIGHTS[right] | RIGHTS.fd_read]) {
      const { errno } = guest.tryOpen(fd, `${prefix}nested`, { base });
      yield [`open for ${right}`, errno];
    }
  }
  yield ['mkdir', calls.path_create_directory(...at('new'))];
  yield ['rmdir', calls.path_remove_directory(...at('empty'))];
  yield ['unlink', calls.path_unlink_file(...at('nested'))];
  yield ['symlink', calls.path_symlink(...guest.lay('nested'), ...at('new'))];
  for (const flags of [0, 1]) {
    yield [
      'link out',
      calls.path_link(
        fd,
        flags,
        ...guest.lay(`${prefix}nested`),
        ...own('out'),
      ),
    ];
    yield [
      'link in',
      calls.path_link(RW, flags, ...guest.lay('file'), ...at('new')),
    ];
    yield [
      'link',
      calls.path_link(fd, flags, ...guest.lay(`${prefix}nested`), ...at('new')),
    ];
    for (const fstFlags of [1 | 4, 2 | 8, 0]) {
      yield [
        'set_times',
        calls.path_filestat_set_times(
          fd,
          flags,
          ...guest.lay(`${prefix}nested`),
          1n,
          1n,
          fstFlags,
        ),
      ];
    }
  }
  yield ['rename out', calls.path_rename(...at('nested'), ...own('out'))];
  yield ['rename in', calls.path_rename(...own('file'), ...at('nested'))];
  yield ['rename', calls.path_rename(...at('nested'), ...at('new'))];
  yield [
    'rename a directory out',
    calls.path_rename(...at('empty'), ...own('out')),
  ];
}

for (const [title, way] of Object.entries(WAYS)) {
  test(`nothing in a read-only preopen can be changed through ${title}`, (t) => {
    const { guest, ro, rw, before } = readOnlyGuest(t);
    const [fd, prefix] = way(guest);
    let count = 0;
    for (const [change, errno] of changes(guest, fd, prefix)) {
      t.is(errno, NOTCAPABLE, change);
      count++;
    }
    t.is(count, 108);
    t.deepEqual(everything(ro), before);
    t.false(fs.existsSync(path.join(rw, 'out')));
    // What is allowed works.
    const file = guest.open(fd, `${prefix}nested`, { base: RIGHTS.fd_read });
    t.is(guest.calls.fd_read(file, ...guest.iovs(), OUT), SUCCESS);
    t.is(String.fromCharCode(guest.view.getUint8(BUF)), 'n');
  });
}

test('the same changes can be made in a preopen that is not read-only', (t) => {
  const { guest } = readOnlyGuest(t, { readOnly: false });
  const refused = [...changes(guest, RO, 'dir/')].filter(
    ([, errno]) => errno === NOTCAPABLE,
  );
  t.deepEqual(refused, []);
});

test('a symbolic link has the rights of the preopen that contains it', (t) => {
  const { guest, ro, rw, before } = readOnlyGuest(t);
  for (const oflags of [OFLAGS.TRUNC, OFLAGS.CREAT, 0]) {
    for (const base of [RIGHTS.fd_write, ALL_RIGHTS]) {
      t.is(guest.tryOpen(RW, 'into-file', { oflags, base }).errno, NOTCAPABLE);
    }
  }
  const { calls } = guest;
  const into = () => guest.lay('into-file');
  t.is(calls.path_link(RW, 1, ...into(), RW, ...guest.lay('out')), NOTCAPABLE);
  t.is(calls.path_filestat_set_times(RW, 1, ...into(), 1n, 1n, 5), NOTCAPABLE);
  t.is(calls.path_filestat_set_times(RW, 0, ...into(), 1n, 1n, 5), SUCCESS);
  t.is(calls.path_rename(RW, ...into(), RW, ...guest.lay('moved')), SUCCESS);
  t.is(calls.path_unlink_file(RW, ...guest.lay('moved')), SUCCESS);
  t.deepEqual(everything(ro), before);
  t.false(fs.existsSync(path.join(rw, 'out')));
});

test('a file of a read-only preopen cannot be changed by its descriptor', (t) => {
  const { guest, ro, before } = readOnlyGuest(t);
  const { calls } = guest;
  const file = (options) =>
    guest.open(RO, 'file', {
      base: NOT_WRITING,
      inheriting: ALL_RIGHTS,
      ...options,
    });
  const renumbered = () => {
    const writable = guest.open(RW, 'file', {
      base: ALL_RIGHTS,
    });
    calls.fd_renumber(file(), writable);
    return writable;
  };
  for (const [title, fd] of Object.entries({
    plain: file(),
    append: file({ fdflags: 1 }),
    'through a link': guest.open(RW, 'into-file', { base: NOT_WRITING }),
    'on the number of a writable file': renumbered(),
  })) {
    for (const [call, errno] of Object.entries({
      fd_write: calls.fd_write(fd, ...guest.iovs(), OUT),
      fd_pwrite: calls.fd_pwrite(fd, ...guest.iovs(), 0n, OUT),
      fd_allocate: calls.fd_allocate(fd, 0n, 100n),
      fd_filestat_set_size: calls.fd_filestat_set_size(fd, 0n),
      fd_filestat_set_times: calls.fd_filestat_set_times(fd, 1n, 1n, 5),
      fd_datasync: calls.fd_datasync(fd),
    })) {
      t.is(errno, NOTCAPABLE, `${title}: ${call}`);
    }
    for (const flags of [0, 1, 2 | 8 | 16]) {
      t.is(calls.fd_fdstat_set_flags(fd, flags), SUCCESS);
      t.is(calls.fd_write(fd, ...guest.iovs(), OUT), NOTCAPABLE);
    }
  }
  t.deepEqual(everything(ro), before);
});

test('rights of a read-only preopen cannot be regained', (t) => {
  const { guest, ro, before } = readOnlyGuest(t);
  const { calls } = guest;
  const dir = guest.open(RO, 'dir', {
    oflags: OFLAGS.DIRECTORY,
    base: NOT_WRITING,
    inheriting: ALL_RIGHTS,
  });
  const file = guest.open(dir, 'nested', { base: NOT_WRITING });
  for (const fd of [RO, dir, file]) {
    const { base, inheriting } = guest.rights(fd);
    for (const right of Object.values(RIGHTS)) {
      if ((base & right) === 0n) {
        t.is(
          calls.fd_fdstat_set_rights(fd, base | right, inheriting),
          NOTCAPABLE,
        );
      }
      if ((inheriting & right) === 0n) {
        t.is(
          calls.fd_fdstat_set_rights(fd, base, inheriting | right),
          NOTCAPABLE,
        );
      }
    }
    t.is(calls.fd_fdstat_set_rights(fd, ALL_RIGHTS, ALL_RIGHTS), NOTCAPABLE);
    t.is(calls.fd_fdstat_set_rights(fd, base, inheriting), SUCCESS);
    t.deepEqual(guest.rights(fd), { base, inheriting });
  }
  t.is(calls.fd_write(file, ...guest.iovs(), OUT), NOTCAPABLE);
  t.is(calls.path_create_directory(dir, ...guest.lay('new')), NOTCAPABLE);
  t.deepEqual(everything(ro), before);
});

test('fd_fdstat_get returns the rights that a guest has', (t) => {
  const { guest } = readOnlyGuest(t);
  const readOnly = [
    ...['fd_fdstat_set_flags', 'fd_sync', 'fd_advise', 'path_open'],
    ...['fd_readdir', 'path_readlink', 'path_filestat_get', 'fd_filestat_get'],
    ...['poll_fd_readwrite'],
  ];
  const bits = (names) => names.reduce((all, name) => all | RIGHTS[name], 0n);
  t.deepEqual(guest.rights(RO), {
    base: bits(readOnly),
    inheriting: bits([...readOnly, 'fd_read', 'fd_seek', 'fd_tell']),
  });
});

test('renumbering a descriptor 2000 times leaves none open', (t) => {
  const { guest } = readOnlyGuest(t);
  const open = () => guest.open(RO, 'file', { base: RIGHTS.fd_read });
  const target = open();
  const count = () =>
    process.platform === 'linux' ? fs.readdirSync('/proc/self/fd').length : 0;
  const before = count();
  for (let i = 0; i < 2000; i++) {
    guest.calls.fd_renumber(open(), target);
  }
  // Whatever else the process opens meanwhile.
  t.true(count() < before + 100);
  t.is(guest.calls.fd_write(target, ...guest.iovs(), OUT), NOTCAPABLE);
  t.is(guest.calls.fd_renumber(target, 99), BADF);
});

test('a directory below another keeps the fewer rights of the two', (t) => {
  const root = scratch(t);
  fs.mkdirSync(path.join(root, 'sub', 'deeper'), { recursive: true });
  const mkdir = (guest, fd, name) =>
    guest.calls.path_create_directory(fd, ...guest.lay(name));

  const inner = new RawGuest(WASI, {
    preopens: {
      '/all': root,
      '/all/sub': { path: path.join(root, 'sub'), readOnly: true },
    },
  });
  t.is(mkdir(inner, 4, 'new'), NOTCAPABLE);
  t.is(mkdir(inner, 4, '../new'), NOTCAPABLE);
  t.is(mkdir(inner, 3, 'sub/new'), NOTCAPABLE);
  t.is(mkdir(inner, 3, 'other'), SUCCESS);

  const outer = new RawGuest(WASI, {
    preopens: {
      '/': { path: root, readOnly: true },
      '/sub': path.join(root, 'sub'),
    },
  });
  fs.symlinkSync('/sub', path.join(root, 'absolute'));
  fs.symlinkSync('sub', path.join(root, 'relative'));
  fs.symlinkSync('/', path.join(root, 'sub', 'up'));
  t.is(mkdir(outer, 3, 'sub/newer'), NOTCAPABLE);
  t.is(mkdir(outer, 3, 'relative/newer'), NOTCAPABLE);
  t.is(mkdir(outer, 3, '../sub/newer'), NOTCAPABLE);
  t.is(mkdir(outer, 4, 'up/newer'), NOTCAPABLE);
  t.is(mkdir(outer, 4, 'newer'), SUCCESS);
  t.is(mkdir(outer, 3, 'absolute/newest'), NOTCAPABLE);
  t.deepEqual(fs.readdirSync(root).toSorted(), [
    'absolute',
    'other',
    'relative',
    'sub',
  ]);
});

test('rights, each alone', (t) => {
  const { ro } = directories(t);
  const attempts = {
    path_create_directory: (g) =>
      g.calls.path_create_directory(3, ...g.lay('d')),
    path_remove_directory: (g) =>
      g.calls.path_remove_directory(3, ...g.lay('d')),
    path_symlink: (g) => g.calls.path_symlink(...g.lay('x'), 3, ...g.lay('s')),
    path_readlink: (g) =>
      g.calls.path_readlink(3, ...g.lay('link'), BUF, 9, OUT),
    path_unlink_file: (g) => g.calls.path_unlink_file(3, ...g.lay('s')),
    path_filestat_get: (g) =>
      g.calls.path_filestat_get(3, 0, ...g.lay('file'), OUT),
    path_filestat_set_times: (g) =>
      g.calls.path_filestat_set_times(3, 0, ...g.lay('file'), 1n, 1n, 5),
    path_open: (g) => g.tryOpen(3, 'file', {}).errno,
    fd_readdir: (g) => g.calls.fd_readdir(3, BUF, 100, 0n, OUT),
    fd_filestat_get: (g) => g.calls.fd_filestat_get(3, OUT),
    fd_filestat_set_times: (g) => g.calls.fd_filestat_set_times(3, 1n, 1n, 5),
    fd_sync: (g) => g.calls.fd_sync(3),
  };
  for (const right of Object.keys(RIGHTS)) {
    const guest = new RawGuest(WASI, {
      preopens: { '/': { path: ro, rights: [right] } },
    });
    for (const [needed, attempt] of Object.entries(attempts)) {
      const expected = needed === right ? SUCCESS : NOTCAPABLE;
      t.is(attempt(guest), expected, `${needed} with ${right}`);
    }
  }
});

test('rights apply to what is opened', (t) => {
  const { ro } = directories(t);
  const guest = (rights, readOnly) =>
    new RawGuest(WASI, { preopens: { '/': { path: ro, rights, readOnly } } });
  const open = (g, base, oflags) =>
    g.tryOpen(3, 'file', { base, oflags }).errno;

  const reader = guest(['path_open', 'fd_read']);
  const file = reader.open(3, 'file', { base: NOT_WRITING });
  t.is(reader.calls.fd_read(file, ...reader.iovs(), OUT), SUCCESS);
  t.is(reader.calls.fd_seek(file, 0n, 0, OUT), NOTCAPABLE);
  t.is(reader.calls.fd_filestat_get(file, OUT), NOTCAPABLE);
  t.is(open(reader, RIGHTS.fd_write), NOTCAPABLE);
  t.deepEqual(reader.rights(file), { base: RIGHTS.fd_read, inheriting: 0n });

  const writer = guest(['path_open', 'fd_write', 'path_create_file']);
  t.is(open(writer, RIGHTS.fd_write), SUCCESS);
  const log = writer.open(3, 'log', {
    base: RIGHTS.fd_write | RIGHTS.fd_read,
    oflags: OFLAGS.CREAT,
    fdflags: 1,
  });
  t.is(writer.calls.fd_write(log, ...writer.iovs(), OUT), SUCCESS);
  t.is(writer.calls.fd_read(log, ...writer.iovs(), OUT), NOTCAPABLE);
  t.is(open(writer, RIGHTS.fd_write, OFLAGS.TRUNC), NOTCAPABLE);

  const nothing = guest([]);
  t.is(open(nothing, 0n), NOTCAPABLE);
  t.is(nothing.calls.fd_prestat_get(3, OUT), SUCCESS);

  const both = guest(
    ['path_open', 'fd_read', 'fd_write', 'path_create_directory'],
    true,
  );
  t.is(open(both, RIGHTS.fd_read), SUCCESS);
  t.is(open(both, RIGHTS.fd_write), NOTCAPABLE);
  t.is(both.calls.path_create_directory(3, ...both.lay('new')), NOTCAPABLE);
});

// Zig opens directories without the right to read files through them.
test('the rights that a guest asks for do not limit, those of the preopen do', (t) => {
  const { ro } = directories(t);
  const base = ALL_RIGHTS & ~RIGHTS.fd_read & ~RIGHTS.fd_write;
  const ask = { base, inheriting: base, oflags: OFLAGS.DIRECTORY };
  const through = (Host, preopen) => {
    const guest = new RawGuest(Host, { preopens: { '/': preopen } });
    const sub = guest.open(3, 'dir', { ...ask, base: RIGHTS.path_open });
    const open = (path, base, oflags) =>
      guest.tryOpen(sub, path, { base, oflags }).errno;
    return [
      open('nested', RIGHTS.fd_read),
      open('made', RIGHTS.fd_write, OFLAGS.CREAT),
    ];
  };
  const readOnly = { path: ro, readOnly: true };
  t.deepEqual(through(WASI, readOnly), [SUCCESS, NOTCAPABLE]);
  t.false(fs.existsSync(path.join(ro, 'dir/made')));
  t.deepEqual(through(WASI, ro), [SUCCESS, SUCCESS]);
  if (NodeWASI) t.deepEqual(through(NodeWASI, ro), [NOTCAPABLE, NOTCAPABLE]);
});

test('a file cannot be linked or renamed into a preopen with more rights', (t) => {
  const { ro, rw } = directories(t);
  const sight = ['path_open', 'fd_read', 'path_filestat_get'];
  const give = ['path_link_source', 'path_rename_source'];
  const take = ['path_link_target', 'path_rename_target'];
  const guest = new RawGuest(WASI, {
    preopens: {
      '/ro': { path: ro, rights: [...sight, ...give, ...take] },
      '/rw': rw,
      '/less': { path: path.join(rw, 'dir'), rights: [...sight, ...take] },
    },
  });
  const { calls } = guest;
  const lay = (name) => guest.lay(name);
  const link = (from, name, to, other, flags = 0) =>
    calls.path_link(from, flags, ...lay(name), to, ...lay(other));
  const rename = (from, name, to, other) =>
    calls.path_rename(from, ...lay(name), to, ...lay(other));
  const before = everything(ro);
  fs.symlinkSync('/rw', path.join(ro, 'to-rw'));
  t.is(link(RO, 'file', RW, 'out'), NOTCAPABLE);
  t.is(link(RO, 'link', RW, 'out', 1), NOTCAPABLE);
  t.is(link(RO, 'file', RO, 'to-rw/out'), NOTCAPABLE);
  t.is(link(RW, 'into/nested', RW, 'out'), NOTCAPABLE);
  t.is(link(RW, 'into-file', RW, 'out', 1), NOTCAPABLE);
  t.is(rename(RO, 'file', RW, 'out'), NOTCAPABLE);
  t.is(rename(RO, 'file', RO, 'to-rw/out'), NOTCAPABLE);
  t.is(rename(RO, 'dir/empty', RW, 'out'), NOTCAPABLE);
  t.is(rename(RW, 'into/nested', RW, 'out'), NOTCAPABLE);
  fs.rmSync(path.join(ro, 'to-rw'));
  t.deepEqual(
    Object.keys(everything(ro)).toSorted(),
    Object.keys(before).toSorted(),
  );
  t.false(fs.existsSync(path.join(rw, 'out')));
  // Into a preopen with as many or fewer rights it works.
  t.is(link(RO, 'file', RO, 'linked'), SUCCESS);
  t.is(rename(RO, 'linked', RO, 'moved'), SUCCESS);
  t.is(rename(RO, 'moved', 5, 'moved'), SUCCESS);
  t.is(link(RW, 'file', 5, 'linked'), SUCCESS);
});

test('a program of wasi-libc reads through a read-only preopen', (t) => {
  const { ro } = directories(t);
  const before = everything(ro);
  const files = (...args) =>
    run(t, WASI, 'files', {
      args: ['files', ...args],
      preopens: { '/ro': { path: ro, readOnly: true } },
    });
  const reading = [
    ...[
      'read',
      '/ro/file',
      ',',
      'read',
      '/ro/link',
      ',',
      'lsa',
      '/ro/dir',
      ',',
    ],
    ...['pread', '/ro/dirlink/nested', '1', '3', ',', 'seek', '/ro/file', '0'],
    ...['3', 'set', ',', 'stat', '/ro/file', ',', 'readlink', '/ro/link', ','],
    ...['same', '/ro/file', '/ro/link', ',', 'advise', '/ro/file'],
  ];
  t.deepEqual(
    files(...reading),
    run(t, WASI, 'files', {
      args: ['files', ...reading],
      preopens: { '/ro': ro },
    }),
  );
  t.is(files(...reading).exitCode, 0);
  const changing = [
    ['create', '/ro/new'],
    ['write', '/ro/file', 'x'],
    ['append', '/ro/file', 'x'],
    ['pwrite', '/ro/file', '0', 'x'],
    ['truncate', '/ro/file', '0'],
    ['allocate', '/ro/file', '0', '100'],
    ['rename', '/ro/file', '/ro/new'],
    ['unlink', '/ro/file'],
    ['mkdir', '/ro/new'],
    ['rmdir', '/ro/dir/empty'],
    ['utimens', '/ro/file', '1.0', '1.0'],
    ['lutimens', '/ro/link', '1.0', '1.0'],
    ['futimens', '/ro/file', '1.0', '1.0'],
    ['symlink', 'file', '/ro/new'],
    ['link', '/ro/file', '/ro/new'],
  ];
  for (const operation of changing) {
    t.deepEqual(files(...operation), {
      exitCode: 1,
      printed: `${operation[0]} ${operation[1]}: errno 76\n`,
    });
  }
  // wasi-libc asks only for rights that the preopen has, so this opens; for the refused
  // write(), libc returns EBADF.
  t.is(
    files('rewrite', '/ro/file', 'x').printed,
    'rewrite /ro/file: errno 8\n',
  );
  t.deepEqual(everything(ro), before);
});

test('which values are paths, as in Node, and which are descriptions', (t) => {
  const directory = scratch(t);
  class Described {
    path = directory;
    readOnly = true;
  }
  class Named {
    #path = directory;
    name = 'not of a description';
    toString() {
      return this.#path;
    }
  }
  const isReadOnly = (value) => {
    const { returned, ...error } = outcome(
      () => new RawGuest(WASI, { preopens: { '/': value } }),
    );
    if (returned === undefined) return error.code;
    return (returned.rights(3).base & RIGHTS.path_create_file) === 0n;
  };
  for (const [expected, ...values] of [
    [false, directory, new Named(), Object(directory), [directory]],
    [false, { toString: () => directory }],
    [false, { [Symbol.toPrimitive]: () => directory }],
    [false, { __proto__: null, [Symbol.toPrimitive]: () => directory }],
    [false, { __proto__: null, valueOf: () => directory }],
    [false, Buffer.from(directory)],
    [false, { path: directory }, { path: directory, readOnly: undefined }],
    [false, { path: directory, readOnly: false, rights: undefined }],
    [true, { path: directory, readOnly: true }, new Described()],
    [true, { __proto__: null, path: directory, readOnly: true }],
    [true, { __proto__: { path: directory, readOnly: true } }],
    [true, { path: directory, rights: ['fd_read'] }],
    ['UVWASI_ENOENT', null, undefined, 1, Symbol('s'), [], '', { path: '' }],
    ['UVWASI_ENOENT', () => directory, new URL('file:///tmp')],
  ]) {
    for (const value of values) t.is(isReadOnly(value), expected);
  }
});

test('mistakes in a preopen', (t) => {
  const directory = scratch(t);
  const is = (value, Base, code, message) => {
    const error = t.throws(
      () => new WASI({ version: 'preview1', preopens: { "it's/here": value } }),
      { instanceOf: Base, code },
    );
    t.true(error.message.startsWith(message), error.message);
  };
  const path = directory;
  const named = (name, kind = '"') =>
    `${kind}options.preopens["it's/here"]${name}${kind}`;
  const type = (value, name, expected) =>
    is(
      value,
      TypeError,
      'ERR_INVALID_ARG_TYPE',
      `The ${named(name)} property must be ${expected}`,
    );
  const value = (preopen, name, reason) =>
    is(
      preopen,
      TypeError,
      'ERR_INVALID_ARG_VALUE',
      `The property ${named(name, "'")} ${reason}`,
    );
  type({}, '.path', 'of type string. Received undefined');
  type({ path: 1 }, '.path', 'of type string. Received type number (1)');
  type(
    { path: [directory] },
    '.path',
    'of type string. Received an instance of Array',
  );
  type(
    { path, readOnly: 1 },
    '.readOnly',
    'of type boolean. Received type number (1)',
  );
  type({ path, readOnly: null }, '.readOnly', 'of type boolean. Received null');
  type(
    { path, rights: 'fd_read' },
    '.rights',
    'an instance of Array. Received type string',
  );
  type(
    { path, rights: null },
    '.rights',
    'an instance of Array. Received null',
  );
  type(
    { path, rights: ['fd_read', 2n] },
    '.rights[1]',
    'of type string. Received type bigint (2n)',
  );
  value(
    { path, readonly: true },
    '.readonly',
    "is unknown: the properties are 'path', 'fs', 'readOnly', 'rights'. Received true",
  );
  value(
    { path, rights: ['FD_READ'] },
    '.rights[0]',
    "must be one of: 'fd_datasync', 'fd_read', ",
  );
  value({ path, rights: ['constructor'] }, '.rights[0]', 'must be one of: ');
  value({ path, rights: [''] }, '.rights[0]', 'must be one of: ');
});

test('mistakes in a preopen are reported in the order of Node', (t) => {
  const bad = { preopens: { '/': { path: 1 } }, env: 1 };
  const { message } = outcome(() => new WASI({ version: 'preview1', ...bad }));
  t.true(message.includes('options.env'));
  const later = { ...bad, env: {}, stdin: -1, limits: 1 };
  t.regex(
    outcome(() => new WASI({ version: 'preview1', ...later })).message,
    /path/,
  );
  sameAsNode(
    t,
    (WASI) => new WASI({ version: 'preview1', stdin: -1, limits: 1 }),
  );
});
