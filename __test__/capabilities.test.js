'use strict';

// new WASI({ capabilities }) and addCapability(): which calls a guest has, and what the
// others return.

const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');

const test = require('ava');

const { capabilityNames, rightNames } = require('../lib/names');
const { WASI, outcome, sameAsNode } = require('./helpers/compare');
const { assemble, duck, guest, run, scratch } = require('./helpers/guest');
const { BUF, ERRNO, OFLAGS, OUT, RIGHTS, RawGuest } = require('./helpers/raw');

const { BADF, INVAL, NOTCAPABLE, SUCCESS } = ERRNO;

/** Calls on descriptors of any type. */
const DESCRIPTOR = [
  ...['fd_advise', 'fd_close', 'fd_fdstat_get', 'fd_fdstat_set_flags'],
  ...['fd_fdstat_set_rights', 'fd_filestat_get', 'fd_prestat_dir_name'],
  ...['fd_prestat_get', 'fd_renumber', 'fd_seek', 'fd_tell'],
];

const GROUPS = {
  args: ['args_get', 'args_sizes_get'],
  env: ['environ_get', 'environ_sizes_get'],
  clock: ['clock_res_get', 'clock_time_get'],
  random: ['random_get'],
  stdio: [
    ...[...DESCRIPTOR, 'fd_read', 'fd_pread', 'fd_write', 'fd_pwrite'],
    ...['fd_sync', 'fd_datasync'],
  ],
  'fs:read': [
    ...[...DESCRIPTOR, 'fd_read', 'fd_pread', 'fd_readdir'],
    ...['path_filestat_get', 'path_open', 'path_readlink'],
  ],
  'fs:write': [
    ...[...DESCRIPTOR, 'fd_write', 'fd_pwrite', 'fd_sync', 'fd_datasync'],
    ...['fd_allocate', 'fd_filestat_set_size', 'fd_filestat_set_times'],
    ...['path_create_directory', 'path_filestat_get', 'path_link'],
    ...['path_filestat_set_times', 'path_open', 'path_remove_directory'],
    ...['path_rename', 'path_symlink', 'path_unlink_file'],
  ],
  poll: ['poll_oneoff', 'sched_yield'],
  sockets: [
    ...[...DESCRIPTOR, 'fd_read', 'fd_write', 'sock_accept', 'sock_recv'],
    ...['sock_send', 'sock_shutdown'],
  ],
  exit: ['proc_exit', 'proc_raise'],
};

const CALLS = Object.keys(new WASI({ version: 'preview1' }).wasiImport);

/** The names and lengths of a guest's calls, and each called with invalid arguments. */
function nonsense(guest, call) {
  const { name, length } = guest.wasi.wasiImport[call];
  if (name !== `bound ${call}` && call !== 'proc_exit') throw new Error(name);
  const wide = {
    clock_time_get: [1],
    fd_advise: [1, 2],
    fd_allocate: [1, 2],
    fd_fdstat_set_rights: [1, 2],
    fd_filestat_set_size: [1],
    fd_filestat_set_times: [1, 2],
    fd_pread: [3],
    fd_pwrite: [3],
    fd_readdir: [3],
    fd_seek: [1],
    path_filestat_set_times: [4, 5],
    path_open: [5, 6],
  };
  const args = Array.from({ length }, (_, i) =>
    wide[call]?.includes(i) ? -1n : -1,
  );
  try {
    // The import of proc_exit has no result: it returns only if it was refused.
    return guest.calls[call](...args) ?? NOTCAPABLE;
  } catch (error) {
    return error.code;
  }
}

for (const version of ['preview1', 'unstable']) {
  for (const [group, calls] of Object.entries(GROUPS)) {
    test(`${group} in ${version}: its calls, and no others`, (t) => {
      const guest = new RawGuest(WASI, { version, capabilities: [group] });
      const before = Buffer.from(guest.calls.memory.buffer.slice(0));
      const had = CALLS.filter((call) => nonsense(guest, call) !== NOTCAPABLE);
      t.deepEqual(had.toSorted(), calls.toSorted());
      t.true(before.equals(Buffer.from(guest.calls.memory.buffer)));
    });
  }
}

