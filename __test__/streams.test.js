'use strict';

// Standard streams that the host shares with other processes: a guest does not change
// their state, and slow readers and writers lose nothing.

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { HANGS, ROOT, script } = require('./helpers/child');
const { WASI } = require('./helpers/compare');
const { guestPath, scratch } = require('./helpers/guest');
const { RIGHTS, RawGuest } = require('./helpers/raw');

const onUnix = process.platform === 'win32' ? test.skip : test;

/** The output of a host after it has run a guest with this `body`. */
function hostAfter(t, body) {
  const directory = scratch(t);
  const ended = script(`
    const fs = require('node:fs');
    const { WASI } = require('wasi-rs');
    const { OUT, RIGHTS, RawGuest } = require('./__test__/helpers/raw');
    const directory = ${JSON.stringify(directory)};
    const guest = new RawGuest(WASI, { preopens: { '/': directory } });
    const { calls } = guest;
    const create = (name) =>
      guest.open(3, name, { oflags: 1, base: RIGHTS.fd_write });
    ${body}
    const opened = fs.openSync(directory + '/opened by the host', 'w');
    console.log('printed');
    console.error('complained');
    console.log(opened > 2);`);
  const files = Object.fromEntries(
    fs
      .readdirSync(directory)
      .map((name) => [
        name,
        fs.readFileSync(path.join(directory, name), 'utf8'),
      ]),
  );
  return { ...ended, files };
}

const UNHARMED = {
  exitCode: 0,
  stdout: 'printed\ntrue\n',
  stderr: 'complained\n',
};

test("console.log of the host works after a guest's fd_close of 0, 1 and 2", (t) => {
  const after = hostAfter(
    t,
    `const errnos = [0, 1, 2].map((fd) => calls.fd_close(fd));
     if (errnos.join() !== '0,0,0') throw new Error(errnos.join());`,
  );
  t.deepEqual(after, { ...UNHARMED, files: { 'opened by the host': '' } });
});

test("console.log of the host works after a guest's fd_renumber onto 0, 1 and 2", (t) => {
  const after = hostAfter(
    t,
    `for (const fd of [0, 1, 2]) {
       const errno = calls.fd_renumber(create('file ' + fd), fd);
       if (errno !== 0) throw new Error(String(errno));
     }
     guest.view.setUint8(0x8000, 0x67);
     calls.fd_write(1, ...guest.iovs(), OUT);`,
  );
  const files = { 'file 0': '', 'file 1': 'g', 'file 2': '' };
  t.deepEqual(after, {
    ...UNHARMED,
    files: { ...files, 'opened by the host': '' },
  });
});

test("console.log of the host works after a guest's fd_renumber of 1 away", (t) => {
  const after = hostAfter(
    t,
    `const fd = create('file');
     if (calls.fd_renumber(1, fd) !== 0 || calls.fd_close(fd) !== 0) {
       throw new Error('refused');
     }`,
  );
  t.deepEqual(after, {
    ...UNHARMED,
    files: { file: '', 'opened by the host': '' },
  });
});

test('a program that first tries to write at an offset can write to a pipe', (t) => {
  const { stdout, stderr } = script(`
    const { WASI } = require('wasi-rs');
    const { BUF, OUT, RawGuest } = require('./__test__/helpers/raw');
    const { calls, view } = new RawGuest(WASI, {});
    // One iovec, of the one byte "x".
    view.setUint8(BUF, 0x78);
    view.setUint32(BUF + 0x10, BUF, true);
    view.setUint32(BUF + 0x14, 1, true);
    const errno = calls.fd_pwrite(1, BUF + 0x10, 1, 0n, OUT);
    // "Illegal seek."
    if (errno === 70) calls.fd_write(1, BUF + 0x10, 1, OUT);
    console.error(errno);`);
  t.is(stdout, 'x');
  t.is(stderr, '70\n');
});

test('a file that is standard output is still open after the guest closed it', (t) => {
  const { exitCode, stdout, stderr } = script(`
    const fs = require('node:fs');
    const { WASI } = require('wasi-rs');
    const { RawGuest } = require('./__test__/helpers/raw');
    const file = ${JSON.stringify(path.join(scratch(t), 'file'))};
    const fd = fs.openSync(file, 'w');
    const guest = new RawGuest(WASI, { stdout: fd, stderr: fd });
    console.log(guest.calls.fd_close(1), guest.calls.fd_close(2));
    fs.writeSync(fd, 'of the host');
    fs.closeSync(fd);
    console.log(fs.readFileSync(file, 'utf8'));`);
  t.deepEqual([exitCode, stdout, stderr], [0, '0 0\nof the host\n', '']);
});

/** Hosts that run one guest, with its path and arguments as their arguments. */
const HOSTS = {
  'the command': [path.join(ROOT, 'bin/wasi-rs.js')],
  // Node makes the pipes behind these streams non-blocking.
  'a host that uses its own streams': [
    '--eval',
    `process.stdin.pause();
     process.stdout.write('');
     const { readFileSync } = require('node:fs');
     const { WASI } = require('wasi-rs');
     const [file, ...args] = process.argv.slice(1);
     const wasi = new WASI({ version: 'preview1', args: [file, ...args] });
     const module = new WebAssembly.Module(readFileSync(file));
     process.exitCode = wasi.start(
       new WebAssembly.Instance(module, wasi.getImportObject()),
     );`,
    '--',
  ],
};

/** The kinds of streams between a host and the test; Node makes sockets for a child. */
const WAYS = {
  sockets: [],
  pipes: ['sh', '-c', 'cat | "$@" | cat', 'sh'],
};

const slowly = () =>
  new Promise((resolve) => {
    setTimeout(resolve, 5);
  });

