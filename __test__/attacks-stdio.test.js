'use strict';

// Standard streams, sockets and devices: a guest does not change the state of what the
// embedder lends.

const { spawn } = require('node:child_process');
const { once } = require('node:events');

const test = require('ava');

const { ROOT } = require('./helpers/child');
const { arena, attack, testOn } = require('./helpers/attack');

const onUnix = testOn(test, process.platform !== 'win32');
const onLinux = testOn(test, process.platform === 'linux');

/** All calls of sockets, on one descriptor. */
const SOCKET_CALLS = `(guest, fd) => {
  const iovs = guest.iovs([0x2000, 8]);
  return [
    guest.call('sock_recv', fd, ...iovs, 0, 0x100, 0x108),
    guest.call('sock_send', fd, ...iovs, 0, 0x100),
    guest.call('sock_accept', fd, 0, 0x100),
    guest.call('sock_shutdown', fd, 1),
    guest.call('sock_shutdown', fd, 2),
    guest.call('sock_shutdown', fd, 3),
  ];
}`;

test.serial(
  'a guest closes its standard streams, and the host keeps its own',
  async (t) => {
    const place = arena(t);
    const { report, numbers, host } = await attack(
      ({ fs, runGuest }, { inside, root }) => {
        const numbers = ['0', '1', '2'];
        for (const streams of [{}, { stdin: 0, stdout: 1, stderr: 2 }]) {
          runGuest('close_stdio', {
            args: ['report', ...numbers],
            directory: root,
            preopens: { '/': inside },
            ...streams,
          });
        }
        // What the host opens next must not become its standard output.
        const opened = fs.openSync(`${inside}/opened`, 'w+');
        console.log('the host speaks');
        console.error('the host complains');
        const host = fs.readFileSync(`${inside}/opened`, 'utf8');
        fs.closeSync(opened);
        const report = fs.readFileSync(`${inside}/report`, 'utf8');
        return { report, host, numbers: opened };
      },
      place,
    );
    t.is(
      report,
      'close 0 errno=0\nclose 1 errno=0\nclose 2 errno=0\nsleep errno=0\nopen fd=0\n',
    );
    t.true(numbers > 2);
    t.is(host, '');
  },
);

test.serial(
  'fd_renumber over standard streams and preopens does not affect the host',
  async (t) => {
    const place = arena(t);
    const answers = await attack(({ Attacker, RIGHTS, fs }, { inside }) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      const rights = RIGHTS.FILE;
      const answers = [0, 1, 2].map((to) =>
        guest.call('fd_renumber', guest.open(3, 'file', { rights }), to),
      );
      answers.push(guest.write(1, 'redirected\n'));
      answers.push(guest.call('fd_renumber', 1, 3), guest.open(3, 'file'));
      fs.writeSync(1, '');
      return [...answers, fs.readFileSync(`${inside}/file`, 'utf8')];
    }, place);
    t.deepEqual(answers, [
      ...Array(5).fill('SUCCESS'),
      'NOTCAPABLE',
      'redirected\n',
    ]);
  },
);

for (const what of ['a pipe', '/dev/null']) {
  onUnix(`calls of sockets on ${what} are refused`, async (t) => {
    const answers = await attack(
      ({ Attacker, fs }, { calls, file }) => {
        if (!fs.existsSync(file)) {
          require('node:child_process').execFileSync('mkfifo', [file]);
        }
        const fd = fs.openSync(file, 'r+');
        const guest = new Attacker({ stdin: fd, stdout: fd, stderr: fd });
        // oxlint-disable-next-line eslint/no-eval
        const all = (0, eval)(calls);
        return [0, 1, 2, 3, 99].map((fd) => all(guest, fd));
      },
      {
        calls: SOCKET_CALLS,
        file: what === '/dev/null' ? what : arena(t).at('pipe'),
      },
    );
    const stream = answers.slice(0, 3).flat();
    t.deepEqual([...new Set(stream)], ['NOTSOCK']);
    t.deepEqual([...new Set(answers.slice(3).flat())], ['BADF']);
  });
}

