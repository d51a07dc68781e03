// The options clock and random: a guest is deterministic, on every version of Node; and
// no invalid clock or function crashes the host.

import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';

import test from 'ava';

import { Pool, WASI, run, runSync, spawn } from '../index.js';
import { programs } from './helpers/programs.mjs';

const require = createRequire(import.meta.url);
const { command } = require('./helpers/child');
const { assemble, guestPath } = require('./helpers/guest');
const { RawGuest } = require('./helpers/raw');

const SECOND = 10n ** 9n;
const HOUR = 3600n * SECOND;
const [REALTIME, MONOTONIC, PROCESS_CPUTIME, THREAD_CPUTIME] = [0, 1, 2, 3];
const ABSOLUTE = 1;
const AT = 0x100;

/** A guest whose calls a test makes. */
class Given extends RawGuest {
  constructor(options) {
    super(WASI, options);
  }

  random(length = 8) {
    const errno = this.calls.random_get(AT, length);
    return (
      errno || Buffer.from(this.calls.memory.buffer, AT, length).toString('hex')
    );
  }

  time(id) {
    const errno = this.calls.clock_time_get(id, 0n, AT);
    return errno || this.view.getBigUint64(AT, true);
  }

  resolution(id) {
    const errno = this.calls.clock_res_get(id, AT);
    return errno || this.view.getBigUint64(AT, true);
  }

  /** Waits for a clock; returns the errno, or that of the event. */
  sleep(timeout, { id = MONOTONIC, flags = 0 } = {}) {
    const bytes = Buffer.from(this.calls.memory.buffer);
    bytes.fill(0, 0x200, 0x230);
    bytes.writeUInt32LE(id, 0x210);
    bytes.writeBigUInt64LE(timeout, 0x218);
    bytes.writeUInt16LE(flags, 0x228);
    const errno = this.calls.poll_oneoff(0x200, 0x300, 1, 0x400);
    return errno || this.view.getUint16(0x308, true);
  }
}

const given = (options) => new Given(options);

test('a seed is bytes, or a number whose lowest byte is the first', (t) => {
  const of = (seed) => given({ random: { seed } }).random();
  // The keystream of ChaCha20 without a nonce, which never changes.
  t.is(of(0), '76b8e0ada0f13d90');
  const same = [
    1,
    1n,
    new Uint8Array([1]),
    Buffer.from([1, 0, 0]),
    new Uint8Array(32).fill(1, 0, 1),
  ];
  t.deepEqual(new Set(same.map(of)), new Set([of(1)]));
  t.is(of(258), of(new Uint8Array([2, 1])));
  const max = 2n ** 64n - 1n;
  t.is(of(max), of(new Uint8Array(8).fill(0xff)));
  t.is(new Set([0, 1, 2, max].map(of)).size, 4);
  t.is(of(new Uint16Array([1]).buffer), of(1));
});

test('with a seed, each call returns other bytes, and any number of them', (t) => {
  const [one, other] = [7, 7].map((seed) => given({ random: { seed } }));
  const bytes = () => [one, other].map((guest) => guest.random());
  const first = bytes();
  const second = bytes();
  t.is(first[0], first[1]);
  t.is(second[0], second[1]);
  t.not(first[0], second[0]);
  // More than the generator of the host returns before it is seeded again.
  for (let i = 0; i < 24; i++) {
    t.is(one.calls.random_get(0, 0x10000), 0);
    t.is(other.calls.random_get(0, 0x10000), 0);
  }
  t.is(one.random(), other.random());
});

test('/dev/urandom is deterministic as random_get is', (t) => {
  const read = () => {
    const guest = given({ devices: true, random: { seed: 3 } });
    const fd = guest.open(3, 'urandom', { base: 2n });
    const bytes = Buffer.from(guest.calls.memory.buffer);
    bytes.writeUInt32LE(0x600, 0x500);
    bytes.writeUInt32LE(8, 0x504);
    guest.calls.fd_read(fd, 0x500, 1, AT);
    return bytes.toString('hex', 0x600, 0x608);
  };
  const bytes = read();
  t.is(bytes, read());
  t.is(bytes, given({ random: { seed: 3 } }).random());
});

