'use strict';

// Bytes that are not accessible: their buffer was detached, or became smaller than a view
// of it. The errors of engines do not name the argument, if there are any.

const test = require('ava');

const {
  Image,
  MemoryFS,
  WASI,
  file,
  run,
  runSync,
  symlink,
} = require('../index.js');
const { guestPath } = require('./helpers/guest');

const CAT = guestPath('cat');

function detached(make) {
  const buffer = new ArrayBuffer(8);
  const bytes = make(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  return bytes;
}

function outOfBounds(View) {
  const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
  const bytes = new View(buffer, 4, 4);
  buffer.resize(2);
  return bytes;
}

const GONE = {
  'an ArrayBuffer': () => detached((buffer) => buffer),
  'a Uint8Array': () => detached((buffer) => new Uint8Array(buffer)),
  'a Buffer': () => detached((buffer) => Buffer.from(buffer)),
  'a Float64Array': () => detached((buffer) => new Float64Array(buffer)),
  'a DataView': () => detached((buffer) => new DataView(buffer)),
};

// Bun does not have such views.
if (ArrayBuffer.prototype.resize !== undefined) {
  GONE['a Uint8Array of a smaller buffer'] = () => outOfBounds(Uint8Array);
  GONE['a DataView of a smaller buffer'] = () => outOfBounds(DataView);
}

const version = 'preview1';

/** Functions that take bytes, by the name of those in an error. */
const TAKERS = [
  ['options.stdin', (stdin) => new WASI({ version, stdin })],
  ['options.input', (input) => new WASI({ version, input })],
  ['options.stdin', (stdin) => runSync(CAT, { stdin })],
  ['options.input', (input) => runSync(CAT, { input })],
  ['options.stdin', (bytes) => runSync(CAT, { stdin: () => bytes })],
  ['options.stdin', (bytes) => run(CAT, { stdin: [bytes] })],
  ['program', (program) => runSync(program)],
  ['program', (program) => run(program)],
  ["tree['a']", (a) => new MemoryFS({ a })],
  ["tree['a']", (a) => Image.from({ a })],
  ['archive', (archive) => Image.fromTar(archive)],
  ['archive', (archive) => Image.fromZip(archive)],
  ['content', (content) => file(content)],
];

/** Those that take only views. */
const VIEW_TAKERS = [
  ['data', (data) => new MemoryFS().writeFileSync('/a', data)],
  ['buffer', (buffer) => new MemoryFS({ a: '' }).readSync(4, buffer)],
];

/** Those that take only a Uint8Array. */
const PATH_TAKERS = [
  ['path', (path) => new MemoryFS().readFileSync(path)],
  ['target', (target) => symlink(target)],
];

async function refuses(t, [name, take], bytes, what) {
  const error = await t.throwsAsync(async () => take(bytes), undefined, what);
  t.is(error.code, 'ERR_INVALID_ARG_VALUE', `${what}: ${error.message}`);
  t.true(
    error.message.includes(`'${name}' must not be detached`),
    `${what}: ${error.message}`,
  );
}

for (const [what, make] of Object.entries(GONE)) {
  test(`${what} that is detached is refused, and the error names it`, async (t) => {
    for (const taker of TAKERS) await refuses(t, taker, make(), what);
    const isView = ArrayBuffer.isView(make());
    for (const taker of isView ? VIEW_TAKERS : []) {
      await refuses(t, taker, make(), what);
    }
    const isPath = make() instanceof Uint8Array;
    for (const taker of isPath ? PATH_TAKERS : []) {
      await refuses(t, taker, make(), what);
    }
  });
}

test('empty bytes are not detached bytes', (t) => {
  for (const input of [
    new ArrayBuffer(0),
    new Uint8Array(0),
    new DataView(new ArrayBuffer(0)),
    new Uint8Array(new SharedArrayBuffer(0)),
  ]) {
    t.is(runSync(CAT, { input }).text(), '');
    t.notThrows(() => new MemoryFS({ a: input }));
  }
});
