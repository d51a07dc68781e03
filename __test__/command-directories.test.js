'use strict';

// The command wasi-rs: the directories and file systems that it gives to a program.

const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');

const test = require('ava');

const { Image, MemoryFS } = require('..');
const { command } = require('./helpers/child');
const { FAILURE, refuses } = require('./helpers/command');
const { guestPath, scratch } = require('./helpers/guest');

const EXIT = guestPath('exit');

test('a directory that cannot be opened', (t) => {
  const name = path.join(scratch(t), 'file');
  fs.writeFileSync(name, '');
  refuses(
    t,
    ['--dir', 'none::/', EXIT],
    'cannot open directory none: no such file or directory',
  );
  refuses(
    t,
    ['--dir', name, EXIT],
    `cannot open directory ${name}: not a directory`,
  );
  refuses(
    t,
    ['--dir', '.::/', '--ro-dir', 'none::/data', EXIT],
    'cannot open directory none: no such file or directory',
  );
  const closed = path.join(scratch(t), 'closed');
  fs.mkdirSync(closed, { mode: 0o000 });
  if (process.getuid?.() === 0 || process.platform === 'win32') return;
  refuses(
    t,
    ['--dir', closed, EXIT],
    `cannot open directory ${closed}: permission denied`,
  );
});

test('--dir', (t) => {
  const directory = scratch(t);
  fs.mkdirSync(path.join(directory, 'sub'));
  fs.writeFileSync(path.join(directory, 'sub', 'file'), 'content');
  const files = guestPath('files');
  const read = (cwd, ...args) => command(args, { cwd }).stdout;
  t.is(
    read(directory, '--dir', 'sub::/data', files, 'read', '/data/file'),
    'read /data/file: content\n',
  );
  t.is(
    read(directory, '--dir=.', files, 'read', 'sub/file'),
    'read sub/file: content\n',
  );
  t.is(
    read(
      '/',
      '--dir',
      `${directory}/sub`,
      files,
      'read',
      `${directory}/sub/file`,
    ),
    `read ${directory}/sub/file: content\n`,
  );
  t.is(
    read(
      ...[directory, '--dir', 'sub::/a', '--dir', '.::/b', files],
      ...['read', '/a/file', ',', 'read', '/b/sub/file'],
    ),
    'read /a/file: content\nread /b/sub/file: content\n',
  );
});

test('--ro-dir', (t) => {
  const directory = scratch(t);
  const file = path.join(directory, 'file');
  fs.writeFileSync(file, 'content');
  const files = (...args) => {
    const { exitCode, stdout } = command(args, { cwd: directory });
    return [exitCode, stdout];
  };
  const guest = guestPath('files');
  t.deepEqual(
    files('--ro-dir', '.::/ro', '--dir=.::/rw', guest, 'read', '/ro/file'),
    [0, 'read /ro/file: content\n'],
  );
  t.deepEqual(files('--ro-dir=.', guest, 'write', 'file', 'x'), [
    1,
    'write file: errno 76\n',
  ]);
  t.is(fs.readFileSync(file, 'utf8'), 'content');
  t.deepEqual(
    files(
      ...['--ro-dir', '.::/ro', '--dir=.::/rw', guest, 'link', '/ro/file'],
      ...['/rw/linked', ',', 'write', '/rw/file', 'x'],
    ),
    [1, 'link /ro/file: errno 76\nwrite /rw/file: ok\n'],
  );
  refuses(
    t,
    ['--ro-dir', 'none::/', EXIT],
    'cannot open directory none: no such file or directory',
  );
});

test('--tmpfs', (t) => {
  const guest = guestPath('files');
  const files = (...args) => {
    const { exitCode, stdout } = command(args);
    return [exitCode, stdout];
  };
  const roundTrip = ['write', '/tmp/a', 'text', ',', 'read', '/tmp/a'];
  for (const value of ['/tmp', '/tmp:64M', '/tmp:1k', '/tmp:2G', '/tmp:800']) {
    t.deepEqual(files('--tmpfs', value, guest, ...roundTrip), [
      0,
      'write /tmp/a: ok\nread /tmp/a: text\n',
    ]);
  }
  for (const value of ['/tmp:0', '/tmp:100']) {
    t.deepEqual(files('--tmpfs', value, guest, 'write', '/tmp/a', 'x'), [
      1,
      'write /tmp/a: errno 51\n',
    ]);
  }
  t.deepEqual(
    files(
      ...['--tmpfs=/a', '--tmpfs=/b', guest, 'write', '/a/x', '1', ','],
      ...['read', '/b/x'],
    ),
    [1, 'write /a/x: ok\nread /b/x: errno 44\n'],
  );
  for (const value of [':64M', '/tmp:']) {
    refuses(
      t,
      ['--tmpfs', value, EXIT],
      `--tmpfs ${value} is not of the form GUEST[:SIZE] (see wasi-rs --help)`,
    );
  }
  refuses(
    t,
    ['--dir', '.::/tmp', '--tmpfs', '/tmp', EXIT],
    '--tmpfs gives the guest two directories named /tmp (see wasi-rs --help)',
  );
});

