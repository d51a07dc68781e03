'use strict';

// The command wasi-rs, as a child process.

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');

const test = require('ava');

const { Image, MemoryFS } = require('..');
const { version } = require('../package.json');
const { ROOT, command, node } = require('./helpers/child');
const { assemble, guestPath, scratch } = require('./helpers/guest');
const { copyPackage } = require('./helpers/install');

const ARGS_ENV = guestPath('args_env');
const EXIT = guestPath('exit');

const TRAPS =
  '(module (memory (export "memory") 1) (func (export "_start") unreachable))';

const FAILURE = 125;
const CANNOT_RUN = 126;
const NOT_FOUND = 127;

/** Asserts that the command refuses, in one line, before any guest has run. */
function refuses(t, args, message, { expected = FAILURE, ...options } = {}) {
  const { exitCode, stdout, stderr } = command(args, options);
  t.is(stderr, `wasi-rs: ${message}\n`);
  t.deepEqual([exitCode, stdout], [expected, '']);
}

/** The same of a file that is there, and cannot be run. */
function cannotRun(t, args, message) {
  refuses(t, args, message, { expected: CANNOT_RUN });
}

/** A module of the test's own as a file. */
async function file(t, source) {
  const name = path.join(scratch(t), 'test.wasm');
  fs.writeFileSync(name, await assemble(source));
  return name;
}

test('--help', (t) => {
  const { exitCode, stdout, stderr } = command(['--help']);
  t.deepEqual([exitCode, stderr], [0, '']);
  t.true(stdout.startsWith('Usage: wasi-rs [OPTION]... FILE.wasm [ARG]...\n'));
  for (const line of stdout.split('\n')) t.true(line.length <= 80, line);
});

test('--version', (t) => {
  const { exitCode, stdout } = command(['--version']);
  t.deepEqual([exitCode, stdout], [0, `${version}\n`]);
});

test('-h and -V', (t) => {
  t.is(command(['-h']).stdout, command(['--help']).stdout);
  t.is(command(['-V']).stdout, `${version}\n`);
});

test('--timeout', async (t) => {
  const loop = await file(
    t,
    '(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))',
  );
  for (const [time, milliseconds] of [
    ['0.05', 50],
    ['50ms', 50],
    ['.05s', 50],
    ['.001m', 60],
  ]) {
    const { exitCode, stdout, stderr } = command(['--timeout', time, loop]);
    const said = `wasi-rs: ${loop} did not end within ${milliseconds} ms\n`;
    t.deepEqual([exitCode, stdout, stderr], [124, '', said]);
  }
  t.is(command(['--timeout=1h', EXIT, '3']).exitCode, 3);
  for (const none of ['0', '0ms']) {
    t.is(
      command(['--timeout', '1ms', '--timeout', none, EXIT, '3']).exitCode,
      3,
    );
  }
});

test('--cpu-time', async (t) => {
  const loop = await file(
    t,
    '(module (memory (export "memory") 1) (func (export "_start") (loop (br 0))))',
  );
  const { exitCode, stdout, stderr } = command(['--cpu-time', '30ms', loop]);
  const said = `wasi-rs: ${loop} computed for longer than 30 ms\n`;
  t.deepEqual([exitCode, stdout, stderr], [152, '', said]);
  const timed = command(['--cpu-time=1h', '--timeout=50ms', loop]);
  t.is(timed.stderr, `wasi-rs: ${loop} did not end within 50 ms\n`);
  t.is(timed.exitCode, 124);
  // All else is as without it.
  for (const args of [
    [EXIT, '3'],
    [EXIT, '0', 'text'],
    [await file(t, TRAPS)],
    ['--tmpfs', '/tmp', EXIT, '4'],
  ]) {
    t.deepEqual(command(['--cpu-time', '1h', ...args]), command(args), args[0]);
  }
  refuses(
    t,
    ['--cpu-time=x', EXIT],
    '--cpu-time x is no TIME: a number of seconds in decimal digits, or with ms, s, m or h behind it, such as 1.5s (see wasi-rs --help)',
  );
});

