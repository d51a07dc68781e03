'use strict';

// Ways out of a preopen by symbolic links, each through every call that takes a
// path, by a guest that tries them all: see guests/escape.c.

const test = require('ava');

const {
  SECRET,
  arena,
  attack,
  forEachResolver,
  untouched,
} = require('./helpers/attack');

const SUCCESS = 0;
const EXIST = 20;
const INVAL = 28;
const ISDIR = 31;
const LOOP = 32;
const NOENT = 44;
const NOTDIR = 54;
const PERM = 63;
const NOTCAPABLE = 76;

const CREAT = 1;
const DIRECTORY = 2;
const EXCL = 4;

/** Links in a preopen, and the directory that they lead to; `@` is the path of the preopen. */
const WAYS = {
  'a relative link': { 'inside/way': { link: '../outside' } },
  'a link with a slash behind its target': {
    'inside/way': { link: '../outside/' },
  },
  'a link with a dot behind its target': {
    'inside/way': { link: '../outside/.' },
  },
  'an absolute link': { 'inside/way': { link: '@/outside' } },
  'an absolute link with a slash behind its target': {
    'inside/way': { link: '@/outside/' },
  },
  'a link to a link': {
    'inside/way': { link: 'first' },
    'inside/first': { link: '../outside' },
  },
  'a link with a slash behind its target, to a link': {
    'inside/way': { link: 'evil/' },
    'inside/evil': { link: '@/outside' },
  },
  'a chain with a slash behind every target': {
    'inside/way': { link: 'dir/second/' },
    'inside/dir/second': { link: '../third/' },
    'inside/third': { link: '../outside/' },
  },
  'a hard link to a link': {
    'inside/first': { link: '../outside' },
    'inside/way': { hard: 'inside/first' },
  },
  'a link that goes down and up': {
    'inside/way': { link: 'dir/sub/../../../outside' },
  },
  'a link through another that leads back': {
    'inside/way': { link: 'back/outside' },
    'inside/back': { link: '..' },
  },
  'a link through a directory link': {
    'inside/way': { link: 'down/../../../outside' },
    'inside/down': { link: 'dir/sub' },
  },
  'a link that leads out and in and out': {
    'inside/way': { link: '../inside/../outside' },
  },
  // Linux counts the links twice when it repeats a look-up.
  'a long chain of links': Object.fromEntries(
    Array.from({ length: 15 }, (_, hop) => [
      hop === 0 ? 'inside/way' : `inside/hop${hop}`,
      { link: hop === 14 ? '../outside' : `hop${hop + 1}` },
    ]),
  ),
};

/** Paths through such a link, all of which are outside whatever is there. */
const THROUGH = [
  'way/secret',
  'way/new',
  'way/dir',
  'way/dir/',
  'way/empty',
  'way/empty/',
  'way/link',
  'way/dir/../secret',
  'dir/../way/secret',
  './way//secret',
];

/** Has paths walked: with a lower limit of links, they are not resolved by the kernel. */
const WALKS = { __proto__: null, limits: { symlinkHops: 39 } };

/**
 * Runs `escape all` on paths, each in an arena of its own, and gives what was
 * attempted: `{ path, attempts }` of each.
 */
async function attackAll(t, resolver, cases) {
  const arenas = cases.map(({ files = {} }) => arena(t, files));
  const jobs = cases.map(({ path, dirfd = '3' }, index) => {
    const { root, inside } = arenas[index];
    return { path, dirfd, root, inside, limits: WALKS[resolver] };
  });
  const printed = await attack(
    ({ runGuest }, jobs) =>
      jobs.map(({ path, dirfd, root, inside, limits }) => {
        const { printed } = runGuest('escape', {
          args: [dirfd, 'all', path, 'other'],
          directory: root,
          preopens: { '/sandbox': inside },
          limits,
        });
        return printed;
      }),
    jobs,
    { resolver: resolver in WALKS ? 'openat2' : resolver },
  );
  return cases.map(({ path, way = path }, index) => {
    untouched(t, arenas[index], `${way}: ${path}`);
    t.false(printed[index].includes(SECRET), `${way}: ${path}`);
    return { path, way, attempts: parse(printed[index]) };
  });
}

/** Every path through every way, or every name of the way itself. */
function cases(paths) {
  return Object.entries(WAYS).flatMap(([way, files]) =>
    paths.map((path) => ({ way, files, path })),
  );
}

function forEachWalk(title, body) {
  forEachResolver(test, title, body);
  test.serial(`${title} (limits.symlinkHops)`, (t) => body(t, 'limits'));
}

/** The lines of the guest: `{ op, oflags?, lookup?, errno }`. */
function parse(printed) {
  return printed
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [op, ...fields] = line.split(' ');
      const values = fields.map((field) => field.split('='));
      return Object.fromEntries([['op', op], ['line', line], ...values]);
    });
}

function has(oflags, wanted) {
  return (Number(oflags) & wanted) === wanted;
}

