'use strict';

// Wrong pointers, lengths and counts: they neither crash the host nor make it
// allocate memory.

const test = require('ava');

const { arena, attack, untouched } = require('./helpers/attack');

const MIB = 2 ** 20;

test.serial(
  'iovecs whose size in bytes does not fit 32 bits are refused',
  async (t) => {
    const { answers, grown } = await attack(({ Attacker, OUT, growth }) => {
      const guest = new Attacker();
      const answers = new Set();
      const grown = growth(() => {
        const counts = [0x2000_0000, 0x2000_0001, 0x0555_5556, 0x1000_0000];
        for (const count of [...counts, 0x8000_0000, 0xffff_ffff]) {
          for (const fd of [0, 1, 2]) {
            answers
              .add(guest.call('fd_read', fd, 0, count, OUT))
              .add(guest.call('fd_write', fd, 0, count, OUT))
              .add(guest.call('fd_pread', fd, 0, count, 0n, OUT))
              .add(guest.call('fd_pwrite', fd, 0, count, 0n, OUT))
              .add(guest.call('sock_recv', fd, 0, count, 0, OUT, OUT + 8))
              .add(guest.call('sock_send', fd, 0, count, 0, OUT));
          }
          answers.add(guest.call('poll_oneoff', 0, 0, count, OUT));
        }
      });
      return { answers: [...answers], grown };
    });
    t.deepEqual(answers, ['OVERFLOW']);
    t.true(grown < 32 * MIB, `${grown} bytes`);
  },
);

test.serial(
  'too many iovecs and subscriptions, and too long paths, are refused',
  async (t) => {
    const { answers, grown } = await attack(
      ({ Attacker, BUF, OUT, fs, growth }, { inside }) => {
        const guest = new Attacker({ preopens: { '/': inside } });
        guest.memory.grow(64);
        const path = fs.openSync(`${inside}/file`);
        const answers = [];
        const grown = growth(() => {
          for (const count of [10_000, 200_000]) {
            answers.push(
              guest.call('fd_read', 0, BUF, count, OUT),
              guest.call('fd_write', 1, BUF, count, OUT),
              guest.call('fd_pread', 0, BUF, count, 0n, OUT),
              guest.call('sock_send', 1, BUF, count, 0, OUT),
            );
          }
          answers.push(guest.call('poll_oneoff', BUF, BUF, 10_000, OUT));
          const long = 'a/'.repeat(55_000);
          answers.push(
            guest.open(3, long),
            guest.call('path_create_directory', 3, long),
            guest.call('path_symlink', long, 3, 'link'),
            guest.call('path_rename', 3, 'file', 3, long),
          );
        });
        fs.closeSync(path);
        return { answers, grown };
      },
      arena(t),
    );
    t.deepEqual(answers.slice(0, 9), Array(9).fill('INVAL'));
    t.deepEqual(answers.slice(9), Array(4).fill('NAMETOOLONG'));
    t.true(grown < 32 * MIB, `${grown} bytes`);
  },
);

test.serial(
  'every iovec of a list is checked, not only the first',
  async (t) => {
    const answers = await attack(({ Attacker, OUT, RIGHTS }, { inside }) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      const { length } = guest.bytes;
      const fd = guest.open(3, 'file', { rights: RIGHTS.FILE });
      const good = [0x1000, 4];
      const bad = [
        [length, 0],
        [length, 1],
        [length - 1, 2],
        [0xffff_ffff, 1],
        [0xffff_fff0, 0x20],
        [0x1000, 0xffff_ffff],
        [0, length + 1],
      ];
      const lists = bad.flatMap((buf) => [
        [buf],
        [good, good, buf],
        [buf, good],
      ]);
      return lists.flatMap((list) => [
        guest.call('fd_read', fd, ...guest.iovs(...list), OUT),
        guest.call('fd_write', fd, ...guest.iovs(...list), OUT),
        guest.call('fd_pread', fd, ...guest.iovs(...list), 0n, OUT),
        guest.call('fd_pwrite', fd, ...guest.iovs(...list), 0n, OUT),
        guest.call('sock_recv', 0, ...guest.iovs(...list), 0, OUT, OUT + 8),
        guest.call('sock_send', 1, ...guest.iovs(...list), 0, OUT),
      ]);
    }, arena(t));
    t.is(answers.length, 7 * 3 * 6);
    t.deepEqual([...new Set(answers)], ['OVERFLOW']);
  },
);

