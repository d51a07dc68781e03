'use strict';

// Standard streams that can suspend a guest: streams of Node and the Web, and
// iterables. The native side calls `serve` for a read, a write or a poll (js-stream.js
// has functions as streams, which never suspend).

const { Readable, Writable } = require('node:stream');

const { failure } = require('../js-file-system/answers');
const { HEAD } = require('../js-file-system/operations');
const { drain } = require('../run/drain');
const { feed } = require('../run/feed');
const { nextTick } = require('../core');

const { slice } = Uint8Array.prototype;

/** The operation that asks whether there is something to do. */
const POLL = 16;

/** How many bytes are buffered between a guest and its host, or a bit more. */
const ROOM = 64 << 10;

/** What input and output have in common. */
class HostStream {
  /** The suspender of the guest, once it has one. */
  suspender;

  #error;
  #hasFailed = false;

  /** An error of the host's stream ends the guest: now if it is suspended, else at its next call. */
  fail = (error) => {
    if (this.#hasFailed) return;
    this.#error = error;
    this.#hasFailed = true;
    this.suspender?.failed(error);
  };

  check() {
    if (this.#hasFailed) throw this.#error;
  }

  wake() {
    this.suspender?.wake();
  }
}

/** Standard input: a stream of Node or the Web, or an asynchronous iterable. */
class Input extends HostStream {
  #source;
  #chunks = [];
  #size = 0;
  #isOver = false;
  /** The callback of a write that waits for room. */
  #onRoom;
  #sink;
  #stop;

  constructor(source) {
    super();
    this.#source = source;
  }

  /** Called at the guest's first read or poll: until then the source is not touched. */
  #start() {
    this.#sink = new Writable({
      highWaterMark: ROOM,
      write: (chunk, _encoding, onWritten) => this.#add(chunk, onWritten),
      final: (onFinished) => {
        this.#isOver = true;
        this.wake();
        onFinished();
      },
    });
    this.#stop = feed(this.#source, this.#sink, this.fail);
  }

  #add(chunk, onWritten) {
    if (chunk.length > 0) this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size < ROOM) onWritten();
    else this.#onRoom = onWritten;
    this.wake();
  }

  serve = (operation, _a, _b, _handle, length, _position, buffer) => {
    if (this.#sink === undefined && !this.#isOver) this.#start();
    this.check();
    const isReady = this.#size > 0 || this.#isOver;
    if (operation === POLL) return isReady ? 1 + this.#size : 0;
    return isReady ? this.#take(length, buffer) : failure('EAGAIN');
  };

  #take(length, buffer) {
    let count = 0;
    while (count < length && this.#chunks.length > 0) {
      const [chunk] = this.#chunks;
      const part = chunk.subarray(0, length - count);
      buffer.set(part, HEAD + count);
      count += part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    this.#size -= count;
    const onRoom = this.#onRoom;
    if (onRoom !== undefined && this.#size < ROOM) {
      this.#onRoom = undefined;
      nextTick(onRoom);
    }
    return count;
  }

  /**
   * The guest is over. The source is left open, for its owner to read on. An export that
   * is called later reads the end of the file.
   */
  end() {
    this.#isOver = true;
    this.#stop?.();
  }
}

/** Standard output or error: a stream of Node or the Web. */
class Output extends HostStream {
  #target;
  #source;
  #drained;
  #isOver = false;

  constructor(target) {
    super();
    this.#target = target;
  }

  #start() {
    this.#source = new Readable({
      highWaterMark: ROOM,
      read: () => this.wake(),
    });
    this.#drained = drain(this.#source, this.#target, this.fail);
  }

  serve = (operation, _a, _b, _handle, length, _position, buffer) => {
    if (this.#isOver) return operation === POLL ? 1 : failure('EPIPE');
    if (this.#source === undefined) this.#start();
    this.check();
    const isReady = this.#source.readableLength < ROOM;
    if (operation === POLL) return isReady ? 1 : 0;
    if (this.#source.destroyed) return failure('EPIPE');
    if (!isReady) return failure('EAGAIN');
    this.#source.push(Reflect.apply(slice, buffer, [HEAD, HEAD + length]));
    return length;
  };

  /**
   * The guest is over. An export that is called later and writes gets EPIPE.
   *
   * @returns {Promise<void> | undefined} settles when all output has been taken
   */
  end() {
    this.#isOver = true;
    if (this.#source?.destroyed === false) this.#source.push(null);
    return this.#drained;
  }
}

module.exports = { Input, Output };