test('--max-memory', async (t) => {
  // Exits with what memory.grow answers.
  const grows = await file(
    t,
    `(module
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 2)
      (func (export "_start")
        (call $exit (i32.and (memory.grow (i32.const 2)) (i32.const 255)))))`,
  );
  t.is(command([grows]).exitCode, 2);
  t.is(command(['--max-memory', '256K', grows]).exitCode, 2);
  t.is(command(['--max-memory', '255K', grows]).exitCode, 255);
  t.is(command(['--max-memory', '1000G', grows]).exitCode, 2);
  cannotRun(
    t,
    ['--max-memory', '64K', grows],
    `cannot compile ${grows}: the program begins with 2 pages of 64 KiB, 131072 bytes, which is more memory than it may have`,
  );
});

test('the first of --help and --version wins, before any file', (t) => {
  t.is(command(['--version', '--help', 'none']).stdout, `${version}\n`);
});

test('bad options', (t) => {
  const see = '(see wasi-rs --help)';
  const cases = [
    [[], 'no FILE.wasm given'],
    [['--'], 'no FILE.wasm given'],
    [['--dir', '.'], 'no FILE.wasm given'],
    [['--nope', EXIT], 'unknown option --nope'],
    [['--nope=1', EXIT], 'unknown option --nope'],
    [['--toString', EXIT], 'unknown option --toString'],
    ...[
      ...['dirs dir', 'Dir dir', 'dri dir', 'envs env', 'rodir ro-dir'],
      ...['ro_dir ro-dir', 'limits limit', 'capabilities capability'],
      ...['hlep help', 'versoin version'],
    ].map((names) => {
      const [misspelled, meant] = names.split(' ');
      return [
        [`--${misspelled}`, '.', EXIT],
        `unknown option --${misspelled}, did you mean --${meant}?`,
      ];
    }),
    [['-v'], 'unknown option -v'],
    [['-d', '.', EXIT], 'unknown option -d'],
    [['--dir'], '--dir needs a value'],
    [['--dir='], '--dir needs a value'],
    [
      ['--dir', '--env', 'A=1', EXIT],
      '--dir needs a value, and --env is an option unless it is written --dir=--env',
    ],
    [['--env'], '--env needs a value'],
    [['--ro-dir'], '--ro-dir needs a value'],
    [['--tmpfs'], '--tmpfs needs a value'],
    [['--capability'], '--capability needs a value'],
    [['--limit'], '--limit needs a value'],
    [['--help=yes'], '--help takes no value'],
    [['--version=1'], '--version takes no value'],
    [['--dir', '::', EXIT], '--dir :: is not of the form HOST[::GUEST]'],
    [['--dir', '.::', EXIT], '--dir .:: is not of the form HOST[::GUEST]'],
    [['--dir', '::/', EXIT], '--dir ::/ is not of the form HOST[::GUEST]'],
    [['--env', '=x', EXIT], '--env =x is not of the form NAME[=VALUE]'],
    [
      ['--dir', '.::/', '--dir', 'lib::/', EXIT],
      '--dir gives the guest two directories named /',
    ],
    [['--ro-dir', '::', EXIT], '--ro-dir :: is not of the form HOST[::GUEST]'],
    [
      ['--dir', '.::/', '--ro-dir', 'lib::/', EXIT],
      '--ro-dir gives the guest two directories named /',
    ],
    ...['iovecs', 'iovecs=', 'iovecs=x', 'iovecs=-1', 'iovecs=1.5', '=1='].map(
      (limit) => [
        ['--limit', limit, EXIT],
        `--limit ${limit} is not of the form NAME=NUMBER, with a whole NUMBER in decimal digits`,
      ],
    ),
    [
      ['--limit', 'iovecs=0', EXIT],
      '--limit iovecs=0 is out of range: iovecs goes from 1 to 1024',
    ],
    [
      ['--limit', 'iovecs=1025', EXIT],
      '--limit iovecs=1025 is out of range: iovecs goes from 1 to 1024',
    ],
    ...['iovec', 'toString', '__proto__'].map((name) => [
      ['--limit', `${name}=1`, EXIT],
      `--limit knows no ${name}, but descriptors, iovecs, subscriptions, pathLength, symlinkHops, randomChunk`,
    ]),
  ];
  for (const [args, message] of cases) refuses(t, args, `${message} ${see}`);
});

