'use strict';

// new WASI({ limits }): the default of each limit, other values, the errno beyond, and
// invalid values.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { LIMITS } = require('../lib/limits');
const { WASI, outcome } = require('./helpers/compare');
const { scratch } = require('./helpers/guest');
const { BUF, ERRNO, OFLAGS, OUT, RIGHTS, RawGuest } = require('./helpers/raw');

const { INVAL, LOOP, NAMETOOLONG, NFILE, SUCCESS } = ERRNO;

function make(t, limits, preopen = scratch(t)) {
  return new RawGuest(WASI, { limits, preopens: { '/': preopen } });
}

test('every limit, as an option and in its range', (t) => {
  const documentation = fs.readFileSync(
    path.join(__dirname, '../index.d.ts'),
    'utf8',
  );
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const comment = documentation.match(
      new RegExp(`/\\*\\*(?:(?!\\*/).)+\\*/\\s+${name}\\?: number`, 's'),
    )?.[0];
    t.true(
      comment?.replace(/\s+\*\s+/g, ' ').includes(`from ${least} to ${most}.`),
      name,
    );
    for (const limit of [least, most, undefined]) {
      const limits = { [name]: limit };
      t.true(new WASI({ version: 'preview1', limits }) instanceof WASI);
    }
  }
});

test('mistakes in limits, with Node’s errors', (t) => {
  const { message } = outcome(
    () => new WASI({ version: 'preview1', limits: { iovec: 1 } }),
  );
  t.is(
    message,
    `The property 'options.limits.iovec' is unknown: the properties are ${Object.keys(
      LIMITS,
    )
      .map((name) => `'${name}'`)
      .join(', ')}. Received 1`,
  );
  for (const limits of [null, 1, 'iovecs', [], () => ({})]) {
    const error = outcome(() => new WASI({ version: 'preview1', limits }));
    t.is(error.code, 'ERR_INVALID_ARG_TYPE');
    t.true(
      error.message.startsWith(
        'The "options.limits" property must be of type object. Received ',
      ),
    );
  }
  for (const [name, [least, most]] of Object.entries(LIMITS)) {
    const is = (value, Base, code, rest) => {
      const limits = { [name]: value };
      const error = t.throws(() => new WASI({ version: 'preview1', limits }), {
        instanceOf: Base,
        code,
      });
      t.is(error.message, rest);
    };
    const type = (value, received) =>
      is(
        value,
        TypeError,
        'ERR_INVALID_ARG_TYPE',
        `The "options.limits.${name}" property must be of type number. Received ${received}`,
      );
    type(null, 'null');
    type('1', "type string ('1')");
    type(1n, 'type bigint (1n)');
    const range = (value, expected, received = String(value)) =>
      is(
        value,
        RangeError,
        'ERR_OUT_OF_RANGE',
        `The value of "options.limits.${name}" is out of range. It must be ${expected}. Received ${received}`,
      );
    range(1.5, 'an integer');
    range(Number.NaN, 'an integer');
    range(Number.POSITIVE_INFINITY, 'an integer');
    range(least - 1, `>= ${least} && <= ${most}`);
    range(most + 1, `>= ${least} && <= ${most}`);
  }
});

test('inherited limits count, and no other properties are read', (t) => {
  const guest = make(t, Object.create({ iovecs: 1 }));
  t.is(guest.calls.fd_write(1, ...guest.iovs(2), OUT), INVAL);
});

/** Opens files until that fails; returns the number of descriptors. */
function fill(guest) {
  for (let count = 4; ; count++) {
    const { errno, fd } = guest.tryOpen(3, '.', { oflags: OFLAGS.DIRECTORY });
    if (errno !== SUCCESS) return { errno, count };
    if (fd !== count) throw new Error(`descriptor ${fd} after ${count}`);
  }
}

test('descriptors', (t) => {
  const guest = make(t, { descriptors: 10 });
  t.deepEqual(fill(guest), { errno: NFILE, count: 10 });
  // Nothing is created if there is no descriptor for it.
  const create = () =>
    guest.tryOpen(3, 'new', { oflags: OFLAGS.CREAT, base: RIGHTS.fd_write })
      .errno;
  t.is(create(), NFILE);
  t.is(guest.tryOpen(3, 'new').errno, NFILE);
  t.is(guest.calls.fd_close(7), SUCCESS);
  t.is(create(), SUCCESS);
  t.is(guest.tryOpen(3, 'new').errno, NFILE);
});

