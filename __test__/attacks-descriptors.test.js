'use strict';

// Descriptors: those of a guest are limited and separate from the host's. Those of
// the host a guest cannot close, use or exhaust.

const fs = require('node:fs');

const test = require('ava');

const {
  arena,
  attack,
  forEachResolver,
  testOn,
  untouched,
} = require('./helpers/attack');

const onUnix = testOn(test, process.platform !== 'win32');
const onLinux = testOn(test, process.platform === 'linux');

onLinux('thousands of instances leave no descriptors open', async (t) => {
  const { fds, grown } = await attack(async (tools, { inside }) => {
    const { Attacker, collectUntil, descriptors, filledMemory } = tools;
    const before = descriptors();
    const use = (count) => {
      for (let i = 0; i < count; i++) {
        const guest = new Attacker({
          preopens: { '/': inside, '/b': inside },
        });
        guest.open(3, 'file');
        guest.openDir(4, 'dir');
        guest.call('random_get', 0, 16);
      }
    };
    const round = async () => {
      use(50);
      await collectUntil(() => descriptors() === before);
    };
    await round();
    const filled = filledMemory();
    for (let i = 0; i < 10; i++) await round();
    return {
      fds: descriptors() - before,
      grown: filledMemory() - filled,
    };
  }, arena(t));
  t.is(fds, 0);
  t.true(grown < 64 * 2 ** 20, `${grown} bytes`);
});

onLinux(
  'a guest that opens files without end reaches its own limit',
  async (t) => {
    const { printed, exitCode, nofile, host, few } = await attack(
      ({ fs, runGuest }, { root, inside }) => {
        const args = ['keep', 'file', '100000'];
        const options = { args, directory: root, preopens: { '/': inside } };
        const result = runGuest('opens', options);
        const host = fs.readFileSync(`${inside}/file`, 'utf8');
        const limits = fs.readFileSync('/proc/self/limits', 'utf8');
        const [, nofile] = /^Max open files +(\d+|unlimited)/m.exec(limits);
        const few = { ...options, limits: { descriptors: 10 } };
        return { ...result, nofile, host, few: runGuest('opens', few).printed };
      },
      arena(t),
    );
    const limit = nofile >= 4 * 4096 ? 4096 : Math.floor(nofile / 4);
    const told = (limit) =>
      `call=path_open errno=41 opened=${limit - 4} lowest=4 highest=${limit - 1}\n`;
    t.is(exitCode, 1);
    t.is(printed, told(nofile === 'unlimited' ? 4096 : limit));
    t.is(host, 'inside\n');
    t.is(few, told(10));
  },
);

onLinux('fd_renumber in a loop leaves no descriptor open', async (t) => {
  const { printed, before, after } = await attack(
    ({ descriptors, runGuest }, { root, inside }) => {
      const before = descriptors();
      const printed = ['renumber', 'close'].map(
        (mode) =>
          runGuest('opens', {
            args: [mode, 'file', '5000'],
            directory: root,
            preopens: { '/': inside },
          }).printed,
      );
      return { printed, before, after: descriptors() };
    },
    arena(t),
  );
  for (const line of printed) t.regex(line, /^call=none errno=0 opened=5000 /);
  // A preopen and one more descriptor, of instances that are not collected yet.
  t.true(after - before <= 4, `${before} became ${after}`);
});

onUnix('a guest cannot run the host out of descriptors', async (t) => {
  const { opened, last, host } = await attack(
    ({ Attacker, BUF, OUT, RIGHTS, fs }, { inside }) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      const { DIRECTORY: rights, INHERITING: inheriting } = RIGHTS;
      for (let opened = 0; ; opened++) {
        // The most memory that a descriptor can take: a directory that is listed.
        const last = guest.open(3, 'dir', { rights, inheriting });
        if (typeof last !== 'number') {
          return {
            opened,
            last,
            host: fs.readFileSync(`${inside}/file`, 'utf8'),
          };
        }
        guest.call('fd_readdir', last, BUF, 64, 0n, OUT);
        guest.open(last, 'nothing');
      }
    },
    arena(t),
    { ulimit: '-n 1024' },
  );
  t.is(last, 'NFILE');
  t.is(opened, 1024 / 4 - 4);
  t.is(host, 'inside\n');
});