test('a file that cannot be read', (t) => {
  const directory = scratch(t);
  const options = { expected: NOT_FOUND };
  const reason = 'no such file or directory';
  refuses(t, ['none.wasm'], `cannot read none.wasm: ${reason}`, options);
  cannotRun(
    t,
    [directory],
    `cannot read ${directory}: illegal operation on a directory`,
  );
});

test('a file that is not a core module', async (t) => {
  const name = path.join(scratch(t), 'file');
  const is = (bytes, message) => {
    fs.writeFileSync(name, Buffer.from(bytes, 'latin1'));
    cannotRun(t, [name], `${name} ${message}`);
  };
  const none = 'is no WebAssembly module';
  is('', `${none}: it is empty`);
  is('\0as', none);
  is('\x7fELF\x02', `${none}: it is a native program`);
  is('#!/bin/sh\n', `${none}: it is a script`);
  is(
    zlib.gzipSync('x').toString('latin1'),
    `${none}: it is compressed by gzip, and has to be unpacked first`,
  );
  is('PK\x03\x04', `${none}: it is a zip archive`);
  is(
    '\n<!DOCTYPE html><title>404</title>',
    `${none}: it is HTML or XML, such as a server sends in the place of a file that it does not have`,
  );
  is('{"error":"not found"}', `${none}: it is JSON, as it seems`);
  is(
    'version https://git-lfs.github.com/spec/v1\n',
    `${none}: it is a pointer of Git LFS to a file that is not here`,
  );
  is('Not Found\n', `${none}: it is text`);
  is(
    '\0asm\x0d\0\x01\0',
    'is a WebAssembly component, for WASI 0.2 or newer, and only modules of WASI preview1 can be run: build it for wasm32-wasip1, or run it with jco',
  );
  fs.writeFileSync(name, '\0asm\x01\0\0\0garbage');
  const { exitCode, stderr } = command([name]);
  t.is(exitCode, CANNOT_RUN);
  t.regex(stderr, /^wasi-rs: cannot compile .+: .+\n$/);
});

test('standard input, and the text format', async (t) => {
  const input = fs.readFileSync(guestPath('hello'));
  t.like(command(['-'], { input }), {
    exitCode: 0,
    stdout: 'hello\n',
    stderr: '',
  });
  const named = command(['-', 'x'], { input: fs.readFileSync(ARGS_ENV) });
  t.true(named.stdout.startsWith('arg 0: -\narg 1: x\n'), named.stdout);

  const wat = fs.readFileSync(path.join(ROOT, '__test__/guests/hello.wat'));
  const name = path.join(scratch(t), 'hello.wat');
  fs.writeFileSync(name, wat);
  for (const file of [name, '-']) {
    t.like(command([file], { input: wat }), { exitCode: 0, stdout: 'hello\n' });
  }
  fs.writeFileSync(name, '(module (func $f (call $g)))');
  const { exitCode, stderr } = command([name]);
  t.is(exitCode, CANNOT_RUN);
  t.regex(stderr, /^wasi-rs: cannot assemble .+undefined function/s);
  // Where nobody has the package.
  const copy = scratch(t);
  copyPackage(copy);
  const without = node([path.join(copy, 'bin/wasi-rs.js'), name], {
    cwd: copy,
  });
  t.deepEqual(without, {
    exitCode: CANNOT_RUN,
    stdout: '',
    stderr: `wasi-rs: ${name} is in WebAssembly's text format, and the package wabt, which assembles that, is not there: npm install wabt\n`,
  });
});

