'use strict';

// What may not be done to what a guest has, and what it may not be made of.

const test = require('ava');

const { arena, attack, testOn, untouched } = require('./helpers/attack');

// Names of devices mean something on Windows alone.
const onWindows = testOn(test, process.platform === 'win32');

test.serial('a read-only preopen stays as it is', async (t) => {
  const place = arena(t, {
    'inside/rw/own': 'own\n',
    'inside/ro/kept': 'kept\n',
  });
  const { answers, kept } = await attack(
    ({ Attacker, FOLLOW, OFLAGS, RIGHTS, fs }, { inside }) => {
      const readOnly = { path: `${inside}/ro`, readOnly: true };
      const guest = new Attacker({
        preopens: { '/rw': `${inside}/rw`, '/ro': readOnly },
      });
      fs.symlinkSync('/ro/kept', `${inside}/rw/link`);
      fs.symlinkSync('/ro', `${inside}/rw/dir`);
      const { FD_READ, FD_WRITE, FD_ALLOCATE, FD_FILESTAT_SET_SIZE } = RIGHTS;
      const open = (fd, name, rights, oflags = 0) => {
        const opened = guest.open(fd, name, { lookup: FOLLOW, rights, oflags });
        return typeof opened === 'number' ? 'opened' : opened;
      };
      const { CREAT, TRUNC } = OFLAGS;
      const answers = [
        guest.call('path_link', 4, 0, 'kept', 3, 'linked'),
        guest.call('path_link', 3, FOLLOW, 'link', 3, 'linked'),
        guest.call('path_rename', 4, 'kept', 3, 'renamed'),
        guest.call('path_rename', 3, 'own', 4, 'renamed'),
        guest.call('path_rename', 3, 'dir/kept', 3, 'renamed'),
        guest.call('path_link', 3, 0, 'own', 4, 'linked'),
        open(4, 'kept', FD_READ, TRUNC),
        open(4, 'kept', FD_READ | FD_WRITE),
        open(4, 'kept', FD_ALLOCATE),
        open(4, 'kept', FD_FILESTAT_SET_SIZE),
        open(4, 'new', FD_READ, CREAT),
        open(3, 'link', FD_WRITE),
        open(3, 'link', FD_READ, TRUNC),
        open(3, 'dir/new', FD_WRITE, CREAT),
        guest.call('path_filestat_set_times', 4, 0, 'kept', 0n, 0n, 5),
        guest.call('path_filestat_set_times', 3, FOLLOW, 'link', 0n, 0n, 5),
        guest.call('fd_filestat_set_times', 4, 0n, 0n, 5),
        guest.call('path_unlink_file', 4, 'kept'),
        guest.call('path_unlink_file', 3, 'dir/kept'),
        guest.call('path_create_directory', 4, 'made'),
        guest.call('path_symlink', 'kept', 4, 'made'),
      ];
      const fd = guest.open(4, 'kept', { rights: RIGHTS.FILE & ~FD_WRITE });
      if (typeof fd === 'number') {
        answers.push(
          guest.write(fd, 'written'),
          guest.call('fd_allocate', fd, 0n, 100n),
          guest.call('fd_filestat_set_size', fd, 0n),
          guest.call('fd_filestat_set_times', fd, 0n, 0n, 5),
          guest.call('fd_fdstat_set_rights', fd, RIGHTS.FILE, 0n),
        );
      }
      const kept = [
        open(4, 'kept', FD_READ),
        guest.read(guest.open(4, 'kept')),
      ];
      return { answers, kept };
    },
    place,
  );
  for (const [index, answer] of answers.entries()) {
    t.true(
      ['NOTCAPABLE', 'PERM', 'BADF'].includes(answer),
      `${index}: ${answer}`,
    );
  }
  t.deepEqual(kept, ['opened', 'kept\n']);
  untouched(t, place);
});

test.serial('a directory is opened to be truncated by nobody', async (t) => {
  const place = arena(t);
  const answers = await attack(({ Attacker, OFLAGS, RIGHTS }, { inside }) => {
    const guest = new Attacker({ preopens: { '/': inside } });
    const { CREAT, DIRECTORY, EXCL, TRUNC } = OFLAGS;
    return ['dir', '.', 'dir/', 'dir/sub/..'].flatMap((name) =>
      [
        TRUNC,
        TRUNC | DIRECTORY,
        TRUNC | CREAT,
        CREAT | EXCL | DIRECTORY,
      ].flatMap((oflags) =>
        [RIGHTS.FD_READ, RIGHTS.FD_WRITE].map((rights) =>
          guest.open(3, name, { oflags, rights }),
        ),
      ),
    );
  }, place);
  for (const answer of answers) {
    t.true(['ISDIR', 'INVAL', 'EXIST'].includes(answer), String(answer));
  }
});

onWindows('names of devices are no names of files', async (t) => {
  const DEVICES = ['CON', 'PRN', 'AUX', 'NUL', 'CONIN$', 'CONOUT$'];
  const numbered = [...'123456789¹²³'].flatMap((n) => [`COM${n}`, `LPT${n}`]);
  const suffixes = ['', ' ', '.', '. ', '.txt', '.txt.gz', ' .txt', ':', ':x'];
  const names = [...DEVICES, ...numbered].flatMap((device) =>
    [device, device.toLowerCase()].flatMap((name) =>
      suffixes.map((suffix) => `${name}${suffix}`),
    ),
  );
  const place = arena(t);
  const opened = await attack(
    ({ Attacker, OFLAGS, RIGHTS }, { inside, names }) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      const { FD_READ, FD_WRITE } = RIGHTS;
      return names.filter((name) =>
        [name, `dir/${name}`].some(
          (path) =>
            typeof guest.open(3, path, { rights: FD_READ }) === 'number' ||
            typeof guest.open(3, path, {
              oflags: OFLAGS.CREAT,
              rights: FD_WRITE,
            }) === 'number',
        ),
      );
    },
    { ...place, names },
  );
  t.deepEqual(opened, []);
});