test.serial('a path at the end of memory needs no NUL after it', async (t) => {
  const place = arena(t);
  const answers = await attack(({ Attacker, OUT, RIGHTS }, { inside }) => {
    const guest = new Attacker({ preopens: { '/': inside } });
    const read = (at, len) => {
      const { FD_READ } = RIGHTS;
      const args = [3, 0, at, len, 0, FD_READ, 0n, 0, OUT];
      return guest.call('path_open', ...args);
    };
    const answers = [];
    // No byte of a memory of 64 MiB is zero.
    guest.memory.grow(1022);
    guest.bytes.fill('x');
    for (const last of [guest.bytes.length, 2 ** 32]) {
      if (last === 2 ** 32) {
        try {
          guest.memory.grow(65536 - 1024);
        } catch {
          break;
        }
      }
      new Uint8Array(guest.memory.buffer, last - 4, 4).set(Buffer.from('file'));
      answers.push(
        read(last - 4, 4),
        read(last - 4, 5),
        read(last - 1, 1),
        read(last - 1, 0xffff_ffff),
        guest.call('path_unlink_file', 3, last - 3, 3),
        guest.call('path_filestat_get', 3, 0, last - 4, 4, OUT),
      );
    }
    return answers;
  }, place);
  const expected = [
    'SUCCESS',
    'OVERFLOW',
    'NOENT',
    'OVERFLOW',
    'NOENT',
    'SUCCESS',
  ];
  t.deepEqual(answers.slice(0, 6), expected);
  if (answers.length > 6) t.deepEqual(answers.slice(6), expected);
  untouched(t, place);
});

test.serial(
  'an empty path is refused, whatever its pointer points to',
  async (t) => {
    const answers = await attack(({ Attacker, OUT, RIGHTS }, { inside }) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      guest.bytes.fill('file');
      return [
        guest.call('path_open', 3, 0, 8, 0, 0, RIGHTS.FD_READ, 0n, 0, OUT),
        guest.call('path_create_directory', 3, 8, 0),
        guest.call('path_unlink_file', 3, 8, 0),
        guest.call('path_rename', 3, 8, 0, 3, 8, 4),
        guest.call('path_rename', 3, 8, 4, 3, 8, 0),
        guest.call('path_symlink', 8, 0, 3, 8, 4),
        guest.call('path_filestat_get', 3, 0, 8, 0, OUT),
      ];
    }, arena(t));
    t.deepEqual(answers, Array(7).fill('INVAL'));
  },
);

test.serial('a NUL in a path does not cut it', async (t) => {
  const place = arena(t);
  const answers = await attack(({ Attacker }, { inside }) => {
    const guest = new Attacker({ preopens: { '/': inside } });
    return ['file\0', 'file\0.txt', '\0', '../outside\0/x'].flatMap((name) => [
      guest.open(3, name),
      guest.call('path_create_directory', 3, name),
      guest.call('path_symlink', name, 3, 'link'),
    ]);
  }, place);
  t.deepEqual(answers, Array(12).fill('INVAL'));
  untouched(t, place);
});

test.serial(
  'random_get of 1 GiB takes no memory but the guest’s',
  async (t) => {
    const { answer, grown, filled } = await attack(({ Attacker, growth }) => {
      const guest = new Attacker();
      const gib = 2 ** 30;
      try {
        guest.memory.grow(gib / 65536);
      } catch {
        return { answer: 'SUCCESS', grown: 0, filled: true };
      }
      let answer;
      const grown = growth(() => {
        answer = guest.call('random_get', 65536, gib);
      });
      const end = new Uint8Array(guest.memory.buffer, gib, 64);
      return {
        answer,
        grown: grown - gib,
        filled: end.some((byte) => byte > 0),
      };
    });
    t.is(answer, 'SUCCESS');
    t.true(filled);
    t.true(grown < 64 * MIB, `${grown} bytes`);
  },
);

test.serial('no memory, an empty one, and one that is replaced', async (t) => {
  const answers = await attack(({ WASI }) => {
    const wasi = new WASI({ version: 'preview1' });
    const { random_get: random, args_sizes_get: sizes } = wasi.wasiImport;
    const answers = [];
    try {
      answers.push(random(0, 1));
    } catch (error) {
      answers.push(error.code);
    }
    const memories = [0, 1, 2].map(
      (initial) => new WebAssembly.Memory({ initial }),
    );
    const kSetMemory = Object.getOwnPropertySymbols(wasi).find(
      ({ description }) => description === 'kSetMemory',
    );
    for (const memory of [...memories, ...memories.toReversed()]) {
      wasi[kSetMemory](memory);
      answers.push([0, 65535, 65536, 131_071].map((at) => random(at, 1)));
      answers.push([sizes(0, 4), sizes(65532, 0), sizes(65533, 0)]);
    }
    return answers;
  });
  const OVERFLOW = 61;
  const sizes = [
    [OVERFLOW, OVERFLOW, OVERFLOW, OVERFLOW],
    [OVERFLOW, OVERFLOW, OVERFLOW],
    [0, 0, OVERFLOW, OVERFLOW],
    [0, 0, OVERFLOW],
    [0, 0, 0, 0],
    [0, 0, 0],
  ];
  const back = [4, 5, 2, 3, 0, 1].map((index) => sizes[index]);
  t.deepEqual(answers, ['ERR_WASI_NOT_STARTED', ...sizes, ...back]);
});

