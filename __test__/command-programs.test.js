'use strict';

// The command wasi-rs: which programs it runs, and its errors for others.

const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');

const test = require('ava');

const { ROOT, command, node } = require('./helpers/child');
const {
  CANNOT_RUN,
  NOT_FOUND,
  cannotRun,
  file,
  refuses,
} = require('./helpers/command');
const { guestPath, scratch } = require('./helpers/guest');
const { copyPackage } = require('./helpers/install');

const ARGS_ENV = guestPath('args_env');

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
  // Without the package.
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
  // Only functions can be stubs.
  const global = await file(
    t,
    '(module (import "env" "g" (global i32)) (func (export "_start")))',
  );
  t.is(command(['--stub-imports', global]).exitCode, CANNOT_RUN);
});

test('a backtrace has the function names of the module', async (t) => {
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

test('the version of WASI is found by the imports', (t) => {
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
