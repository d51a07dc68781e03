'use strict';

// The standard streams of a guest: reads the options, opens the streams, and serves the
// host's ends of pipes.

const { constants } = require('node:buffer');

const { loadBinding } = require('../core');

const { Stdio } = loadBinding();

// Loaded on first use: most programs make no mistake and use 'pipe' and the like, and
// runSync() never has a pipe.
const bytesLike = () => require('../bytes');
const errors = () => require('../errors');
const hostEnds = () => require('./host-end');
const functions = () => require('../js-stream');
const sinks = () => require('./drain');
const sources = () => require('./feed');

/** The most bytes that fit into a string in an encoding. */
function mostBytes(encoding) {
  const { MAX_STRING_LENGTH } = constants;
  switch (encoding.toLowerCase()) {
    case 'buffer':
      return Infinity;
    case 'hex':
      return Math.floor(MAX_STRING_LENGTH / 2);
    case 'base64':
    case 'base64url':
      return Math.floor(MAX_STRING_LENGTH / 4) * 3;
    default:
      return MAX_STRING_LENGTH;
  }
}

const WORDS = ['pipe', 'inherit', 'ignore'];
const NAMES = ['stdin', 'stdout', 'stderr'];

// Each of the next functions returns an opener, whose `open()` returns a stream with
//
// - `native`: the guest's end
// - `collected`: the same, if output is buffered in it
// - `serve`: a function that the guest calls, and `end()`, which calls it with output
//   that it has not been given yet
// - `socket`: the host's end, if it is a pipe
// - `start(onError)`: copies between the socket and the user's stream or function. For
//   input it returns a function that stops it, for output a promise of its end

function lent(fd) {
  return { open: () => ({ native: fd }) };
}

const nothing = { open: () => ({ native: Stdio.null() }) };

/** The bytes are copied now, as the user may change them before the guest begins. */
function bytes(value, name) {
  const native = Stdio.input(bytesOf(value, name));
  return { open: () => ({ native }) };
}

function collected(maxBuffer) {
  return {
    open() {
      const native = Stdio.output(maxBuffer);
      return { native, collected: native };
    },
  };
}

/** A pipe between the guest and the host. */
function pipe(guestDoes) {
  const native = Stdio.pipe(guestDoes);
  try {
    const socket = hostEnds().openHostEnd(native.takeFd(), guestDoes);
    return { native, socket };
  } catch (error) {
    native.close();
    throw error;
  }
}

function served(guestDoes) {
  return { open: () => pipe(guestDoes) };
}

function fedBy(source) {
  return {
    hold: (onError) => sources().hold(source, onError),
    open() {
      const { native, socket } = pipe('read');
      const start = (onError) => sources().feed(source, socket, onError);
      return { native, socket, start };
    },
  };
}

function drainedBy(sink, encoding) {
  return {
    open() {
      const { native, socket } = pipe('write');
      // A stream takes bytes: it would encode a string again.
      const decodes = encoding !== 'buffer' && typeof sink === 'function';
      if (decodes) socket.setEncoding(encoding);
      const start = (onError) => sinks().drain(socket, sink, onError);
      return { native, socket, start };
    },
  };
}

/** A function that is called in this thread, while the guest waits in its call. */
function calledBy(guestDoes, serve, end, name) {
  const native = () => Stdio.callback(guestDoes, serve);
  return { open: () => ({ native: native(), serve, end }), calls: name };
}

function calledWithOutput(take, encoding, name) {
  const { writtenAsText, writtenBy } = functions();
  if (encoding === 'buffer') {
    return calledBy('write', writtenBy(take, name), undefined, name);
  }
  const { serve, end } = writtenAsText(take, encoding, name);
  return calledBy('write', serve, end, name);
}

function bytesOf(value, name) {
  if (typeof value === 'string') return Buffer.from(value);
  const { bufferOf, isBytes } = bytesLike();
  if (isBytes(value)) return bufferOf(value, name);
  throw errors().invalidArgType(bytesOf, name, 'a string or bytes', value);
}