test.serial(
  'a memory that grows, is detached and grows again during calls',
  async (t) => {
    const answers = await attack(({ Attacker }) => {
      const guest = new Attacker();
      const answers = new Set();
      for (let pages = 2; pages < 200; pages++) {
        const end = pages * 65536;
        answers.add(guest.call('random_get', end - 16, 16));
        answers.add(guest.call('random_get', end - 16, 17));
        const { buffer } = guest.memory;
        guest.memory.grow(pages % 3 === 0 ? 0 : 1);
        if (buffer.byteLength !== 0) answers.add('not detached');
        if (pages % 3 === 0) guest.memory.grow(1);
        answers.add(guest.call('random_get', end, 16));
      }
      return [...answers];
    });
    t.deepEqual(answers, ['SUCCESS', 'OVERFLOW']);
  },
);

test.serial('a getter on the exports that makes calls', async (t) => {
  const answers = await attack(({ WASI, guest }) => {
    const wasi = new WASI({ version: 'preview1', args: ['x'] });
    const module = guest('raw_calls');
    const { exports } = new WebAssembly.Instance(
      module,
      wasi.getImportObject(),
    );
    const answers = [];
    const again = () => {
      for (const call of [
        () => wasi.initialize({ exports }),
        () => wasi.start({ exports: { memory: exports.memory, _start() {} } }),
        () => wasi.finalizeBindings({ exports }),
        () => exports.args_sizes_get(0, 4),
      ]) {
        try {
          answers.push(call() ?? 'done');
        } catch (error) {
          answers.push(error.code);
        }
      }
    };
    let depth = 0;
    const hostile = {
      get memory() {
        if (depth++ === 0) again();
        exports.memory.grow(1);
        return exports.memory;
      },
      get _initialize() {
        if (depth++ === 1) again();
        return () => again();
      },
    };
    try {
      wasi.initialize({ exports: hostile });
      answers.push('initialized');
    } catch (error) {
      answers.push(error.code);
    }
    answers.push(exports.args_sizes_get(0, 4));
    return answers;
  });
  t.true(answers.length >= 6);
  t.is(answers.at(-1), 0);
});

test.serial(
  'memory that another thread rewrites during the call',
  async (t) => {
    const place = arena(t, { 'inside/way': { link: '../outside' } });
    const result = await attack(async ({ WASI, guest, RIGHTS }, { inside }) => {
      const { Worker } = require('node:worker_threads');
      const memory = new WebAssembly.Memory({
        initial: 2,
        maximum: 65536,
        shared: true,
      });
      const worker = new Worker(
        `const { parentPort, workerData } = require('node:worker_threads');
         const bytes = Buffer.from(workerData.memory.buffer);
         const paths = ['dir//////nested', 'way/////secret/', '../outside/xxxx'];
         const words = [[0x1000, 64], [0xfffffff0, 64], [0x1000, -1 >>> 0], [0x1ffff, 1]];
         for (let i = 0; ; i++) {
           bytes.write(paths[i % 3], 0x400);
           const [ptr, len] = words[i % 4];
           for (let at = 0x200; at < 0x240; at += 8) {
             bytes.writeUInt32LE(ptr, at);
             bytes.writeUInt32LE(len, at + 4);
           }
           if (i === 0) parentPort.postMessage('rewriting');
         }`,
        { eval: true, workerData: { memory } },
      );
      await new Promise((resolve) => {
        worker.once('message', resolve);
      });
      const wasi = new WASI({
        version: 'preview1',
        preopens: { '/s': inside },
      });
      const { exports } = new WebAssembly.Instance(guest('raw_calls_shared'), {
        ...wasi.getImportObject(),
        env: { memory },
      });
      wasi.initialize({ exports });
      const view = new DataView(memory.buffer);
      const seen = {};
      // Until the worker has run: with only one of the paths, all results are the same.
      const raced = () => Object.keys(seen).length > 1;
      for (let round = 0; round < 5000 || !raced(); round++) {
        const { FD_READ, FD_SEEK } = RIGHTS;
        const open = [3, 1, 0x400, 15, 0, FD_READ | FD_SEEK, 0n, 0, 0x100];
        const errno = exports.path_open(...open);
        seen[errno] = (seen[errno] ?? 0) + 1;
        if (errno === 0) {
          const fd = view.getUint32(0x100, true);
          exports.fd_pread(fd, 0x200, 8, 0n, 0x100);
          const text = Buffer.from(memory.buffer).toString(
            'latin1',
            0x1000,
            0x1040,
          );
          if (text.includes('SECRET')) seen.secret = text;
          exports.fd_close(fd);
        }
        exports.path_filestat_set_times(3, 1, 0x400, 15, 0n, 0n, 5);
        exports.path_unlink_file(3, 0x400, 15);
        const create = [3, 1, 0x400, 15, 1, RIGHTS.FD_WRITE, 0n, 0, 0x100];
        if (exports.path_open(...create) === 0) {
          exports.fd_close(view.getUint32(0x100, true));
        }
      }
      await worker.terminate();
      return seen;
    }, place);
    t.is(result.secret, undefined);
    t.true(Object.keys(result).length > 1);
    untouched(t, place);
  },
);