test('all groups are all calls, and no list is all calls', (t) => {
  t.deepEqual(
    [...new Set(Object.values(GROUPS).flat())].toSorted(),
    CALLS.toSorted(),
  );
  t.deepEqual(capabilityNames(), [...Object.keys(GROUPS), ...CALLS]);
  for (const capabilities of [undefined, Object.keys(GROUPS), CALLS]) {
    const guest = new RawGuest(WASI, { capabilities });
    for (const call of CALLS) t.not(nonsense(guest, call), NOTCAPABLE, call);
  }
  const none = new RawGuest(WASI, { capabilities: [] });
  for (const call of CALLS) t.is(nonsense(none, call), NOTCAPABLE, call);
});

test('each call alone', (t) => {
  for (const call of CALLS) {
    const guest = new RawGuest(WASI, { capabilities: [call] });
    const had = CALLS.filter((each) => nonsense(guest, each) !== NOTCAPABLE);
    t.deepEqual(had, [call]);
  }
});

test('index.d.ts has all names of capabilities', (t) => {
  const types = fs.readFileSync(path.join(__dirname, '../index.d.ts'), 'utf8');
  const union = (type) =>
    types
      .match(new RegExp(`export type ${type} =([^;]+);`))[1]
      .match(/'[^']+'/g)
      .map((name) => name.slice(1, -1));
  t.deepEqual(
    [...union('WASICapability'), ...union('WASICall')],
    capabilityNames(),
  );
  t.deepEqual(union('WASIRight'), rightNames());
  t.deepEqual(rightNames(), Object.keys(RIGHTS));
});

// Only JavaScript can do this: the calls of a guest have the arguments of their imports,
// and a guest makes none before it has a memory.
test('a call without its capability, as JavaScript sees it', (t) => {
  const make = () => new WASI({ version: 'preview1', capabilities: [] });
  const { wasiImport } = make();
  t.is(wasiImport.fd_fdstat_get(), INVAL);
  t.is(wasiImport.fd_fdstat_get(1.5, 0), INVAL);
  t.is(
    outcome(() => wasiImport.fd_fdstat_get(1, 0)).code,
    'ERR_WASI_NOT_STARTED',
  );
  const wasi = make();
  wasi.initialize(duck({}));
  t.is(wasi.wasiImport.fd_fdstat_get(), INVAL);
  t.is(wasi.wasiImport.fd_fdstat_get(99, 2 ** 32 - 1), NOTCAPABLE);
  // With returnOnExit, proc_exit is taken at any time.
  t.is(wasiImport.proc_exit(1), NOTCAPABLE);
});

test('wasiImport has all functions, whatever the capabilities', (t) => {
  const shape = (capabilities) =>
    Object.entries(
      Object.getOwnPropertyDescriptors(
        new WASI({ version: 'preview1', capabilities }).wasiImport,
      ),
    ).map(([key, { value, ...flags }]) => [
      key,
      value.name,
      value.length,
      flags,
    ]);
  t.deepEqual(shape([]), shape(undefined));
});