/** The errnos that are right for a path through a link that leads out. */
function throughAnswers({ op, oflags }) {
  // Whether its target leads out is not yet known when a link is made.
  if (op === 'prepare' || op === 'symlink_to') return [SUCCESS];
  if (op !== 'open') return [NOTCAPABLE];
  const answers = [NOTCAPABLE];
  if (has(oflags, CREAT | DIRECTORY)) answers.push(INVAL);
  if (has(oflags, CREAT)) answers.push(ISDIR);
  return answers;
}

/** The errnos that are right for the link itself, with and without slashes after it. */
function finalAnswers({ op, oflags, lookup }, slashed) {
  if (op === 'prepare' || op === 'symlink_to') return [SUCCESS];
  if (slashed) return [NOTCAPABLE, NOTDIR, EXIST, ISDIR, INVAL];
  const follows = lookup === '1';
  switch (op) {
    case 'read':
    case 'readdir':
      return [NOTCAPABLE];
    case 'open': {
      const answers = follows ? [NOTCAPABLE] : [LOOP, NOTDIR];
      if (has(oflags, CREAT | EXCL)) answers.push(EXIST);
      // With a slash after the target, the name can only be that of a directory.
      if (has(oflags, CREAT)) answers.push(INVAL, ISDIR);
      return answers;
    }
    case 'stat':
    case 'set_times':
    case 'link_from':
      return [follows ? NOTCAPABLE : SUCCESS];
    case 'readlink':
      return [SUCCESS];
    case 'link_to':
    case 'mkdir':
    case 'symlink_at':
      return [EXIST];
    default:
      // A link may be replaced, moved and removed, and may then be gone.
      return [SUCCESS, NOENT, NOTDIR];
  }
}

function expectAnswers(t, { path, way, attempts }, answersTo) {
  const wrong = attempts.filter(
    (attempt) => !answersTo(attempt).includes(Number(attempt.errno)),
  );
  t.deepEqual(
    wrong.map(({ line }) => line),
    [],
    `${way}: ${path}`,
  );
  t.true(attempts.length > 140, path);
}

forEachWalk('no link leads out', async (t, resolver) => {
  for (const tried of await attackAll(t, resolver, cases(THROUGH))) {
    expectAnswers(t, tried, throughAnswers);
  }
});

forEachWalk(
  'a link that leads out is not followed as the last component',
  async (t, resolver) => {
    const names = ['way', 'way/', 'way//', 'way/.'];
    for (const tried of await attackAll(t, resolver, cases(names))) {
      const slashed = tried.path !== 'way';
      expectAnswers(t, tried, (attempt) => finalAnswers(attempt, slashed));
    }
  },
);

forEachWalk(
  'nothing leads out of a directory that the guest opened',
  async (t, resolver) => {
    const files = {
      'inside/dir/way': { link: '../../outside' },
      'inside/dir/up': { link: '..' },
      'inside/dir/absolute': { link: '@/outside/' },
    };
    const paths = [
      'way/secret',
      'absolute/secret',
      'up/../outside/secret',
      '../../outside/secret',
      'sub/../../../outside/secret',
      '../file',
    ];
    const cases = paths.map((path) => ({ files, path, dirfd: '3/dir' }));
    for (const tried of await attackAll(t, resolver, cases)) {
      expectAnswers(t, tried, (attempt) =>
        attempt.op === 'symlink_to'
          ? [SUCCESS, NOTCAPABLE]
          : throughAnswers(attempt),
      );
    }
  },
);

forEachWalk('no `..` leads above a preopen', async (t, resolver) => {
  const paths = [
    '../outside/secret',
    '../outside/new',
    'dir/../../outside/secret',
    'dir/sub/../../../outside/dir',
    `${'dir/../'.repeat(50)}../outside/secret`,
    `${'../'.repeat(50)}etc`,
    '..',
    '../',
    '../inside/file',
  ];
  const cases = paths.map((path) => ({ path }));
  for (const tried of await attackAll(t, resolver, cases)) {
    expectAnswers(t, tried, ({ op }) =>
      op === 'prepare' ? [SUCCESS] : [NOTCAPABLE, INVAL, ISDIR],
    );
  }
});

forEachWalk('an absolute path is refused', async (t, resolver) => {
  const paths = ['/', '//', '/outside/secret', '/sandbox/file', '///file'];
  const cases = paths.map((path) => ({ path }));
  for (const tried of await attackAll(t, resolver, cases)) {
    expectAnswers(t, tried, ({ op }) => {
      if (op === 'prepare') return [SUCCESS];
      return op === 'symlink_to' ? [PERM] : [NOTCAPABLE];
    });
  }
});

forEachWalk(
  'nothing is created through a dangling link that leads out',
  async (t, resolver) => {
    const files = {
      'inside/new': { link: '../outside/new' },
      'inside/absolute': { link: '@/outside/new' },
      'inside/chain': { link: 'new' },
    };
    const cases = ['new', 'absolute', 'chain'].map((path) => ({ files, path }));
    for (const { path, attempts } of await attackAll(t, resolver, cases)) {
      const opens = attempts.filter(({ op }) => op === 'open');
      t.is(opens.length, 128, path);
      const made = opens.filter(({ errno }) => errno === '0');
      t.deepEqual(made, [], path);
    }
  },
);
