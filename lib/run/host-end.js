'use strict';

// The host's end of a guest's pipe, as a stream.

const { close, closeSync } = require('node:fs');
const { Socket } = require('node:net');
const { Readable, Writable } = require('node:stream');

// On Bun, net.Socket reads with recv(2), which fails on a pipe, and its writes block the
// process. Its streams of node:fs block a thread of a small pool, which workers need to
// start. `Bun.file()` polls for data and for room, and does not close the descriptor.

/** On Bun: reads from a descriptor, and closes it. */
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

/** On Bun: writes to a descriptor, and closes it. */
class PipeWriter extends Writable {
  #fd;
  #sink;
  /** The present write, which Bun cannot cancel. */
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

  /** Closes the descriptor when the last write has ended, or the guest has closed its end. */
  _destroy(error, onDestroyed) {
    const leave = async () => {
      try {
        await this.#written;
        await this.#sink.end();
      } catch {
        // The callback of the write has got the error.
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
 * A stream over a descriptor. The stream closes the descriptor, as this does if the
 * stream cannot be made.
 *
 * @param {number} fd
 * @param {'read' | 'write'} guestDoes what the guest does with the other end
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