test('groups limit the rights of descriptors', (t) => {
  const directory = scratch(t);
  fs.writeFileSync(path.join(directory, 'file'), 'content');
  const output = fs.openSync(path.join(directory, 'output'), 'w+');
  t.teardown(() => fs.closeSync(output));
  const make = (...capabilities) => {
    const preopens = { '/': directory };
    const stdio = { stdin: output, stdout: output, stderr: output };
    return new RawGuest(WASI, { capabilities, preopens, ...stdio });
  };
  const write = (g, fd) => g.calls.fd_write(fd, ...g.iovs(), OUT);
  const read = (g, fd) => g.calls.fd_read(fd, ...g.iovs(), OUT);
  const open = (g, base, oflags) =>
    g.tryOpen(3, 'file', { base, oflags }).errno;

  const stdio = make('stdio');
  t.deepEqual([write(stdio, 1), read(stdio, 0)], [SUCCESS, SUCCESS]);
  t.is(open(stdio, RIGHTS.fd_read), NOTCAPABLE);

  const reader = make('fs:read');
  const file = reader.open(3, 'file', { base: RIGHTS.fd_read });
  t.is(read(reader, file), SUCCESS);
  t.is(read(reader, 0), NOTCAPABLE);
  t.is(open(reader, RIGHTS.fd_write), NOTCAPABLE);
  t.is(open(reader, 0n, OFLAGS.TRUNC), NOTCAPABLE);
  t.is(open(reader, 0n, OFLAGS.CREAT), NOTCAPABLE);
  t.is(reader.calls.fd_readdir(3, BUF, 100, 0n, OUT), SUCCESS);

  // A group that has calls for standard streams does not allow them for files.
  const both = make('fs:read', 'stdio');
  t.deepEqual([write(both, 1), read(both, 0)], [SUCCESS, SUCCESS]);
  t.is(open(both, RIGHTS.fd_write), NOTCAPABLE);
  const opened = both.open(3, 'file', { base: RIGHTS.fd_read });
  t.is(write(both, opened), NOTCAPABLE);

  const writer = make('fs:write');
  t.is(open(writer, RIGHTS.fd_write), SUCCESS);
  const unread = writer.open(3, 'file', {
    base: RIGHTS.fd_read | RIGHTS.fd_write,
  });
  t.is(write(writer, unread), SUCCESS);
  t.is(read(writer, unread), NOTCAPABLE);
  t.is(write(writer, 1), NOTCAPABLE);
  t.is(writer.calls.path_create_directory(3, ...writer.lay('d')), SUCCESS);

  // A preopen's own rights stay its own.
  const limited = new RawGuest(WASI, {
    capabilities: ['fs:read', 'fs:write'],
    preopens: { '/': { path: directory, readOnly: true } },
  });
  t.is(limited.calls.path_create_directory(3, ...limited.lay('e')), NOTCAPABLE);
  t.is(open(limited, RIGHTS.fd_read), SUCCESS);
  t.is(
    fs.readFileSync(path.join(directory, 'file'), 'utf8').slice(1),
    'ontent',
  );
});

// On Windows Node's sockets have no descriptors.
const onUnix = process.platform === 'win32' ? test.skip : test;
onUnix('sockets', async (t) => {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { fd } = server._handle;
  const client = net.connect(server.address().port, '127.0.0.1');
  t.teardown(() => client.destroy());
  // The client has connected, and Node has not accepted yet.
  await new Promise((resolve) => process.nextTick(resolve));
  const make = (...capabilities) =>
    new RawGuest(WASI, { capabilities, stdin: fd });
  t.is(make('stdio').calls.sock_accept(0, 4, OUT), NOTCAPABLE);
  t.is(make('fs:read', 'fs:write').calls.sock_accept(0, 4, OUT), NOTCAPABLE);
  const guest = make('sockets');
  t.is(guest.calls.sock_accept(0, 0, OUT), SUCCESS);
  const connection = guest.view.getUint32(OUT, true);
  const received = new Promise((resolve) => client.once('data', resolve));
  t.is(guest.calls.fd_write(connection, ...guest.iovs(), OUT), SUCCESS);
  t.is(guest.calls.sock_send(connection, ...guest.iovs(), 0, OUT), SUCCESS);
  t.true((await received).length > 0);
  t.is(guest.calls.fd_close(connection), SUCCESS);
  // Other standard streams cannot be read or written with it.
  t.is(guest.calls.fd_write(1, ...guest.iovs(), OUT), NOTCAPABLE);
  t.is(guest.calls.fd_read(0, ...guest.iovs(), OUT), NOTCAPABLE);
});

test('addCapability() until the guest is started', (t) => {
  const directory = scratch(t);
  const wasi = new WASI({
    version: 'preview1',
    capabilities: [],
    preopens: {
      '/rw': directory,
      '/ro': { path: directory, readOnly: true },
    },
  });
  const { exports } = new WebAssembly.Instance(
    guest('raw_calls'),
    wasi.getImportObject(),
  );
  for (const name of ['random', 'fs:write', 'path_open', 'random']) {
    t.is(wasi.addCapability(name), undefined);
  }
  wasi.initialize({ exports });
  const path = [0x1000, 1];
  new Uint8Array(exports.memory.buffer)[path[0]] = 0x61;
  t.is(exports.random_get(0, 1), SUCCESS);
  t.is(exports.clock_res_get(0, 0), NOTCAPABLE);
  t.is(exports.path_create_directory(3, ...path), SUCCESS);
  t.is(exports.path_remove_directory(4, ...path), NOTCAPABLE);

  const error = t.throws(() => wasi.addCapability('clock'), {
    code: 'ERR_WASI_ALREADY_STARTED',
    message: 'WASI instance has already started',
  });
  t.is(error.constructor, Error);
  t.is(outcome(() => wasi.addCapability('nope')).code, error.code);
  t.is(exports.clock_res_get(0, 0), NOTCAPABLE);
});

