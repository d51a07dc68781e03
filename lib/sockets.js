'use strict';

// The sockets that a guest has from the start: `listeners` and `connections`.

const { Server, Socket } = require('node:net');

const { invalidArgType, invalidArgValue } = require('./errors');
const {
  properties,
  validateArray,
  validateFd,
  validateInteger,
  validateProperties,
  validateString,
} = require('./validators');

const LISTENER = properties(['host', 'port', 'path', 'backlog']);

/** Where one listens that does not say: this machine alone can connect to it. */
const DEFAULT_HOST = '127.0.0.1';
/** How many connections wait to be accepted, as with a `net.Server`. */
const DEFAULT_BACKLOG = 511;

const MAX_PORT = 65_535;
const MAX_INT32 = 2 ** 31 - 1;

/** What the native side takes, of which each kind of socket says its own. */
const SOCKET = { host: '', backlog: 0, duplicate: false };

/** A socket of which the guest gets a duplicate, and what then closes Node's own. */
function takeOver(handle, name, value, handOver) {
  const fd = handle?.fd;
  if (!Number.isInteger(fd) || fd < 0) {
    const reason = 'has no descriptor that could be handed over';
    throw invalidArgValue(takeOver, name, reason, value);
  }
  return { native: { ...SOCKET, fd, duplicate: true }, handOver };
}

function readServer(server, name) {
  const refuse = (reason) => {
    throw invalidArgValue(readServer, name, reason, server);
  };
  if (!server.listening) refuse('must be listening');
  // Node removes the path when the server is closed.
  if (typeof server.address() === 'string') {
    refuse('must not listen at a path: pass { path }');
  }
  return takeOver(server._handle, name, server, () => server.close());
}

function readSocket(socket, name) {
  const refuse = (reason) => {
    throw invalidArgValue(readSocket, name, reason, socket);
  };
  if (socket.encrypted) refuse('must not be encrypted');
  if (socket.connecting || socket.destroyed) refuse('must be connected');
  if (socket.readableLength > 0 || socket.writableLength > 0) {
    refuse('must have nothing in its buffers: see pauseOnConnect of node:net');
  }
  return takeOver(socket._handle, name, socket, () => socket.destroy());
}

/** A number of a descriptor, which is lent. */
function readDescriptor(value, name) {
  return { native: { ...SOCKET, fd: validateFd(value, name) } };
}

function readAddress(value, name) {
  validateProperties(value, name, LISTENER);
  const { host = DEFAULT_HOST, port, path, backlog = DEFAULT_BACKLOG } = value;
  const native = {
    ...SOCKET,
    host: validateString(host, `${name}.host`),
    backlog: validateInteger(backlog, `${name}.backlog`, 0, MAX_INT32),
  };
  if (path === undefined) {
    native.port = validateInteger(port, `${name}.port`, 0, MAX_PORT);
    return { native };
  }
  native.path = validateString(path, `${name}.path`);
  if (path === '' || path.includes('\0')) {
    const reason = 'must be a path, without null bytes';
    throw invalidArgValue(readAddress, `${name}.path`, reason, path);
  }
  if (port !== undefined || value.host !== undefined) {
    const reason = 'must not be there beside a host and a port';
    throw invalidArgValue(readAddress, `${name}.path`, reason, path);
  }
  return { native };
}

function readListener(value, name) {
  if (typeof value === 'number') return readDescriptor(value, name);
  if (value instanceof Server) return readServer(value, name);
  if (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Socket)
  ) {
    return readAddress(value, name);
  }
  const expected =
    'a descriptor, a net.Server that is listening, or an object with a port or a path';
  throw invalidArgType(readListener, name, expected, value);
}

function readConnection(value, name) {
  if (typeof value === 'number') return readDescriptor(value, name);
  if (value instanceof Socket) return readSocket(value, name);
  const expected = 'a descriptor or a net.Socket that is connected';
  throw invalidArgType(readConnection, name, expected, value);
}

const readEach = (values, name, read) =>
  Array.from(validateArray(values, name), (value, i) =>
    read(value, `${name}[${i}]`),
  );

/** A socket at which the guest accepts connections, as the host sees it. */
class Listener {
  #address;

  constructor({ fd, address, family, port }) {
    /** The guest's number of it. */
    this.fd = fd;
    this.#address =
      port === undefined ? address : Object.freeze({ address, family, port });
    Object.freeze(this);
  }

  /** Where it listens, as `net.Server` tells it. */
  address() {
    return this.#address ?? null;
  }
}

/**
 * Reads both options.
 *
 * @returns {object} `natives`, what the native side takes; and `given()`, which is
 *   to be called with what that then says of each, when the guest has them: Node's
 *   own are closed then. It returns the value of `listeners`.
 */
function readSockets(listeners = [], connections = []) {
  const listening = readEach(listeners, 'options.listeners', readListener);
  const connected = readEach(
    connections,
    'options.connections',
    readConnection,
  );
  const all = [...listening, ...connected];
  const isListener = (index) => index < listening.length;
  return {
    natives: all.map(({ native }, index) => ({
      ...native,
      isListener: isListener(index),
    })),
    given(opened) {
      for (const { handOver } of all) handOver?.();
      const own = opened.filter((_, index) => isListener(index));
      return Object.freeze(own.map((each) => new Listener(each)));
    },
  };
}

module.exports = { readSockets };
