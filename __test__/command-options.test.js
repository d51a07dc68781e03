'use strict';

// The values of the command's options.

const test = require('ava');

const { readArguments } = require('../lib/command/arguments');
const { CommandError } = require('../lib/command/error');
const { command } = require('./helpers/child');
const { guestPath } = require('./helpers/guest');

const EXIT = guestPath('exit');

/** What has the form of a value, and means nothing. */
const MEANINGLESS = {
  '--clock': [
    ...['2030-02-31', '2029-02-29T00:00Z', '2030-04-31', '2030-01-00'],
    ...['2030-01-01T25:00Z', '2030-01-01T24:00:00.1Z', '2030-01-01T00:60Z'],
    ...['2030-01-01T00:00+25:00', '2030-01-01T00:00:00.0000000001Z'],
    ...['1969-12-31T23:59:59Z', '9999-01-01', '2554-07-21T23:34:33.709551616Z'],
  ],
  '--listen': [
    ...['[]:80', '[x]:80', '[127.0.0.1]:80', '[::1:80', '::1]:80', ':80'],
    ...['a b:80', ' :80', 'a/b:80', 'localhost:', 'localhost:65536'],
  ],
  '--seed': ['0x', '1.5', '0x10000000000000000', '1e3'],
  '--threads': ['1.5', '4097', '0x1'],
  '--timeout': ['1d', '.', '1e3', '50000h', '4294967296ms'],
  '--cpu-time': ['1d', 'ms', '1,5'],
  '--max-memory': ['1.5G', 'M', '1MB', '9'.repeat(20)],
  '--tmpfs': ['/a:', '/a:-1', '/a:1T', ':1M', '/a:9007199254740992'],
  '--mount': ['a', '::/a', 'a::', 'a:::ro'],
  '--overlay': ['a', '::/a', 'a::'],
  '--trace': [',', 'args,', ',args'],
};

for (const [option, values] of Object.entries(MEANINGLESS)) {
  test(`${option} refuses what means nothing`, (t) => {
    for (const value of values) {
      t.throws(
        () => readArguments([`${option}=${value}`, EXIT]),
        {
          instanceOf: CommandError,
          message: /^--.+ \(see wasi-rs --help\)$/s,
        },
        value,
      );
    }
  });
}

test('--clock and --listen take what means something', (t) => {
  const optionsOf = (...args) => readArguments([...args, EXIT]).options;
  for (const [value, realtime] of [
    ['1970-01-01', 0n],
    ['2028-02-29', 1_835_395_200_000_000_000n],
    ['1970-01-01T24:00Z', 86_400_000_000_000n],
    ['1970-01-01T00:00:00.123456789Z', 123_456_789n],
    ['1970-01-01T01:00:00.1+00:30', 1_800_100_000_000n],
    ['2554-07-21T23:34:33.709551615Z', 2n ** 64n - 1n],
  ]) {
    t.deepEqual(optionsOf('--clock', value).clock, { realtime }, value);
  }
  for (const [value, listener] of [
    ['0', { host: undefined, port: 0 }],
    ['0.0.0.0:80', { host: '0.0.0.0', port: 80 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
    ['[::1%eth0]:80', { host: '::1%eth0', port: 80 }],
    ['unix:a b', { path: 'a b' }],
  ]) {
    const { listeners } = optionsOf('--listen', value);
    t.deepEqual(listeners, [listener], value);
  }
});

test('a date that no clock can show is one line', (t) => {
  const { exitCode, stderr } = command(['--clock', '9999-01-01', EXIT]);
  t.is(exitCode, 125);
  t.regex(stderr, /^wasi-rs: --clock 9999-01-01 is no time .+\n$/);
});

test('--write-back writes one directory to a file', (t) => {
  const memories = ['--tmpfs', '/x', '--tmpfs', '/y'];
  const back = (...values) =>
    readArguments([
      ...values.flatMap((value) => ['--write-back', value]),
      ...memories,
      EXIT,
    ]);
  for (const second of ['out.tar::/y', './out.tar::/y', 'out.tar::/x']) {
    const [name] = second.split('::');
    t.throws(() => back('out.tar::/x', second), {
      instanceOf: CommandError,
      message: `--write-back writes to ${name} twice (see wasi-rs --help)`,
    });
  }
  t.is(back('x.tar::/x', 'y.tar::/y').writeBack.length, 2);
});