onLinux(
  'listing a directory takes no further descriptor of the host, and hardly any memory',
  async (t) => {
    const { opened, fds, grown } = await attack(
      (
        { fs, Attacker, RIGHTS, BUF, descriptors, filledMemory },
        { inside },
      ) => {
        const name = 'n'.repeat(200);
        for (let i = 0; i < 1000; i++) {
          fs.writeFileSync(`${inside}/dir/${name}${i}`, '');
        }
        const guest = new Attacker({ preopens: { '/': inside } });
        const before = descriptors();
        const filled = filledMemory();
        const { DIRECTORY: rights, INHERITING: inheriting } = RIGHTS;
        let opened = 0;
        for (; opened < 1000; opened++) {
          // The most memory that a descriptor can take: in the middle of a listing.
          const fd = guest.open(3, 'dir', { rights, inheriting });
          if (typeof fd !== 'number') break;
          for (const cookie of [0n, 10n, 500n]) {
            guest.call('fd_readdir', fd, BUF, 4096, cookie, 0x100);
          }
        }
        const fds = descriptors() - before;
        return { opened, fds, grown: filledMemory() - filled };
      },
      arena(t),
      { ulimit: '-n 5000' },
    );
    t.is(opened, 1000);
    t.is(fds, opened);
    // Besides the shared caches: positions, and a few hundred bytes for each.
    t.true(grown < 16 * 2 ** 20, `${grown} bytes`);
  },
);

// Whatever the limit of the guest, a path must not open many descriptors of the host.
// (A shell limits the process.)
if (process.platform !== 'win32') {
  forEachResolver(
    test,
    'a deep path does not run the host out of descriptors',
    async (t, resolver) => {
      const answers = await attack(
        ({ Attacker, FOLLOW, fs }, { inside }) => {
          const depth = 400;
          const down = 'd/'.repeat(depth);
          const up = '../'.repeat(depth);
          fs.mkdirSync(`${inside}/${down}`, { recursive: true });
          fs.writeFileSync(`${inside}/${down}leaf`, 'leaf\n');
          fs.symlinkSync(down, `${inside}/far`);
          const guest = new Attacker({
            preopens: { '/': inside },
            limits: { descriptors: 16 },
          });
          const paths = [
            [`${down}leaf`, 'leaf\n'],
            [`../${down}leaf`, 'leaf\n'],
            [`../${down}${up}file`, 'inside\n'],
            [`../far/${up}far/leaf`, 'leaf\n'],
          ];
          return paths.map(([path, text]) => {
            const fd = guest.open(3, path, { lookup: FOLLOW });
            const read = typeof fd === 'number' ? guest.read(fd) : fd;
            guest.call('fd_close', fd);
            return read === text ? 'read' : read;
          });
        },
        arena(t),
        { resolver, ulimit: '-n 256' },
      );
      t.deepEqual(answers, ['read', 'read', 'read', 'read']);
    },
  );
}

test.serial(
  'fd_renumber to any number leaves the descriptor table intact',
  async (t) => {
    const answers = await attack(({ Attacker }, { inside }) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      const answers = [];
      const numbers = [
        4, 5, 6, 99, 4096, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
      ];
      for (const to of numbers) {
        const from = guest.open(3, 'file');
        answers.push(guest.call('fd_renumber', from, to));
        guest.call('fd_renumber', to, from);
        guest.call('fd_close', to);
        guest.call('fd_close', from);
        guest.call('fd_renumber', to, to);
      }
      const opened = Array.from({ length: 20 }, () => guest.open(3, 'file'));
      const texts = opened.map((fd) => guest.read(fd));
      return { answers, opened, texts };
    }, arena(t));
    t.deepEqual(answers.answers, ['SUCCESS', ...Array(7).fill('BADF')]);
    t.is(new Set(answers.opened).size, 20);
    t.deepEqual(new Set(answers.texts), new Set(['inside\n']));
  },
);

test.serial('without preopens there is nothing to open', async (t) => {
  const answers = await attack(({ Attacker, OUT }) => {
    const guest = new Attacker();
    return Array.from({ length: 20 }, (_, fd) => [
      guest.call('fd_prestat_get', fd, OUT),
      guest.open(fd, '.'),
      guest.open(fd, 'package.json'),
      guest.call('path_create_directory', fd, 'made'),
    ]);
  });
  for (const [fd, all] of answers.entries()) {
    t.is(all[0], fd < 3 ? 'INVAL' : 'BADF');
    for (const answer of all.slice(1)) {
      t.true(['BADF', 'NOTDIR', 'NOTCAPABLE'].includes(answer), answer);
    }
  }
});

test.serial('only preopens are reported as preopens', async (t) => {
  const answers = await attack(({ Attacker, OUT }, { inside }) => {
    const guest = new Attacker({ preopens: { '/': inside } });
    const opened = [guest.open(3, 'file'), guest.openDir(3, 'dir')];
    return [3, ...opened, 0].map((fd) => [
      guest.call('fd_prestat_get', fd, OUT),
      guest.call('fd_prestat_dir_name', fd, 0x200, 16),
    ]);
  }, arena(t));
  const no = ['INVAL', 'BADF'];
  t.deepEqual(answers, [['SUCCESS', 'SUCCESS'], no, no, no]);
});