test('a function provides random bytes', (t) => {
  const lengths = [];
  const guest = given({
    random(bytes) {
      lengths.push(bytes.length);
      t.true(bytes instanceof Uint8Array);
      t.true(bytes.every((byte) => byte === 0));
      bytes.fill(7);
    },
    limits: { randomChunk: 1000 },
  });
  t.is(guest.random(), '07'.repeat(8));
  t.is(guest.random(2500), '07'.repeat(2500));
  t.deepEqual(lengths, [8, 1000, 1000, 500]);
  t.is(guest.random(0), '');
});

test('a given clock advances by a step with each reading', (t) => {
  const date = new Date('2030-01-01T00:00:00Z');
  const start = BigInt(date) * 1_000_000n;
  const guest = given({ clock: { realtime: date } });
  t.is(guest.time(REALTIME), start);
  t.is(guest.time(REALTIME), start + 1_000_000n);
  // Then the other clock is given as well, and so are the CPU-time clocks.
  t.is(guest.time(MONOTONIC), 2_000_000n);
  t.is(guest.time(PROCESS_CPUTIME), 3_000_000n);
  t.is(guest.time(THREAD_CPUTIME), 4_000_000n);
  t.is(guest.time(REALTIME), start + 5_000_000n);
  t.is(guest.resolution(REALTIME), 1_000_000n);

  const still = given({ clock: { realtime: 5n, monotonic: 9n, step: 0n } });
  t.deepEqual(
    [still.time(REALTIME), still.time(REALTIME), still.time(MONOTONIC)],
    [5n, 5n, 9n],
  );
  t.is(still.resolution(MONOTONIC), 1n);

  const last = 2n ** 64n - 1n;
  const end = given({ clock: { realtime: last, monotonic: last, step: last } });
  t.deepEqual(
    [end.time(REALTIME), end.time(REALTIME), end.time(MONOTONIC)],
    [last, last, last],
  );
  t.is(end.sleep(HOUR), 0);
});

test('the monotonic clock may be given alone', (t) => {
  const before = BigInt(Date.now()) * 1_000_000n;
  const guest = given({ clock: { monotonic: 3n, step: 2n } });
  t.deepEqual([guest.time(MONOTONIC), guest.time(MONOTONIC)], [3n, 5n]);
  t.true(guest.time(REALTIME) >= before);
});

test('a wait takes its time, and advances the clocks by exactly that', (t) => {
  const guest = given({ clock: { realtime: 0n, step: 0n } });
  const start = performance.now();
  t.is(guest.sleep(50_000_000n), 0);
  t.true(performance.now() - start >= 50);
  t.deepEqual(
    [guest.time(REALTIME), guest.time(MONOTONIC)],
    [50_000_000n, 50_000_000n],
  );
  t.is(guest.sleep(60_000_000n, { id: REALTIME, flags: ABSOLUTE }), 0);
  t.is(guest.time(REALTIME), 60_000_000n);
});

test("sleep: 'skip' advances the clocks without waiting, those of the host too", (t) => {
  for (const clock of [
    { realtime: 0n },
    {},
    { realtime: () => 5n, monotonic: () => 5n },
  ]) {
    const guest = given({ clock: { ...clock, sleep: 'skip' } });
    const before = [guest.time(REALTIME), guest.time(MONOTONIC)];
    t.is(guest.sleep(HOUR), 0);
    t.true(guest.time(REALTIME) >= before[0] + HOUR);
    t.true(guest.time(MONOTONIC) >= before[1] + HOUR);
    const absolute = guest.time(REALTIME) + HOUR;
    t.is(guest.sleep(absolute, { id: REALTIME, flags: ABSOLUTE }), 0);
    t.true(guest.time(REALTIME) >= absolute);
  }
});

