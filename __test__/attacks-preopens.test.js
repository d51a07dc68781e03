'use strict';

// Preopens with fewer rights, nested and mounted ones, and names that Windows reserves.

const fs = require('node:fs');

const test = require('ava');

const {
  SECRET,
  arena,
  attack,
  forEachResolver,
  testOn,
  untouched,
} = require('./helpers/attack');

// Only Windows has names of devices.
const onWindows = testOn(test, process.platform === 'win32');

test.serial('nothing in a read-only preopen can be changed', async (t) => {
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

forEachResolver(
  test,
  'nothing in a read-only preopen below a writable one can be changed',
  async (t, resolver) => {
    const place = arena(t, { 'inside/area/config/kept': 'kept\n' });
    const answers = await attack(
      ({ Attacker, FOLLOW, OFLAGS, RIGHTS, fs }, { inside }) => {
        const config = `${inside}/area/config`;
        const guest = new Attacker({
          preopens: {
            '/': inside,
            '/config': { path: config, readOnly: true },
          },
        });
        fs.symlinkSync('area/config', `${inside}/short`);
        fs.symlinkSync('/config', `${inside}/absolute`);
        const { CREAT } = OFLAGS;
        const { FD_WRITE } = RIGHTS;
        const area = guest.openDir(3, 'area');
        const ways = [
          [3, 'area/config'],
          [3, '../area/config'],
          [3, 'short'],
          [3, 'absolute'],
          [area, 'config'],
          [guest.openDir(3, 'area/config'), '.'],
        ];
        const change = ([fd, way]) => [
          guest.open(fd, `${way}/kept`, { rights: FD_WRITE }),
          guest.open(fd, `${way}/new`, { oflags: CREAT, rights: FD_WRITE }),
          guest.call('path_unlink_file', fd, `${way}/kept`),
          guest.call('path_rename', fd, `${way}/kept`, 3, 'moved'),
          guest.call('path_rename', 3, 'file', fd, `${way}/kept`),
          guest.call('path_link', fd, 0, `${way}/kept`, 3, 'linked'),
          guest.call('path_create_directory', fd, `${way}/made`),
          guest.call('path_symlink', 'kept', fd, `${way}/made`),
          guest.call('path_filestat_set_times', fd, FOLLOW, way, 0n, 0n, 5),
        ];
        const refused = ways.flatMap(change);
        const kept = ways.map(([fd, way]) =>
          guest.read(guest.open(fd, `${way}/kept`)),
        );
        const replaced = [
          guest.call('path_rename', 3, 'area/config', 3, 'away'),
          guest.call('path_remove_directory', 3, 'area/config'),
          guest.call('path_rename', 3, 'dir', 3, 'area/config'),
        ];
        // The guest may move a directory above; the preopen keeps its rights.
        guest.call('path_rename', 3, 'area', 3, 'moved_area');
        refused.push(...change([3, 'moved_area/config']));
        refused.push(...change([area, 'config']));
        const text = fs.readFileSync(
          `${inside}/moved_area/config/kept`,
          'utf8',
        );
        return { refused, kept, replaced, text };
      },
      place,
      { resolver },
    );
    const { refused, kept, replaced, text } = answers;
    t.deepEqual([...new Set(refused)], ['NOTCAPABLE']);
    t.deepEqual([...new Set(kept)], ['kept\n']);
    t.deepEqual(replaced, ['BUSY', 'BUSY', 'BUSY']);
    t.is(text, 'kept\n');
    untouched(t, place);
  },
);

forEachResolver(
  test,
  'nothing in a read-only mount can be changed, and what it covers cannot be reached',
  async (t, resolver) => {
    const place = arena(t, {
      'inside/area/ro/covered': 'covered\n',
      'inside/area/file': 'file\n',
    });
    const { refused, kept, covered, replaced, made } = await attack(
      ({ Attacker, FOLLOW, MemoryFS, OFLAGS, RIGHTS, fs }, { inside }) => {
        const guest = new Attacker({ preopens: { '/': inside } });
        fs.symlinkSync('area/ro', `${inside}/short`);
        fs.symlinkSync('/area/ro', `${inside}/absolute`);
        // The guest has descriptors from before, and may create any names.
        const before = guest.openDir(3, 'area');
        guest.call('path_symlink', 'ro', before, 'link');
        const memory = new MemoryFS({ kept: 'kept\n', sub: {} });
        guest.wasi.mount('/area/ro', { fs: memory, readOnly: true });
        const ways = [
          [3, 'area/ro'],
          [3, '../area/./ro/'],
          [3, 'short'],
          [3, 'absolute'],
          [3, 'area/ro/sub/..'],
          [3, 'area/link'],
          [before, 'ro'],
          [before, 'link'],
          [guest.openDir(3, 'area/ro'), '.'],
        ];
        const { CREAT, TRUNC } = OFLAGS;
        const { FD_READ, FD_WRITE } = RIGHTS;
        const change = ([fd, way]) => [
          guest.open(fd, `${way}/kept`, { rights: FD_WRITE }),
          guest.open(fd, `${way}/kept`, { rights: FD_READ, oflags: TRUNC }),
          guest.open(fd, `${way}/new`, { oflags: CREAT, rights: FD_WRITE }),
          guest.call('path_unlink_file', fd, `${way}/kept`),
          guest.call('path_remove_directory', fd, `${way}/sub`),
          guest.call('path_rename', fd, `${way}/kept`, 3, 'moved'),
          guest.call('path_rename', before, 'file', fd, `${way}/kept`),
          guest.call('path_link', fd, 0, `${way}/kept`, 3, 'linked'),
          guest.call('path_create_directory', fd, `${way}/made`),
          guest.call('path_symlink', 'kept', fd, `${way}/made`),
          guest.call('path_filestat_set_times', fd, FOLLOW, way, 0n, 0n, 5),
        ];
        const look = ([fd, way]) => [
          guest.open(fd, `${way}/covered`),
          guest.call('path_unlink_file', fd, `${way}/covered`),
          guest.call('path_rename', fd, `${way}/covered`, 3, 'covered'),
        ];
        const refused = ways.flatMap(change);
        const covered = ways.map((way) => look(way)[0]);
        const replaced = [
          guest.call('path_rename', 3, 'area/ro', 3, 'away'),
          guest.call('path_rename', before, 'ro', 3, 'away'),
          guest.call('path_remove_directory', 3, 'area/ro'),
          guest.call('path_rename', 3, 'dir', 3, 'area/ro'),
        ];
        guest.call('path_rename', 3, 'area', 3, 'moved_area');
        const moved = [3, 'moved_area/ro'];
        refused.push(...change(moved), ...change([before, 'ro']));
        covered.push(look(moved)[0], look([before, 'ro'])[0]);
        // The guest may create the old name; nothing of what was covered is there.
        const made = [
          guest.call('path_create_directory', 3, 'area'),
          guest.call('path_create_directory', 3, 'area/ro'),
          guest.open(3, 'area/ro/covered'),
        ];
        const kept = ways
          .slice(6)
          .map(([fd, way]) =>
            guest.read(guest.open(fd, `${way}/kept`, { lookup: FOLLOW })),
          );
        return { refused, kept, covered, replaced, made };
      },
      place,
      { resolver },
    );
    t.deepEqual([...new Set(refused)].sort(), ['NOTCAPABLE']);
    t.deepEqual([...new Set(covered)], ['NOENT']);
    t.deepEqual(replaced, ['BUSY', 'BUSY', 'BUSY', 'BUSY']);
    t.deepEqual(made, ['SUCCESS', 'SUCCESS', 'NOENT']);
    t.deepEqual([...new Set(kept)], ['kept\n']);
    t.is(
      fs.readFileSync(`${place.inside}/moved_area/ro/covered`, 'utf8'),
      'covered\n',
    );
    untouched(t, place);
  },
);

test.serial('no link leads the next guest out of a preopen', async (t) => {
  const place = arena(t, { 'inside/data/own': 'own\n' });
  const { moved, refused, within } = await attack(
    ({ Attacker, fs }, { inside, outside }) => {
      const preopens = { '/': inside, '/data': `${inside}/data` };
      const guest = new Attacker({ preopens });
      const moved = [
        guest.call('path_rename', 3, 'data', 3, 'was_data'),
        guest.call('path_create_directory', 3, 'deep'),
        guest.call('path_symlink', '../outside', 3, 'deep/link'),
        guest.call('path_rename', 3, 'deep/link', 3, 'data'),
      ];
      const next = () => {
        try {
          return new Attacker({ preopens }).open(4, 'secret');
        } catch ({ code }) {
          return code;
        }
      };
      const refused = [next()];
      for (const target of [outside, '..', 'dir/../../outside', '/']) {
        fs.unlinkSync(`${inside}/data`);
        fs.symlinkSync(target, `${inside}/data`);
        refused.push(next());
      }
      fs.unlinkSync(`${inside}/data`);
      fs.symlinkSync('was_data', `${inside}/data`);
      const other = new Attacker({ preopens });
      return { moved, refused, within: other.read(other.open(4, 'own')) };
    },
    place,
  );
  t.deepEqual([...new Set(moved)], ['SUCCESS']);
  t.deepEqual([...new Set(refused)], ['UVWASI_ENOTCAPABLE']);
  t.is(within, 'own\n');
  t.false(JSON.stringify(refused).includes(SECRET));
  untouched(t, place);
});

test.serial('a directory cannot be opened with O_TRUNC', async (t) => {
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

onWindows('names of devices are refused', async (t) => {
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