onUnix(
  'a directory descriptor stays the same directory when that is moved or replaced',
  async (t) => {
    const files = { 'outside/nested': 'SECRET' };
    const place = arena(t, files);
    const answers = await attack(
      ({ Attacker, fs }, { inside, outside, root }) => {
        const guest = new Attacker({ preopens: { '/': inside } });
        const fd = guest.openDir(3, 'dir');
        const look = () => {
          const file = guest.open(fd, 'nested');
          return [
            typeof file === 'number' ? guest.read(file) : file,
            guest.open(fd, '../file'),
            guest.open(fd, 'sub/../../secret'),
          ];
        };
        const answers = [];
        fs.renameSync(`${inside}/dir`, `${inside}/renamed`);
        answers.push(look());
        fs.symlinkSync(outside, `${inside}/dir`);
        answers.push(look());
        fs.renameSync(`${inside}/renamed`, `${root}/moved`);
        answers.push(look());
        fs.rmSync(`${root}/moved`, { recursive: true });
        answers.push(look(), guest.call('path_create_directory', fd, 'new'));
        return answers;
      },
      place,
    );
    t.deepEqual(
      answers.slice(0, 3),
      Array.from({ length: 3 }, () => ['nested\n', 'NOTCAPABLE', 'NOTCAPABLE']),
    );
    t.is(answers[3][0], 'NOENT');
    t.is(answers[4], 'NOENT');
    untouched(t, place);
  },
);

onLinux(
  'a guest that waits for a descriptor that it closed does not get one of the host',
  async (t) => {
    const events = await attack(({ Attacker, OUT, RIGHTS, fs }, { inside }) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      const fd = guest.open(3, 'file', { rights: RIGHTS.FILE });
      guest.call('fd_close', fd);
      const host = fs.openSync(`${inside}/file`);
      // Two subscriptions, the first of a descriptor that is not open.
      guest.bytes.fill(0, 0x1000, 0x1060);
      for (const [at, number] of [
        [0x1000, fd],
        [0x1030, 0],
      ]) {
        guest.view.setUint8(at + 8, 1);
        guest.view.setUint32(at + 16, number, true);
      }
      guest.view.setUint32(0x1040, 99, true);
      const answer = guest.call('poll_oneoff', 0x1000, 0x2000, 2, OUT);
      const errors = [0x2000, 0x2020].map((at) =>
        guest.view.getUint16(at + 8, true),
      );
      fs.closeSync(host);
      return [answer, guest.u32(OUT), errors];
    }, arena(t));
    t.deepEqual(events, ['SUCCESS', 2, [8, 8]]);
  },
);

onLinux(
  'special names and magic links lead to nothing of the host',
  async (t) => {
    const place = arena(t);
    const answers = await attack(
      ({ Attacker, FOLLOW, RIGHTS, fs }, { inside, outside }) => {
        process.chdir(outside);
        const secret = fs.openSync(`${outside}/secret`);
        const open = (guest, name) => {
          const rights = RIGHTS.FD_READ;
          const fd = guest.open(3, name, { lookup: FOLLOW, rights });
          return typeof fd === 'number' ? guest.read(fd) : fd;
        };
        const plain = new Attacker({ preopens: { '/': inside } });
        const names = [
          'dev/tty',
          'dev/null',
          'proc/self/environ',
          'etc/passwd',
        ];
        // A preopen of /proc gives away the host itself, but no files outside.
        const proc = new Attacker({ preopens: { '/proc': '/proc' } });
        const links = [
          `self/fd/${secret}`,
          'self/cwd/secret',
          `self/root${outside}/secret`,
          `thread-self/fd/${secret}`,
          `self/task/../cwd/secret`,
          'self/exe',
        ];
        return {
          names: names.map((name) => open(plain, name)),
          links: links.map((name) => open(proc, name)),
        };
      },
      place,
    );
    t.deepEqual(answers.names, Array(4).fill('NOENT'));
    for (const answer of answers.links) {
      t.true(['NOTCAPABLE', 'LOOP', 'NOENT'].includes(answer), answer);
    }
    untouched(t, place);
  },
);

onUnix('the preopen itself cannot be removed or renamed', async (t) => {
  const place = arena(t);
  const answers = await attack(({ Attacker, OUT }, { inside }) => {
    const guest = new Attacker({ preopens: { '/sandbox': inside } });
    return [
      guest.call('path_remove_directory', 3, '.'),
      guest.call('path_remove_directory', 3, 'dir/..'),
      guest.call('path_rename', 3, '.', 3, 'moved'),
      guest.call('path_rename', 3, 'dir', 3, '.'),
      guest.call('path_unlink_file', 3, '.'),
      guest.call('path_filestat_get', 3, 0, '.', OUT),
    ];
  }, place);
  t.is(answers.pop(), 'SUCCESS');
  for (const answer of answers) {
    const refusals = ['INVAL', 'NOTEMPTY', 'BUSY', 10, 'ISDIR'];
    t.true(refusals.includes(answer), String(answer));
  }
  t.true(fs.existsSync(place.inside));
  untouched(t, place);
});