test('a capability may be a prefix of names, with the module in front', (t) => {
  const prestat = ['fd_prestat_get', 'fd_prestat_dir_name'];
  for (const [name, calls] of Object.entries({
    fd_prestat: prestat,
    'wasi_snapshot_preview1:fd_prestat': prestat,
    'wasi_snapshot_preview1:random_get': ['random_get'],
    'wasi_unstable:args': ['args_get', 'args_sizes_get'],
    sock: CALLS.filter((call) => call.startsWith('sock_')),
    fd: CALLS.filter((call) => call.startsWith('fd_')),
  })) {
    const made = new RawGuest(WASI, { capabilities: [name] });
    const added = new WASI({ version: 'preview1', capabilities: [] });
    added.addCapability(name);
    added.initialize(duck({}));
    const has = (call) => nonsense(made, call) !== NOTCAPABLE;
    t.deepEqual(CALLS.filter(has).sort(), calls.toSorted(), name);
    for (const call of prestat) {
      const expected = calls.includes(call) ? BADF : NOTCAPABLE;
      t.is(
        added.wasiImport[call](
          ...[99, 0, 0].slice(0, added.wasiImport[call].length),
        ),
        expected,
        name,
      );
    }
  }
  for (const name of [
    ...['fd_', 'fd_pre', 'f', '_', 'get', 'prestat', ':', ':random_get'],
    ...['wasi:random_get', 'wasi_snapshot_preview1', 'wasi_snapshot_preview1:'],
    ...['wasi_snapshot_preview1:fs:read', 'wasi_snapshot_preview1:nope'],
  ]) {
    const make = () => new WASI({ version: 'preview1', capabilities: [name] });
    t.throws(make, { code: 'ERR_INVALID_ARG_VALUE' }, name);
  }
});

test('addCapability() where nothing is missing', (t) => {
  const wasi = new WASI({ version: 'preview1' });
  t.is(wasi.addCapability('clock'), undefined);
  t.is(outcome(() => wasi.addCapability('nope')).code, 'ERR_INVALID_ARG_VALUE');
  wasi.initialize(duck({}));
  t.is(wasi.wasiImport.random_get(0, 1), SUCCESS);
  t.is(
    outcome(() => wasi.addCapability('clock')).code,
    'ERR_WASI_ALREADY_STARTED',
  );
});

test('addCapability() of a proxy of an instance, and of an object that inherits from one', (t) => {
  for (const standIn of [
    (wasi) => new Proxy(wasi, {}),
    (wasi) => Object.create(wasi),
  ]) {
    const wasi = new WASI({ version: 'preview1', capabilities: [] });
    standIn(wasi).addCapability('random');
    wasi.initialize(duck({}));
    t.is(wasi.wasiImport.random_get(0, 1), SUCCESS);
  }
  class Sandbox extends WASI {
    constructor() {
      super({ version: 'preview1', capabilities: [] });
      this.addCapability('clock');
    }
  }
  const sandbox = new Sandbox();
  sandbox.initialize(duck({}));
  t.is(sandbox.wasiImport.clock_res_get(0, 0), SUCCESS);
});

test('an instance with all capabilities has no other properties than Node’s', (t) => {
  sameAsNode(t, (WASI) =>
    Reflect.ownKeys(new WASI({ version: 'preview1' })).map(String),
  );
});