test('a module that is not a command', async (t) => {
  const is = async (source, message) => {
    const name = await file(t, source);
    cannotRun(t, [name], `${name} ${message}`);
  };
  const memory = '(memory (export "memory") 1)';
  const start = '(func (export "_start"))';
  const yields = '(import "wasi_snapshot_preview1" "sched_yield" (func))';
  const none = 'is not a command: it exports no function _start';
  await is(`(module ${memory})`, none);
  await is(
    `(module ${memory} (global (export "_start") i32 (i32.const 0)))`,
    none,
  );
  await is(
    `(module ${memory} ${start} (func (export "_initialize")))`,
    'is not a command: it exports _initialize beside _start',
  );
  await is(`(module ${yields} ${start})`, 'exports no memory');
  cannotRun(
    t,
    [guestPath('reactor')],
    `${guestPath('reactor')} ${none}. --invoke NAME calls one of add, now, exit`,
  );
});

test('imports that are not of WASI', async (t) => {
  const is = async (
    imports,
    list,
    built = 'a host with functions of its own',
  ) => {
    const name = await file(
      t,
      `(module ${imports.map((each) => `(import ${each})`).join(' ')}
         (memory (export "memory") 1) (func (export "_start")))`,
    );
    const { exitCode, stdout, stderr } = command([name]);
    t.deepEqual([exitCode, stdout], [CANNOT_RUN, '']);
    const start = `wasi-rs: ${name} imports what is not of WASI: ${list}. It was built for ${built}`;
    t.true(stderr.startsWith(start), stderr);
    t.is(stderr.split('\n').length, 2);
  };
  const preview1 = '"wasi_snapshot_preview1"';
  await is(['"env" "log" (func)'], 'env.log');
  await is(
    [`${preview1} "fd_read" (global i32)`],
    'wasi_snapshot_preview1.fd_read',
  );
  await is(
    [`${preview1} "toString" (func)`],
    'wasi_snapshot_preview1.toString',
  );
  await is(['"toString" "name" (func)'], 'toString.name');
  await is(
    [`${preview1} "fd_gone" (func)`, `${preview1} "sched_yield" (func)`],
    'wasi_snapshot_preview1.fd_gone',
  );
  await is(
    ['a', 'b', 'c', 'd', 'e'].map((name) => `"env" "${name}" (func)`),
    'env.a, env.b, env.c and 2 more',
  );
  await is(
    ['"wasi:cli/stdout@0.2.0" "get-stdout" (func)'],
    'wasi:cli/stdout@0.2.0.get-stdout',
    'WASI 0.2, and not for wasm32-wasip1; jco runs it',
  );
});

test('--stub-imports', async (t) => {
  const name = await file(
    t,
    `(module
      (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
      (import "env" "log" (func $log))
      (import "wasi_snapshot_preview1" "toString" (func $no))
      (memory (export "memory") 1)
      (data (i32.const 4) "\\04\\00\\00\\00h\\00i\\00")
      (data (i32.const 16) "\\04\\00\\00\\00a\\00b\\00")
      (func $inner (call $abort (i32.const 8) (i32.const 20) (i32.const 3) (i32.const 4)))
      (func (export "_start"))
      (func (export "abort") (call $inner))
      (func (export "nowhere") (call $abort (i32.const -1) (i32.const 2) (i32.const 3) (i32.const 4)))
      (func (export "log") (call $log))
      (func (export "no") (call $no)))`,
  );
  t.deepEqual(command(['--stub-imports', name]), {
    exitCode: 0,
    stdout: '',
    stderr: '',
  });
  for (const [invoke, message] of [
    ['abort', 'abort: hi in ab(3:4)'],
    ['nowhere', 'abort: no message in no file(3:4)'],
    ['log', 'env.log was called, which --stub-imports stands for'],
    [
      'no',
      'wasi_snapshot_preview1.toString was called, which --stub-imports stands for',
    ],
  ]) {
    const { exitCode, stderr } = command([
      '--stub-imports',
      '--invoke',
      invoke,
      name,
    ]);
    t.is(exitCode, 134);
    t.true(
      stderr.startsWith(`wasi-rs: ${name} trapped: ${message}\n    at `),
      stderr,
    );
  }
  // What is no function cannot be stood for.
  const global = await file(
    t,
    '(module (import "env" "g" (global i32)) (func (export "_start")))',
  );
  t.is(command(['--stub-imports', global]).exitCode, CANNOT_RUN);
});