test('descriptors: fewer than a guest has from the start', (t) => {
  for (const descriptors of [0, 3, 4]) {
    const guest = make(t, { descriptors });
    t.is(guest.tryOpen(3, '.').errno, NFILE);
    t.is(guest.calls.fd_prestat_get(3, OUT), SUCCESS);
    t.is(guest.calls.fd_close(2), SUCCESS);
    t.is(guest.tryOpen(3, '.').errno, descriptors < 3 ? NFILE : SUCCESS);
  }
});

test('iovecs', (t) => {
  const read = (guest, count) =>
    guest.calls.fd_write(3, ...guest.iovs(count), OUT);
  for (const [limits, limit] of [
    [{ iovecs: 3 }, 3],
    [{ iovecs: 1024 }, 1024],
    [undefined, 1024],
  ]) {
    const guest = make(t, limits);
    t.is(read(guest, limit), ERRNO.NOTCAPABLE);
    t.is(read(guest, limit + 1), INVAL);
  }
});

/** `poll_oneoff` on so many clocks, all of which are due. */
function poll(guest, count) {
  const at = 0x10000;
  const events = at + 48 * count;
  const pages = Math.ceil((events + 32 * count) / 65536) - 2;
  if (guest.view.byteLength < events + 32 * count)
    guest.calls.memory.grow(pages);
  for (let i = 0; i < count; i++) {
    guest.view.setUint32(at + 48 * i + 16, 1, true);
  }
  return guest.calls.poll_oneoff(at, events, count, OUT);
}

test('subscriptions', (t) => {
  for (const [limits, limit] of [
    [{ subscriptions: 3 }, 3],
    [{ subscriptions: 65536 }, 65536],
    [undefined, 4096],
  ]) {
    const guest = make(t, limits);
    t.is(poll(guest, limit), SUCCESS);
    t.is(guest.view.getUint32(OUT, true), limit);
    t.is(poll(guest, limit + 1), INVAL);
  }
});

test('pathLength', (t) => {
  for (const [limits, limit] of [
    [{ pathLength: 10 }, 10],
    [{ pathLength: 4095 }, 4095],
    [undefined, 4095],
  ]) {
    const guest = make(t, limits);
    const { calls } = guest;
    const long = (length) => './'.repeat(length).slice(0, length - 1) + 'x';
    const each = (length) => [
      guest.tryOpen(3, long(length)).errno,
      calls.path_filestat_get(3, 0, ...guest.lay(long(length)), OUT),
      calls.path_unlink_file(3, ...guest.lay(long(length))),
    ];
    const NOENT = 44;
    t.deepEqual(each(limit), [NOENT, NOENT, NOENT]);
    t.deepEqual(each(limit + 1), Array(3).fill(NAMETOOLONG));
    const symlink = (length) =>
      calls.path_symlink(
        ...guest.lay('t'.repeat(length)),
        3,
        ...guest.lay('l'),
      );
    t.is(symlink(limit + 1), NAMETOOLONG);
    // A link of Windows has 16 KiB, for the target twice, in UTF-16.
    if (process.platform === 'win32' && limit > 1000) continue;
    t.is(symlink(limit), SUCCESS);
  }
});

/** The errno of each path call for a path with so many links before its end. */
function through(guest, links) {
  const { calls } = guest;
  const link = `chain${links}`;
  const lay = (text) => guest.lay(text);
  const below = `dirs${links}`;
  return {
    open: guest.tryOpen(3, link, { base: RIGHTS.fd_read }).errno,
    'open below': guest.tryOpen(3, `${below}/file`).errno,
    stat: calls.path_filestat_get(3, 1, ...lay(link), OUT),
    'stat below': calls.path_filestat_get(3, 0, ...lay(`${below}/file`), OUT),
    times: calls.path_filestat_set_times(3, 1, ...lay(link), 1n, 1n, 5),
    readlink: calls.path_readlink(3, ...lay(`${below}/link`), BUF, 9, OUT),
    mkdir: calls.path_create_directory(3, ...lay(`${below}/made`)),
    rmdir: calls.path_remove_directory(3, ...lay(`${below}/made`)),
    symlink: calls.path_symlink(...lay('x'), 3, ...lay(`${below}/made`)),
    rename: calls.path_rename(
      ...[3, ...lay(`${below}/made`), 3, ...lay(`${below}/moved`)],
    ),
    unlink: calls.path_unlink_file(3, ...lay(`${below}/moved`)),
    link: calls.path_link(3, 1, ...lay(link), 3, ...lay('linked')),
    'unlink the link': calls.path_unlink_file(3, ...lay('linked')),
  };
}

