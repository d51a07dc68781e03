'use strict';

// A guest cannot affect the process that it runs in.

const test = require('ava');

const { arena, attack, testOn, untouched } = require('./helpers/attack');

const onUnix = testOn(test, process.platform !== 'win32');

test.serial('proc_raise raises nothing', async (t) => {
  const { answers, signals } = await attack(({ Attacker }) => {
    const signals = [];
    for (const name of ['SIGTERM', 'SIGUSR2', 'SIGCHLD', 'SIGCONT']) {
      process.on(name, () => signals.push(name));
    }
    const guest = new Attacker();
    const answers = Array.from({ length: 256 }, (_, signal) =>
      guest.call('proc_raise', signal),
    );
    return { answers: [...new Set(answers)], signals };
  });
  t.deepEqual(answers, ['NOTSUP']);
  t.deepEqual(signals, []);
});

test.serial(
  'ATIM with ATIM_NOW is refused, and the directory can still be used',
  async (t) => {
    const place = arena(t);
    const answers = await attack(({ Attacker, OUT }, { inside }) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      const answers = [];
      for (const flags of [3, 12, 15, 7, 16, 0xffff]) {
        answers.push(
          guest.call('path_filestat_set_times', 3, 0, 'file', 0n, 0n, flags),
          guest.call('fd_filestat_set_times', 3, 0n, 0n, flags),
        );
      }
      answers.push(
        guest.call('path_filestat_get', 3, 0, 'file', OUT),
        typeof guest.open(3, 'file'),
        guest.call('path_create_directory', 3, 'made'),
      );
      return answers;
    }, place);
    t.deepEqual(answers.slice(-3), ['SUCCESS', 'number', 'SUCCESS']);
    t.deepEqual([...new Set(answers.slice(0, -3))], ['INVAL']);
  },
);

onUnix(
  'the largest and smallest times, of the guest and of the host, can be read',
  async (t) => {
    const place = arena(t);
    const answers = await attack(({ Attacker, OUT, fs }, { inside }) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      const stat = () => guest.call('path_filestat_get', 3, 0, 'file', OUT);
      const answers = [];
      for (const seconds of [-1e10, -1.5, 9.4e12, 2 ** 34, 2 ** 62]) {
        try {
          fs.utimesSync(`${inside}/file`, seconds, seconds);
        } catch {
          // The file system cannot store such a time.
        }
        answers.push(stat());
      }
      for (const time of [0n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]) {
        guest.call('path_filestat_set_times', 3, 0, 'file', time, time, 5);
        answers.push(stat());
      }
      return answers;
    }, place);
    t.deepEqual([...new Set(answers)], ['SUCCESS']);
  },
);

test.serial('a timeout in the past is due at once', async (t) => {
  const answers = await attack(({ Attacker, OUT }) => {
    const guest = new Attacker();
    const wait = (id, timeout, flags) => {
      guest.bytes.fill(0, 0x1000, 0x1040);
      guest.view.setUint32(0x1010, id, true);
      guest.view.setBigUint64(0x1018, timeout, true);
      guest.view.setUint16(0x1028, flags, true);
      const answer = guest.call('poll_oneoff', 0x1000, 0x2000, 1, OUT);
      return [answer, guest.u32(OUT), guest.view.getUint16(0x2008, true)];
    };
    const now = (id) => {
      guest.call('clock_time_get', id, 1n, OUT);
      return guest.u64(OUT);
    };
    const ABSTIME = 1;
    return [
      wait(0, 1n, ABSTIME),
      wait(1, 1n, ABSTIME),
      wait(0, now(0) - 1n, ABSTIME),
      wait(1, now(1) + 1_000_000n, ABSTIME),
      wait(0, now(0) + 1_000_000n, ABSTIME),
      wait(1, 0n, 0),
      wait(1, 900_000n, 0),
    ];
  });
  t.deepEqual(
    answers,
    Array.from({ length: 7 }, () => ['SUCCESS', 1, 0]),
  );
});

onUnix('a file size limit is an errno and no signal', async (t) => {
  const answers = await attack(
    ({ Attacker, IOVS, OUT, RIGHTS }, { inside }) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      const fd = guest.open(3, 'file', { rights: RIGHTS.FILE });
      const far = 2n ** 33n;
      guest.iovs([0x1000, 100]);
      return [
        guest.call('fd_pwrite', fd, IOVS, 1, far, OUT),
        guest.call('fd_filestat_set_size', fd, far),
        guest.call('fd_allocate', fd, 0n, far),
        guest.call('fd_filestat_set_size', fd, 2n ** 62n),
        guest.call('fd_allocate', fd, 2n ** 63n, 2n ** 63n),
        guest.call('fd_allocate', fd, 2n ** 64n - 1n, 10n),
      ];
    },
    arena(t),
    { ulimit: '-f 1000000' },
  );
  t.deepEqual(answers.slice(0, 3), ['FBIG', 'FBIG', 'FBIG']);
  for (const answer of answers.slice(3)) {
    t.true(['FBIG', 'INVAL'].includes(answer), String(answer));
  }
});

onUnix('standard input from a file can be waited for', async (t) => {
  const answers = await attack(({ Attacker, OUT, fs }, { inside }) => {
    const stdin = fs.openSync(`${inside}/file`);
    const guest = new Attacker({ stdin });
    guest.bytes.fill(0, 0x1000, 0x1030);
    guest.view.setUint8(0x1008, 1);
    const answer = guest.call('poll_oneoff', 0x1000, 0x2000, 1, OUT);
    return [answer, guest.u32(OUT), guest.view.getUint16(0x2008, true)];
  }, arena(t));
  t.deepEqual(answers, ['SUCCESS', 1, 0]);
});