test('mistakes', (t) => {
  const known = capabilityNames()
    .map((name) => `'${name}'`)
    .join(', ');
  const is = (body, code, message) => {
    const error = t.throws(body, { instanceOf: TypeError, code });
    t.is(error.message, message);
  };
  const make = (capabilities) => () =>
    new WASI({ version: 'preview1', capabilities });
  const type = 'ERR_INVALID_ARG_TYPE';
  const value = 'ERR_INVALID_ARG_VALUE';
  for (const [capabilities, received] of [
    ['args', "type string ('args')"],
    [null, 'null'],
    [new Set(['args']), 'an instance of Set'],
    [{ args: true }, 'an instance of Object'],
  ]) {
    is(
      make(capabilities),
      type,
      `The "options.capabilities" property must be an instance of Array. Received ${received}`,
    );
  }
  is(
    make(['args', 1]),
    type,
    'The "options.capabilities[1]" property must be of type string. Received type number (1)',
  );
  is(
    make([, 'args']), // oxlint-disable-line no-sparse-arrays
    type,
    'The "options.capabilities[0]" property must be of type string. Received undefined',
  );
  for (const name of ['', 'fs', 'ARGS', 'constructor', 'fd_reads']) {
    is(
      make(['args', name]),
      value,
      `The property 'options.capabilities[1]' must be one of: ${known}. Received '${name}'`,
    );
  }
  const wasi = make([])();
  is(
    () => wasi.addCapability(),
    type,
    'The "name" argument must be of type string. Received undefined',
  );
  is(
    () => wasi.addCapability('nope'),
    value,
    `The argument 'name' must be one of: ${known}. Received 'nope'`,
  );
});

const EXITING = `(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (global $after (export "after") (mut i32) (i32.const 0))
  (func (export "_start")
    i32.const 7 call $exit i32.const 1 global.set $after))`;

test('a guest without the capability to exit runs on', async (t) => {
  const module = new WebAssembly.Module(await assemble(EXITING));
  for (const returnOnExit of [true, false]) {
    const wasi = new WASI({
      version: 'preview1',
      capabilities: ['stdio'],
      returnOnExit,
    });
    const instance = new WebAssembly.Instance(module, wasi.getImportObject());
    t.is(wasi.start(instance), 0);
    t.is(instance.exports.after.value, 1);
  }
});

test('the capability to exit can be added after the instantiation', async (t) => {
  const module = new WebAssembly.Module(await assemble(EXITING));
  for (const name of ['exit', 'proc_exit']) {
    const wasi = new WASI({ version: 'preview1', capabilities: [] });
    const instance = new WebAssembly.Instance(module, wasi.getImportObject());
    wasi.addCapability(name);
    t.is(wasi.start(instance), 7);
    t.is(instance.exports.after.value, 0);
  }
});

test('programs of wasi-libc with the capabilities that they need, and with fewer', (t) => {
  const args = ['exit', '3', 'text'];
  const exit = (...capabilities) =>
    outcome(() => run(t, WASI, 'exit', { args, capabilities })).returned;
  t.deepEqual(exit('args', 'stdio', 'exit'), {
    exitCode: 3,
    printed: 'text\n',
  });
  t.deepEqual(exit('stdio', 'exit'), { exitCode: 71, printed: '' });
  // This one continues after its exit on purpose; the code that a compiler puts
  // after exit() traps.
  const files = (...capabilities) =>
    outcome(() =>
      run(t, WASI, 'files', { args: ['files', 'stat', '/none'], capabilities }),
    );
  t.deepEqual(files('args', 'stdio', 'fs:read', 'exit').returned, {
    exitCode: 1,
    printed: 'stat /none: errno 44\n',
  });
  t.regex(files('args', 'stdio', 'fs:read').message, /^unreachable/i);
});

test('closing and renumbering descriptors gives no capability', (t) => {
  const directory = scratch(t);
  fs.writeFileSync(path.join(directory, 'file'), 'content');
  const guest = new RawGuest(WASI, {
    capabilities: ['stdio', 'fs:read'],
    preopens: { '/': directory },
  });
  const file = guest.open(3, 'file', { base: RIGHTS.fd_read });
  t.is(guest.calls.fd_renumber(file, 1), SUCCESS);
  t.is(guest.calls.fd_write(1, ...guest.iovs(), OUT), NOTCAPABLE);
  t.is(guest.calls.fd_renumber(0, 1), SUCCESS);
  t.is(guest.calls.fd_close(0), BADF);
});