test('symlinkHops', (t) => {
  const directory = scratch(t);
  fs.mkdirSync(path.join(directory, 'dirs0'));
  for (const name of ['chain0', 'dirs0/file']) {
    fs.writeFileSync(path.join(directory, name), 'content');
  }
  fs.symlinkSync('file', path.join(directory, 'dirs0', 'link'));
  for (let i = 1; i <= 41; i++) {
    for (const name of ['chain', 'dirs']) {
      fs.symlinkSync(`${name}${i - 1}`, path.join(directory, `${name}${i}`));
    }
  }
  for (const [limits, limit] of [
    ...[0, 1, 5, 39, 40].map((hops) => [{ symlinkHops: hops }, hops]),
    [undefined, 40],
  ]) {
    const guest = make(t, limits, directory);
    for (const links of [0, 1, 5, 39, 40, 41]) {
      const expected = links > limit ? LOOP : SUCCESS;
      for (const [call, errno] of Object.entries(through(guest, links))) {
        if (call === 'unlink the link') continue;
        t.is(errno, expected, `${call}, ${links} of ${limit}`);
      }
    }
    // A link that is not followed does not count.
    t.is(guest.calls.path_filestat_get(3, 0, ...guest.lay('chain41'), OUT), 0);
    t.is(guest.tryOpen(3, 'chain1', { follow: false }).errno, LOOP);
  }
});

test('with fewer symlinkHops, paths lead where they lead without', (t) => {
  const directory = scratch(t);
  fs.mkdirSync(path.join(directory, 'a', 'b'), { recursive: true });
  fs.writeFileSync(path.join(directory, 'a', 'b', 'file'), 'content');
  fs.writeFileSync(path.join(directory, 'a', 'file'), 'content');
  fs.symlinkSync('../file', path.join(directory, 'a', 'b', 'up'));
  fs.symlinkSync('../../../file', path.join(directory, 'a', 'b', 'out'));
  fs.symlinkSync('/data/a', path.join(directory, 'absolute'));
  fs.symlinkSync('nothing', path.join(directory, 'dangling'));
  fs.symlinkSync('loop', path.join(directory, 'loop'));
  fs.symlinkSync('new/', path.join(directory, 'slash'));
  const paths = [
    ...['a', 'a/', 'a/b/file', 'a/b/file/', 'a//./b/../file', 'a/b/up'],
    ...['a/b/out', 'absolute', 'absolute/', 'absolute/b/up', 'dangling'],
    ...[
      'dangling/',
      'slash',
      'loop',
      'loop/x',
      '..',
      '../x',
      'a/../..',
      '.',
      './',
    ],
    ...['none', 'none/x', 'a/file/x', 'a/b/file/..', '', '/', '/data/a'],
  ];
  const each = (limits) => {
    const guest = new RawGuest(WASI, {
      limits,
      preopens: { '/data': directory },
    });
    return paths.flatMap((name) => {
      const base = RIGHTS.fd_filestat_get;
      const { errno, fd } = guest.tryOpen(3, name, { base });
      const opened = errno === 0 && guest.calls.fd_filestat_get(fd, OUT);
      const inode = errno === 0 && guest.view.getBigUint64(OUT + 8, true);
      const other = [0, 1].map((flags) => [
        guest.calls.path_filestat_get(3, flags, ...guest.lay(name), OUT),
        guest.tryOpen(3, name, { follow: false }).errno,
        guest.tryOpen(3, name, { oflags: OFLAGS.DIRECTORY }).errno,
        guest.tryOpen(3, name, { oflags: OFLAGS.CREAT | OFLAGS.EXCL }).errno,
        guest.tryOpen(3, name, { oflags: OFLAGS.CREAT }).errno,
      ]);
      // What the calls have created.
      for (const made of ['none', 'nothing']) {
        fs.rmSync(path.join(directory, made), { force: true });
      }
      return [[name, errno, opened, inode, other]];
    });
  };
  t.deepEqual(each({ symlinkHops: 39 }), each(undefined));
});

test('randomChunk', (t) => {
  for (const randomChunk of [1, 7, 4096, 65536, undefined]) {
    const guest = make(t, { randomChunk });
    for (const length of [0, 1, 100, 5000, 65536]) {
      const buf = 0x10000;
      const before = Buffer.from(guest.calls.memory.buffer, 0, buf).toString();
      const bytes = new Uint8Array(guest.calls.memory.buffer, buf, 65536);
      bytes.fill(0);
      t.is(guest.calls.random_get(buf, length), SUCCESS);
      // One in 256 bytes is 0 by chance.
      const zeros = bytes.subarray(0, length).filter((byte) => byte === 0);
      t.true(zeros.length <= 10 + length / 100, `${zeros.length} of ${length}`);
      t.true(bytes.subarray(length).every((byte) => byte === 0));
      t.is(Buffer.from(guest.calls.memory.buffer, 0, buf).toString(), before);
    }
    t.is(guest.calls.random_get(0x10000, 65537), ERRNO.OVERFLOW);
  }
});