test.serial('an exit in _initialize throws an Error', async (t) => {
  const code = await attack(({ WASI, guest }) => {
    const wasi = new WASI({ version: 'preview1' });
    const imports = wasi.getImportObject();
    const instance = new WebAssembly.Instance(guest('reactor_exit'), imports);
    try {
      return wasi.initialize(instance);
    } catch (error) {
      return [error instanceof Error, error.code, typeof error.exitCode];
    }
  });
  t.deepEqual(code, [true, 'ERR_WASI_EXITED', 'number']);
});

test.serial('a guest cannot catch its own exit', async (t) => {
  const { exitCode, printed } = await attack(
    ({ runGuest }, { root }) => runGuest('exit_caught', { directory: root }),
    arena(t),
  );
  t.is(typeof exitCode, 'number');
  t.is(printed, '');
});

test.serial(
  'workers that are ended in the middle of their calls',
  async (t) => {
    const ended = await attack(async (_, { inside }) => {
      const { Worker } = require('node:worker_threads');
      const attacker = `${process.cwd()}/__test__/helpers/attacker.js`;
      const codes = [];
      for (let i = 0; i < 12; i++) {
        const worker = new Worker(
          `const { parentPort, workerData } = require('node:worker_threads');
           const { Attacker } = require(workerData.attacker);
           const guest = new Attacker({ preopens: { '/': workerData.inside } });
           parentPort.postMessage('running');
           for (;;) {
             guest.call('fd_close', guest.open(3, 'file'));
             guest.call('random_get', 0x8000, 0x8000);
             new Attacker({ preopens: { '/': workerData.inside } });
           }`,
          { eval: true, workerData: { attacker, inside } },
        );
        await new Promise((resolve, reject) => {
          worker.once('message', resolve);
          worker.once('error', reject);
        });
        await new Promise((resolve) => {
          setTimeout(resolve, i * 3);
        });
        codes.push(await worker.terminate());
      }
      return codes;
    }, arena(t));
    t.deepEqual(ended, Array(12).fill(1));
  },
);

test.serial('calls during garbage collection', async (t) => {
  const { sum } = await attack(
    ({ Attacker, OUT }, { inside }) => {
      const guests = Array.from(
        { length: 4 },
        () => new Attacker({ preopens: { '/': inside } }),
      );
      const live = [];
      let sum = 0;
      for (let i = 0; i < 60_000; i++) {
        const guest = guests[i % 4];
        live[i % 500] = { i, text: String(i).repeat(3), list: [i, { i }] };
        if (guest.exports.fd_fdstat_get(3, OUT) === 0) sum++;
        if (guest.exports.clock_time_get(1, 0n, OUT) === 0) sum++;
        if (i % 500 === 0) guest.call('fd_close', guest.open(3, 'file'));
        if (i % 6000 === 0) globalThis.gc();
      }
      for (const { i, text, list } of live) {
        if (text !== String(i).repeat(3) || list[1].i !== i) sum = -1;
      }
      return { sum };
    },
    arena(t),
    { flags: ['--stress-compaction', '--max-semi-space-size=1'] },
  );
  t.is(sum, 120_000);
});

onUnix('no call crashes the host, whatever its arguments', async (t) => {
  const place = arena(t);
  const { calls, alive } = await attack(({ Attacker, fs }, { inside }) => {
    const stdin = fs.openSync('/dev/null', 'r+');
    const stdio = { stdin, stdout: stdin, stderr: stdin };
    // The same numbers in every run.
    let state = 1;
    const random = (below) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
      return (state >>> 8) % below;
    };
    const EDGES = [0, 1, 2, 3, 4, 8, 0xff, 0x100, 0x1000, 0x1_fffe, 0x1_ffff];
    const numbers = [...EDGES, 0x2_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
    const waits = new Set(['poll_oneoff', 'proc_exit', 'memory']);
    let calls = 0;
    let guest;
    for (let round = 0; round < 30_000; round++) {
      if (round % 1000 === 0) {
        guest = new Attacker({ preopens: { '/s': inside }, ...stdio });
        guest.bytes.set(Buffer.from('dir/../file/..'), 0x100);
      }
      const names = Object.keys(guest.exports).filter(
        (name) => !waits.has(name),
      );
      const name = names[random(names.length)];
      const args = Array.from(
        { length: 9 },
        () => numbers[random(numbers.length)],
      );
      try {
        guest.exports[name](...args);
      } catch (error) {
        if (!/BigInt/.test(error.message)) throw error;
        for (let mask = 0; mask < 512; mask++) {
          const mixed = args.map((arg, i) =>
            mask & (1 << i) ? BigInt(arg) : arg,
          );
          try {
            guest.exports[name](...mixed);
            break;
          } catch (wrong) {
            if (!(wrong instanceof TypeError || wrong instanceof SyntaxError)) {
              throw wrong;
            }
          }
        }
      }
      calls++;
    }
    return { calls, alive: new Attacker().call('random_get', 0, 16) };
  }, place);
  t.is(calls, 30_000);
  t.is(alive, 'SUCCESS');
  untouched(t, place);
});