/** Reads 'pipe', 'inherit', 'ignore' or a descriptor; undefined for anything else. */
function readWordOrFd(value, index, onPipe) {
  const name = `options.${NAMES[index]}`;
  if (value === 'pipe') return onPipe();
  if (value === 'inherit') return lent(index);
  if (value === 'ignore') return nothing;
  if (typeof value === 'number') {
    return lent(require('../validators').validateFd(value, name));
  }
  if (typeof value !== 'string') return undefined;
  const words = WORDS.map((word) => `'${word}'`).join(', ');
  throw errors().invalidArgValue(
    readWordOrFd,
    name,
    `must be one of: ${words}`,
    value,
  );
}

/** Refuses a stream of Node or the Web for `runSync()`, which blocks the event loop. */
function refuseWaiting(value, name) {
  throw errors().invalidArgValue(
    refuseWaiting,
    name,
    'is for run() and spawn(): this thread serves no stream while it waits',
    value,
  );
}

/** The message for functions together with `cpuTime`: they belong to the calling thread. */
const NOT_IN_WORKER =
  'cannot be given with options.cpuTime, for which the guest gets a thread of its own';

function refuseInWorker(value, name) {
  throw errors().invalidArgValue(refuseInWorker, name, NOT_IN_WORKER, value);
}

function readInput({ stdin = 'pipe', input }, { how, isInWorker }) {
  if (input !== undefined) {
    if (stdin === 'pipe') return bytes(input, 'options.input');
    throw errors().invalidArgValue(
      readInput,
      'options.input',
      "is for a stdin that is 'pipe'",
      input,
    );
  }
  const word = readWordOrFd(stdin, 0, () =>
    how === 'spawn' ? served('read') : nothing,
  );
  if (word !== undefined) return word;
  const name = 'options.stdin';
  if (bytesLike().isBytes(stdin)) return bytes(stdin, name);
  const isSync = how === 'runSync';
  if (isSync && typeof stdin === 'function') {
    if (isInWorker) refuseInWorker(stdin, name);
    return calledBy('read', functions().readBy(stdin, name), undefined, name);
  }
  if (sources().isSource(stdin))
    return isSync ? refuseWaiting(stdin, name) : fedBy(stdin);
  const other = isSync ? 'a function' : 'a readable stream or an iterable';
  const expected = `'pipe', 'inherit', 'ignore', a number, bytes, ${other}`;
  throw errors().invalidArgType(readInput, name, expected, stdin);
}

function readOutput(value, index, { how, encoding, maxBuffer, isInWorker }) {
  const name = `options.${NAMES[index]}`;
  const word = readWordOrFd(value, index, () =>
    how === 'spawn'
      ? served('write')
      : collected(Math.min(maxBuffer, mostBytes(encoding))),
  );
  if (word !== undefined) return word;
  const isSync = how === 'runSync';
  if (isSync && typeof value === 'function') {
    if (isInWorker) refuseInWorker(value, name);
    return calledWithOutput(value, encoding, name);
  }
  if (sinks().isSink(value)) {
    return isSync ? refuseWaiting(value, name) : drainedBy(value, encoding);
  }
  const other = isSync ? 'a function' : 'a function, a writable stream';
  const expected = `'pipe', 'inherit', 'ignore', a number, ${other}`;
  throw errors().invalidArgType(readOutput, name, expected, value);
}