onUnix(
  'calls of sockets on a device that the guest opened are refused',
  async (t) => {
    const answers = await attack(({ Attacker, RIGHTS }, calls) => {
      const guest = new Attacker({ preopens: { '/dev': '/dev' } });
      const fd = guest.open(3, 'null', { rights: RIGHTS.FILE });
      // oxlint-disable-next-line eslint/no-eval
      return [typeof fd, ...(0, eval)(calls)(guest, fd)];
    }, SOCKET_CALLS);
    t.is(answers[0], 'number');
    for (const answer of answers.slice(1)) {
      t.true(['NOTSOCK', 'NOTCAPABLE'].includes(answer), answer);
    }
  },
);

onLinux(
  'the flags of the host’s standard streams stay as they are',
  async (t) => {
    const { before, after } = await attack(({ Attacker, fs }) => {
      const flags = () =>
        [0, 1, 2].map((fd) => {
          const info = fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
          return /flags:\s*(\d+)/.exec(info)[1];
        });
      const before = flags();
      const guest = new Attacker();
      for (const fd of [0, 1, 2]) {
        for (const bits of [1, 4, 0x1f, 0]) {
          guest.call('fd_fdstat_set_flags', fd, bits);
          if (flags().join() !== before.join()) break;
        }
        guest.call('fd_fdstat_set_flags', fd, 4);
      }
      return { before, after: flags() };
    });
    t.deepEqual(after, before);
  },
);

onUnix('a FIFO blocks only the thread that waits for it', async (t) => {
  const place = arena(t);
  const answers = await attack(async ({ Attacker, NONBLOCK }, { inside }) => {
    const { execFileSync } = require('node:child_process');
    const { Worker } = require('node:worker_threads');
    const fs = require('node:fs');
    execFileSync('mkfifo', [`${inside}/fifo`]);
    const guest = new Attacker({ preopens: { '/': inside } });
    const fd = guest.open(3, 'fifo', { fdflags: NONBLOCK });
    guest.call('fd_close', fd);
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
         const { Attacker } = require(workerData.attacker);
         const guest = new Attacker({ preopens: { '/': workerData.inside } });
         parentPort.postMessage(guest.read(guest.open(3, 'fifo')));`,
      {
        eval: true,
        workerData: {
          inside,
          attacker: `${process.cwd()}/__test__/helpers/attacker.js`,
        },
      },
    );
    const said = new Promise((resolve) => {
      worker.once('message', resolve);
    });
    // Opening it for writing waits until the worker opens it for reading.
    const writer = await fs.promises.open(`${inside}/fifo`, 'w');
    await writer.write('from the host');
    await writer.close();
    return [typeof fd, await said];
  }, place);
  t.deepEqual(answers, ['number', 'from the host']);
});

/** A host whose standard streams are sockets, as those of Node's child processes are. */
onUnix(
  'sock_shutdown of a standard stream leaves the host’s open',
  async (t) => {
    const child = spawn(
      process.execPath,
      [
        '--eval',
        `const { Attacker } = require('./__test__/helpers/attacker');
       const guest = new Attacker();
       const answers = [0, 1, 2].flatMap((fd) => [
         ...[1, 2, 3].map((how) => guest.call('sock_shutdown', fd, how)),
         guest.read(fd),
         guest.write(fd, 'from the guest'),
       ]);
       console.log(JSON.stringify(answers));
       console.error('complained');
       process.stdin.on('data', (text) => console.log('heard: ' + text));`,
      ],
      { cwd: ROOT, stdio: 'pipe' },
    );
    const text = { stdout: '', stderr: '' };
    for (const name of Object.keys(text)) {
      child[name].on('data', (chunk) => {
        text[name] += chunk;
      });
    }
    child.stdin.end('the host’s input');
    const [exitCode] = await once(child, 'close');
    const each = ['SUCCESS', 'SUCCESS', 'SUCCESS', '', 'PIPE'];
    const answers = JSON.stringify([...each, ...each, ...each]);
    t.deepEqual(
      { exitCode, ...text },
      {
        exitCode: 0,
        stdout: `${answers}\nheard: the host’s input\n`,
        stderr: 'complained\n',
      },
    );
  },
);