test('functions provide the time', (t) => {
  const times = [1n, 2n, 3n];
  const guest = given({
    clock: { realtime: () => times.shift(), monotonic: () => 7n },
  });
  t.deepEqual([guest.time(REALTIME), guest.time(REALTIME)], [1n, 2n]);
  t.is(guest.time(MONOTONIC), 7n);
  t.is(guest.time(THREAD_CPUTIME), 7n);
  t.is(guest.resolution(MONOTONIC), 1n);
});

test('a wait takes its time, even if the clock stands still or goes back', (t) => {
  let now = 10n ** 12n;
  for (const monotonic of [() => 7n, () => (now -= SECOND), () => 0n]) {
    const guest = given({ clock: { monotonic } });
    const start = performance.now();
    t.is(guest.sleep(30_000_000n), 0);
    t.true(performance.now() - start >= 30);
  }
  // An absolute time that the clock has passed is not waited for.
  const guest = given({ clock: { realtime: () => 2n ** 63n } });
  t.is(guest.sleep(HOUR, { id: REALTIME, flags: ABSOLUTE }), 0);
});

const thrown = new Error('from the host');
const throws = () => {
  throw thrown;
};

/** Functions that throw or return invalid values, with the code of the error. */
const NONSENSE = [
  [{ clock: { realtime: throws } }],
  [{ clock: { monotonic: throws } }],
  [{ random: throws }],
  ...[undefined, null, 1, '1', {}, Promise.reject(thrown)].map((value) => [
    { clock: { realtime: () => value } },
    'ERR_INVALID_RETURN_VALUE',
  ]),
  ...[-1n, 2n ** 64n].map((value) => [
    { clock: { realtime: () => value } },
    'ERR_OUT_OF_RANGE',
  ]),
  [{ random: async () => {} }, 'ERR_INVALID_RETURN_VALUE'],
  [{ random: async () => throws() }, 'ERR_INVALID_RETURN_VALUE'],
  [
    {
      random: (bytes) =>
        void structuredClone(bytes, { transfer: [bytes.buffer] }),
    },
    'ERR_INVALID_RETURN_VALUE',
  ],
];

/** Calls clock_time_get and random_get forever, whatever they return or throw. */
const ASKING = `(module
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff"
    (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "\\01")
  (func (export "_start")
    (loop $again
      try
        (drop (call $time (i32.const 0) (i64.const 0) (i32.const 0)))
        (drop (call $random (i32.const 200) (i32.const 8)))
        (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))
      catch_all
      end
      (br $again))))`;

test('an exception or invalid result of a function ends the guest, which cannot catch it', async (t) => {
  const bytes = await assemble(ASKING);
  const module = new WebAssembly.Module(bytes);
  for (const [options, code] of NONSENSE) {
    const start = () => {
      const wasi = new WASI({ version: 'preview1', ...options });
      wasi.start(new WebAssembly.Instance(module, wasi.getImportObject()));
    };
    for (const way of [start, () => runSync(bytes, options)]) {
      const error = t.throws(way, { instanceOf: Error });
      if (code === undefined) t.is(error, thrown);
      else t.is(error.code, code);
    }
  }
});

test('a function may have the guest make calls, and grow its memory', (t) => {
  let depth = 0;
  const again = (value) => {
    if (depth++ === 0) {
      guest.time(REALTIME);
      guest.random();
      guest.sleep(1n);
      guest.grow();
    }
    return value;
  };
  const guest = given({
    clock: { realtime: () => again(5n), monotonic: () => 5n },
    random: (bytes) => void again(bytes.fill(1)),
  });
  guest.grow = () => guest.calls.memory.grow(1);
  t.is(guest.time(REALTIME), 5n);
  depth = 0;
  t.is(guest.random(), '01'.repeat(8));
  depth = 0;
  t.is(guest.sleep(1000n, { id: REALTIME }), 0);
});

test('a function may close the guest', (t) => {
  const close = () => holder.guest.wasi.close();
  const holder = {};
  for (const options of [
    {
      clock: {
        realtime() {
          close();
          return 5n;
        },
      },
    },
    { random: close },
  ]) {
    holder.guest = given(options);
    t.notThrows(() => holder.guest.time(REALTIME));
    t.notThrows(() => holder.guest.random());
  }
});

