// Real programs in a read-only directory: reading works, and writing is an error.

import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import test from 'ava';

import {
  directory,
  hosts,
  programs,
  run,
  scratch,
  tree,
} from './helpers/programs.mjs';

const READING = `
import os
print(open('/data/file').read(), end='')
print(open('/data/link').read(), end='')
with open('/data/file', 'rb') as file:
    file.seek(3)
    print(file.read(4), file.tell(), file.seekable(), file.writable())
print(sorted(os.listdir('/data')), sorted(os.listdir('/data/sub')))
for root, dirs, files in sorted(os.walk('/data')):
    print(root, sorted(dirs), sorted(files))
for name in ['file', 'link', 'sub']:
    path = '/data/' + name
    print(name, os.path.getsize(path), os.path.isfile(path), os.path.islink(path))
print(os.readlink('/data/link'), os.stat('/data/file').st_mtime_ns)
import sys
sys.path.insert(0, '/data')
import module
print(module.VALUE)
`;

const WRITING = `
import errno, os, shutil
def attempt(name, body):
    try:
        body()
        print(name, 'done')
    except OSError as error:
        print(name, errno.errorcode.get(error.errno, error.errno))
def write(mode):
    def body():
        with open('/data/file', mode) as file:
            file.write('x')
    return body
for mode in ['w', 'a', 'x', 'r+']:
    attempt(mode, write(mode))
print('access', os.access('/data/file', os.W_OK))
attempt('truncate', lambda: os.truncate('/data/file', 0))
attempt('mkdir', lambda: os.mkdir('/data/new'))
attempt('rmdir', lambda: os.rmdir('/data/sub/empty'))
attempt('rmtree', lambda: shutil.rmtree('/data/sub'))
attempt('unlink', lambda: os.unlink('/data/file'))
attempt('rename', lambda: os.rename('/data/file', '/work/file'))
attempt('rename in', lambda: os.rename('/work/own', '/data/own'))
attempt('link', lambda: os.link('/data/file', '/work/file'))
attempt('symlink', lambda: os.symlink('file', '/data/new'))
attempt('utime', lambda: os.utime('/data/file', ns=(1, 1)))
attempt('through', lambda: open('/work/into/file', 'w'))
attempt('copy', lambda: shutil.copyfile('/data/file', '/work/copy'))
`;

function files(t) {
  const dir = scratch(t);
  const data = directory(dir, 'data', {
    file: 'line one\nline two\n',
    'module.py': 'VALUE = 42\n',
  });
  mkdirSync(join(data, 'sub', 'empty'), { recursive: true });
  symlinkSync('file', join(data, 'link'));
  const work = directory(dir, 'work', { own: 'own' });
  symlinkSync('/data', join(work, 'into'));
  return { data, work };
}

const env = { PYTHONDONTWRITEBYTECODE: '1' };

test('CPython reads a read-only preopen like any other', async (t) => {
  const { data } = files(t);
  const read = (host, preopen) =>
    run(host, programs.python, {
      args: ['python', '-c', READING],
      env,
      preopens: { '/data': preopen },
    });
  const before = tree(data);
  const [node, ours] = await Promise.all([
    read(hosts.node, data),
    read(hosts.ours, { path: data, readOnly: true }),
  ]);
  t.is(ours.code, 0, ours.stderr);
  t.true(ours.stdout.endsWith('42\n'));
  // Only the nanoseconds differ, which node:wasi does not have.
  const whole = ({ stdout }) => stdout.replace(/^(file \d{10})\d{9}$/m, '$1');
  t.is(whole(ours), whole(node));
  t.deepEqual(tree(data), before);
});

test('CPython gets an error when it writes to a read-only preopen', async (t) => {
  const { data, work } = files(t);
  const before = tree(data);
  const { code, stdout, stderr } = await run(hosts.ours, programs.python, {
    args: ['python', '-c', WRITING],
    env,
    preopens: { '/data': { path: data, readOnly: true }, '/work': work },
  });
  t.is(code, 0, stderr);
  const outcomes = Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((line) => line.match(/^(.+) (\w+)$/).slice(1)),
  );
  const { access, copy, 'r+': update, ...others } = outcomes;
  t.is(Object.keys(others).length, 14);
  for (const [name, outcome] of Object.entries(others)) {
    t.is(outcome, 'ENOTCAPABLE', name);
  }
  // wasi-libc opens without the right to write, and fails at the write.
  t.is(update, 'EBADF');
  t.is(access, 'False');
  t.is(copy, 'done');
  t.deepEqual(tree(data), before);
  t.deepEqual(Object.keys(tree(work)), ['copy', 'into', 'own']);
});
