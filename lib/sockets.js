'use strict';

// The sockets that a guest has from the start: `listeners` and `connections`.

const { Server, Socket } = require('node:net');

const { invalidArgType, invalidArgValue } = require('./errors');
const { describe } = require('./fs/errors');
const {
  properties,
  validateArray,
  validateFd,
  validateInteger,
  validateProperties,
  validateString,
} = require('./validators');

const LISTENER = properties(['host', 'port', 'path', 'backlog']);

/** The default address, to which only this machine can connect. */
const DEFAULT_HOST = '127.0.0.1';
/** The default backlog, as of a `net.Server`. */
const DEFAULT_BACKLOG = 511;

const MAX_PORT = 65_535;
const MAX_INT32 = 2 ** 31 - 1;

/**
 * A socket for the native side, with the default of each property. All are own ones:
 * the native side would find a missing one in `Object.prototype`.
 */
const SOCKET = {
  isListener: false,
  host: '',
  port: undefined,
  path: undefined,
  backlog: 0,
  fd: undefined,
  duplicate: false,
};

/** A socket of Node, of which the guest gets a duplicate. */
function duplicateOf({ _handle }, refuse) {
  const fd = _handle?.fd;
  if (!Number.isInteger(fd) || fd < 0) {
    refuse('has no descriptor that could be handed over');
  }
  return { ...SOCKET, fd, duplicate: true };
}

function lookAtServer(server, refuse) {
  if (!server.listening) refuse('must be listening');
  // The guest would answer in plain text where clients expect TLS.
  if (typeof server.setSecureContext === 'function') refuse(ENCRYPTED);
  // Node removes the path when the server is closed.
  if (typeof server.address() === 'string') {
    refuse('must not listen at a path: pass { path }');
  }
  return duplicateOf(server, refuse);
}

function lookAtSocket(socket, refuse) {
  if (socket.encrypted) refuse(ENCRYPTED);
  if (socket.connecting || socket.destroyed || socket.writableEnded) {
    refuse('must be connected');
  }
  if (socket.readableLength > 0 || socket.writableLength > 0) {
    refuse('must have nothing in its buffers: see pauseOnConnect of node:net');
  }
  return duplicateOf(socket, refuse);
}

const ENCRYPTED = 'must not be encrypted';

/**
 * A socket of Node. By the time that a guest is opened it may have been closed, and its
 * descriptor reused: so `read()` checks it once more.
 */
function takeOver(value, name, look, handOver) {
  const refuse = (reason) => {
    throw invalidArgValue(look, name, reason, value);
  };
  const read = () => look(value, refuse);
  read();
  return { read, handOver };
}

/** A descriptor of the host, which stays open after the guest. */
function readDescriptor(value, name) {
  const native = { ...SOCKET, fd: validateFd(value, name) };
  return { read: () => native };
}

function validateName(value, name, what) {
  if (validateString(value, name) !== '' && !value.includes('\0')) return value;
  const reason = `must be ${what}, without null bytes`;
  throw invalidArgValue(validateName, name, reason, value);
}

function readAddress(value, name) {
  validateProperties(value, name, LISTENER);
  const { host, port, path, backlog = DEFAULT_BACKLOG } = value;
  const native = {
    ...SOCKET,
    backlog: validateInteger(backlog, `${name}.backlog`, 0, MAX_INT32),
  };
  if (path === undefined) {
    const where = host === undefined ? DEFAULT_HOST : host;
    native.host = validateName(where, `${name}.host`, 'a name or an address');
    native.port = validateInteger(port, `${name}.port`, 0, MAX_PORT);
  } else {
    native.path = validateName(path, `${name}.path`, 'a path');
    if (port !== undefined || host !== undefined) {
      const reason = 'cannot be combined with a host and a port';
      throw invalidArgValue(readAddress, `${name}.path`, reason, path);
    }
  }
  return { read: () => native };
}

function readListener(value, name) {
  if (typeof value === 'number') return readDescriptor(value, name);
  if (value instanceof Server) {
    return takeOver(value, name, lookAtServer, () => value.close());
  }
  // A server of node:http is one of node:net, but not on every runtime.
  const isSocket =
    value instanceof Socket || typeof value?.listen === 'function';
  if (typeof value === 'object' && value !== null && !isSocket) {
    return readAddress(value, name);
  }
  const expected =
    'a descriptor, a net.Server that is listening, or an object with a port or a path';
  throw invalidArgType(readListener, name, expected, value);
}

function readConnection(value, name) {
  if (typeof value === 'number') return readDescriptor(value, name);
  if (value instanceof Socket) {
    return takeOver(value, name, lookAtSocket, () => value.destroy());
  }
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
    /** Its descriptor in the guest. */
    this.fd = fd;
    this.#address =
      port === undefined ? address : Object.freeze({ address, family, port });
    Object.freeze(this);
  }

  /** Where it listens, as `address()` of a `net.Server`. */
  address() {
    return this.#address ?? null;
  }
}

/** The code of getaddrinfo(3) for an unknown host. */
const UNKNOWN_NAME = 'EAI_NONAME';

/** The error of a socket that cannot be opened, as of `node:net`. */
function listenError(code, { host, port, path, fd }) {
  if (port !== undefined && code === 'ENOENT') {
    const error = new Error(`getaddrinfo ENOTFOUND ${host}`);
    const { errno } = describe(UNKNOWN_NAME);
    const syscall = 'getaddrinfo';
    return Object.assign(error, {
      errno,
      code: 'ENOTFOUND',
      syscall,
      hostname: host,
    });
  }
  const { errno, message } = describe(code);
  const place = port === undefined ? (path ?? fd) : `${host}:${port}`;
  const error = new Error(`listen ${code}: ${message} ${place}`);
  Object.assign(error, { errno, code, syscall: 'listen' });
  if (fd !== undefined) return Object.assign(error, { fd });
  return Object.assign(error, { address: path ?? host, port: port ?? -1 });
}

/** The sockets of a guest. */
class Sockets {
  #listeners;
  #all;

  constructor(listeners = [], connections = []) {
    this.#listeners = readEach(listeners, 'options.listeners', readListener);
    this.#all = [
      ...this.#listeners,
      ...readEach(connections, 'options.connections', readConnection),
    ];
  }

  /** See `openGuest()` of core.js. */
  openGuest(native, open, close) {
    const count = this.#listeners.length;
    const sockets = this.#all.map(({ read }, index) => ({
      ...read(),
      isListener: index < count,
    }));
    let guest;
    try {
      guest = open({ ...native, sockets });
    } catch (error) {
      if (error?.socket === undefined) throw error;
      throw listenError(error.code, sockets[error.socket]);
    }
    try {
      for (const { handOver } of this.#all) handOver?.();
    } catch (error) {
      // close() of a server may be overridden. Both would accept connections.
      close(guest);
      throw error;
    }
    const own = guest.sockets.slice(0, count);
    const listening = Object.freeze(own.map((each) => new Listener(each)));
    return { guest, listeners: listening };
  }
}

module.exports = { Sockets };