/**
 * Runs a guest with slow input, in pieces, and a slow reader of its output. Resolves to
 * its standard output and standard error.
 */
async function runSlowly(way, host, [name, ...args], input = '') {
  const command = [
    ...[...WAYS[way], process.execPath, ...HOSTS[host]],
    ...[guestPath(name), ...args],
  ];
  const child = spawn(command[0], command.slice(1), {
    cwd: ROOT,
    killSignal: 'SIGKILL',
    timeout: HANGS,
  });
  const ended = new Promise((resolve) => {
    child.once('close', resolve);
  });
  // Not every guest reads its input.
  child.stdin.on('error', () => {});
  let report = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    report += text;
  });
  const write = async () => {
    const piece = Math.ceil(input.length / 10);
    for (let at = 0; at < input.length; at += piece) {
      await slowly();
      child.stdin.write(input.slice(at, at + piece));
    }
    child.stdin.end();
  };
  const read = async () => {
    let output = '';
    for await (const text of child.stdout.setEncoding('latin1')) {
      output += text;
      await slowly();
    }
    return output;
  };
  const [output] = await Promise.all([read(), write()]);
  await ended;
  return { output, report };
}

const INPUT = 'some text\n'.repeat(50_000);
const LENGTH = 3_000_000;

for (const way of Object.keys(WAYS)) {
  for (const host of Object.keys(HOSTS)) {
    const where = `${way}, ${host}`;

    onUnix(
      `a slow writer is read to its end, O_NONBLOCK or not: ${where}`,
      async (t) => {
        const drained = await runSlowly(
          way,
          host,
          ['nonblock', 'drain'],
          INPUT,
        );
        t.regex(
          drained.report,
          new RegExp(`^set errno=0\nerrno=0 n=${INPUT.length} again=\\d+\n$`),
        );
        // A guest that did not set NONBLOCK never gets EAGAIN.
        const plain = await runSlowly(way, host, ['nonblock', 'plain'], INPUT);
        t.is(plain.report, `errno=0 n=${INPUT.length} again=0\n`);
        const copied = await runSlowly(way, host, ['cat'], INPUT);
        t.true(copied.output === INPUT);
      },
    );

    onUnix(
      `a slow reader gets all that is written, O_NONBLOCK or not: ${where}`,
      async (t) => {
        for (const [op, report] of [
          ['write', `^set errno=0\nerrno=0 n=${LENGTH} again=\\d+\n$`],
          ['plainwrite', `^errno=0 n=${LENGTH} again=0\n$`],
        ]) {
          const args = ['nonblock', op, String(LENGTH)];
          const written = await runSlowly(way, host, args);
          t.regex(written.report, new RegExp(report));
          t.true(written.output === 'x'.repeat(LENGTH), op);
        }
      },
    );

    onUnix(
      `the flags of a stream are those that the guest set: ${where}`,
      async (t) => {
        const { report } = await runSlowly(way, host, ['nonblock', 'flags']);
        t.is(report, 'before=0 set_errno=0 after=4\n');
      },
    );
  }
}

onUnix('sock_recv and sock_send work where a stream is a socket', async (t) => {
  const run = (...args) =>
    runSlowly('sockets', 'the command', args, 'received');
  const { output } = await run('sock', 'recv', '0', '8', '2');
  t.is(output, 'recv errno=0 n=8 roflags=0 data=received\n');
  const sent = await run('sock', 'send', '1', 'to be sent');
  t.deepEqual(sent, { output: 'to be sent', report: 'send errno=0 n=10\n' });
});

onUnix(
  'poll_oneoff reports all events that are due, and does not wait for others',
  async (t) => {
    const hour = 3_600_000_000_000;
    const { output } = await runSlowly('sockets', 'the command', [
      ...['poll', `after:1:${hour}`, 'past:0', 'past:1', `at:1:${hour}`],
      ...['abs:1:1', 'write:1', 'read:99'],
    ]);
    const event = (userdata, errno, type) =>
      `userdata=${userdata} errno=${errno} type=${type} nbytes=0 flags=0`;
    t.deepEqual(output.split('\n').slice(0, -2), [
      'errno=0 nevents=5',
      event(1001, 0, 0),
      event(1002, 0, 0),
      event(1004, 0, 0),
      event(1005, 0, 2),
      event(1006, 8, 1),
    ]);
  },
);

onUnix('poll_oneoff does not return before its timeout', async (t) => {
  // By the monotonic clock, which nobody can set.
  for (const subscription of ['after:1:20000000', 'at:1:20000000']) {
    const args = ['poll', subscription];
    const { output } = await runSlowly('sockets', 'the command', args);
    const [, elapsed] = /^errno=0 nevents=1\n.*\nelapsed_us=(\d+)\n$/.exec(
      output,
    );
    t.true(Number(elapsed) >= 20_000, elapsed);
  }
});

onUnix('a stream has the access mode that the host opened it with', (t) => {
  const file = path.join(scratch(t), 'file');
  fs.writeFileSync(file, 'text');
  const opened = ['r', 'a', 'r+'].map((flags) => fs.openSync(file, flags));
  t.teardown(() => opened.forEach((fd) => fs.closeSync(fd)));
  const [stdin, stdout, stderr] = opened;
  const guest = new RawGuest(WASI, { stdin, stdout, stderr });
  const both = RIGHTS.fd_read | RIGHTS.fd_write;
  const rights = [0, 1, 2].map((fd) => guest.rights(fd).base);
  t.deepEqual(
    rights.map((base) => base & both),
    [RIGHTS.fd_read, RIGHTS.fd_write, both],
  );
  t.is(new Set(rights.map((base) => base | both)).size, 1);
});