/** The three streams of one guest. */
class StandardStreams {
  #openers;
  #encoding;
  #streams;
  #letGo;
  #stopFeeding;
  #drained;
  #ends = ['', '', ''];
  #leave;
  #leaving = new Promise((resolve) => {
    this.#leave = resolve;
  });

  constructor(openers, encoding) {
    this.#openers = openers;
    this.#encoding = encoding;
  }

  /** Holds the source of standard input until the guest begins: see `hold()` of feed.js. */
  hold(onError) {
    const [stdin] = this.#openers;
    this.#letGo = stdin.hold?.(onError);
  }

  /** Refuses functions, for a guest that does not run in this thread. */
  refuseFunctions() {
    const called = this.#openers.find(({ calls }) => calls !== undefined);
    if (called === undefined) return;
    throw errors().invalidArgValue(
      this.refuseFunctions,
      called.calls,
      'must be no function for a program with threads, which runs in others than this: use run() or spawn()',
    );
  }

  /** Opens the streams, unless they are open. */
  open() {
    if (this.#streams !== undefined) return;
    const streams = [];
    try {
      for (const opener of this.#openers) streams.push(opener.open());
    } catch (error) {
      destroySockets(streams);
      closeNatives(streams);
      throw error;
    }
    this.#streams = streams;
  }

  /** The guest's ends. */
  get natives() {
    const [stdin, stdout, stderr] = this.#streams.map(({ native }) => native);
    return { stdin, stdout, stderr };
  }

  /** The host's ends of the pipes that are the user's, as the streams of a child are. */
  get sockets() {
    if (this.#streams === undefined) return [null, null, null];
    return this.#streams.map(({ socket, start }) =>
      start === undefined && socket !== undefined ? socket : null,
    );
  }

  /** Starts copying between the other pipes and the user's streams and functions. */
  start(onError) {
    const [stdin, ...outputs] = this.#streams;
    this.#letGo?.();
    this.#stopFeeding = stdin.start?.(onError);
    this.#drained = Promise.all(outputs.map(({ start }) => start?.(onError)));
  }

  /** Whether the guest wrote more than `maxBuffer`. */
  get overflowed() {
    return (this.#streams ?? []).some((stream) => stream.collected?.overflowed);
  }

  /** The guest is over: stops its input. */
  endInput() {
    this.#letGo?.();
    this.#stopFeeding?.();
    this.#streams?.[0].socket?.destroy();
  }

  /** Waits until all output has been taken, or `destroy()` is called. */
  async finished() {
    await Promise.race([this.#drained, this.#leaving]);
  }

  /** Closes the guest's ends, if there will be no guest. */
  discard() {
    closeNatives(this.#streams ?? []);
  }

  /** The guest is over: calls functions with output that they have not been given yet. */
  endOutput() {
    for (const { end } of this.#streams) end?.();
  }

  /** Destroys the host's ends, with data that has not been read. */
  destroy() {
    destroySockets(this.#streams ?? []);
    this.#leave();
  }

  /** The end of what `take()` has returned, in UTF-8 whatever the encoding. */
  endOf(index) {
    return this.#ends[index];
  }

  /** The buffered output of one stream, in the user's encoding; null if it is not buffered. */
  take(index) {
    const output = this.#streams?.[index].collected;
    if (output === undefined) return null;
    const buffer = output.take();
    this.#ends[index] = String(buffer.subarray(-END));
    return this.#encoding === 'buffer'
      ? buffer
      : buffer.toString(this.#encoding);
  }
}

/** How many bytes of the end of an output are kept as text, for error messages. */
const END = 8000;

function destroySockets(streams) {
  for (const { socket } of streams) socket?.destroy();
}

/** Closes the guest's ends, if no guest has taken them. */
function closeNatives(streams) {
  for (const { native } of streams) {
    if (typeof native !== 'number') native.close();
  }
}

/** Reads the options `stdin`, `input`, `stdout` and `stderr`. */
function readStdio(options, how) {
  const { stdout = 'pipe', stderr = 'pipe' } = options;
  const openers = [
    readInput(options, how),
    readOutput(stdout, 1, how),
    readOutput(stderr, 2, how),
  ];
  return new StandardStreams(openers, how.encoding);
}

module.exports = { NOT_IN_WORKER, mostBytes, readStdio };