test('a backtrace has the names that the module has', async (t) => {
  const directory = scratch(t);
  const name = path.join(directory, 'trap.wat');
  fs.writeFileSync(
    name,
    '(module (func $inner unreachable) (func $outer (export "_start") (call $inner)))',
  );
  const { stderr, exitCode } = command([name]);
  t.is(exitCode, 134);
  const [first, second, third] = stderr.split('\n');
  t.is(first, `wasi-rs: ${name} trapped: unreachable`);
  t.regex(second, /^ +at inner \(/);
  t.regex(third, /^ +at outer \(/);
});

test('--invoke', async (t) => {
  const reactor = guestPath('reactor');
  const prints = (args, stdout) =>
    t.deepEqual(command(args), { exitCode: 0, stdout, stderr: '' });
  prints(['--invoke', 'add', reactor, '3', '-4'], '-1\n');
  prints(['--invoke=add', reactor, '0xffffffff', '0x10'], '15\n');
  t.regex(command(['--invoke', 'now', reactor]).stdout, /^\d+\n$/);
  t.is(command(['--invoke', 'exit', reactor, '7']).exitCode, 7);

  const name = await file(
    t,
    `(module
      (import "wasi_snapshot_preview1" "sched_yield" (func $yield (result i32)))
      (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
      (memory (export "memory") 1)
      (global $ready (mut i32) (i32.const 0))
      (func (export "_initialize") (global.set $ready (i32.const 1)))
      (func (export "ready") (result i32) (global.get $ready))
      (func (export "nothing"))
      (func (export "long") (param i64) (result i64) (local.get 0))
      (func (export "half") (param f32) (result f32) (local.get 0))
      (func (export "float") (param f64) (result f64) (local.get 0))
      (func (export "two") (result i32 f64) (i32.const 1) (f64.const 2.5))
      (func (export "ref") (param funcref)))`,
  );
  prints(['--invoke', 'ready', name], '1\n');
  prints(['--invoke', 'nothing', name], '');
  prints(
    ['--invoke', 'long', name, '-9223372036854775808'],
    '-9223372036854775808\n',
  );
  prints(['--invoke', 'long', name, '0xffffffffffffffff'], '-1\n');
  prints(['--invoke', 'half', name, '.1'], '0.10000000149011612\n');
  prints(['--invoke', 'float', name, '-1e3'], '-1000\n');
  prints(['--invoke', 'float', name, '-inf'], '-Infinity\n');
  prints(['--invoke', 'float', name, 'nan'], 'NaN\n');
  prints(['--invoke', 'two', name], '1\n2.5\n');
  for (const [args, message] of [
    [
      ['long', name, '9223372036854775808e0'],
      '9223372036854775808e0 is no i64 for long',
    ],
    [
      ['long', name, '18446744073709551616'],
      '18446744073709551616 is no i64 for long',
    ],
    [['float', name, '1x'], '1x is no f64 for float'],
    [['float', name, ''], ' is no f64 for float'],
    [
      ['float', name],
      `float of ${name} takes 1 numbers (f64), and 0 are given`,
    ],
    [
      ['nothing', name, '1'],
      `nothing of ${name} takes 0 numbers (none), and 1 are given`,
    ],
    [['ref', name, '1'], `ref of ${name} takes more than numbers`],
    [
      ['nothin', name],
      `${name} exports no function nothin, did you mean nothing?`,
    ],
    [
      ['memory', name],
      `${name} exports no function memory; it exports _initialize, ready, nothing, long, half, float, two, ref`,
    ],
  ]) {
    refuses(t, ['--invoke', ...args], message);
  }
});

test('--argv0, --env-inherit', (t) => {
  const env = { PATH: process.env.PATH, A: '1', B: '2' };
  const { stdout } = command(
    ['--env', 'B=3', '--argv0', 'busybox', '--env-inherit', ARGS_ENV, 'x'],
    { env },
  );
  t.true(stdout.startsWith('arg 0: busybox\narg 1: x\n'), stdout);
  for (const variable of ['A=1', 'B=3'])
    t.true(stdout.includes(variable), stdout);
  t.false(stdout.includes('B=2'));
});

test('--completions', (t) => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { exitCode, stdout, stderr } = command(['--completions', shell]);
    t.deepEqual([exitCode, stderr], [0, '']);
    for (const name of ['stub-imports', 'trace-summary', 'ro-dir']) {
      t.true(stdout.includes(name), `${shell}: ${name}`);
    }
  }
  refuses(
    t,
    ['--completions', 'csh'],
    '--completions knows bash, zsh, fish, and no csh (see wasi-rs --help)',
  );
});

