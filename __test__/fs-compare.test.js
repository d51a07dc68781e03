'use strict';

// `wasi.fs`: each function beside the one of node:fs with its name, on directories with the same content.

const fs = require('node:fs');
const path = require('node:path');

const test = require('ava');

const { constants } = require('../index.js');
const { ON_NODE } = require('./helpers/answers');
const { NODE_MAJOR } = require('./helpers/compare');
const { lay, open, outcome, tree } = require('./helpers/file-system');
const { scratch } = require('./helpers/guest');

/** Errors are those of POSIX; other runtimes have other messages. */
const compared = ON_NODE && process.platform !== 'win32' ? test : test.skip;

const opened = (flags, use) => (each, at) => {
  const fd = each.openSync(at('file'), flags);
  try {
    return use(each, fd);
  } finally {
    each.closeSync(fd);
  }
};
const content = (each, at) => each.readFileSync(at('file'), 'latin1');
const then = (call, look) => (each, at) => [call(each, at), look(each, at)];
const shown = (stats) => [
  ...[
    'isFile',
    'isDirectory',
    'isSymbolicLink',
    'isFIFO',
    'isSocket',
    'isBlockDevice',
    'isCharacterDevice',
  ].map((is) => stats[is]()),
  stats.nlink,
  stats.isDirectory() ? 0 : stats.size,
];
const kinds = (entries) =>
  entries.map((entry) => [
    entry.name,
    entry.isFile(),
    entry.isDirectory(),
    entry.isSymbolicLink(),
  ]);