test('invalid clocks and seeds are refused', async (t) => {
  const refused = (options, code) => {
    const { code: actual } = t.throws(
      () => new WASI({ version: 'preview1', ...options }),
    );
    t.is(
      actual,
      code,
      JSON.stringify(options, (_key, value) =>
        typeof value === 'bigint' ? `${value}n` : value,
      ),
    );
  };
  const TYPE = 'ERR_INVALID_ARG_TYPE';
  const RANGE = 'ERR_OUT_OF_RANGE';
  const VALUE = 'ERR_INVALID_ARG_VALUE';
  for (const clock of [null, 1, 'now', true]) refused({ clock }, TYPE);
  for (const realtime of [1, 'now', null, {}])
    refused({ clock: { realtime } }, TYPE);
  refused({ clock: { monotonic: new Date() } }, TYPE);
  refused({ clock: { realtime: new Date(NaN) } }, VALUE);
  for (const realtime of [-1n, 2n ** 64n, new Date(-1)])
    refused({ clock: { realtime } }, RANGE);
  for (const step of [1, '1', null])
    refused({ clock: { realtime: 0n, step } }, TYPE);
  refused({ clock: { realtime: 0n, step: -1n } }, RANGE);
  for (const clock of [{ step: 1n }, { step: 1n, realtime: () => 1n }])
    refused({ clock }, VALUE);
  for (const sleep of ['fast', 1, null]) refused({ clock: { sleep } }, VALUE);
  refused({ clock: { realTime: 0n } }, VALUE);
  for (const random of [null, 1, 'x']) refused({ random }, TYPE);
  for (const seed of [undefined, null, '1', true, [1]])
    refused({ random: { seed } }, TYPE);
  for (const seed of [
    -1,
    1.5,
    NaN,
    Infinity,
    2 ** 53,
    -1n,
    2n ** 64n,
    new Uint8Array(0),
    new Uint8Array(33),
  ]) {
    refused({ random: { seed } }, RANGE);
  }
  refused({ random: { sead: 1 } }, VALUE);

  const program = guestPath('exit');
  for (const options of [
    { random: () => {} },
    { clock: { realtime: () => 0n } },
    { clock: { monotonic: () => 0n } },
  ]) {
    const pool = new Pool();
    t.throws(() => spawn(program, options), {
      code: VALUE,
      message: /thread of its own/,
    });
    await t.throwsAsync(() => run(program, options), { code: VALUE });
    await t.throwsAsync(() => pool.run(program, options), { code: VALUE });
    await pool.close();
  }
});

const CLOCK = { realtime: new Date('2030-01-01T00:00:00Z'), sleep: 'skip' };
const SEEDED = { random: { seed: 42 }, clock: CLOCK, encoding: 'utf8' };

const PYTHON = `
import datetime, os, random, secrets, time, uuid
print(random.random(), secrets.token_hex(8), uuid.uuid4(), os.urandom(5))
print(time.time(), time.monotonic(), time.perf_counter())
print({str(i) for i in range(5)}, hash('x'))
start = time.time()
time.sleep(3600)
print(time.time() - start, datetime.datetime.now())
`;

const SQL = `select random(), hex(randomblob(8)), datetime('now'), julianday('now');
create table t as select random() as r from (values (1), (2), (3));
select * from t order by random();
`;

/** The expected output of each, the same on all versions of Node. */
const PROGRAMS = {
  CPython: {
    program: programs.python.wasm,
    options: { args: ['-c', PYTHON] },
    printed: `0.6825966815722609 2cd99b7792a5c953 5e32d74d-a841-43d7-a406-7282ad400698 b"'\\xa6\\xcc\\xa0 "
1893456000.0019999 0.003 0.004
{'4', '1', '0', '3', '2'} -938709451
3600.0010001659393 2030-01-01 01:00:00.007000
`,
  },
  SQLite: {
    program: programs.sqlite.wasm,
    options: { args: ['-batch', ':memory:'], input: SQL },
    printed: `2438533595804688813|E2CB84EF134F02DC|2030-01-01 00:00:00|2462502.5
3805681350467928572
3346945260691112363
4134511294710160068
`,
  },
  Ruby: {
    program: programs.ruby.wasm,
    options: {
      args: [
        '-e',
        'puts rand, Time.now.to_f, {1=>2}.hash; sleep 100; puts Time.now.to_f',
      ],
    },
    printed: `0.4488286737526136
1893456000.0310001
-828412758
1893456100.036
`,
  },
};