/** What bash completes a command line to, of which the last word is being written. */
function completed(words) {
  const script = `
    source <("$0" bin/wasi-rs.js --completions bash)
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _wasi_rs
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = spawnSync(
    'bash',
    ['-c', script, process.execPath, 'wasi-rs', ...words],
    { cwd: ROOT, encoding: 'utf8' },
  );
  return stdout.split('\n').filter(Boolean);
}

const hasBash = spawnSync('bash', ['-c', 'true']).status === 0;

(hasBash ? test : test.skip)(
  'bash completes options, their values and files',
  (t) => {
    t.deepEqual(completed(['--trac']), ['--trace', '--trace-summary']);
    t.deepEqual(completed(['--limit', 'io']), ['iovecs']);
    t.deepEqual(completed(['--dir', 'examp']), ['examples']);
    t.deepEqual(completed(['--dir', '.', '--devi']), ['--devices']);
    t.deepEqual(completed(['--argv0', 'x']), []);
    t.deepEqual(completed(['package.js']), ['package.json']);
    // What follows the file is the guest's.
    t.deepEqual(completed(['app.wasm', '--trac']), []);
  },
);

test('options of Node.js reach it', (t) => {
  const env = {
    ...process.env,
    NODE_OPTIONS: '--stack-trace-limit=0 --title=x',
  };
  t.is(command([EXIT, '3'], { env }).exitCode, 3);
  t.is(
    node(['--max-old-space-size=64', 'bin/wasi-rs.js', EXIT, '3']).exitCode,
    3,
  );
});

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

test('the exit code is that of the guest', (t) => {
  for (const [code, expected] of [
    ['0', 0],
    ['1', 1],
    ['2', 2],
    ['134', 134],
    ['255', 255],
    ['256', 0],
    ['4294967295', 255],
    ['return', 0],
  ]) {
    const { exitCode, stdout, stderr } = command([EXIT, code, 'text']);
    t.deepEqual([exitCode, stdout, stderr], [expected, 'text\n', '']);
  }
});

test('what follows the file belongs to the guest', (t) => {
  const args = ['--help', '--dir', '--', '-x', '', 'a b', '--env=A=1'];
  for (const prefix of [[], ['--']]) {
    const { exitCode, stdout } = command([...prefix, ARGS_ENV, ...args]);
    const expected = ['args_env.wasm', ...args]
      .map((arg, i) => `arg ${i}: ${arg}\n`)
      .join('');
    t.deepEqual([exitCode, stdout], [0, expected]);
  }
});

test('--env', (t) => {
  const { stdout } = command(
    [
      ...[
        '--env',
        'A=1',
        '--env=B=x=y',
        '--env',
        'EMPTY=',
        '--env',
        'FROM_HOST',
      ],
      ...['--env', 'NOT_THERE', '--env', 'A=2', '--env', '__proto__=x'],
      ARGS_ENV,
    ],
    { env: { ...process.env, FROM_HOST: 'host' } },
  );
  t.is(
    stdout,
    'arg 0: args_env.wasm\n' +
      ['A=2', 'B=x=y', 'EMPTY=', 'FROM_HOST=host', '__proto__=x']
        .map((entry, i) => `env ${i}: ${entry}\n`)
        .join(''),
  );
});

test('the host’s environment is not passed on', (t) => {
  t.is(command([ARGS_ENV]).stdout, 'arg 0: args_env.wasm\n');
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

test('--capability', (t) => {
  const give = (...names) => names.flatMap((name) => ['--capability', name]);
  const exit = (...names) => {
    const { exitCode, stdout } = command([
      ...give(...names),
      EXIT,
      '3',
      'text',
    ]);
    return [exitCode, stdout];
  };
  t.deepEqual(exit('args', 'stdio', 'exit'), [3, 'text\n']);
  t.deepEqual(exit('args', 'stdio', 'proc_exit'), [3, 'text\n']);
  t.deepEqual(exit('stdio', 'exit'), [71, '']);
  const { exitCode, stderr } = command([
    ...give('args', 'stdio', 'fs:read'),
    guestPath('files'),
  ]);
  t.is(exitCode, 134);
  t.regex(stderr, /trapped: unreachable/i);
  for (const name of ['nope', 'toString', 'ARGS']) {
    refuses(
      t,
      ['--capability', 'args', `--capability=${name}`, EXIT],
      `--capability knows no ${name}, but args, env, clock, random, stdio, fs:read, fs:write, poll, sockets, exit and the calls of WASI by their names`,
    );
  }
});

test('--limit', (t) => {
  const directory = scratch(t);
  fs.symlinkSync('file', path.join(directory, 'link'));
  fs.writeFileSync(path.join(directory, 'file'), 'content');
  const read = (name, ...limits) =>
    command(
      [
        ...limits.flatMap((limit) => ['--limit', limit]),
        ...['--dir', '.::/', guestPath('files'), 'read', name],
      ],
      { cwd: directory },
    ).stdout;
  const ok = 'read /link: content\n';
  t.is(read('/link', 'symlinkHops=1', 'descriptors=5'), ok);
  t.is(read('/link', 'symlinkHops=0'), 'read /link: errno 32\n');
  t.is(read('/link', 'symlinkHops=0', 'symlinkHops=01'), ok);
  t.is(read('/link', 'descriptors=4'), 'read /link: errno 41\n');
  t.is(read('/link', 'pathLength=3'), 'read /link: errno 37\n');
});

test('standard input reaches the guest', (t) => {
  const input = 'some text\n'.repeat(10_000);
  const { exitCode, stdout } = command([guestPath('cat')], { input });
  t.is(exitCode, 0);
  t.true(stdout === input);
});

test('a trap is reported with what the guest was doing', (t) => {
  const trap = guestPath('trap');
  const { exitCode, stdout, stderr } = command([trap]);
  t.deepEqual([exitCode, stdout], [134, '']);
  const [first, ...frames] = stderr.trimEnd().split('\n');
  t.is(first, `wasi-rs: ${trap} trapped: unreachable`);
  t.true(frames.length > 0);
  for (const frame of frames) t.regex(frame, /^ +at .*wasm:/);
});

test('a guest that runs out of stack, or throws what nobody catches', async (t) => {
  const is = async (body, reason) => {
    const name = await file(
      t,
      `(module (tag $tag) (memory (export "memory") 1)
         (func $start (export "_start") ${body}))`,
    );
    const { exitCode, stderr } = command([name]);
    t.is(exitCode, 134);
    t.is(stderr.split('\n')[0], `wasi-rs: ${name} trapped: ${reason}`);
  };
  await is('call $start', 'Maximum call stack size exceeded');
  await is('throw $tag', 'uncaught exception');
  await is('i32.const 1 i32.const 0 i32.div_s drop', 'divide by zero');
});

test('both versions of WASI are told apart by the imports', (t) => {
  for (const guest of ['hello', 'hello_unstable']) {
    const { exitCode, stdout } = command([guestPath(guest)]);
    t.deepEqual([exitCode, stdout], [0, 'hello\n']);
  }
});

test('a command that never calls WASI', async (t) => {
  const name = await file(
    t,
    '(module (memory (export "memory") 1) (func (export "_start")))',
  );
  t.deepEqual(command([name]), { exitCode: 0, stdout: '', stderr: '' });
});

/** Runs the command with a reader of `streams` that is gone before it begins. */
async function unread(args, ...streams) {
  const child = spawn(
    process.execPath,
    [path.join(ROOT, 'bin/wasi-rs.js'), ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  for (const stream of streams) child[stream].destroy();
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += data));
  const [exitCode, signal] = await once(child, 'close');
  return { exitCode: exitCode ?? signal, stderr };
}

test('what it prints need not be read', async (t) => {
  const quiet = (exitCode) => ({ exitCode, stderr: '' });
  t.deepEqual(await unread(['--help'], 'stdout'), quiet(0));
  t.deepEqual(await unread(['--version'], 'stdout', 'stderr'), quiet(0));
  t.deepEqual(await unread(['--nope'], 'stderr'), quiet(FAILURE));
  t.deepEqual(await unread([guestPath('trap')], 'stderr'), quiet(134));
});

test('what it cannot print is reported', (t) => {
  if (!fs.existsSync('/dev/full')) {
    t.pass('no device that is full');
    return;
  }
  const full = fs.openSync('/dev/full', 'w');
  t.teardown(() => fs.closeSync(full));
  const stdio = (...streams) => ({ stdio: ['ignore', ...streams] });
  const { exitCode, stderr } = command(['--help'], stdio(full, 'pipe'));
  t.deepEqual(
    [exitCode, stderr],
    [FAILURE, 'wasi-rs: cannot write: no space left on device\n'],
  );
  t.is(command(['--nope'], stdio('pipe', full)).exitCode, FAILURE);
});

test('an interrupt ends it', async (t) => {
  if (process.platform === 'win32') {
    t.pass('no signals');
    return;
  }
  const child = spawn(
    process.execPath,
    [path.join(ROOT, 'bin/wasi-rs.js'), guestPath('cat')],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  // What comes back shows that the guest runs, and then waits for more.
  child.stdin.write('text');
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  t.deepEqual(await once(child, 'exit'), [null, 'SIGINT']);
});

test('--cpu-time beside a trace, and beside what it cannot be had with', (t) => {
  const beside = ['--cpu-time', '10s'];
  const { exitCode, stdout, stderr } = command([
    ...beside,
    '--trace=exit',
    EXIT,
    '3',
    'text',
  ]);
  t.deepEqual([exitCode, stdout], [3, 'text\n']);
  t.regex(stderr, /^proc_exit\(3\) = \? <\d+\.\d+>\n$/);
  for (const options of [
    ['--invoke', 'add'],
    ['--stub-imports'],
    ['--trace-summary'],
  ]) {
    refuses(
      t,
      [...beside, ...options, guestPath('reactor'), '1', '2'],
      `--cpu-time cannot be had beside ${options[0]}`,
    );
  }
  t.regex(
    command([...beside, '--capability', 'exit', ARGS_ENV]).stderr,
    /^wasi-rs: it has no --capability for /,
  );
});
