'use strict';

// Symbolic links that a guest makes, and links in a preopen called `/`.

const test = require('ava');

const {
  SECRET,
  arena,
  attack,
  forEachResolver,
  untouched,
} = require('./helpers/attack');

forEachResolver(
  test,
  'a preopen called / hides the root of the host',
  async (t, resolver) => {
    const files = {
      'inside/way': { link: '@/outside' },
      'inside/up': { link: '../../../outside' },
    };
    const paths = ['way/secret', 'up/secret', '../outside/secret', 'way', 'up'];
    const arenas = paths.map((path) =>
      Object.assign(arena(t, files), { path }),
    );
    const answers = await attack(
      ({ runGuest }, arenas) =>
        arenas.map(({ path, root, inside }) => {
          const options = { directory: root, preopens: { '/': inside } };
          return ['read', 'stat', 'readdir', 'mkdir', 'open'].map((op) => {
            const args = ['3', op, path, 'other'];
            return runGuest('escape', { ...options, args }).printed;
          });
        }),
      arenas.map(({ path, root, inside }) => ({ path, root, inside })),
      { resolver },
    );
    for (const [index, place] of arenas.entries()) {
      untouched(t, place, place.path);
      t.false(answers[index].join('').includes(SECRET), place.path);
    }
  },
);

forEachResolver(
  test,
  'a guest cannot make a link that leads out',
  async (t, resolver) => {
    const place = arena(t);
    const answers = await attack(
      ({ Attacker, FOLLOW, RIGHTS }, { inside, outside }) => {
        const guest = new Attacker({ preopens: { '/sandbox': inside } });
        const link = (target, name) =>
          guest.call('path_symlink', target, 3, name);
        const read = (name) => {
          const rights = RIGHTS.FD_READ;
          return guest.open(3, name, { lookup: FOLLOW, rights });
        };
        return {
          made: [
            link('../outside', 'one'),
            link('../../../../outside', 'dir/two'),
            link(`${outside}/secret`, 'three'),
            link('dir/../../outside/secret', 'four'),
          ],
          // Made at one depth, moved to another.
          deep: [
            guest.call('path_create_directory', 3, 'dir/sub/deep'),
            link('../../../outside/secret', 'dir/sub/deep/five'),
            read('dir/sub/deep/five'),
            guest.call('path_rename', 3, 'dir/sub/deep', 3, 'deep'),
            read('deep/five'),
            guest.call('path_rename', 3, 'deep/five', 3, 'five'),
            read('five'),
          ],
          // Two directory descriptors, so that no path shows the whole depth.
          twice: [
            link('..', 'dir/sub/up'),
            link('dir/sub/up/../../..', 'six'),
            read('six/outside/secret'),
            link('six/../outside', 'seven'),
            read('seven/secret'),
          ],
        };
      },
      place,
      { resolver },
    );
    t.deepEqual(answers.made, [
      'NOTCAPABLE',
      'NOTCAPABLE',
      'PERM',
      'NOTCAPABLE',
    ]);
    t.deepEqual(answers.deep, [
      'SUCCESS',
      'SUCCESS',
      'NOENT',
      'SUCCESS',
      'NOTCAPABLE',
      'SUCCESS',
      'NOTCAPABLE',
    ]);
    for (const answer of answers.twice) t.is(typeof answer, 'string');
    t.false(JSON.stringify(answers.twice).includes(SECRET));
    untouched(t, place);
  },
);

forEachResolver(test, 'more links than are followed', async (t, resolver) => {
  const hops = (count) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, hop) => [
        `inside/hop${hop}`,
        { link: hop === count - 1 ? 'file' : `hop${hop + 1}` },
      ]),
    );
  const { inside } = arena(t, {
    ...hops(60),
    'inside/circle': { link: 'circle' },
  });
  const answers = await attack(
    ({ Attacker, FOLLOW }, inside) => {
      const guest = new Attacker({ preopens: { '/': inside } });
      return ['hop20', 'hop19', 'hop0', 'circle', 'circle/file'].map((name) => {
        const fd = guest.open(3, name, { lookup: FOLLOW });
        return typeof fd === 'number' ? guest.read(fd) : fd;
      });
    },
    inside,
    { resolver },
  );
  t.deepEqual(answers, ['inside\n', 'LOOP', 'LOOP', 'LOOP', 'LOOP']);
});