/** Each case is called with `node:fs` and a path in its directory, then with ours. */
const CASES = {
  openSync: [
    ...[
      'r',
      'r+',
      'w',
      'w+',
      'a',
      'a+',
      'wx',
      'ax',
      'as',
      'rs+',
      'sr',
      'xw',
      'ra',
      'z',
      '',
      {},
      1.5,
    ].map((flags) =>
      then(
        (each, at) => each.closeSync(each.openSync(at('file'), flags)),
        content,
      ),
    ),
    ...[
      'nothing',
      'empty',
      'link',
      'dangling',
      'loop',
      'file/',
      'file/x',
      '',
      'a\0b',
      'x'.repeat(300),
      `${'x'.repeat(200)}/`.repeat(30),
    ].flatMap((name) =>
      ['r', 'w'].map(
        (flags) => (each, at) => each.closeSync(each.openSync(at(name), flags)),
      ),
    ),
    (each, at) => each.closeSync(each.openSync(Buffer.from(at('full/é')))),
    (each, at) =>
      each.closeSync(each.openSync(at('link'), constants.O_NOFOLLOW)),
    (each, at) =>
      each.closeSync(each.openSync(at('file'), constants.O_DIRECTORY)),
    (each, at) =>
      each.closeSync(
        each.openSync(
          at('new'),
          constants.O_CREAT | constants.O_EXCL | constants.O_RDWR,
        ),
      ),
    (each, at) => each.openSync(at('new'), 'w', 'mode'),
    (each, at) => each.openSync(at('new'), 'w', -1),
    ...[5, null, undefined, {}, new Uint16Array(1)].map(
      (name) => (each) => each.openSync(name),
    ),
  ],
  closeSync: [99, -1, 1.5, '1', undefined].map(
    (fd) => (each) => each.closeSync(fd),
  ),
  readSync: [
    ...[
      [],
      [0, 4],
      [4, 4],
      [0, 4, 5],
      [0, 4, 5n],
      [0, 4, null],
      [0, 0],
      [8, 0],
      [0, 9],
      [-1, 1],
      [9, 1],
      [{ position: 3, length: 2 }],
      [0, 4, 'x'],
      ['x', 1],
      [0, 4, 1.5],
    ].map((args) =>
      opened('r', (each, fd) => {
        const buffer = Buffer.alloc(8, '.');
        return [
          each.readSync(fd, buffer, ...args),
          buffer.latin1Slice(),
          each.readSync(fd, buffer),
        ];
      }),
    ),
    opened('w', (each, fd) => each.readSync(fd, Buffer.alloc(1))),
    opened('r', (each, fd) => each.readSync(fd, 'text')),
    opened('r', (each, fd) => {
      const words = new Uint16Array(4);
      return [each.readSync(fd, words), ...words];
    }),
    opened('r', (each, fd) => {
      const bytes = new Uint8Array(new SharedArrayBuffer(8), 2, 4);
      return [each.readSync(fd, bytes, 1, 2), ...bytes];
    }),
    (each, at) => {
      const fd = each.openSync(at('empty'));
      return each.readSync(fd, Buffer.alloc(1));
    },
    (each) => each.readSync(99, Buffer.alloc(1)),
  ],
  writeSync: [
    ...[
      ['text'],
      ['text', 3],
      ['text', null, 'utf16le'],
      ['é', 0, 'latin1'],
      [Buffer.from('bytes')],
      [Buffer.from('bytes'), 1, 3],
      [Buffer.from('bytes'), 1, 3, 20],
      [Buffer.from('bytes'), { offset: 2 }],
      [Buffer.from('b'), 0, 2],
      [Buffer.from('b'), 2],
      [new DataView(new ArrayBuffer(3))],
      [{}],
      [undefined],
      [5],
      [Buffer.alloc(0)],
    ].flatMap((args) =>
      ['r+', 'a', 'w'].map((flags) =>
        then(
          opened(flags, (each, fd) => [
            each.writeSync(fd, ...args),
            each.writeSync(fd, '!'),
          ]),
          content,
        ),
      ),
    ),
    opened('r', (each, fd) => each.writeSync(fd, 'x')),
  ],
  fstatSync: [
    opened('r', (each, fd) => shown(each.fstatSync(fd))),
    (each) => each.fstatSync(99),
    (each) => each.fstatSync('x'),
  ],
  ftruncateSync: [
    ...[undefined, 0, 3, 20, -5, null, 'x', 1.5].map((len) =>
      then(
        opened('r+', (each, fd) => each.ftruncateSync(fd, len)),
        content,
      ),
    ),
    opened('r', (each, fd) => each.ftruncateSync(fd, 1)),
  ],
  futimesSync: [
    ...[
      [1, 2],
      ['3', 4.5],
      [new Date(5000), new Date(6500)],
      [{}, 1],
      [1, 'x'],
    ].map((times) =>
      opened('r+', (each, fd) => {
        each.futimesSync(fd, ...times);
        const { atimeMs, mtimeMs } = each.fstatSync(fd);
        return [atimeMs, mtimeMs];
      }),
    ),
    (each) => each.futimesSync(99, 1, 1),
  ],
  fsyncSync: [
    opened('r+', (each, fd) => each.fsyncSync(fd)),
    (each) => each.fsyncSync(99),
  ],
  fdatasyncSync: [
    opened('r', (each, fd) => each.fdatasyncSync(fd)),
    (each) => each.fdatasyncSync(99),
  ],
  readFileSync: [
    ...[
      undefined,
      null,
      'utf8',
      'hex',
      { encoding: 'base64' },
      { flag: 'a+' },
      { flag: 'w' },
      'strange',
      5,
      true,
    ].map(
      (options) => (each, at) => String(each.readFileSync(at('file'), options)),
    ),
    ...['nothing', 'empty', 'link', 'dangling', 'full/deep/leaf'].map(
      (name) => (each, at) => each.readFileSync(at(name), 'latin1'),
    ),
    opened('r', (each, fd) => [
      each.readFileSync(fd, 'utf8'),
      each.readFileSync(fd, 'utf8'),
    ]),
    (each) => each.readFileSync(99),
    (each) => each.readFileSync({}),
  ],
  writeFileSync: [
    ...[
      undefined,
      'latin1',
      { flag: 'a' },
      { flag: 'wx' },
      { flag: 'r' },
      { flush: true },
      { flush: 1 },
      'strange',
      5,
    ].flatMap((options) =>
      ['é', Buffer.from([255])].map((data) =>
        then(
          (each, at) => each.writeFileSync(at('file'), data, options),
          content,
        ),
      ),
    ),
    ...['new', 'empty', 'nowhere/new', 'dangling', 'loop', 'file/x', ''].map(
      (name) => (each, at) => each.writeFileSync(at(name), 'x'),
    ),
    ...[undefined, null, 5, {}, []].map(
      (data) => (each, at) => each.writeFileSync(at('file'), data),
    ),
    then(
      opened('r+', (each, fd) => each.writeFileSync(fd, 'x')),
      content,
    ),
  ],
  appendFileSync: [
    then((each, at) => each.appendFileSync(at('file'), 'more'), content),
    then((each, at) => each.appendFileSync(at('file'), 'é', 'latin1'), content),
    (each, at) => each.appendFileSync(at('empty'), 'x'),
    (each, at) => each.appendFileSync(at('new'), 5),
  ],
  truncateSync: [
    ...[undefined, 4, 20].map((len) =>
      then((each, at) => each.truncateSync(at('file'), len), content),
    ),
    ...['nothing', 'empty', 'loop'].map(
      (name) => (each, at) => each.truncateSync(at(name)),
    ),
  ],
  existsSync: [
    'file',
    'empty',
    'link',
    'dangling',
    'nothing',
    'file/x',
    '',
    'a\0b',
  ].map((name) => (each, at) => each.existsSync(at(name))),
  accessSync: [
    ...[
      'file',
      'empty',
      'dirlink',
      'dangling',
      'nothing',
      'file/x',
      'loop',
    ].flatMap((name) =>
      [
        undefined,
        constants.F_OK,
        constants.R_OK,
        constants.W_OK,
        constants.R_OK | constants.W_OK,
      ].map((mode) => (each, at) => each.accessSync(at(name), mode)),
    ),
    ...[8, -1, 'x'].map(
      (mode) => (each, at) => each.accessSync(at('file'), mode),
    ),
  ],
  statSync: [
    ...['file', 'empty', 'link', 'dirlink', 'dirlink/deep/../é', 'full/'].map(
      (name) => (each, at) => shown(each.statSync(at(name))),
    ),
    ...[
      'nothing',
      'dangling',
      'loop',
      'file/',
      'file/x',
      'nothing/x',
      'x'.repeat(300),
    ].map((name) => (each, at) => each.statSync(at(name))),
    (each, at) => each.statSync(at('nothing'), { throwIfNoEntry: false }),
    (each, at) => each.statSync(at('loop'), { throwIfNoEntry: false }),
    (each) => each.statSync(5),
  ],
  lstatSync: [
    ...['file', 'link', 'dangling', 'loop', 'dirlink/'].map(
      (name) => (each, at) => shown(each.lstatSync(at(name))),
    ),
    (each, at) => each.lstatSync(at('nothing')),
    (each, at) => each.lstatSync(at('nothing'), { throwIfNoEntry: false }),
  ],
  readdirSync: [
    ...[
      undefined,
      'utf8',
      'latin1',
      'buffer',
      { recursive: true },
      { encoding: 'hex' },
      'strange',
      { recursive: 1 },
    ].flatMap((options) =>
      ['full', 'dirlink', 'empty'].map(
        (name) => (each, at) =>
          each.readdirSync(at(name), options).map(String).toSorted(),
      ),
    ),
    // From Node 22 on, what is below a link to a directory is listed as well, but
    // only with types.
    ...(NODE_MAJOR < 22 ? [{}, { recursive: true }] : [{}]).map(
      (options) => (each, at) =>
        kinds(
          each.readdirSync(at(''), { withFileTypes: true, ...options }),
        ).toSorted(),
    ),
    (each, at) =>
      each
        .readdirSync(at('full'), { withFileTypes: true, encoding: 'buffer' })
        .map(({ name }) => name.toString('hex'))
        .toSorted(),
    ...['nothing', 'file', 'dangling', 'loop', 'file/x'].map(
      (name) => (each, at) => each.readdirSync(at(name)),
    ),
  ],
  mkdirSync: [
    ...[
      'new',
      'new/',
      'file',
      'empty',
      'nothing/new',
      'file/new',
      'dangling',
      'link',
    ].flatMap((name) =>
      [
        undefined,
        0o755,
        { recursive: true },
        { recursive: false, mode: '755' },
      ].map((options) => (each, at) => each.mkdirSync(at(name), options)),
    ),
    (each, at) => each.mkdirSync(at('new/a/b'), { recursive: true }),
    (each, at) => each.mkdirSync(at('file/a/b'), { recursive: true }),
    (each, at) => each.mkdirSync(at('new'), { recursive: 'yes' }),
    (each, at) => each.mkdirSync(at('new'), 'mode'),
  ],
  rmdirSync: [
    'empty',
    'empty/',
    'full',
    'file',
    'dirlink',
    'dirlink/',
    'nothing',
    'empty/.',
    'full/deep/..',
  ].map((name) => (each, at) => each.rmdirSync(at(name))),
  unlinkSync: [
    'file',
    'file/',
    'link',
    'dirlink',
    'dangling',
    'nothing',
    'nothing/x',
    'file/x',
    'full/deep/leaf',
  ].map((name) => (each, at) => each.unlinkSync(at(name))),
  renameSync: [
    ['file', 'new'],
    ['file', 'full/é'],
    ['file', 'empty'],
    ['empty', 'file'],
    ['empty', 'full'],
    ['full', 'empty'],
    ['full', 'full/deep/x'],
    ['nothing', 'x'],
    ['link', 'new'],
    ['file', 'nothing/x'],
    ['file', 'file'],
    ['file', 'new/'],
    ['empty', 'new/'],
  ].map(
    ([from, to]) =>
      (each, at) =>
        each.renameSync(at(from), at(to)),
  ),
  linkSync: [
    ['file', 'new'],
    ['link', 'new'],
    ['empty', 'new'],
    ['file', 'empty'],
    ['nothing', 'new'],
    ['file', 'nothing/x'],
  ].map(
    ([from, to]) =>
      (each, at) =>
        each.linkSync(at(from), at(to)),
  ),
  symlinkSync: [
    ['target', 'new'],
    ['..', 'full/new'],
    ['target', 'file'],
    ['target', 'nothing/x'],
    ['', 'new'],
  ].map(
    ([to, name]) =>
      (each, at) =>
        each.symlinkSync(to, at(name)),
  ),
  readlinkSync: [
    ...[
      'link',
      'dangling',
      'dirlink/',
      'file',
      'empty',
      'nothing',
      'file/x',
    ].map((name) => (each, at) => each.readlinkSync(at(name))),
    (each, at) => each.readlinkSync(at('link'), 'buffer').toString('hex'),
  ],
  realpathSync: [
    'file',
    'link',
    'dirlink/deep',
    'dirlink/deep/..',
    'full/./deep/',
    'file/../file',
  ].map((name) => (each, at) => each.realpathSync(at(name))),
  utimesSync: [
    ...['file', 'link', 'empty', 'dangling', 'nothing', 'loop'].map(
      (name) => (each, at) => {
        each.utimesSync(at(name), 10.5, 20);
        return [
          each.lstatSync(at(name)).isSymbolicLink(),
          each.statSync(at(name)).mtimeMs,
        ];
      },
    ),
    (each, at) => each.utimesSync(at('file'), 'x', 1),
  ],
  lutimesSync: ['file', 'link', 'dangling', 'nothing'].map(
    (name) => (each, at) => {
      each.lutimesSync(at(name), 10, 20.5);
      const { atimeMs, mtimeMs } = each.lstatSync(at(name));
      return [atimeMs, mtimeMs];
    },
  ),
  copyFileSync: [
    ...[
      ['file', 'new'],
      ['file', 'full/é'],
      ['link', 'new'],
      ['file', 'dangling'],
      ['file', 'file'],
      ['file', 'empty'],
      ['nothing', 'new'],
      ['file', 'nothing/x'],
      ['loop', 'x'],
    ].flatMap(([from, to]) =>
      [undefined, constants.COPYFILE_EXCL].map(
        (mode) => (each, at) => each.copyFileSync(at(from), at(to), mode),
      ),
    ),
    ...[8, -1].map(
      (mode) => (each, at) => each.copyFileSync(at('file'), at('new'), mode),
    ),
  ],
};