for (const [name, { program, options, printed }] of Object.entries(PROGRAMS)) {
  test(`${name} does the same in every run`, async (t) => {
    const results = [
      runSync(program, { ...options, ...SEEDED }),
      await run(program, { ...options, ...SEEDED }),
    ];
    for (const { stdout } of results) t.is(stdout, printed);
    // The generator of SQLite is seeded by the clock.
    const clock = { ...CLOCK, realtime: 0n };
    const other = { ...options, ...SEEDED, random: { seed: 43 }, clock };
    t.not((await run(program, other)).stdout, printed);
  });
}

test('--seed and --clock', async (t) => {
  const python = programs.python.wasm;
  const code = 'import random, time; print(random.random(), int(time.time()))';
  const print = (...options) =>
    command([...options, python, '-c', code]).stdout;
  const first = print('--seed', '42', '--clock', '2030-01-01');
  t.is(first, print('--seed=0x2a', '--clock=2030-01-01T00:00:00Z'));
  t.is(first, print('--seed=42', '--clock', '2030-01-01T01:00+01:00'));
  t.is(first.trim().split(' ')[1], '1893456000');
  t.not(first, print('--seed', '43', '--clock', '2030-01-01'));
  for (const [option, message] of [
    ['--seed=x', '--seed x is no whole number from 0 to 18446744073709551615'],
    ...['now', '2030', '2030-13-01', '1960-01-01', '1960-01-01T00:00'].map(
      (time) => [
        `--clock=${time}`,
        `--clock ${time} is no time from 1970 to 2554 such as 2030-01-31 or 2030-01-31T12:00:00Z`,
      ],
    ),
    ...['2030-01-01T00:00', '2030-01-01T00:00:00.5'].map((time) => [
      `--clock=${time}`,
      `--clock ${time} has no zone: put Z behind it, or one as +01:00`,
    ]),
  ]) {
    const { exitCode, stderr } = command([option, python]);
    t.is(exitCode, 125);
    t.true(stderr.startsWith(`wasi-rs: ${message}`), stderr);
  }
});

('Suspending' in WebAssembly ? test : test.skip)(
  'a suspended wait takes its time by the given clock',
  async (t) => {
    const bytes = await assemble(`(module
      (import "wasi_snapshot_preview1" "poll_oneoff"
        (func $poll (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "clock_time_get"
        (func $time (param i32 i64 i32) (result i32)))
      (memory (export "memory") 1)
      (data (i32.const 16) "\\01")
      (data (i32.const 24) "\\80\\96\\98\\00") ;; 10 ms
      (func (export "_start")
        (drop (call $poll (i32.const 0) (i32.const 100) (i32.const 1) (i32.const 200)))
        (drop (call $time (i32.const 1) (i64.const 0) (i32.const 300)))))`);
    const module = new WebAssembly.Module(bytes);
    for (const monotonic of [0n, () => 0n]) {
      const step = typeof monotonic === 'bigint' ? 0n : undefined;
      const wasi = new WASI({
        version: 'preview1',
        clock: { monotonic, step },
      });
      const imports = wasi.getImportObject({ suspending: true });
      const instance = new WebAssembly.Instance(module, imports);
      const start = performance.now();
      t.is(await wasi.startAsync(instance), 0);
      t.true(performance.now() - start >= 10);
      const time = new DataView(instance.exports.memory.buffer).getBigUint64(
        300,
        true,
      );
      t.is(time, typeof monotonic === 'bigint' ? 10_000_000n : 0n);
    }
  },
);