/** A directory with a tree, and archives of it. */
function laidTree(t) {
  const root = scratch(t);
  const at = (name) => path.join(root, name);
  fs.mkdirSync(at('dir'));
  fs.writeFileSync(at('dir/a'), 'text');
  const image = Image.fromDirectory(at('dir'));
  fs.writeFileSync(at('a.tar'), image.toTar());
  fs.writeFileSync(at('a.tar.gz'), zlib.gzipSync(image.toTar()));
  return { root, at };
}

test('--mount', (t) => {
  const { root, at } = laidTree(t);
  const run = (...args) => {
    const { exitCode, stdout, stderr } = command(args, { cwd: root });
    return [exitCode, stdout, stderr];
  };
  const guest = guestPath('files');
  const roundTrip = ['read', '/x/a', ',', 'write', '/x/a', 'new'];
  for (const source of ['a.tar', 'a.tar.gz', 'dir']) {
    t.deepEqual(run('--mount', `${source}::/x:ro`, guest, ...roundTrip), [
      1,
      'read /x/a: text\nwrite /x/a: errno 76\n',
      '',
    ]);
    t.deepEqual(run('--mount', `${source}::/x`, guest, ...roundTrip), [
      0,
      'read /x/a: text\nwrite /x/a: ok\n',
      '',
    ]);
  }
  t.is(fs.readFileSync(at('dir/a'), 'utf8'), 'new');
  t.is(Image.fromTar(at('a.tar')).bytes, 4);
  for (const value of ['a.tar', '::/x', 'a.tar::', 'a.tar:/x']) {
    refuses(
      t,
      ['--mount', value, EXIT],
      `--mount ${value} is not of the form SOURCE::GUEST[:ro] (see wasi-rs --help)`,
    );
  }
  const mount = (source) => ['--mount', `${source}::/x`, EXIT];
  const cwd = { cwd: root };
  refuses(t, mount('none'), 'cannot open none: no such file or directory', cwd);
  fs.copyFileSync(at('a.tar'), at('a.zip'));
  refuses(
    t,
    mount('a.zip'),
    "cannot read 'a.zip': it is no zip archive, or cut off",
    cwd,
  );
  refuses(
    t,
    mount('dir/a'),
    "cannot read 'dir/a': the archive is cut off",
    cwd,
  );
});

test('--overlay and --write-back', (t) => {
  const { root, at } = laidTree(t);
  const run = (...args) => command(args, { cwd: root });
  const guest = guestPath('files');
  const write = ['write', '/x/b', 'new'];
  const changes = () => {
    const memory = new MemoryFS(Image.fromTar(at('out.tar')));
    return memory
      .readdirSync('/')
      .map((name) => [name, memory.readFileSync(name, 'utf8')]);
  };
  const back = (...args) =>
    run(...args, '--write-back', 'out.tar', guest, ...write);
  t.is(back('--overlay', 'dir::/x').exitCode, 0);
  t.deepEqual(changes(), [['b', 'new']]);
  t.deepEqual(fs.readdirSync(at('dir')), ['a']);
  t.is(back('--tmpfs', '/x', '--dir', '.').exitCode, 0);
  t.deepEqual(changes(), [['b', 'new']]);
  t.is(back('--mount', 'a.tar::/x').exitCode, 0);
  t.deepEqual(changes(), [['b', 'new']]);
  const two = ['--overlay', 'dir::/x', '--tmpfs=/y'];
  const of = (value) => ['--write-back', value, ...two, EXIT];
  t.is(run(...of('out.tar::/y'), 'return').exitCode, 0);
  t.deepEqual(changes(), []);
  refuses(
    t,
    ['--mount', 'dir::/x', '--write-back', 'out.tar', EXIT],
    'cannot write out.tar: /x is not in memory',
    { cwd: root },
  );
  const see = '(see wasi-rs --help)';
  const say = (value, problem) =>
    refuses(t, of(value), `--write-back ${value} ${problem} ${see}`, {
      cwd: root,
    });
  say('out.tar', 'does not say which: /x, /y');
  say('out.tar::/z', 'names no directory in memory');
  say('::/x', 'is not of the form TAR[::GUEST]');
  refuses(
    t,
    ['--write-back', 'out.tar', '--dir', '.', EXIT],
    `--write-back out.tar has no directory in memory to write ${see}`,
  );
  refuses(
    t,
    ['--overlay', 'dir', EXIT],
    `--overlay dir is not of the form DIR::GUEST ${see}`,
  );
  refuses(
    t,
    ['--overlay', 'none::/x', EXIT],
    'cannot open none: no such file or directory',
  );
  const late = ['--overlay', 'dir::/x', '--write-back', 'none/out.tar', EXIT];
  const { exitCode, stderr } = run(...late, 'return');
  t.is(exitCode, FAILURE);
  t.is(
    stderr,
    'wasi-rs: cannot write none/out.tar: no such file or directory\n',
  );
});
