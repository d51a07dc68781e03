'use strict';

// The values of the command's options.

const test = require('ava');

const { readArguments } = require('../lib/command/arguments');
const { CommandError } = require('../lib/command/error');
const { command } = require('./helpers/child');
const { guestPath } = require('./helpers/guest');

const EXIT = guestPath('exit');

/** Values of the right form that are not valid. */
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
  '--timeout': ['.', 'ms', '1,5', '50h30m'],
  '--max-memory': ['M', '1MB', '1T'],
  '--tmpfs': ['/a:', '/a:M', '/a::1M', '/a:64X', ':1M'],
  '--mount': ['a', '::/a', 'a::', 'a:::ro'],
  '--overlay': ['a', '::/a', 'a::'],
  '--trace': [',', 'args,', ',args'],
};

for (const [option, values] of Object.entries(MEANINGLESS)) {
  test(`${option} refuses invalid values`, (t) => {
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

const SIZE =
  'is no SIZE: a whole number of bytes, or with K, M or G behind it, such as 64M';
const TIME =
  'is no TIME: a number of seconds in decimal digits, or with ms, s, m or h behind it, such as 1.5s';
const SEED =
  'is no whole number from 0 to 18446744073709551615, decimal or, with 0x before it, hexadecimal';
const THREADS = 'is no number of threads: a whole one from 0 to 4096';
const PORT =
  'is not of the form [HOST:]PORT or unix:PATH, with a PORT from 0 to 65535';
const LIMIT =
  'is not of the form NAME=NUMBER, with a whole NUMBER in decimal digits';
const LARGE = 'is more than 8388607G';
const LONG = 'is more than 1193h, which is 49 days';
const SMALL =
  'is less than 64K, which a memory grows by; without the option there is no limit';
const HUGE = '9'.repeat(400);

/**
 * The options that take a number: what is said of one that is negative, a fraction, in
 * another notation or with another unit, and of those that are out of range; what
 * stands before the number; and numbers that are taken, with what they are.
 */
const NUMBERS = {
  '--max-memory': {
    is: SIZE,
    others: {
      0: SMALL,
      65535: SMALL,
      '63K': SMALL,
      [HUGE]: LARGE,
      '8388608G': LARGE,
    },
    good: {
      '64K': 65_536,
      '64k': 65_536,
      65536: 65_536,
      '1000G': 1000 * 2 ** 30,
    },
    of: ({ maxMemory }) => maxMemory,
  },
  '--tmpfs': {
    before: '/tmp:',
    is: SIZE,
    others: { [HUGE]: LARGE },
    good: { 0: 0, '1M': 2 ** 20, '2g': 2 ** 31 },
    of: ({ options }) => options.preopens['/tmp'].memory.maxBytes,
  },
  '--timeout': {
    is: TIME,
    others: { [HUGE]: LONG, '2000h': LONG, '4294967296ms': LONG },
    good: {
      0: undefined,
      '4294967295ms': 2 ** 32 - 1,
      '.5': 500,
      '1m': 60_000,
    },
    fraction: '1.',
    of: ({ timeout }) => timeout,
  },
  '--cpu-time': {
    is: TIME,
    others: { [HUGE]: LONG },
    good: { 0: undefined, '1h': 3_600_000 },
    fraction: '1.',
    of: ({ cpuTime }) => cpuTime,
  },
  '--seed': {
    is: SEED,
    others: { [HUGE]: SEED, '18446744073709551616': SEED, '0x': SEED },
    good: { 0: 0n, '0x10': 16n, '18446744073709551615': 2n ** 64n - 1n },
    hexadecimal: '0x1g',
    of: ({ options }) => options.random.seed,
  },
  '--threads': {
    is: THREADS,
    others: { [HUGE]: THREADS, 4097: THREADS },
    good: { 0: 0, 4096: 4096 },
    of: ({ threads }) => threads,
  },
  '--listen': {
    is: PORT,
    others: { [HUGE]: PORT, 65536: PORT },
    good: { 0: 0, 65535: 65_535 },
    of: ({ options }) => options.listeners[0].port,
  },
  '--limit': {
    before: 'descriptors=',
    is: LIMIT,
    others: {
      [HUGE]: 'is out of range: descriptors goes from 0 to 1048576',
      1048577: 'is out of range: descriptors goes from 0 to 1048576',
    },
    good: { 0: 0, 1048576: 1_048_576 },
    of: ({ options }) => options.limits.descriptors,
  },
};

for (const [option, number] of Object.entries(NUMBERS)) {
  const { before = '', is, others, good, of } = number;
  const { fraction = '1.5', hexadecimal = '0x10' } = number;
  const read = (text) => readArguments([`${option}=${before}${text}`, EXIT]);

  test(`${option} says which numbers are valid`, (t) => {
    const refused = (text, problem) => {
      const value = `${before}${text}`;
      // Of what has two parts, the one that is wrong is named.
      const named = option === '--tmpfs' ? `${value}: ${text}` : value;
      t.throws(() => read(text), {
        instanceOf: CommandError,
        message: `${option} ${named} ${problem} (see wasi-rs --help)`,
      });
    };
    for (const text of ['-1', fraction, '1e3', hexadecimal, '1d', 'x', ' 1']) {
      refused(text, is);
    }
    for (const [text, problem] of Object.entries(others)) {
      refused(text, problem);
    }
    t.throws(() => readArguments([`${option}=`, EXIT]), {
      message: `${option} needs a value (see wasi-rs --help)`,
    });
    t.throws(() => readArguments([option, '-1', EXIT]), {
      message: `${option} needs a value, and -1 is an option unless it is written ${option}=-1 (see wasi-rs --help)`,
    });
    for (const [text, value] of Object.entries(good)) {
      t.is(of(read(text)), value, text);
    }
  });
}

test('--clock and --listen take valid values', (t) => {
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

test('a date out of range is an error in one line', (t) => {
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