for (const [name, cases] of Object.entries(CASES)) {
  compared(`${name} is that of node:fs`, (t) => {
    for (const [index, body] of cases.entries()) {
      const [nodes, ours] = [lay(scratch(t)), lay(scratch(t))];
      const wasi = open(t, ours);
      const expected = outcome(
        () => body(fs, (each) => `${nodes}/${each}`),
        nodes,
      );
      const found = outcome(() => body(wasi.fs, (each) => `/${each}`), ours);
      t.deepEqual(found, expected, `case ${index}: ${body}`);
      t.deepEqual(tree(ours), tree(nodes), `tree ${index}: ${body}`);
      wasi.close();
    }
  });
}

compared('rmSync is that of node:fs', (t) => {
  // The syscall of the error differs between versions of Node.
  const codeOf = (body, root) => outcome(body, root).code;
  for (const name of [
    'file',
    'link',
    'dirlink',
    'dangling',
    'empty',
    'full',
    'nothing',
    'file/x',
  ]) {
    for (const options of [
      undefined,
      { recursive: true },
      { force: true },
      { recursive: true, force: true },
      { force: 1 },
      5,
    ]) {
      const [nodes, ours] = [lay(scratch(t)), lay(scratch(t))];
      const wasi = open(t, ours);
      const expected = codeOf(
        () => fs.rmSync(`${nodes}/${name}`, options),
        nodes,
      );
      const code = codeOf(() => wasi.fs.rmSync(name, options), ours);
      // From Node 24 on, force also ignores that a file is in the way.
      if (NODE_MAJOR < 24 || name !== 'file/x') {
        t.is(code, expected, `${name} ${options}`);
      }
      t.deepEqual(tree(ours), tree(nodes), name);
      wasi.close();
    }
  }
});

/** The attributes that a program sees, without permissions and owners, which WASI does not have. */
function attributes(stats) {
  const names = ['dev', 'ino', 'nlink', 'size'];
  const times = ['atime', 'mtime', 'ctime'];
  const all = [
    ...names,
    ...times.flatMap((time) => [time, `${time}Ms`, `${time}Ns`]),
  ];
  return all.map((name) => [name, stats[name]]);
}

compared('Stats are those of node:fs', (t) => {
  const root = lay(scratch(t));
  const wasi = open(t, root);
  for (const options of [undefined, { bigint: true }]) {
    for (const name of ['file', 'full', 'link']) {
      const nodes = fs.lstatSync(path.join(root, name), options);
      const ours = wasi.fs.lstatSync(name, options);
      t.deepEqual(attributes(ours), attributes(nodes));
      const format =
        typeof nodes.mode === 'bigint'
          ? BigInt(constants.S_IFMT)
          : constants.S_IFMT;
      t.is(ours.mode & format, nodes.mode & format);
      t.deepEqual(shown(ours), shown(nodes));
    }
  }
});
