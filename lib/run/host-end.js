'use strict';

// The host's end of a pipe of a guest's, as a stream.

const { close, closeSync } = require('node:fs');
const { Socket } = require('node:net');
const { Readable, Writable } = require('node:stream');

// What Bun calls a socket reads with recv(2), which takes no pipe, and where it writes
// it waits, with its whole process. Its streams of files wait in one of a few
// threads, without which no worker starts. What it has for files of its own looks
// when there is something to read, and where there is room; it closes none.

/** Reads from a descriptor of Bun's, and closes it. */
class PipeReader extends Readable {
  #fd;
  #reader;

  constructor(fd) {
    super();
    this.#fd = fd;
    // oxlint-disable-next-line no-undef -- only Bun comes here
    this.#reader = Bun.file(fd).stream().getReader();
  }

  async #next() {
    const { done, value } = await this.#reader.read();
    this.push(done ? null : Buffer.from(value));
  }

  _read() {
    this.#next().catch((error) => this.destroy(error));
  }

  _destroy(error, onDestroyed) {
    const leave = () => close(this.#fd, () => onDestroyed(error));
    this.#reader.cancel().then(leave, leave);
  }
}

/** Writes to a descriptor of Bun's, and closes it. */
class PipeWriter extends Writable {
  #fd;
  #sink;
  /** What is being written, which Bun cannot be told to leave. */
  #written = Promise.resolve();

  constructor(fd) {
    super({ decodeStrings: true });
    this.#fd = fd;
    // oxlint-disable-next-line no-undef -- only Bun comes here
    this.#sink = Bun.file(fd).writer({ highWaterMark: 1 });
  }

  async #add(chunk) {
    await this.#sink.write(chunk);
    await this.#sink.flush();
  }

  _write(chunk, _encoding, onWritten) {
    this.#written = this.#add(chunk);
    this.#written.then(() => onWritten(), onWritten);
  }

  /** It is closed when the last byte has been written, or the guest reads no more. */
  _destroy(error, onDestroyed) {
    const leave = async () => {
      try {
        await this.#written;
        await this.#sink.end();
      } catch {
        // Whoever wrote has been told.
      }
      close(this.#fd, () => {});
    };
    void leave();
    onDestroyed(error);
  }
}

function streamOver(fd, guestDoes) {
  const reads = guestDoes === 'write';
  if (process.versions.bun !== undefined) {
    return reads ? new PipeReader(fd) : new PipeWriter(fd);
  }
  return new Socket({ fd, readable: reads, writable: !reads });
}

/**
 * The stream over a descriptor, which it closes. If there can be none, that is closed.
 *
 * @param {number} fd
 * @param {'read' | 'write'} guestDoes with the other end
 * @returns {Readable | Writable}
 */
function openHostEnd(fd, guestDoes) {
  try {
    return streamOver(fd, guestDoes);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

module.exports = { openHostEnd };
