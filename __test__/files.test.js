'use strict';

// A program in C on files and directories, which stay the same when they are renamed,
// listed or changed.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { WASI } = require('./helpers/compare');
const { run, scratch } = require('./helpers/guest');

const onUnix = process.platform === 'win32' ? test.skip : test;

/** Runs operations of files.c on a directory; the lines that they print. */
function files(t, directory, operations) {
  const { exitCode, printed } = run(t, WASI, 'files', {
    args: ['files', ...operations.join(' , ').split(' ')],
    preopens: { '/home': directory, '.': directory },
  });
  return { exitCode, lines: printed.trimEnd().split('\n') };
}

test('F_SETFL with the flags of F_GETFL does not make a file append-only', (t) => {
  const directory = scratch(t);
  const file = path.join(directory, 'file');
  fs.writeFileSync(file, 'old text that is longer');
  const { exitCode, lines } = files(t, directory, [
    'flags file',
    'rewrite file new',
    'read file',
  ]);
  t.deepEqual(lines, [
    'flags file: append=1 plain=0',
    'rewrite file: ok',
    'read file: new text that is longer',
  ]);
  t.is(exitCode, 0);
});

onUnix(
  'a directory that was renamed takes new files through its descriptor',
  (t) => {
    const directory = scratch(t);
    const { lines } = files(t, directory, [
      'mkdir old',
      'dirfd old new made',
      'ls new',
    ]);
    t.is(lines[1], 'dirfd old: create=0 read=through');
    t.is(lines[2], 'ls new: made');
  },
);

onUnix('times are set to the nanosecond, each without the other', (t) => {
  const directory = scratch(t);
  fs.writeFileSync(path.join(directory, 'file'), '');
  const { lines } = files(t, directory, [
    'utimens file 1000000000.123456789 1500000000.987654321',
    'times file',
    'futimens file omit 1600000000.000000001',
    'times file',
    'utimens file 1700000000.500000000 omit',
    'times file',
  ]);
  t.deepEqual(
    lines.filter((line) => line.startsWith('times')),
    [
      'times file: atim=1000000000.123456789 mtim=1500000000.987654321',
      'times file: atim=1000000000.123456789 mtim=1600000000.000000001',
      'times file: atim=1700000000.500000000 mtim=1600000000.000000001',
    ],
  );
});

onUnix('the target of a symbolic link may begin with ..', (t) => {
  const { lines } = files(t, scratch(t), [
    'write /home/target text',
    'mkdir /home/dir',
    'symlink ../target /home/dir/link',
    'readlink /home/dir/link',
    'read /home/dir/link',
  ]);
  t.deepEqual(lines.slice(2), [
    'symlink ../target: ok',
    'readlink /home/dir/link: ../target',
    'read /home/dir/link: text',
  ]);
});

onUnix('"." and ".." are listed, and cannot be removed', (t) => {
  const { lines } = files(t, scratch(t), [
    'mkdir dir',
    'lsa dir',
    'rmdir dir/.',
    'rmdir .',
    'ls .',
  ]);
  t.is(lines[1], 'lsa dir: ../ ./');
  t.is(lines[2], 'rmdir dir/.: errno 28');
  t.is(lines[3], 'rmdir .: errno 28');
  t.is(lines[4], 'ls .: dir/');
});

test('all iovecs of a list are read and written, empty ones too', (t) => {
  const directory = scratch(t);
  const bulk = (...args) =>
    run(t, WASI, 'bulk_iovs', {
      args: ['bulk_iovs', ...args],
      preopens: { '/': directory },
    }).printed;
  // 1000 buffers of 0 to 96 bytes.
  const total = 46_995;
  const all = `errno=0 n=${total} total=${total} bad=0\n`;
  for (const positioned of ['', 'p']) {
    const args = ['file', '1000', '96'];
    t.is(bulk(`${positioned}write`, ...args), all);
    t.is(bulk(`${positioned}read`, ...args), all);
  }
  t.is(fs.statSync(path.join(directory, 'file')).size, total);
});

onUnix(
  'fd_readdir continues from every cookie, with every buffer size',
  (t) => {
    const directory = scratch(t);
    for (let n = 0; n < 200; n++) {
      fs.writeFileSync(path.join(directory, `name ${'x'.repeat(n)}`), '');
    }
    for (const length of ['250', '300', '4096', '65536']) {
      const { exitCode, printed } = run(t, WASI, 'readdir', {
        args: ['readdir', 'again', '.', length],
        preopens: { '/': directory },
      });
      t.is(exitCode, 0);
      const lines = printed.trimEnd().split('\n');
      t.regex(lines.pop(), /^errno=0 entries=202 .*reread_wrong=0$/);
      t.is(new Set(lines.map((line) => line.split(' ').at(-1))).size, 202);
    }
  },
);

test('a position of telldir stays valid', (t) => {
  const telldir = (directory, ...args) =>
    run(t, WASI, 'telldir', {
      args: ['telldir', ...args],
      preopens: { '.': directory },
    }).printed;
  const withFiles = (count) => {
    const directory = scratch(t);
    for (let n = 0; n < count; n++) {
      fs.writeFileSync(path.join(directory, `file${n}`), '');
    }
    return directory;
  };
  const many = withFiles(20_000);
  t.is(telldir(many, 'tell', '.'), 'entries=20002 wrong=0\n');
  t.is(telldir(many, 'remove', '.'), 'entries=20002 wrong=0\n');
  for (const change of ['unlink', 'rename', 'create']) {
    const printed = telldir(withFiles(1000), 'each', change, '.', '1000');
    t.is(printed, 'entries=1000 wrong=0\n', change);
  }
  const few = withFiles(5);
  t.is(telldir(few, 'rewind', '.', 'late'), 'entries=8 wrong=0\n');
});
