'use strict';

// Standard streams of a guest that has to wait for them: between what a user
// gives, and functions that the native side calls for a read, a write or a poll
// (see js-stream.js for those that never wait).

const { Readable, Writable } = require('node:stream');

const { failure } = require('../js-file-system/answers');
const { HEAD } = require('../js-file-system/operations');
const { drain } = require('../run/drain');
const { feed } = require('../run/feed');
const { nextTick } = require('../run/timers');

const { slice } = Uint8Array.prototype;

/** The operation that asks whether there is something to do. */
const POLL = 16;

/** So many bytes are kept between a guest and its host, or a bit more. */
const ROOM = 64 << 10;

/** What a stream of the guest and one of the host have in common. */
class HostStream {
  /** That of the guest, once it has one: what is told of a failure, and wakes calls. */
  suspender;

  #error;
  #hasFailed = false;

  /** What failed on the host's side ends the guest, now or when it comes back. */
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

/** What a guest reads: a stream of Node's or the Web's, or an asynchronous iterable. */
class Input extends HostStream {
  #source;
  #chunks = [];
  #size = 0;
  #isOver = false;
  /** Says that there is room again. */
  #onRoom;
  #sink;
  #stop;

  constructor(source) {
    super();
    this.#source = source;
  }

  /** Nothing is taken out of a source before its guest asks. */
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

  /** The guest is over. What it has not read is the user's; an export that is called later reads the end. */
  end() {
    this.#isOver = true;
    this.#stop?.();
  }
}

/** What a guest writes: to a stream of Node's or the Web's. */
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
   * @returns {Promise<void> | undefined} settles when all is where it should be
   */
  end() {
    this.#isOver = true;
    if (this.#source?.destroyed === false) this.#source.push(null);
    return this.#drained;
  }
}

module.exports = { Input, Output };
