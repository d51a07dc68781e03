'use strict';

// The command wasi-rs, as a child process: its options, its exit codes, what it prints.

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { MemoryFS, symlink } = require('..');
const { OPTIONS } = require('../lib/command/arguments');
const { version } = require('../package.json');
const { ROOT, command, node } = require('./helpers/child');
const { FAILURE, cannotRun, file, refuses } = require('./helpers/command');
const { guestPath, scratch } = require('./helpers/guest');

const ARGS_ENV = guestPath('args_env');
const EXIT = guestPath('exit');
const TRAPS =
  '(module (memory (export "memory") 1) (func (export "_start") unreachable))';

test('--help', (t) => {
  const { exitCode, stdout, stderr } = command(['--help']);
  t.deepEqual([exitCode, stderr], [0, '']);
  t.true(stdout.startsWith('Usage: wasi-rs [OPTION]... FILE.wasm [ARG]...\n'));
  for (const line of stdout.split('\n')) t.true(line.length <= 80, line);
  for (const name of Object.keys(OPTIONS)) {
    t.regex(stdout, new RegExp(`^  (-., )?--${name}[ =[\\n]`, 'm'));
  }
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
  // Everything else is as without it.
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
  // Exits with the result of memory.grow.
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
      `--limit ${name}=1 has an unknown name: the names are descriptors, iovecs, subscriptions, pathLength, symlinkHops, randomChunk`,
    ]),
  ];
  for (const [args, message] of cases) refuses(t, args, `${message} ${see}`);
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
    '--completions csh is unknown: the shells are bash, zsh, fish (see wasi-rs --help)',
  );
});

/** The completions of bash for the last word of a command line. */
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
    // Arguments after the file are the guest's.
    t.deepEqual(completed(['app.wasm', '--trac']), []);
  },
);

test('options of Node.js take effect', (t) => {
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

test('arguments after the file are the guest’s', (t) => {
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
      `--capability ${name} is unknown: the names are args, env, clock, random, stdio, fs:read, fs:write, poll, sockets, exit and those of the calls of WASI`,
    );
  }
});

test('--limit', (t) => {
  const directory = scratch(t);
  // An archive can have symbolic links on every system.
  const files = new MemoryFS({ file: 'content', link: symlink('file') });
  fs.writeFileSync(path.join(directory, 'a.tar'), files.toTar());
  const read = (name, ...limits) =>
    command(
      [
        ...limits.flatMap((limit) => ['--limit', limit]),
        ...['--mount', 'a.tar::/', guestPath('files'), 'read', name],
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

/** Runs the command; the reader of `streams` is closed before it begins. */
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

test('nobody needs to read its output', async (t) => {
  const quiet = (exitCode) => ({ exitCode, stderr: '' });
  t.deepEqual(await unread(['--help'], 'stdout'), quiet(0));
  t.deepEqual(await unread(['--version'], 'stdout', 'stderr'), quiet(0));
  t.deepEqual(await unread(['--nope'], 'stderr'), quiet(FAILURE));
  t.deepEqual(await unread([guestPath('trap')], 'stderr'), quiet(134));
});

test('output that cannot be written is an error', (t) => {
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

test('SIGINT ends it', async (t) => {
  if (process.platform === 'win32') {
    t.pass('no signals');
    return;
  }
  const child = spawn(
    process.execPath,
    [path.join(ROOT, 'bin/wasi-rs.js'), guestPath('cat')],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  // Its output shows that the guest runs; then it waits for input.
  child.stdin.write('text');
  await once(child.stdout, 'data');
  child.kill('SIGINT');
  t.deepEqual(await once(child, 'exit'), [null, 'SIGINT']);
});

test('--cpu-time with a trace, and with options that exclude it', (t) => {
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
      `--cpu-time cannot be combined with ${options[0]}`,
    );
  }
  t.regex(
    command([...beside, '--capability', 'exit', ARGS_ENV]).stderr,
    /^wasi-rs: it has no --capability for /,
  );
});
