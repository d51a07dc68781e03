'use strict';

// Sockets that a guest has from the start: `listeners` and `connections`.

const { fork } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { text } = require('node:stream/consumers');
const tls = require('node:tls');
const { Worker } = require('node:worker_threads');

const test = require('ava');

const { WASI, run, runSync, spawn } = require('../index.js');
const { command } = require('./helpers/child');
const { guestPath, scratch } = require('./helpers/guest');
const { BUF, ERRNO, OUT, RawGuest } = require('./helpers/raw');

const SERVE = guestPath('serve');
/** The first descriptor that a guest without directories is given. */
const FIRST = 3;
const SOCKET_STREAM = 6;
const NONBLOCK = 4;
const AGAIN = 6;
const NFILE = 41;
const NOTCONN = 53;
const version = 'preview1';

// On Windows Node's sockets have no descriptors, and a path is that of a named pipe.
const onUnix = process.platform === 'win32' ? test.skip : test;

/** No pipes, which a guest cannot have as standard streams on Windows. */
const IGNORED = { stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' };

/** An echo server; resolves when it listens. */
async function serving(t, options, args = []) {
  const child = spawn(SERVE, {
    args: [`${FIRST}`, ...args],
    ...IGNORED,
    ...options,
  });
  t.teardown(() => child.kill());
  await once(child, 'spawn');
  return child;
}

const onPort = (child) => child.sockets[0].address().port;

/** Connects to a port or a path, without resolving a name. */
function connect(where) {
  return typeof where === 'number'
    ? net.connect(where, '127.0.0.1')
    : net.connect(where);
}

/** Sends data, and resolves to what is received. */
async function echo(where, data) {
  const socket = connect(where);
  socket.end(data);
  return text(socket);
}

/** The error code of a connection that fails. */
async function refusal(where) {
  for (;;) {
    const [{ code }] = await once(connect(where), 'error');
    // A child process that is being spawned has the listening socket as well, until it
    // executes its program: a connection to that is reset then.
    if (code !== 'ECONNRESET') return code;
  }
}

function raw(t, options) {
  const guest = new RawGuest(WASI, options);
  t.teardown(() => guest.wasi.close());
  return guest;
}

/** The result of fd_fdstat_get. */
function fdstat({ calls, view }, fd) {
  const errno = calls.fd_fdstat_get(fd, OUT);
  const type = view.getUint8(OUT);
  return { errno, type, flags: view.getUint16(OUT + 2, true) };
}

test('a server accepts many connections at a time', async (t) => {
  const connections = 200;
  const child = await serving(t, { listeners: [{ port: 0 }] }, [
    `${connections}`,
  ]);
  const [listener] = child.sockets;
  t.is(listener.fd, FIRST);
  t.like(listener.address(), { address: '127.0.0.1', family: 'IPv4' });
  const sent = Array.from({ length: connections }, (_, i) =>
    `${i} `.repeat(10_000),
  );
  const got = await Promise.all(sent.map((data) => echo(onPort(child), data)));
  t.deepEqual(got, sent);
  t.is((await child.exited).exitCode, 0);
});

test('peers that send nothing, or disconnect, do not block others', async (t) => {
  const child = await serving(t, { listeners: [{ port: 0 }] });
  const silent = Array.from({ length: 20 }, () => connect(onPort(child)));
  await Promise.all(silent.map((socket) => once(socket, 'connect')));
  for (const socket of silent.slice(0, 10)) {
    socket.write('unread');
    socket.resetAndDestroy();
  }
  t.is(await echo(onPort(child), 'text'), 'text');
  for (const socket of silent) socket.destroy();
  t.is(await echo(onPort(child), 'more'), 'more');
  t.is(child.exitCode, null);
});

test('kill() ends a guest that waits for connections, and its listener is closed', async (t) => {
  const child = await serving(t, { listeners: [{ port: 0 }] });
  t.is(await echo(onPort(child), 'text'), 'text');
  const open = connect(onPort(child));
  await once(open, 'connect');
  // A connection that the guest has not accepted yet is reset.
  open.on('error', ({ code }) => t.is(code, 'ECONNRESET'));
  const closed = new Promise((resolve) => open.resume().on('close', resolve));
  child.kill();
  t.is((await child.exited).reason, 'kill');
  await closed;
  t.is(await refusal(onPort(child)), 'ECONNREFUSED');
});

test('listeners are closed when the guest ends, and by close()', async (t) => {
  const wasi = new WASI({ version, listeners: [{ port: 0 }] });
  const { port } = wasi.listeners[0].address();
  wasi.close();
  t.is(await refusal(port), 'ECONNREFUSED');
  const { stdout } = runSync(SERVE, {
    args: [`${FIRST}`, '0'],
    listeners: [{ port }],
    encoding: 'utf8',
  });
  t.is(stdout, 'served=0\n');
  t.is(await refusal(port), 'ECONNREFUSED');
});

test('a worker that is terminated leaves no listener open', async (t) => {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const { WASI } = require('wasi-rs');
     const wasi = new WASI({ version: 'preview1', listeners: [{ port: 0 }] });
     parentPort.postMessage(wasi.listeners[0].address().port);
     setInterval(() => {}, 1000);`,
    { eval: true },
  );
  const [port] = await once(worker, 'message');
  await worker.terminate();
  t.is(await refusal(port), 'ECONNREFUSED');
});

onUnix('a Unix socket exists as long as the guest has it', async (t) => {
  const file = path.join(scratch(t), 'socket');
  const child = await serving(t, { listeners: [{ path: file }] }, ['1']);
  t.is(child.sockets[0].address(), file);
  t.is(await echo(file, 'text'), 'text');
  t.is((await child.exited).exitCode, 0);
  t.false(fs.existsSync(file));

  const wasi = new WASI({ version, listeners: [{ path: file }] });
  t.throws(() => new WASI({ version, listeners: [{ path: file }] }), {
    code: 'EADDRINUSE',
  });
  t.true(fs.existsSync(file));
  fs.rmSync(file);
  fs.writeFileSync(file, 'of another');
  wasi.close();
  t.true(fs.existsSync(file));
});

onUnix('a server of Node is taken over', async (t) => {
  const server = net.createServer(() => t.fail());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const closed = once(server, 'close');
  const child = await serving(t, { listeners: [server] }, ['1']);
  await closed;
  t.is(onPort(child), port);
  t.is(await echo(port, 'text'), 'text');
  t.is((await child.exited).exitCode, 0);
});

onUnix('a descriptor is lent, and stays as it was', async (t) => {
  const server = net.createServer((socket) => socket.end('of the host'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const guest = raw(t, { listeners: [server._handle.fd] });
  t.deepEqual(guest.wasi.listeners[0].address().port, server.address().port);
  t.is(guest.calls.sock_accept(FIRST, 0, OUT), AGAIN);
  t.is(guest.calls.fd_close(FIRST), ERRNO.SUCCESS);
  t.is(await text(connect(server.address().port)), 'of the host');
});

onUnix('a connection is handed over', async (t) => {
  const server = net.createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const client = connect(server.address().port);
  const [[socket]] = await Promise.all([
    once(server, 'connection'),
    once(client, 'connect'),
  ]);
  const guest = raw(t, { connections: [socket] });
  t.true(socket.destroyed);
  t.deepEqual(guest.wasi.listeners, []);
  t.is(guest.calls.sock_recv(FIRST, ...guest.iovs(), 0, OUT, OUT + 8), AGAIN);
  guest.view.setUint8(BUF, 0x78);
  t.is(guest.calls.sock_send(FIRST, ...guest.iovs(), 0, OUT), ERRNO.SUCCESS);
  t.is(guest.calls.sock_shutdown(FIRST, 2), ERRNO.SUCCESS);
  t.is(await text(client), 'x');
});

test('descriptors of sockets follow those of directories, and are no preopens', (t) => {
  const listeners = [{ port: 0 }, { port: 0 }];
  const guest = raw(t, { listeners, preopens: { '/': scratch(t) } });
  const [first, second] = guest.wasi.listeners;
  t.deepEqual([first.fd, second.fd], [FIRST + 1, FIRST + 2]);
  t.is(guest.calls.fd_prestat_get(FIRST, OUT), ERRNO.SUCCESS);
  // C libraries stop there when they look for preopens; on another errno some abort.
  t.is(guest.calls.fd_prestat_get(first.fd, OUT), ERRNO.BADF);
  t.is(guest.calls.fd_prestat_dir_name(first.fd, BUF, 8), ERRNO.BADF);
  t.is(guest.calls.fd_renumber(second.fd, FIRST), ERRNO.SUCCESS);
  t.is(guest.calls.fd_prestat_get(FIRST, OUT), ERRNO.BADF);
});

test('a listener is NONBLOCK until the guest changes that', (t) => {
  const guest = raw(t, { listeners: [{ port: 0 }] });
  t.deepEqual(fdstat(guest, FIRST), {
    errno: 0,
    type: SOCKET_STREAM,
    flags: NONBLOCK,
  });
  t.is(guest.calls.sock_accept(FIRST, 0, OUT), AGAIN);
  t.is(guest.calls.fd_fdstat_set_flags(FIRST, 0), ERRNO.SUCCESS);
  t.is(fdstat(guest, FIRST).flags, 0);
});

test('without a free descriptor, accept fails and the connection waits', async (t) => {
  const guest = raw(t, {
    listeners: [{ port: 0 }],
    limits: { descriptors: FIRST + 2 },
  });
  const { port } = guest.wasi.listeners[0].address();
  const clients = [connect(port), connect(port)];
  await Promise.all(clients.map((client) => once(client, 'connect')));
  const accept = () => guest.calls.sock_accept(FIRST, 0, OUT);
  t.is(accept(), ERRNO.SUCCESS);
  const fd = guest.view.getUint32(OUT, true);
  // At once, without retries of the host, however often it is called.
  for (let i = 0; i < 3; i++) t.is(accept(), NFILE);
  t.is(guest.calls.fd_close(fd), ERRNO.SUCCESS);
  t.is(accept(), ERRNO.SUCCESS);
  t.is(accept(), NFILE);
  for (const client of clients) client.destroy();
});

test('capabilities apply to sockets', (t) => {
  const guest = raw(t, {
    listeners: [{ port: 0 }],
    capabilities: ['fs:read', 'stdio'],
  });
  t.is(guest.calls.sock_accept(FIRST, 0, OUT), ERRNO.NOTCAPABLE);
  const other = raw(t, {
    listeners: [{ port: 0 }],
    capabilities: ['sockets'],
  });
  t.is(other.calls.sock_accept(FIRST, 0, OUT), AGAIN);
});

const LISTENERS = 'options.listeners[0]';
const WRONG = [
  [{ listeners: 5 }, 'ERR_INVALID_ARG_TYPE', 'options.listeners'],
  [{ listeners: ['80'] }, 'ERR_INVALID_ARG_TYPE', LISTENERS],
  [{ listeners: [null] }, 'ERR_INVALID_ARG_TYPE', LISTENERS],
  [{ listeners: [-1] }, 'ERR_OUT_OF_RANGE', LISTENERS],
  [{ listeners: [{}] }, 'ERR_INVALID_ARG_TYPE', `${LISTENERS}.port`],
  [
    { listeners: [{ port: '80' }] },
    'ERR_INVALID_ARG_TYPE',
    `${LISTENERS}.port`,
  ],
  [{ listeners: [{ port: 65_536 }] }, 'ERR_OUT_OF_RANGE', `${LISTENERS}.port`],
  [{ listeners: [{ port: 0.5 }] }, 'ERR_OUT_OF_RANGE', `${LISTENERS}.port`],
  [{ listeners: [{ prot: 80 }] }, 'ERR_INVALID_ARG_VALUE', `${LISTENERS}.prot`],
  [
    { listeners: [{ port: 0, backlog: -1 }] },
    'ERR_OUT_OF_RANGE',
    `${LISTENERS}.backlog`,
  ],
  [
    { listeners: [{ port: 0, host: 1 }] },
    'ERR_INVALID_ARG_TYPE',
    `${LISTENERS}.host`,
  ],
  [
    { listeners: [{ port: 0, host: '' }] },
    'ERR_INVALID_ARG_VALUE',
    `${LISTENERS}.host`,
  ],
  [
    { listeners: [{ port: 0, host: 'a\0b' }] },
    'ERR_INVALID_ARG_VALUE',
    `${LISTENERS}.host`,
  ],
  [{ listeners: [{ path: '' }] }, 'ERR_INVALID_ARG_VALUE', `${LISTENERS}.path`],
  [
    { listeners: [{ path: 'a\0b' }] },
    'ERR_INVALID_ARG_VALUE',
    `${LISTENERS}.path`,
  ],
  [
    { listeners: [{ path: 'a', port: 1 }] },
    'ERR_INVALID_ARG_VALUE',
    `${LISTENERS}.path`,
  ],
  [{ listeners: [net.createServer()] }, 'ERR_INVALID_ARG_VALUE', LISTENERS],
  [{ listeners: [new net.Socket()] }, 'ERR_INVALID_ARG_TYPE', LISTENERS],
  [{ connections: [{}] }, 'ERR_INVALID_ARG_TYPE', 'options.connections[0]'],
  [
    { connections: [new net.Socket().destroy()] },
    'ERR_INVALID_ARG_VALUE',
    'options.connections[0]',
  ],
  [{ listener: [{ port: 0 }] }, 'ERR_INVALID_ARG_VALUE', 'options.listener'],
];

for (const [index, [options, code, name]] of WRONG.entries()) {
  test(`wrong sockets (${index}): ${code} of ${name}`, (t) => {
    const error = t.throws(() => new WASI({ version, ...options }), { code });
    t.true(error.message.includes(name), error.message);
  });
}

/** The error of `node:net` when it cannot listen. */
async function errorOfNode(where) {
  const server = net.createServer().listen(where);
  const [error] = await once(server, 'error');
  return error;
}

const UNAVAILABLE = {
  // An address reserved for documentation: no machine has it.
  EADDRNOTAVAIL: () => ({ host: '192.0.2.1', port: 80 }),
  ENOTFOUND: () => ({ host: 'name.invalid', port: 80 }),
  EADDRINUSE: ({ port }) => ({ host: '127.0.0.1', port }),
};

for (const [code, where] of Object.entries(UNAVAILABLE)) {
  test(`what cannot be had is an error of node:net: ${code}`, async (t) => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    t.teardown(() => taken.close());
    await once(taken, 'listening');
    const listener = where(taken.address());
    const expected = await errorOfNode(listener);
    const error = t.throws(() => new WASI({ version, listeners: [listener] }));
    t.is(error.code, code);
    t.is(error.message, expected.message);
    t.deepEqual({ ...error }, { ...expected });
  });
}

onUnix('so it is where a path cannot be had', async (t) => {
  const file = path.join(scratch(t), 'socket');
  const taken = net.createServer().listen(file);
  t.teardown(() => taken.close());
  await once(taken, 'listening');
  const listener = { path: file };
  const expected = await errorOfNode(listener);
  const error = t.throws(() => new WASI({ version, listeners: [listener] }));
  t.is(error.message, expected.message);
  t.deepEqual({ ...error }, { ...expected });
});

test('properties of Object.prototype are not options of sockets', (t) => {
  const polluted = { fd: 0, path: 'path', duplicate: true, isListener: false };
  let wasi;
  Object.assign(Object.prototype, polluted);
  try {
    wasi = new WASI({
      version,
      listeners: [Object.assign(Object.create(null), { port: 0 })],
    });
  } finally {
    for (const name of Object.keys(polluted)) delete Object.prototype[name];
  }
  t.is(wasi.listeners[0].address().address, '127.0.0.1');
  wasi.close();
});

/** A server of Node's, and one of its connections that reads nothing yet. */
async function ofNode(t, options) {
  const server = net.createServer(options).listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const peer = net.connect(server.address().port);
  t.teardown(() => peer.destroy());
  const [socket] = await once(server, 'connection');
  t.teardown(() => socket.destroy());
  return { server, peer, socket };
}

onUnix(
  'what becomes of a socket before the guest is opened counts',
  async (t) => {
    const { server, peer, socket } = await ofNode(t, { pauseOnConnect: true });
    const closed = spawn(SERVE, { args: [`${FIRST}`], listeners: [server] });
    const ended = spawn(SERVE, { connections: [socket] });
    server.close();
    socket.end();
    const other = net.createServer((each) => each.end('of another'));
    other.listen(0, '127.0.0.1');
    t.teardown(() => other.close());
    const failures = await Promise.all(
      [closed, ended].map((child) => once(child, 'error')),
    );
    for (const [error] of failures) t.is(error.code, 'ERR_INVALID_ARG_VALUE');
    t.deepEqual(closed.sockets, []);
    t.is(await text(net.connect(other.address().port)), 'of another');
    t.is(await text(peer), '');
  },
);

onUnix(
  'a connection that is encrypted, has ended, or is not readable is refused',
  async (t) => {
    const { server, socket } = await ofNode(t);
    const refused = (options) =>
      t.throws(() => new WASI({ version, ...options }), {
        code: 'ERR_INVALID_ARG_VALUE',
      }).message;
    const encrypted = tls.createServer().listen(0, '127.0.0.1');
    t.teardown(() => encrypted.close());
    await once(encrypted, 'listening');
    t.regex(refused({ listeners: [encrypted] }), /must not be encrypted/);
    socket.push('read');
    t.regex(refused({ connections: [socket] }), /nothing in its buffers/);
    socket.resume();
    await once(socket, 'data');
    socket.end();
    t.regex(refused({ connections: [socket] }), /must be connected/);
    t.true(server.listening);
  },
);

onUnix(
  'a server that does not close is not served at by a guest',
  async (t) => {
    class Refusing extends net.Server {
      close() {
        throw new Error('not now');
      }
    }
    const server = new Refusing().listen(0, '127.0.0.1');
    t.teardown(() => net.Server.prototype.close.call(server));
    await once(server, 'listening');
    const free = new WASI({ version, listeners: [{ port: 0 }] });
    const { port } = free.listeners[0].address();
    free.close();
    const listeners = [{ port }, server];
    const error = { message: 'not now' };
    t.throws(() => new WASI({ version, listeners }), error);
    t.is(await refusal(port), 'ECONNREFUSED');
    await t.throwsAsync(run(SERVE, { args: [`${FIRST}`], listeners }), error);
    t.is(await refusal(port), 'ECONNREFUSED');
  },
);

onUnix(
  'other processes that share a socket do not wait as the guest does',
  async (t) => {
    const server = net.createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address();
    const file = path.join(scratch(t), 'sharing.js');
    fs.writeFileSync(
      file,
      `process.on('message', (_, server) => {
       server.on('connection', (socket) => socket.end('of the other'));
       process.send('serves');
     });`,
    );
    const other = fork(file);
    t.teardown(() => other.kill());
    other.send('server', server);
    await once(other, 'message');
    const guest = raw(t, { listeners: [server] });
    t.is(guest.calls.fd_fdstat_set_flags(FIRST, 0), ERRNO.SUCCESS);
    t.is(guest.calls.sock_shutdown(FIRST, 3), NOTCONN);
    for (let i = 0; i < 3; i++) {
      t.is(await text(net.connect(port)), 'of the other');
    }
  },
);

onUnix(
  'descriptors that are no sockets, or none that listen, are refused',
  async (t) => {
    const file = path.join(scratch(t), 'file');
    const fd = fs.openSync(file, 'w');
    t.teardown(() => fs.closeSync(fd));
    const withListener = (listener) => () =>
      new WASI({ version, listeners: [listener] });
    t.throws(withListener(fd), { code: 'ENOTSOCK' });
    t.throws(withListener(2 ** 20), { code: 'EBADF' });
    t.throws(withListener({ path: path.join(file, 'socket') }), {
      code: 'ENOTDIR',
    });
    const server = net.createServer().listen(0, '127.0.0.1');
    t.teardown(() => server.close());
    await once(server, 'listening');
    const socket = connect(server.address().port);
    t.teardown(() => socket.destroy());
    await once(socket, 'connect');
    t.throws(withListener(socket._handle.fd), { code: 'EINVAL' });
  },
);

test('a port in use is an error, and what was opened before is closed', async (t) => {
  const taken = new WASI({ version, listeners: [{ port: 0 }] });
  t.teardown(() => taken.close());
  const { port } = taken.listeners[0].address();
  const free = new WASI({ version, listeners: [{ port: 0 }] });
  const { port: first } = free.listeners[0].address();
  free.close();
  const listeners = [{ port: first }, { port }];
  t.throws(() => new WASI({ version, listeners }), { code: 'EADDRINUSE' });
  t.is(await refusal(first), 'ECONNREFUSED');
  const error = await t.throwsAsync(run(SERVE, { listeners }));
  t.is(error.code, 'EADDRINUSE');
  const child = spawn(SERVE, { listeners, ...IGNORED });
  const [failure] = await once(child, 'error');
  t.is(failure.code, 'EADDRINUSE');
});

onUnix('what is not taken over stays open', async (t) => {
  const server = net.createServer((socket) => socket.end('of the host'));
  server.listen(0, '127.0.0.1');
  t.teardown(() => server.close());
  await once(server, 'listening');
  const preopens = { '/': path.join(scratch(t), 'missing') };
  t.throws(() => new WASI({ version, listeners: [server], preopens }), {
    code: 'UVWASI_ENOENT',
  });
  t.true(server.listening);
  t.is(await text(connect(server.address().port)), 'of the host');
});

test('limits.descriptors limits the number of sockets', (t) => {
  const listeners = [{ port: 0 }, { port: 0 }];
  const limits = { descriptors: FIRST + 1 };
  t.throws(() => new WASI({ version, listeners, limits }), { code: 'ENFILE' });
});

test('--listen gives a listener, and sets LISTEN_FDS', (t) => {
  const listen = ['--listen', '0', '--listen', '[::1]:0'];
  const ended = command([...listen, guestPath('args_env')]);
  t.is(ended.exitCode, 0);
  t.regex(ended.stdout, /^env 0: LISTEN_FDS=2$/m);
  t.regex(
    ended.stderr,
    /^wasi-rs: listening at 127\.0\.0\.1:\d+\nwasi-rs: listening at \[::1\]:\d+\n$/,
  );
  const own = command([
    ...['--env', 'LISTEN_FDS=7', ...listen],
    guestPath('args_env'),
  ]);
  t.regex(own.stdout, /^env 0: LISTEN_FDS=7$/m);
});

for (const value of ['65536', 'localhost', '::1:80', 'a:b', 'unix:', '80:-1']) {
  test(`--listen=${value} is refused`, (t) => {
    const { exitCode, stderr } = command([`--listen=${value}`, SERVE]);
    t.is(exitCode, 125);
    t.regex(stderr, /^wasi-rs: --listen .* is not of the form/);
  });
}

const CANNOT = [
  ['192.0.2.1:80', 'cannot listen at 192.0.2.1:80: address not available'],
  [
    '[2001:db8::1]:80',
    'cannot listen at [2001:db8::1]:80: address not available',
  ],
  ['name.invalid:80', 'cannot find name.invalid: unknown node or service'],
];

for (const [where, problem] of CANNOT) {
  test(`--listen ${where}, which is not possible, is an error in one line`, (t) => {
    const { exitCode, stderr } = command(['--listen', where, SERVE]);
    t.is(exitCode, 125);
    t.is(stderr, `wasi-rs: ${problem}\n`);
  });
}

onUnix(
  '--listen at a path that cannot be bound is an error in one line',
  (t) => {
    const file = path.join(scratch(t), 'missing', 'socket');
    const { exitCode, stderr } = command(['--listen', `unix:${file}`, SERVE]);
    t.is(exitCode, 125);
    const reason = 'no such file or directory';
    t.is(stderr, `wasi-rs: cannot listen at ${file}: ${reason}\n`);
  },
);
